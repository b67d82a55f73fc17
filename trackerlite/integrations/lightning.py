# ruff: noqa: ARG002 - Lightning passes all it has to every hook
"""Lightning: a logger. Keys are those of Lightning's own `WandbLogger`, steps are the trainer's.

from trackerlite.integrations.lightning import TrackerliteLogger
trainer = Trainer(logger=TrackerliteLogger(project="digits"))
"""

from __future__ import annotations

import os
import weakref
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

try:
    from lightning.pytorch import Callback
    from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
    from lightning.pytorch.utilities import rank_zero_only
except ImportError:  # the same under its older name
    from pytorch_lightning import Callback
    from pytorch_lightning.loggers.logger import Logger, rank_zero_experiment
    from pytorch_lightning.utilities import rank_zero_only

from trackerlite import values
from trackerlite.integrations import _runs
from trackerlite.recording import resuming, settings
from trackerlite.recording.run import Run

_IN_CHECKPOINT = "trackerlite"
_trained: weakref.WeakSet[Run] = weakref.WeakSet()  # runs that a training has gone through


class TrackerliteLogger(Logger):  # type: ignore[misc]
    """Lightning's logger over a run.

    The run begins with the first thing there is to record, and stays open after the training, for
    `test`; it ends with the process, with `trackerlite.finish()`, or when another logger's begins. `fit(ckpt_path=…)` continues the run
    that the checkpoint belongs to, also in a new process, and hides what it logged later.

    Args:
        project, name, id: as for `trackerlite.init`; `init` are its other arguments.
        save_dir: where Lightning puts checkpoints; default: its own `default_root_dir`.
        log_model: True: keep the checkpoints there are at the end as artifacts; "all": each
            as it is written. Default: `TRACKERLITE_LOG_MODEL`.
        prefix: goes before every key, with "-" between.
        run: an open run to write to, instead of one of its own.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        project: str | None = None,
        name: str | None = None,
        id: str | None = None,
        save_dir: str | os.PathLike[str] | None = None,
        log_model: bool | str | None = None,
        prefix: str = "",
        run: Run | None = None,
        **init: Any,
    ):
        super().__init__()
        self._project = project or settings.environment("PROJECT") or "lightning"
        self._id = id or settings.environment("RUN_ID") or settings.new_id()
        self._given_id = bool(id or settings.environment("RUN_ID"))
        self._init = {"name": name, **init}
        self._save_dir = None if save_dir is None else os.fspath(save_dir)
        kept = log_model if log_model is not None else settings.environment("LOG_MODEL")
        self._log_model = {"checkpoint": "all", "end": True}.get(str(kept), kept)
        self._prefix = prefix
        self._run = run
        self._fitted = False
        self._offset = 0  # of this training's steps in the run
        self._from: dict[str, Any] | None = None  # the run and step a checkpoint belongs to
        self._kept: dict[str, float] = {}
        self._checkpointing: dict[int, Any] = {}

    @property
    @rank_zero_experiment  # type: ignore[untyped-decorator]
    def experiment(self) -> Any:
        """The run; until it has begun, something that begins it when it is used."""
        return _Pending(self) if self._run is None or self._run._ended else self._run

    def _begun(self) -> Run:
        if self._run is None or self._run._ended:
            if self._from is not None:
                found = self._from
                self._run = _runs.go_on(found["project"], found["id"], found["step"], **self._init)
                self._from, self._offset = None, int(found.get("offset", 0))
            else:
                self._run = _runs.begin(project=self._project, id=self._id, **self._init)
                self._offset = self._run.step + 1 if self._run in _trained else 0
            self._project, self._id = self._run.project, self._run.id
        return self._run

    # -- what Lightning calls -------------------------------------------------------------

    @property
    def name(self) -> str:
        """The project: the first part of where checkpoints go."""
        return self._run.project if self._run is not None else self._project

    @property
    def version(self) -> str:
        """The run's id: the second part of where checkpoints go."""
        return self._run.id if self._run is not None else self._id

    @property
    def save_dir(self) -> str | None:
        """Where checkpoints go, if it was said."""
        return self._save_dir

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Lightning shows us the model before it trains: the moment to look at the trainer."""
        trainer = getattr(model, "_trainer", None) or getattr(model, "trainer", None)
        if trainer is None:
            return
        if not any(isinstance(c, _RunInCheckpoint) and c.logger is self for c in trainer.callbacks):
            trainer.callbacks.insert(0, _RunInCheckpoint(self))  # before all that log
        if str(getattr(trainer.state.fn, "value", "")) != "fit":
            return
        if trainer.ckpt_path:
            self._resume(trainer)
        elif self._run is not None and self._run in _trained and trainer.global_step == 0:
            self._offset = self._run.step + 1  # another training in one run: behind the first
        self._fitted = True

    def _resume(self, trainer: Any) -> None:
        # Lightning has loaded it already, and has no public name for it; without it, no rewind.
        connector = getattr(trainer, "_checkpoint_connector", None)
        found = (getattr(connector, "_loaded_checkpoint", None) or {}).get(_IN_CHECKPOINT)
        if not isinstance(found, dict) or not {"project", "id", "step"} <= set(found):
            return
        if self._run is not None and not self._run._ended:
            same = (self._run.project, self._run.id) == (found["project"], found["id"])
        else:
            same = not self._given_id or self._id == found["id"]
        self._from = found if same else None

    def _resumed(self, step: int) -> None:
        """The trainer is where the checkpoint was: `step` was the last one logged before it."""
        assert self._from is not None
        offset = int(self._from.get("offset", 0))
        self._from["step"] = offset + step
        if self._run is not None and not self._run._ended:
            self._from, self._offset = None, offset
            resuming.go_back(self._run, offset + step)

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        """Record hyperparameters. Lightning does so before we know which run it is."""
        given = vars(params) if isinstance(params, Namespace) else params
        if self._run is None or self._run._ended:
            self._init["config"] = {**(self._init.get("config") or {}), **values.flatten(given)}
        else:
            self._run.config.update(given)

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Record metrics at the trainer's step."""
        before = f"{self._prefix}{self.LOGGER_JOIN_CHAR}" if self._prefix else ""
        row = {f"{before}{key}": value for key, value in metrics.items()}
        if step is not None:
            row["trainer/global_step"] = step
        run = self._begun()
        run.log(row, step=None if step is None else self._offset + step)

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_table(
        self,
        key: str,
        columns: list[str] | None = None,
        data: list[list[Any]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Record a table."""
        from trackerlite.media import Table

        self.log_metrics({key: Table(columns=columns, data=data, dataframe=dataframe)}, step)

    log_text = log_table

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_image(
        self, key: str, images: list[Any], step: int | None = None, **each: list[Any]
    ) -> None:
        """Record pictures; `each` are lists of arguments for them (caption, …)."""
        from trackerlite.media import Image

        made = [
            Image(image, **{k: v[i] for k, v in each.items()}) for i, image in enumerate(images)
        ]
        self.log_metrics({key: made}, step)

    def watch(self, model: Any, log: str | None = "gradients", log_freq: int = 100) -> None:
        """Watch a model's gradients or weights."""
        from trackerlite.integrations.torch import watch

        watch(model, log=log, log_freq=log_freq, run=self._begun())

    def save(self) -> None:
        """Nothing waits: what was logged is recorded."""

    @rank_zero_only  # type: ignore[untyped-decorator]
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Keep the checkpoint as an artifact, if asked to."""
        if self._log_model == "all" or (self._log_model and checkpoint_callback.save_top_k == -1):
            self._keep(checkpoint_callback)
        elif self._log_model:
            self._checkpointing[id(checkpoint_callback)] = checkpoint_callback

    def _keep(self, checkpointing: Any) -> None:
        best = checkpointing.best_model_path
        scores = {**checkpointing.best_k_models, best: checkpointing.best_model_score}
        for path in dict.fromkeys(
            [checkpointing.last_model_path, *checkpointing.best_k_models, best]
        ):
            if not path or not Path(path).is_file():
                continue
            changed = Path(path).stat().st_mtime
            if self._kept.get(path) == changed:
                continue
            self._kept[path] = changed
            score = values.scalar(scores.get(path))
            self._begun().log_artifact(
                path,
                name=f"model-{self.version}",
                type="model",
                metadata={"score": score, "original_filename": Path(path).name},
                aliases=["best"] if path == best else [],
            )

    @rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """A training that failed ends the run as failed; another may follow one that did not."""
        if self._run is None or self._run._ended:
            return
        for checkpointing in self._checkpointing.values():
            self._keep(checkpointing)
        if status not in ("success", "finished"):
            self._run._end("failed", 1, f"Lightning: {status}")
        _runs.over(self._run)
        if self._fitted:  # not only validated, before the training
            _trained.add(self._run)


class _Pending:
    """A run that begins when it is used: Lightning asks for it before it loads the checkpoint."""

    def __init__(self, logger: TrackerliteLogger):
        self._logger = logger

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._logger._begun(), name)


class _RunInCheckpoint(Callback):  # type: ignore[misc]
    """Writes into every checkpoint which run it belongs to, and how far that is."""

    def __init__(self, logger: TrackerliteLogger):
        self.logger = logger

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Called when the trainer has found its place again, counters included."""
        if self.logger._from is not None:
            self.logger._resumed(_steps(trainer) - 1)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Called while Lightning gathers a checkpoint."""
        logger = self.logger
        step = logger._offset + _steps(trainer) - 1
        checkpoint[_IN_CHECKPOINT] = {
            "project": logger.name, "id": logger.version, "step": step, "offset": logger._offset,
        }  # fmt: skip


def _steps(trainer: Any) -> int:
    """The step Lightning logs next: batches after which an optimizer stepped."""
    counted = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
    return int(trainer.global_step if counted is None else counted)
