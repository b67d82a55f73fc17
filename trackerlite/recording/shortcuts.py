"""More of the module-level functions that act on the current run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from trackerlite.recording.current import _require

if TYPE_CHECKING:
    from trackerlite.artifacts import Artifact


def log_artifact(artifact_or_path: Any, *args: Any, **how: Any) -> Artifact:
    """`Run.log_artifact` on the current run."""
    return _require("log_artifact()").log_artifact(artifact_or_path, *args, **how)


def use_artifact(artifact_or_name: Any, *args: Any, **how: Any) -> Artifact:
    """`Run.use_artifact` on the current run."""
    return _require("use_artifact()").use_artifact(artifact_or_name, *args, **how)


def log_model(path: str | os.PathLike[str], *args: Any, **how: Any) -> Artifact:
    """`Run.log_model` on the current run."""
    return _require("log_model()").log_model(path, *args, **how)


def use_model(name: str) -> str:
    """`Run.use_model` on the current run."""
    return _require("use_model()").use_model(name)


def log_code(*args: Any, **how: Any) -> Artifact | None:
    """`Run.log_code` on the current run."""
    return _require("log_code()").log_code(*args, **how)


def save(glob_str: str | os.PathLike[str] | None = None, *args: Any, **how: Any) -> list[str]:
    """`Run.save` on the current run."""
    return _require("save()").save(glob_str, *args, **how)


def watch(models: Any, *args: Any, **how: Any) -> None:
    """`Run.watch` on the current run."""
    _require("watch()").watch(models, *args, **how)


def unwatch(models: Any = None) -> None:
    """Stop watching these models, or all."""
    from trackerlite.integrations.torch import unwatch as stop

    stop(models)
