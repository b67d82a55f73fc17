"""What the screen asks for, and what it gets: two plain records between two threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackerlite.readers import AlertInfo, Reader, RunInfo, SeriesInfo
    from trackerlite_tui.curves.line import Floats

Job = Callable[["Reader"], Any]  # run in the feed's thread, with its reader
CurveKey = tuple[int, str, str]  # run key, stream, shown name
DetailKey = tuple[Any, ...]  # a name of `details.LOADERS`, then its arguments

STEP, RELATIVE, WALL = "step", "relative", "wall"


@dataclass(frozen=True)
class Wants:
    """What is on the screen now; the feed loads this and nothing else.

    Attributes:
        filter: a run filter; its verdict comes back in `Snapshot.matching`.
        columns: metrics whose statistics the run table shows, for every run.
        config: whether the configs of all runs are needed (columns, grouping).
        listed: runs whose metrics are listed by name.
        own: whether it matters which metrics the listed runs have, and not only which there are.
        ranks: whether metrics count that only other ranks than 0 logged.
        curves: the lines to draw, in order of need.
        bands: metrics (stream, name) to draw as bands, one for each of `groups`.
        groups: (label, run keys) of the bands.
        band: `mean` or `median`.
        dots: the width of a chart in pixels.
        axis: `step`, `relative`, `wall`, or the name of a metric.
        window: the visible part of the x axis, or None for all of it.
        smoothing: weight of the past, 0 for none.
        afar: nobody reads values off the curves: of thousands of points an envelope will do.
        details: what else the screen needs, by name and arguments.
    """

    filter: str = ""
    columns: tuple[str, ...] = ()
    config: bool = False
    trashed: bool = False
    listed: tuple[int, ...] = ()
    names: tuple[str, ...] | None = None
    own: bool = False
    ranks: bool = False
    streams: tuple[str, ...] = ("history",)
    curves: tuple[CurveKey, ...] = ()
    bands: tuple[tuple[str, str], ...] = ()
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()
    band: str = "mean"
    dots: int = 200
    axis: str = STEP
    window: tuple[float, float] | None = None
    smoothing: float = 0.0
    afar: bool = False
    details: tuple[DetailKey, ...] = ()


@dataclass(frozen=True, eq=False)
class Curve:
    """One metric of one run, thinned for the width it is drawn at.

    `x`, `y`, `smooth`, `step` and `time` are of one length; `smooth` is `y` where nothing is
    smoothed. `stamp` changes whenever anything here does. `whole` is False where buckets stand
    for several points.
    """

    x: Floats
    y: Floats
    smooth: Floats
    step: Floats
    time: Floats
    count: int
    last: float | None
    whole: bool
    stamp: int


@dataclass(frozen=True, eq=False)
class BandCurve:
    """Several runs' curves of one metric as a centre and two edges, on one grid."""

    label: str
    runs: int
    x: Floats
    low: Floats
    centre: Floats
    high: Floats
    stamp: int
    place: int  # which of the groups that were wanted
    whole: tuple[float, float]  # where its metric begins and ends, beyond a window as well


@dataclass(frozen=True)
class MetricName:
    """A metric as the store knows it: in how many of the listed runs, and what is good."""

    name: str
    stream: str
    runs: int
    goal: str | None
    unit: str | None


@dataclass(frozen=True)
class Own:
    """The metrics, as (stream, name), that some runs have, and the ranks of those with several."""

    runs: tuple[int, ...]
    names: frozenset[tuple[str, str]]
    ranks: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    every_rank: bool = False  # whether names that only other ranks than 0 logged are among them


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything that can be drawn, at one moment. Never changed once it is posted."""

    stamp: int = 0
    at: float = 0.0  # when the store was last read, unix seconds
    problem: str = ""  # one sentence when the store cannot be shown
    behind: str = ""  # one sentence when newer rows than these may be in the journals
    loading: bool = True
    runs: tuple[RunInfo, ...] = ()
    matching: frozenset[int] | None = None  # None: no filter
    filter_error: tuple[str, int, int] | None = None  # reason, start, end
    filter_hint: str = ""  # which name of the filter no run has, where none passes
    filtered_by: str = ""
    names: tuple[MetricName, ...] = ()
    own: Own | None = None  # of the listed runs; None: not asked, or too many of them
    statistics: Mapping[tuple[int, str], SeriesInfo] = field(default_factory=dict)
    config: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    alerts: tuple[AlertInfo, ...] = ()
    listed: tuple[int, ...] = ()  # the runs whose metrics `series` has
    series: Mapping[CurveKey, SeriesInfo] = field(default_factory=dict)
    curves: Mapping[CurveKey, Curve] = field(default_factory=dict)
    bands: Mapping[tuple[str, str], tuple[BandCurve, ...]] = field(default_factory=dict)
    axis: str = STEP
    details: Mapping[DetailKey, Any] = field(default_factory=dict)
    synced: Mapping[int, str] | None = None  # run key -> a word
    store: str = ""
