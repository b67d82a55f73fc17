"""What differs between runs: config, metrics, summary, code, environment, artifacts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trackerlite import values
from trackerlite.readers import patches
from trackerlite.readers.direction import Goal, better
from trackerlite.readers.info import RunInfo, SeriesInfo
from trackerlite.readers.kinds import is_media
from trackerlite.readers.reader import Reader
from trackerlite.readers.usage import usage

Verdict = Literal["better", "worse", "same"]

SECTIONS = ("config", "summary", "system", "git", "packages", "environment", "artifacts")
# What is never the same in two runs, or told elsewhere.
_NOISE = {
    "pid", "boot_id", "started", "resumed", "rank", "version", "args", "packages", "git", "errors",
    "cpu_allowed", "name", "notes", "tags",
}  # fmt: skip
_DIGITS = re.compile(r"([0-9]{1,18})")


class _Missing:
    """Stands where a run has no such value, which is not the same as a value of None."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


@dataclass(frozen=True)
class Row:
    """One key and its value in each run, `MISSING` where a run has none.

    Attributes:
        unknown: runs (by index) of which nothing of this kind was recorded at all, such as the
            packages of one that was killed at once: they are no different, only untold.
    """

    key: str
    values: tuple[Any, ...]
    unknown: frozenset[int] = frozenset()

    @property
    def differs(self) -> bool:
        """Whether any run that tells has another value than the first of them, or none."""
        told = [value for n, value in enumerate(self.values) if n not in self.unknown]
        return any(not same(told[0], value) for value in told[1:])


@dataclass(frozen=True)
class Cell:
    """One metric of one run, and how it stands against the baseline's.

    Attributes:
        last: the last value, as logged (NaN included).
        best, best_step: by the metric's direction; None where that is unknown.
        delta, relative: this minus the baseline's last, and that divided by its size;
            None for the baseline itself and where either is not finite.
        best_delta, best_relative: likewise for the best.
        verdict, best_verdict: better, worse or same; None where no direction is known.
    """

    last: float
    last_step: int | None
    count: int
    best: float | None
    best_step: int | None
    delta: float | None = None
    relative: float | None = None
    verdict: Verdict | None = None
    best_delta: float | None = None
    best_relative: float | None = None
    best_verdict: Verdict | None = None


