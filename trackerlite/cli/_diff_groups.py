"""A comparison of groups of runs on a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from trackerlite.cli._diff import (
    NARROW,
    VERDICTS,
    aligned,
    grid,
    heading,
    letter,
    metric_name,
    number,
    signed,
)
from trackerlite.readers.compare_groups import GroupCell, GroupComparison
from trackerlite.text import plain

if TYPE_CHECKING:
    from rich.console import RenderableType


def render(comparison: GroupComparison, wide: int = 80) -> RenderableType:
    """The whole comparison, and below it what was tested and how; on a narrow terminal without
    Δ and its interval."""
    return Group(
        _legend(comparison),
        "",
        _metrics(comparison, wide < NARROW),
        "",
        Text(_note(comparison), "dim"),
    )


def _legend(comparison: GroupComparison) -> RenderableType:
    table = grid("", "group", ">runs", "")
    for index, group in enumerate(comparison.groups):
        names = ", ".join(plain(run.name, 20) for run in group.runs[:5])
        table.add_row(
            Text(letter(index), style="bold"),
            Text(plain(group.label)),
            str(len(group.runs)),
            Text(names + (", …" if len(group.runs) > 5 else ""), style="dim"),
        )
    return table


def _metrics(comparison: GroupComparison, narrow: bool) -> RenderableType:
    parts: list[RenderableType] = [heading(f"{comparison.statistic} value of each run")]
    for row in comparison.metrics:
        if narrow:
            table = aligned("", ">mean ± sd", ">p", "", widths=(1, 17, 6, 7))
            for index, cell in enumerate(row.cells):
                table.add_row(letter(index), _mean(cell), *_difference(cell)[2:])
            parts += [metric_name(row.name, row.goal), table]
            continue
        table = aligned(
            "", ">mean ± sd", ">n", ">Δ", ">95 % CI", ">p", "", widths=(3, 18, 3, 10, 18, 6, 12)
        )
        for index, cell in enumerate(row.cells):
            lost = f" (−{cell.sample.lost})" if cell.sample.lost else ""
            table.add_row(letter(index), _mean(cell), f"{cell.sample.n}{lost}", *_difference(cell))
        parts += [metric_name(row.name, row.goal), table]
    return Group(*parts)


def _mean(cell: GroupCell) -> str:
    if not cell.sample.n:
        return "–"
    spread = "" if math.isnan(cell.sample.sd) else f" ± {cell.sample.sd:.2g}"
    return f"{number(cell.sample.mean)}{spread}"


def _difference(cell: GroupCell) -> tuple[Text | str, ...]:
    difference = cell.difference
    if difference is None or math.isnan(difference.delta):
        return ("", "", "", difference.verdict if difference else "")
    interval = "" if math.isnan(difference.low) else f"{difference.low:.3g} … {difference.high:.3g}"
    p = "" if math.isnan(difference.adjusted) else f"{difference.adjusted:.2g}"
    verdict: str = difference.verdict
    if cell.verdict is not None:
        verdict = cell.verdict
    style = VERDICTS.get(cell.verdict, "") or ("dim" if verdict != "different" else "bold")
    return (signed(difference.delta, cell.verdict), interval, p, Text(verdict, style=style))


def _note(comparison: GroupComparison) -> str:
    verdicts = {
        cell.difference.verdict
        for row in comparison.metrics
        for cell in row.cells
        if cell.difference is not None
    }
    if "needs scipy" in verdicts:
        return (
            "Whether a difference is larger than the noise between runs is tested with SciPy, "
            "which is not installed: pip install 'trackerlite[stats]'."
        )
    return (
        "± is the standard deviation over runs. Welch's t-test against A; p adjusted for all "
        "comparisons shown (Benjamini-Hochberg); a difference counts below 0.05. "
        "(−n): runs without a finite value."
    )
