"""What `compare` finds: runs side by side, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trackerlite import values
from trackerlite.readers.direction import Goal
from trackerlite.readers.info import RunInfo

Verdict = Literal["better", "worse", "same"]


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
