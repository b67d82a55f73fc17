"""Remotes behind one contract: `Backend`, and an adapter for each system.

    from trackerlite.backends import LocalBackend, WandbBackend, compare
    with LocalBackend() as here, WandbBackend(entity="my-team") as there:
        compare([here.get_experiment("demo/abc"), there.get_experiment("demo/abc")]).differing()

Names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackerlite.backends.base import (
        ArtifactRef,
        Backend,
        Comparison,
        Cursor,
        Experiment,
        RunSpec,
        Verdict,
        compare,
    )
    from trackerlite.backends.local import LocalBackend
    from trackerlite.backends.wandb import WandbBackend

_HOMES = {"LocalBackend": "local", "WandbBackend": "wandb"}

__all__ = [
    "ArtifactRef",
    "Backend",
    "Comparison",
    "Cursor",
    "Experiment",
    "LocalBackend",
    "RunSpec",
    "Verdict",
    "WandbBackend",
    "compare",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'trackerlite.backends' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'base')}"), name)