@dataclass(frozen=True)
class MetricRow:
    """One metric in each run; None where a run never logged it."""

    name: str
    goal: Goal | None
    unit: str | None
    cells: tuple[Cell | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the last or best values are not all the same."""
        first = self.cells[0]
        return any(
            (cell is None) != (first is None)
            or (
                cell is not None
                and first is not None
                and not (same(cell.last, first.last) and same(cell.best, first.best))
            )
            for cell in self.cells[1:]
        )


@dataclass(frozen=True)
class Comparison:
    """Two or more runs side by side.

    Attributes:
        runs: in the order given.
        baseline: which of them the others are measured against.
        metrics: by name.
        sections: `config`, `summary`, `system` (use of the machine), `git`, `packages`, `environment`, `artifacts`.
        patches: what was not committed, per run, as text; None where nothing was recorded.
    """

    runs: tuple[RunInfo, ...]
    baseline: int
    metrics: tuple[MetricRow, ...]
    sections: Mapping[str, tuple[Row, ...]]
    patches: tuple[str | None, ...]

    def __repr__(self) -> str:
        """How much differs where: all of it can be megabytes, at the end of a notebook's cell."""
        found = self.differing()
        rows = {"metrics": found.metrics, **found.sections}
        told = ", ".join(f"{len(rows[name])} in {name}" for name in rows if rows[name])
        runs = ", ".join(run.ref for run in self.runs)
        return f"<Comparison of {runs}: {f'what differs is {told}' if told else 'nothing differs'}>"

    def differing(self) -> Comparison:
        """The same with only what differs."""
        return Comparison(
            self.runs,
            self.baseline,
            tuple(row for row in self.metrics if row.differs),
            {
                name: tuple(row for row in rows if row.differs)
                for name, rows in self.sections.items()
            },
            self.patches,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON would hold it; a run that has no value is left out of a row's `values`."""
        refs = [run.run_id for run in self.runs]
        return {
            "runs": [
                {"id": run.run_id, "name": run.name, "project": run.project, "state": run.state}
                for run in self.runs
            ],
            "baseline": refs[self.baseline],
            "metrics": [
                {
                    "key": row.name,
                    "goal": row.goal,
                    "unit": row.unit,
                    "differs": row.differs,
                    "values": {
                        ref: vars(cell)
                        for ref, cell in zip(refs, row.cells, strict=True)
                        if cell is not None
                    },
                }
                for row in self.metrics
            ],
            **{
                name: [_row_dict(row, refs) for row in rows] for name, rows in self.sections.items()
            },
        }


def compare(reader: Reader, runs: Sequence[RunInfo], baseline: int = 0) -> Comparison:
    """Everything that was recorded about `runs`, side by side; no points are read.

    Args:
        baseline: index in `runs` of the one that deltas are taken against.
    """
    keys = [run.key for run in runs]
    params, summaries = reader.params(keys), reader.summaries(keys)
    environments = [reader.environment(key) for key in keys]
    metrics = _metrics(reader.series(keys), keys, baseline)
    machines = reader.series(keys, stream="system")
    logged = {row.name for row in metrics}
    configs = [params.get(key, {}) for key in keys]
    set_by_hand = [
        {
            name: value
            for name, value in summaries.get(key, {}).items()
            if name not in logged and not is_media(value)
        }
        for key in keys
    ]
    packages = [_mapping(environment.get("packages")) for environment in environments]
    git = [_mapping(environment.get("git")) for environment in environments]
    artifacts: dict[int, dict[str, str]] = {}
    for artifact in reader.artifacts():
        text = " ".join(filter(None, (artifact.version, (artifact.digest or "")[:12])))
        artifacts.setdefault(artifact.run_key, {})[
            f"{'used' if artifact.use == 'input' else 'made'} {artifact.name}"
        ] = text or "recorded"
    return Comparison(
        tuple(runs),
        baseline,
        metrics,
        {
            "config": _rows(configs),
            "summary": _rows(set_by_hand),
            "system": _rows([usage(s for s in machines if s.run_key == key) for key in keys]),
            "git": _rows([_git(one) for one in git]),
            "packages": _rows(packages, frozenset(n for n, one in enumerate(packages) if not one)),
            "environment": _rows([_environment(one) for one in environments]),
            "artifacts": _rows([artifacts.get(key, {}) for key in keys]),
        },
        tuple(one["patch"] if isinstance(one.get("patch"), str) else None for one in git),
    )


def same(one: Any, other: Any) -> bool:
    """Whether two recorded values are the same: 1 and 1.0 are, two NaNs are, 1 and true are not."""
    if one is MISSING or other is MISSING:
        return one is other
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or (one != one and other != other)
    return type(one) is type(other) and values.dumps(one) == values.dumps(other)


def _row_dict(row: Row, refs: Sequence[str]) -> dict[str, Any]:
    found = {ref: v for ref, v in zip(refs, row.values, strict=True) if v is not MISSING}
    return {"key": row.key, "differs": row.differs, "values": found}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(
    columns: Sequence[Mapping[str, Any]], unknown: frozenset[int] = frozenset()
) -> tuple[Row, ...]:
    keys = sorted(set().union(*columns), key=natural)
    return tuple(
        Row(key, tuple(column.get(key, MISSING) for column in columns), unknown) for key in keys
    )


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sorting key that puts layer.2 before layer.10."""
    return [
        (0, int(piece), "") if piece.isdigit() else (1, 0, piece)
        for piece in _DIGITS.split(text.casefold())
    ]


def _git(git: Mapping[str, Any]) -> dict[str, Any]:
    """Commit, branch and the like, and a line for each file changed but not committed."""
    rows = {key: value for key, value in values.flatten(git).items() if key != "patch"}
    if isinstance(git.get("patch"), str):
        for change in patches.split(git["patch"]):
            rows[f"changed {change.path}"] = change.label
    return rows


def _environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    flat = values.flatten({key: v for key, v in environment.items() if key not in _NOISE})
    flat.pop("imported.source", None)  # each was imported from a place of its own
    return flat


def _metrics(
    series: Iterable[SeriesInfo], keys: Sequence[int], baseline: int
) -> tuple[MetricRow, ...]:
    found: dict[str, dict[int, SeriesInfo]] = {}
    for one in series:
        if one.hidden or one.lane.startswith("fork"):
            continue
        name = f"{one.name} [rank {one.rank}]" if one.rank else one.name
        found.setdefault(name, {})[one.run_key] = one
    rows = []
    for name in sorted(found, key=natural):
        row = [found[name].get(key) for key in keys]
        told = [one for one in row if one is not None]
        goal = better(told[0].name, next((one.goal for one in told if one.goal), None))
        cells = [None if one is None else _cell(one, goal) for one in row]
        against = cells[baseline]
        rows.append(
            MetricRow(
                name,
                goal,
                next((one.unit for one in told if one.unit), None),
                tuple(
                    cell
                    if cell is None or against is None or index == baseline
                    else _measured(cell, against, goal)
                    for index, cell in enumerate(cells)
                ),
            )
        )
    return tuple(rows)


def _cell(series: SeriesInfo, goal: Goal | None) -> Cell:
    best, at = {
        "min": (series.minimum, series.min_at),
        "max": (series.maximum, series.max_at),
        None: (None, None),
    }[goal]
    last = series.last
    return Cell(
        int(last) if isinstance(last, bool) else last, series.last_step, series.count, best, at
    )


def _measured(cell: Cell, baseline: Cell, goal: Goal | None) -> Cell:
    delta, relative, verdict = _difference(cell.last, baseline.last, goal)
    best = _difference(cell.best, baseline.best, goal)
    return Cell(
        cell.last, cell.last_step, cell.count, cell.best, cell.best_step,
        delta, relative, verdict, *best,
    )  # fmt: skip


def _difference(
    value: float | None, baseline: float | None, goal: Goal | None
) -> tuple[float | None, float | None, Verdict | None]:
    if value is None or baseline is None:
        return None, None, None
    finite: Callable[[float], bool] = math.isfinite
    if not finite(value) or not finite(baseline):
        # A metric that went to NaN or infinity lost against one that did not.
        if goal is None or finite(value) == finite(baseline):
            return None, None, None
        return None, None, "better" if finite(value) else "worse"
    delta = value - baseline
    relative = delta / abs(baseline) if baseline else None
    if goal is None:
        return delta, relative, None
    if delta == 0:
        return delta, relative, "same"
    return delta, relative, "better" if (delta > 0) == (goal == "max") else "worse"
