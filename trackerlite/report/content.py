"""What a report tells, as plain JSON values; nothing here knows HTML."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from trackerlite import values
from trackerlite.readers import Reader, RunInfo, SeriesInfo
from trackerlite.readers.compare import compare, natural
from trackerlite.readers.comparison import MISSING, Cell, Comparison
from trackerlite.readers.select import names_of
from trackerlite.report.media import Gallery
from trackerlite.text import plain

#: Points that a curve is drawn with: who hovers over one reads what was logged, and where.
POINTS = 800
_DIGITS = 7
_TEXT_LIMIT = 2000


def content(
    reader: Reader, runs: Sequence[RunInfo], title: str, gallery: Gallery
) -> dict[str, Any]:
    """Everything a report on `runs` shows, the first run being the baseline."""
    comparison = compare(reader, runs)
    keys, names = [run.key for run in runs], names_of(runs)
    return {
        "title": plain(title),
        "made": time.strftime("%Y-%m-%d %H:%M %Z"),
        "runs": [_run(reader, run, names[run.key]) for run in runs],
        "metrics": _metrics(reader, comparison, keys),
        "system": _system(reader, keys),
        "sections": {
            name: [
                {
                    "key": plain(row.key),
                    "differs": row.differs,
                    "values": [_shown(value) for value in row.values],
                }
                for row in rows
            ]
            for name, rows in comparison.sections.items()
        },
        "patches": [None if text is None else _lines(text) for text in comparison.patches],
        "media": gallery.collect(reader, runs),
        "notes": gallery.notes,
    }


def _run(reader: Reader, run: RunInfo, name: str) -> dict[str, Any]:
    return {
        "name": plain(name),
        "ref": plain(run.ref),
        "state": run.state,
        "started": run.started,
        "duration": run.duration,
        "steps": run.steps,
        "tags": [plain(tag) for tag in run.tags],
        "notes": None if run.notes is None else _lines(run.notes),
        "group": None if run.group is None else plain(run.group),
        "host": None if run.host is None else plain(run.host),
        "exit_code": run.exit_code,
        "reason": None if run.reason is None else plain(run.reason),
        "alerts": [
            {"time": alert.time, "title": plain(alert.title), "text": plain(alert.text or "")}
            for alert in reader.alerts(run.key)
        ],
    }


def _metrics(reader: Reader, comparison: Comparison, keys: list[int]) -> list[dict[str, Any]]:
    lines: dict[str, list[Any]] = {}
    for series in reader.series(keys):
        if not series.hidden and not series.lane.startswith("fork"):
            name = f"{series.name} [rank {series.rank}]" if series.rank else series.name
            row = lines.setdefault(name, [None] * len(keys))
            row[keys.index(series.run_key)] = _line(reader, series)
    return [
        {
            "name": plain(row.name),
            "goal": row.goal,
            "unit": None if row.unit is None else plain(row.unit),
            "differs": row.differs,
            "cells": [None if cell is None else _cell(cell) for cell in row.cells],
            "lines": lines.get(row.name, [None] * len(keys)),
        }
        for row in comparison.metrics
    ]


def _system(reader: Reader, keys: list[int]) -> list[dict[str, Any]]:
    found: dict[str, list[Any]] = {}
    for series in reader.series(keys, stream="system"):
        name = f"{series.name} [rank {series.rank}]" if series.rank else series.name
        found.setdefault(name, [None] * len(keys))[keys.index(series.run_key)] = _line(
            reader, series
        )
    return [{"name": plain(name), "lines": found[name]} for name in sorted(found, key=natural)]


def _cell(cell: Cell) -> dict[str, Any]:
    """A metric's numbers as texts, so that NaN, infinities and every digit arrive."""
    return {
        "last": _number(cell.last),
        "best": _number(cell.best),
        "best_step": cell.best_step,
        "relative": cell.relative if cell.relative is None else round(cell.relative, 6),
        "verdict": cell.verdict,
        "best_verdict": cell.best_verdict,
    }


def _line(reader: Reader, series: SeriesInfo) -> dict[str, Any]:
    line = reader.sampled(series, POINTS)
    origin = float(line.time[0]) if len(line.time) else 0.0
    return {
        "step": _rounded(line.step, 10),
        "origin": origin,
        "time": _rounded(line.time - origin, 9),
        "value": _rounded(line.value, _DIGITS),
        "exact": len(line) == series.count,
        "count": series.count,
    }


def _rounded(numbers: NDArray[Any], digits: int) -> list[int | float | None]:
    """Numbers in as few characters as a chart needs; null where there is none."""
    found: list[int | float | None] = []
    for number in numbers.tolist():
        if not math.isfinite(number):
            found.append(None)
            continue
        short = float(f"{number:.{digits}g}")
        found.append(int(short) if short.is_integer() and abs(short) < 1e15 else short)
    return found


def _number(value: float | int | None) -> str | None:
    if value is None:
        return None
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _shown(value: Any) -> str | None:
    if value is MISSING:
        return None
    return plain(value if isinstance(value, str) else values.dumps(value), _TEXT_LIMIT)


def _lines(text: str) -> str:
    """A text of several lines, made plain line by line."""
    return "\n".join(plain(line.expandtabs(4), _TEXT_LIMIT) for line in text.splitlines())
