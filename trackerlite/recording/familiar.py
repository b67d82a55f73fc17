"""What scripts written for W&B ask a run for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from trackerlite.errors import Unsupported
from trackerlite.recording.harmless import harmless

if TYPE_CHECKING:
    from trackerlite.artifacts import Artifact
    from trackerlite.recording.run import Run

_CODE = (".py", ".ipynb", "requirements.txt", "pyproject.toml", "Dockerfile")
_NOT_CODE = {".git", ".trackerlite", "wandb", "__pycache__", "node_modules", ".venv", "venv"}


class Familiar:
    """The part of `Run` that W&B's users know it by."""

    #: a local run has no page anywhere, and belongs to no sweep
    url = project_url = sweep_id = sweep_url = None
    _entity: str | None = None

    def watch(
        self,
        models: Any,
        criterion: Any = None,
        log: str | None = "gradients",
        log_freq: int = 1000,
        idx: int | None = None,
        log_graph: bool = False,
    ) -> None:
        """Record a torch model's gradients, weights or both, every `log_freq` training steps.

        Args:
            log: "gradients", "parameters", "all", or None.
        """
        from trackerlite.integrations.torch import watch

        watch(models, criterion, log, log_freq, idx, log_graph, run=cast("Run", self))

    def unwatch(self, models: Any = None) -> None:
        """Stop watching these models, or all."""
        from trackerlite.integrations.torch import unwatch

        unwatch(models)

    @harmless("log_code()")
    def log_code(
        self,
        root: str | os.PathLike[str] | None = ".",
        name: str | None = None,
        include_fn: Callable[[str], bool] | None = None,
        exclude_fn: Callable[[str], bool] | None = None,
    ) -> Artifact | None:
        """Keep the source files below `root` as an artifact of type "code"; None if there is none."""
        from trackerlite.artifacts import Artifact

        run, base = cast("Run", self), Path(root or ".")
        kept = Artifact(name or f"source-{run.project}".replace("/", "-"), "code")
        for place, folders, files in os.walk(base):
            folders[:] = sorted(f for f in folders if f not in _NOT_CODE)
            for path in (os.path.join(place, file) for file in sorted(files)):
                wanted = include_fn(path) if include_fn is not None else path.endswith(_CODE)
                if wanted and not (exclude_fn is not None and exclude_fn(path)):
                    kept.add_file(path, Path(path).relative_to(base).as_posix())
        return run.log_artifact(kept) if kept._sources else None

    @property
    def entity(self) -> str | None:
        """Whose W&B run it becomes, where the script or the environment says so."""
        return self._entity or os.environ.get("WANDB_ENTITY") or None

    @property
    def path(self) -> str:
        """Its reference in this store: "project/id"."""
        run = cast("Run", self)
        return f"{run.project}/{run.id}"

    @property
    def start_time(self) -> float:
        """When it was begun, in seconds since 1970."""
        return cast("Run", self).started

    @property
    def offline(self) -> bool:
        """Whether nothing is sent while it is recorded."""
        return cast("Run", self).settings.mode == "offline"

    @property
    def disabled(self) -> bool:
        """Whether nothing is recorded."""
        return cast("Run", self).settings.mode == "disabled"

    def get_url(self) -> str | None:
        """None: a local run has no page."""

    get_project_url = get_sweep_url = get_url

    def project_name(self) -> str:
        """The project."""
        return cast("Run", self).project

    def join(self, exit_code: int | None = None) -> None:
        """`finish`, by its older name."""
        cast("Run", self).finish(exit_code)

    def display(self, *_: Any, **__: Any) -> bool:
        """False: there is no page to show."""
        return False

    def _label(self, *_: Any, **__: Any) -> None:
        """W&B's frameworks mark their runs with it."""

    def _without(self, name: str) -> NoReturn:
        from trackerlite.integrations.wandb_names import UNSUPPORTED

        raise Unsupported(f"trackerlite has no run.{name}; {UNSUPPORTED[name]}.")

    def link_artifact(self, *_: Any, **__: Any) -> NoReturn:
        """Not here: there is no registry."""
        self._without("link_artifact")

    def link_model(self, *_: Any, **__: Any) -> NoReturn:
        """Not here: there is no registry."""
        self._without("link_model")

    def restore(self, *_: Any, **__: Any) -> NoReturn:
        """Not here."""
        self._without("restore")
