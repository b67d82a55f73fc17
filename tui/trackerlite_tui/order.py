"""Which runs are listed, in which order, under which groups; and what a column says of a run."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackerlite_tui.curves.numbers import duration_label, number
from trackerlite_tui.snapshot import Snapshot
from trackerlite_tui.text import safe

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.state import State

_LONG = 5_000  # characters of a value that is shown in full
_SILENT = 60.0  # seconds: six heartbeats that did not come
_TOTALS = ("max_steps", "total_steps", "num_steps", "num_training_steps", "steps", "max_iters")


@dataclass(frozen=True)
class Group:
    """A heading in the run table: what its runs share."""

    value: str
    runs: tuple[int, ...]


Item = int | Group


def value_text(value: Any) -> str:
    """A config or summary value in a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return safe(value, 80)
    return safe(json.dumps(value, ensure_ascii=False, default=str), 80)


def ago(seconds: float) -> str:
    """An age: now, 45s, 5m, 3h, 2d."""
    if seconds < 5:
        return "now"
    step = 1 if seconds < 60 else 60 if seconds < 3600 else 3600 if seconds < 86400 * 2 else 86400
    return duration_label(math.floor(seconds / step) * step, step)


def pace(run: RunInfo) -> float | None:
    """Steps a second so far, or None."""
    duration = run.duration
    return run.steps / duration if run.steps and duration and duration > 1 else None


def remaining(run: RunInfo, config: dict[str, Any] | Any) -> float | None:
    """Seconds to the last step, for a running one whose config tells how many there are."""
    speed = pace(run)
    if run.state != "running" or not speed or not config:
        return None
    for key, value in config.items():
        if (
            key.rpartition(".")[2] in _TOTALS
            and isinstance(value, (int, float))
            and run.steps is not None
        ):
            return max(0.0, (value - run.steps) / speed) if value > run.steps else None
    return None


def by_value(
    runs: Sequence[RunInfo], value_of: Callable[[RunInfo], Any]
) -> list[tuple[str, list[RunInfo]]]:
    """Runs by a value that they share, in the values' order, the runs without one last.

    Values are told apart exactly, also where a cell would show them alike.
    """
    found: dict[Any, tuple[Any, list[RunInfo]]] = {}
    for run in runs:
        value = value_of(run)
        number_like = isinstance(value, (int, float)) and not isinstance(value, bool)
        key = value if number_like and value == value else repr(value)
        found.setdefault(key, (value, []))[1].append(run)
    several = sorted(found.values(), key=lambda one: (one[0] is None, _rank(one[0])))
    return [("none" if value is None else exact(value), some) for value, some in several]


def exact(value: Any) -> str:
    """A value as a cell shows it, or in full where that is another value."""
    if isinstance(value, str):
        return safe(value, _LONG)
    if value is not None and not isinstance(value, (bool, int, float)):
        return safe(json.dumps(value, ensure_ascii=False, default=str), _LONG)
    text = value_text(value)
    try:
        same = not isinstance(value, (int, float)) or float(text) == value or value != value
    except ValueError:  # true, Inf, or with a unit: 1.235M
        same = isinstance(value, bool) or text.endswith("Inf")
    return text if same else repr(value)


class RunList:
    """The runs of a snapshot as the person wants to see them."""

    def __init__(self, snapshot: Snapshot, state: State) -> None:
        self.snapshot = snapshot
        chosen = snapshot.matching
        runs = [run for run in snapshot.runs if chosen is None or run.key in chosen]
        if state.sort:
            runs = self._sorted(runs, state.sort, state.reverse)
        pinned = set(state.pinned_runs)
        if pinned:
            runs.sort(key=lambda run: run.id not in pinned)
        self.runs: list[RunInfo] = runs
        self.running = [run for run in snapshot.runs if run.state == "running"]
        self.by_key: dict[int, RunInfo] = {run.key: run for run in snapshot.runs}
        self.items: Sequence[Item] = (
            self._grouped(state.group) if state.group else [run.key for run in runs]
        )

    def _sorted(self, runs: list[RunInfo], column: str, reverse: bool) -> list[RunInfo]:
        pairs = [(self.raw(run, column), run) for run in runs]
        known = [(value, run) for value, run in pairs if not _absent(value)]
        absent = [run for value, run in pairs if _absent(value)]
        known.sort(key=lambda pair: _rank(pair[0]), reverse=reverse)
        return [run for _, run in known] + absent

    def _grouped(self, key: str) -> list[Item]:
        out: list[Item] = []
        column = key if ":" in key else f"c:{key}"
        for label, runs in by_value(self.runs, lambda run: self.raw(run, column)):
            keys = [run.key for run in runs]
            out += [Group(label, tuple(keys)), *keys]
        return out

    def raw(self, run: RunInfo, column: str) -> Any:
        """The value of a column, to sort and group by."""
        kind, _, name = column.partition(":")
        if kind in ("m", "best", "spark"):
            info = self.snapshot.statistics.get((run.key, name))
            if info is None:
                return None
            if kind != "best":
                return info.last
            return info.maximum if self.goal(name) == "max" else info.minimum
        if kind == "c":
            return self.snapshot.config.get(run.key, {}).get(name)
        return self._built_in(run, column)

    def _built_in(self, run: RunInfo, column: str) -> Any:
        if column in ("name", "project", "state", "host", "id", "reason"):
            return getattr(run, column)
        if column in ("group", "job_type"):
            return getattr(run, column)
        if column == "age":
            return None if run.started is None else time.time() - run.started
        if column == "time":
            return run.duration
        if column == "step":
            return run.steps
        if column == "pace":
            return pace(run) if run.state == "running" and self.silence(run) is None else None
        if column == "left":
            silent = self.silence(run) is not None
            return None if silent else remaining(run, self.snapshot.config.get(run.key))
        if column == "tags":
            return " ".join(run.tags) or None
        if column == "notes":
            return (run.notes or "").split("\n")[0] or None
        if column == "sync":
            return (
                None if self.snapshot.synced is None else self.snapshot.synced.get(run.key, "local")
            )
        return None

    def silence(self, run: RunInfo) -> float | None:
        """Seconds since a running run was last heard of, where that is long: it is stopped or stuck."""
        heard = run.heartbeat or run.started
        if run.state != "running" or heard is None or self.snapshot.at - heard < _SILENT:
            return None
        return self.snapshot.at - heard

    def goal(self, name: str) -> str | None:
        """Which way is better for a metric."""
        return next((m.goal for m in self.snapshot.names if m.name == name), None)

    def text(self, run: RunInfo, column: str) -> str:
        """What a cell says."""
        silent = self.silence(run) if column == "pace" else None
        if silent is not None:
            return f"silent {ago(silent)}"
        value = self.raw(run, column)
        if value is None:
            return ""
        if column == "age":
            return ago(value)
        if column in ("time", "left"):
            return duration_label(value, 1 if value < 3600 else 60)
        if column == "pace":
            return f"{number(value, 3)}/s" if value >= 0.1 else f"{number(1 / value, 3)}s/it"
        if column == "step":
            return f"{value:,}" if value < 10**7 else number(value)
        return value_text(value)


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rank(value: Any) -> tuple[int, float, str]:
    """Numbers before text, so that a column of both still has an order."""
    if isinstance(value, (bool, int, float)):
        try:
            return (0, float(value), "")
        except OverflowError:
            return (0, math.inf if value > 0 else -math.inf, "")
    return (1, 0.0, str(value).casefold())
