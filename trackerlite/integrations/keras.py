"""Keras 3: a callback. Keys are those of W&B's `WandbMetricsLogger`."""

from __future__ import annotations

import weakref
from typing import Any

from keras import callbacks, ops

from trackerlite.integrations import _runs
from trackerlite.recording import current, resuming
from trackerlite.recording.run import Run

_trained: weakref.WeakSet[Run] = weakref.WeakSet()


class TrackerliteCallback(callbacks.Callback):  # type: ignore[misc]
    """Records `model.fit`: `epoch/loss`, `epoch/val_loss`, `epoch/learning_rate`, … per epoch.

    Args:
        log_freq: "epoch", or "batch" or a number n: then also `batch/…` of every n-th batch.
        initial_global_step: the learning rate schedule's first step, where it is not 0.
        init: arguments for `trackerlite.init` where no run is current.

    A row's step counts training batches. `fit(initial_epoch=…)` goes on where that epoch
    begins: what a continued run has from there on is hidden. A second training in one run lies
    behind the first. The metrics of an `evaluate` with this callback are `test/…`.
    """

    def __init__(self, log_freq: str | int = "epoch", initial_global_step: int = 0, **init: Any):
        super().__init__()
        self._every = 1 if log_freq == "batch" else log_freq
        self._init = init
        self._first = self._step = initial_global_step
        self._begun: dict[int, int] = {}  # batch → its step
        self._training = False
        self.run: Run | None = None

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - Keras' signature
        """Begin the run, or write to the current one."""
        _runs.make_room(self._init)
        run = current.current() or _runs.begin(**self._init)
        if run is not self.run:
            self._step = run.step if run in _trained else self._first
        self.run, self._training = run, True
        _trained.add(run)
        facts = {**(self.params or {}), "parameters": self.model.count_params()}
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            facts["optimizer"] = optimizer.get_config()
        self.run.config.update({"keras": facts})
        self.run.define_metric("epoch/*", step_metric="epoch/epoch")
        self.run.define_metric("*loss", goal="min")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """A `fit` that starts late counts its batches from there."""
        if self._step or not epoch:
            return
        self._step = epoch * int((self.params or {}).get("steps") or 0)
        if self.run is not None and self.run.resumed and self.run.step > self._step:
            resuming.go_back(self.run, self._step)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Count here: the ends of batches may come from other threads, before or after their time."""
        self._step += 1
        self._begun[batch] = self._step

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Record if this batch is one of those asked for."""
        step = self._begun.pop(batch, self._step)
        if isinstance(self._every, int) and batch % self._every == 0:
            row = {f"batch/{key}": value for key, value in (logs or {}).items()}
            row["batch/batch_step"] = step - 1
            self._log(row, "batch", step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the epoch."""
        row = {f"epoch/{key}": value for key, value in (logs or {}).items()}
        row["epoch/epoch"] = epoch
        self._log(row, "epoch", self._step)

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        """The run stays open, for an evaluation."""
        self._training = False
        _runs.over(self.run)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Record an `evaluate` that is not part of a training."""
        run = current.current()
        if run is not None and not self._training:
            run.log({f"test/{key}": value for key, value in (logs or {}).items()})

    def _log(self, row: dict[str, Any], prefix: str, step: int) -> None:
        assert self.run is not None
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            row[f"{prefix}/learning_rate"] = float(ops.convert_to_numpy(optimizer.learning_rate))
        self.run.log(row, step=step)
