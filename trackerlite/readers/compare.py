"""What differs between runs: config, metrics, summary, code, environment, artifacts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from trackerlite import values
from trackerlite.readers import patches
from trackerlite.readers.comparison import MISSING, Cell, Comparison, MetricRow, Row, Verdict
from trackerlite.readers.direction import Goal, better
from trackerlite.readers.info import RunInfo, SeriesInfo
from trackerlite.readers.kinds import is_media
from trackerlite.readers.reader import Reader
from trackerlite.readers.usage import usage

SECTIONS = ("config", "summary", "system", "git", "packages", "environment", "artifacts")
# What is never the same in two runs, or told elsewhere.
_NOISE = {
    "pid", "boot_id", "started", "resumed", "rank", "version", "args", "packages", "git", "errors",
    "cpu_allowed", "name", "notes", "tags",
}  # fmt: skip
_DIGITS = re.compile(r"([0-9]{1,18})")


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
