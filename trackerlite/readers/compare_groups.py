"""Groups of runs side by side: means over seeds, and whether they differ by more than noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from trackerlite.readers.compare import natural
from trackerlite.readers.comparison import Verdict as Better
from trackerlite.readers.direction import Goal, better
from trackerlite.readers.info import SeriesInfo
from trackerlite.readers.reader import Reader
from trackerlite.readers.select import Group
from trackerlite.readers.statistics import (
    Difference,
    Sample,
    adjust,
    compare_samples,
    sample,
)

Statistic = Literal["last", "best"]


@dataclass(frozen=True)
class GroupCell:
    """One metric of one group. `difference` and `verdict` are None for the baseline group."""

    sample: Sample
    difference: Difference | None = None
    verdict: Better | None = None


@dataclass(frozen=True)
class GroupRow:
    """One metric in each group."""

    name: str
    goal: Goal | None
    unit: str | None
    cells: tuple[GroupCell, ...]


@dataclass(frozen=True)
class GroupComparison:
    """Groups of runs side by side, the first being what the others are measured against.

    Attributes:
        statistic: which number of a run stands for it: its last, or its best.
    """

    groups: tuple[Group, ...]
    statistic: Statistic
    metrics: tuple[GroupRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON would hold it."""
        labels = [group.label for group in self.groups]
        return {
            "groups": [
                {"label": group.label, "runs": [run.run_id for run in group.runs]}
                for group in self.groups
            ],
            "statistic": self.statistic,
            "test": "Welch's t-test, two-sided, p adjusted by Benjamini-Hochberg",
            "metrics": [
                {
                    "key": row.name,
                    "goal": row.goal,
                    "unit": row.unit,
                    "values": {
                        label: {
                            "n": cell.sample.n,
                            "lost": cell.sample.lost,
                            "mean": _told(cell.sample.mean),
                            "sd": _told(cell.sample.sd),
                            "difference": cell.difference
                            and {k: _told(v) for k, v in asdict(cell.difference).items()},
                            "verdict": cell.verdict,
                        }
                        for label, cell in zip(labels, row.cells, strict=True)
                    },
                }
                for row in self.metrics
            ],
        }


def compare_groups(
    reader: Reader,
    groups: Sequence[Group],
    statistic: Statistic = "last",
    names: Sequence[str] | None = None,
) -> GroupComparison:
    """The metrics of `groups`, each run standing for one seed.

    Args:
        statistic: `last` takes a run's last value. `best` takes its best, which picks
            the luckiest moment of each run, so it looks better than the run is.
        names: only these metrics.
    """
    place = {run.key: index for index, group in enumerate(groups) for run in group.runs}
    keys = [run.key for group in groups for run in group.runs]
    found: dict[str, list[SeriesInfo]] = {}
    for series in reader.series(keys, names=names):
        if series.lane == "" and not series.hidden:
            found.setdefault(series.name, []).append(series)
    rows, differences = [], []
    for name in sorted(found, key=natural):
        told = found[name]
        goal = better(name, next((one.goal for one in told if one.goal), None))
        if statistic == "best" and goal is None:
            continue
        numbers: list[list[float | None]] = [[] for _ in groups]
        for one in told:
            numbers[place[one.run_key]].append(_number(one, statistic, goal))
        for index, group in enumerate(groups):
            numbers[index] += [None] * (len(group.runs) - len(numbers[index]))
        samples = [sample(one) for one in numbers]
        rows.append((name, goal, next((one.unit for one in told if one.unit), None), samples))
        differences += [compare_samples(samples[0], other) for other in samples[1:]]
    adjusted = iter(adjust(differences))
    return GroupComparison(
        tuple(groups),
        statistic,
        tuple(
            GroupRow(
                name,
                goal,
                unit,
                (GroupCell(samples[0]), *(_cell(one, next(adjusted), goal) for one in samples[1:])),
            )
            for name, goal, unit, samples in rows
        ),
    )


def _told(value: Any) -> Any:
    """None for the NaN of what cannot be had, as `Comparison.to_dict` has it."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(series: SeriesInfo, statistic: Statistic, goal: Goal | None) -> float | None:
    if statistic == "best":
        return series.minimum if goal == "min" else series.maximum
    return float(series.last)


def _cell(one: Sample, difference: Difference, goal: Goal | None) -> GroupCell:
    """A group is better or worse only where the test says that it differs at all."""
    if goal is None or difference.verdict != "different" or math.isnan(difference.delta):
        return GroupCell(one, difference)
    return GroupCell(
        one, difference, "better" if (difference.delta > 0) == (goal == "max") else "worse"
    )
