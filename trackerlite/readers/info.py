"""What the readers hand out: plain records, one noun each.

Named tuples where there are thousands: made in a third of a dataclass's time, and defined in a fifth.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENVELOPE_FIELDS = [
    ("index", "<i8"), ("count", "<u4"), ("finite", "<u4"), ("step_min", "<i8"), ("step_max", "<i8"),
    ("time_min", "<f8"), ("time_max", "<f8"), ("first", "<f8"), ("last", "<f8"), ("min", "<f8"), ("max", "<f8"),
]  # fmt: skip


class RunInfo(NamedTuple):
    """One run, without its points.

    Attributes:
        key: the store's own number for it; not stable across rebuilds.
        run_id: how the SQL views call it: the id, or project/id where two projects share one.
        state: running, finished, failed, preempted, killed, or dead.
        started, ended, heartbeat: seconds since 1970.
        steps: the last step logged, or None before the first.
        dropped: records the writer counted as lost.
    """

    key: int
    run_id: str
    id: str
    project: str
    name: str
    state: str
    group: str | None
    job_type: str | None
    notes: str | None
    tags: tuple[str, ...]
    host: str | None
    pid: int | None
    started: float | None
    ended: float | None
    heartbeat: float | None
    exit_code: int | None
    reason: str | None
    steps: int | None
    dropped: int
    folder: Path
    trashed: bool

    @property
    def duration(self) -> float | None:
        """Seconds from start to end (of a running one: until now); never negative."""
        if self.started is None:
            return None
        until = time.time() if self.state == "running" else self.ended or self.heartbeat
        return max(0.0, (until or self.started) - self.started)

    @property
    def ref(self) -> str:
        """`project/id`."""
        return f"{self.project}/{self.id}"


class SeriesInfo(NamedTuple):
    """One metric of one run (and rank), with its statistics over the visible points.

    `first` and `last` are as logged (NaN included); `minimum`, `maximum` and `mean` are
    over finite values, None where there is none. `count` is the number of visible
    points, `total` also counts rewound ones.
    """

    key: int
    run_key: int
    name: str
    stream: str
    lane: str
    rank: int
    total: int
    count: int  # type: ignore[assignment]
    finite: int
    first: Any
    last: Any
    minimum: float | None
    min_at: int | None
    maximum: float | None
    max_at: int | None
    mean: float | None
    first_step: int | None
    last_step: int | None
    min_step: int | None
    max_step: int | None
    first_time: float | None
    last_time: float | None
    goal: str | None
    unit: str | None
    step_metric: str | None
    alarm: str | None
    hidden: bool


class NameInfo(NamedTuple):
    """A metric by name: in how many of the runs asked about, and its goal and unit where declared."""

    name: str
    stream: str
    runs: int
    goal: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one series in the order they were logged, as arrays of one length.

    Attributes:
        index, step: int64. time: float64, seconds since 1970. value: float64.
    """

    index: NDArray[np.int64]
    step: NDArray[np.int64]
    time: NDArray[np.float64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.step)


class ValueRow(NamedTuple):
    """One logged value that is no number: text, a list, a media reference."""

    name: str
    step: int
    time: float
    rank: int
    value: Any

    @property
    def files(self) -> tuple[str, ...]:
        """The media files it names, relative to the run's folder."""
        if not isinstance(self.value, dict):
            return ()
        named = self.value.get("filenames") or [self.value.get("path")]
        return tuple(name for name in named if isinstance(name, str))


class AlertInfo(NamedTuple):
    """One alert."""

    run_key: int
    time: float
    step: int | None
    title: str
    text: str | None
    level: str | None
    metric: str | None


class ArtifactInfo(NamedTuple):
    """One artifact made (`use="output"`) or used (`use="input"`) by a run; `body` is its record."""

    run_key: int
    time: float
    use: str
    name: str
    type: str | None
    version: str | None
    digest: str | None
    size: int | None
    body: dict[str, Any]


class DamageInfo(NamedTuple):
    """A range of bytes of a journal that holds no valid record."""

    path: Path
    start: int
    stop: int
    reason: str
