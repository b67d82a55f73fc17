"""Several demo trainings side by side: which settings, and the processes that train them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import IO

# Chosen so that a few seconds on one core already tell them apart: the first wins,
# the second cannot see far enough, the third's loss is jagged.
PRESETS: dict[str, dict[str, float]] = {
    "baseline": {},
    "short-context": {"context": 2},
    "high-lr": {"lr": 0.1},
    "tiny": {"hidden": 16},
    "long-context": {"context": 24},
    "low-lr": {"lr": 1e-4},
}

# A run id, rank or mode meant for the user's own training must not reach the demo's:
# with one id for all, three trainings would be one run.
_NOT_INHERITED = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"}
_PREFIXES = ("TRACKERLITE_", "WANDB_", "SLURM_")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Training(NamedTuple):
    """One training: the run's name and what its settings change from the defaults."""

    name: str
    settings: dict[str, float]


def plan(count: int) -> list[Training]:
    """`count` trainings that differ; past the presets, the same again from other seeds."""
    trainings = []
    names = list(PRESETS)
    for i in range(count):
        seed, which = divmod(i, len(names))
        name = names[which]
        settings = dict(PRESETS[name])
        if seed:
            settings["seed"] = seed
            name = f"{name}-seed{seed}"
        trainings.append(Training(name, settings))
    return trainings


class _Child(NamedTuple):
    training: Training
    process: subprocess.Popen[bytes]
    errors: IO[bytes]


class Trainings:
    """The processes of a demo, each training one run with one BLAS thread.

    A context: on the way out, whatever the way, none is left running.

    Attributes:
        last_words: once they have ended, the last line that each wrote to stderr, by name.
    """

    def __init__(self, trainings: list[Training], *, folder: Path, group: str, seconds: float):
        self._trainings = trainings
        self._options = {"dir": str(folder), "group": group, "seconds": str(seconds)}
        self._children: list[_Child] = []
        self._interrupted: set[str] = set()
        self.last_words: dict[str, str] = {}

    def __enter__(self) -> Trainings:
        try:
            for training in self._trainings:
                self._start(training)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        for child in self._children:
            with child.errors as errors:
                errors.seek(0)
                lines = errors.read().decode("utf-8", "replace").strip().splitlines()
            self.last_words[child.training.name] = lines[-1] if lines else ""

    def _start(self, training: Training) -> None:
        command = [sys.executable, "-m", "trackerlite.demo.train", "--name", training.name]
        for option, value in {**self._options, **training.settings}.items():
            command += [f"--{option}", str(value)]
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in _NOT_INHERITED and not name.startswith(_PREFIXES)
        }
        environment |= dict.fromkeys(_THREADS, "1")
        # `python -m` looks for modules in the current folder first: not in the user's.
        environment["PYTHONSAFEPATH"] = "1"
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # Its own session: a Ctrl-C meant for us reaches it once, from `stop`.
            start_new_session=True,
        )
        self._children.append(_Child(training, process, errors))

    def running(self) -> int:
        """How many still train."""
        return sum(child.process.poll() is None for child in self._children)

    def wait(self, look: Callable[[], None], every: float = 1.0) -> None:
        """Call `look` about once every `every` seconds until all have ended."""
        while self.running():
            deadline = time.monotonic() + every
            for child in self._children:
                try:
                    child.process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    break
            look()

    def stop(self, grace: float = 5.0) -> None:
        """Interrupt those that still train as Ctrl-C would; after `grace` seconds, kill them."""
        for child in self._children:
            if child.process.poll() is None:
                self._interrupted.add(child.training.name)
                child.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + grace
        for child in self._children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def failures(self) -> list[str]:
        """The names of those that ended with an error and were not interrupted."""
        return [
            training.name
            for training, process, _ in self._children
            if process.poll() not in (None, 0) and training.name not in self._interrupted
        ]
