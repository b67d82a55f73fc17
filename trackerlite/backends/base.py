"""The contract with which any remote is spoken to.

An adapter gives a handful of primitive operations; everything else is built on them here, so that
every system answers the same questions in the same types. A run is named by its reference, an adapter may
write at once or keep what it is told until `flush` or `finish_run`.

    with LocalBackend(".") as backend:
        run = backend.create_run(RunSpec(project="demo", config={"lr": 0.1}))
        backend.log_metrics(run, {"loss": 0.5}, step=0)
        backend.finish_run(run)
        backend.compare_experiments([run])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from trackerlite.backends.sameness import same_value


@dataclass(frozen=True)
class RunSpec:
    """What a run begins with."""

    project: str
    id: str | None = None
    name: str | None = None
    group: str | None = None
    job_type: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()
    notes: str | None = None


@dataclass(frozen=True)
class Cursor:
    """How far a remote has come with a run.

    rows: history rows, one per step; last_step: the step of the last of them.
    """

    exists: bool
    id: str | None = None  # the system's own, where it has another than ours
    rows: int = 0
    last_step: int | None = None
    last_row: Mapping[str, Any] | None = None
    system_rows: int = 0
    console_lines: int = 0
    state: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    name: str | None = None
    notes: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What reading back found. `problems` are sentences; none means verified."""

    rows: int
    compared: int
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class ArtifactRef:
    """One version of an artifact. `digest` is the system's own."""

    name: str
    type: str
    version: str
    digest: str
    aliases: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """A run as any system describes it. Times are Unix seconds, `config` and `summary` flat."""

    backend: str
    id: str
    project: str
    name: str
    state: str
    entity: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    notes: str | None = None
    group: str | None = None
    job_type: str | None = None
    started: float | None = None
    steps: int | None = None
    url: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Several experiments side by side: each key with one value per experiment, None where absent."""

    experiments: tuple[Experiment, ...]
    config: Mapping[str, tuple[Any, ...]]
    summary: Mapping[str, tuple[Any, ...]]

    def differing(self) -> dict[str, tuple[Any, ...]]:
        """The config keys whose values are not all the same."""
        return {k: v for k, v in self.config.items() if any(x != v[0] for x in v[1:])}


class Backend(ABC):
    """A system that keeps runs. Runs are named by the id that `create_run` returned."""

    name: ClassVar[str]

    # -- the life of a run ----------------------------------------------------------------------

    @abstractmethod
    def create_run(self, spec: RunSpec) -> str:
        """Begin a run and return its reference, `project/id`. Raises RunExists when `spec.id` is taken."""

    @abstractmethod
    def resume_run(self, run: str) -> None:
        """Continue a run that has ended or was left behind. Raises RunNotFound."""

    @abstractmethod
    def finish_run(self, run: str, exit_code: int = 0, reason: str | None = None) -> None:
        """End a run: finished when `exit_code` is 0, else failed."""

    def fail_run(self, run: str, reason: str) -> None:
        """End a run as failed."""
        self.finish_run(run, exit_code=1, reason=reason)

    def flush(self, run: str) -> None:  # noqa: B027 - writing at once is the usual case
        """Make sure that everything told so far has arrived. Raises RemoteError where it did not."""

    # -- what a run says -------------------------------------------------------------------------

    @abstractmethod
    def log_metrics(
        self,
        run: str,
        values: Mapping[str, Any],
        step: int | None = None,
    ) -> None:
        """Record several values of one step; without a step, the next one."""

    def log_metric(self, run: str, key: str, value: Any, step: int | None = None) -> None:
        """Record one value."""
        self.log_metrics(run, {key: value}, step)

    @abstractmethod
    def define_metric(
        self,
        run: str,
        pattern: str,
        step_metric: str | None = None,
        summary: str | None = None,
        goal: str | None = None,
    ) -> None:
        """Say what a metric is drawn over (any other metric) and how it is summarised."""

    @abstractmethod
    def log_params(self, run: str, params: Mapping[str, Any]) -> None:
        """Set config values; types are kept, a repeated key takes the new value."""

    def log_param(self, run: str, key: str, value: Any) -> None:
        """Set one config value."""
        self.log_params(run, {key: value})

    @abstractmethod
    def set_tags(self, run: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add and remove tags."""

    @abstractmethod
    def set_notes(self, run: str, notes: str) -> None:
        """Replace the notes."""

    @abstractmethod
    def log_artifact(
        self,
        run: str,
        path: Path,
        name: str,
        type: str = "dataset",
        aliases: Sequence[str] = ("latest",),
        metadata: Mapping[str, Any] | None = None,
    ) -> ArtifactRef:
        """Keep a file or folder as the next version of `name`; the same content is no new version."""

    def log_model(
        self,
        run: str,
        path: Path,
        name: str,
        aliases: Sequence[str] = ("latest",),
        metadata: Mapping[str, Any] | None = None,
    ) -> ArtifactRef:
        """Keep a model."""
        return self.log_artifact(run, path, name, "model", aliases, metadata)

    @abstractmethod
    def use_artifact(self, run: str, name: str) -> ArtifactRef:
        """Note that the run reads `name:alias`. Raises ArtifactNotFound when there is no such version."""

    # -- what the replay needs -------------------------------------------------------------------

    @abstractmethod
    def cursor(self, run: str) -> Cursor:
        """How far the system has come with this run; `exists=False` for an unknown one."""

    @abstractmethod
    def rows(self, run: str, after: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """(step, values) as the system has them, strictly increasing, without its own columns."""

    def verify(self, run: str, expected: Iterable[tuple[int, Mapping[str, Any]]]) -> Verdict:
        """Read every row back and compare it with `expected`, which is in order of steps."""
        problems, compared = [], 0
        theirs = self.rows(run)
        for step, values in expected:
            found = next(theirs, None)
            compared += 1
            if found is None:
                problems.append(f"row {compared} (step {step}) is missing")
                break
            if found[0] != step:
                problems.append(f"row {compared} is step {found[0]}, not {step}")
                break
            if not same(values, found[1]):
                problems.append(f"step {step} has other values")
        else:
            if next(theirs, None) is not None:
                problems.append("there are more rows than expected")
        return Verdict(compared, compared, tuple(problems[:5]))

    # -- finding and comparing -------------------------------------------------------------------

    @abstractmethod
    def get_experiment(self, run: str) -> Experiment:
        """One run. Raises RunNotFound."""

    @abstractmethod
    def search_experiments(
        self,
        filter: str = "",
        project: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Experiment]:
        """Runs that satisfy the filter language, newest first, fetched page by page."""

    def compare_experiments(self, runs: Sequence[str]) -> Comparison:
        """Runs side by side."""
        return compare([self.get_experiment(run) for run in runs])

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Let go of files and connections."""

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def compare(experiments: Sequence[Experiment]) -> Comparison:
    """Experiments of any systems side by side: a local run and one at W&B, for example."""
    found = tuple(experiments)

    def table(values: list[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
        keys = sorted({key for one in values for key in one})
        return {key: tuple(one.get(key) for one in values) for key in keys}

    return Comparison(found, table([e.config for e in found]), table([e.summary for e in found]))


def same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """True when two rows hold the same values; NaN equals itself, 1.0 equals 1."""
    return ours.keys() == theirs.keys() and all(same_value(v, theirs[k]) for k, v in ours.items())
