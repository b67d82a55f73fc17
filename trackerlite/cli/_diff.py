"""A comparison of runs on a terminal, readable at 80 columns."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from trackerlite import values
from trackerlite.cli import _human
from trackerlite.readers import patches
from trackerlite.readers.comparison import MISSING, Cell, Comparison, MetricRow, Row
from trackerlite.text import lines, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trackerlite.readers.direction import Goal

# More runs than this do not fit side by side in 80 columns; then every value is told
# once, with the runs that have it.
SIDE_BY_SIDE = 3
NARROW = 72
VERDICTS = {"better": "green", "worse": "red", "same": "dim", None: ""}
_ARROWS = {"min": " ↓", "max": " ↑", None: ""}
_WORDS = re.compile(r"\s+|[^\s\w]|\w+")
_VALUE_LIMIT = 400
_NOTHING = Cell(math.nan, None, 0, None, None)


def letter(index: int) -> str:
    """A, B, … Z, AA, AB, … as spreadsheets call their columns.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def render(comparison: Comparison, *, patch: bool = False, wide: int = 80) -> RenderableType:
    """The whole comparison.

    Args:
        wide: columns of the terminal; with fewer than 72 the least needed ones are left out.
        patch: also how the uncommitted changes of the first two runs differ, line by line.
    """
    parts: list[RenderableType] = [legend(comparison, wide)]
    if comparison.metrics:
        parts += ["", metrics(comparison, wide)]
    for name, rows in comparison.sections.items():
        if rows:
            parts += ["", section(name, rows)]
    if patch:
        parts += list(_patches(comparison))
    return Group(*parts)


def heading(title: str) -> Text:
    """A section's title."""
    return Text(title.upper(), style="bold")


def grid(*columns: str) -> Table:
    """A table without lines; `>` before a column's title aligns it to the right."""
    table = Table(box=None, show_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in columns:
        right = title.startswith(">")
        table.add_column(
            title.lstrip(">"), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    return table


def legend(comparison: Comparison, wide: int = 80) -> RenderableType:
    """Which letter is which run."""
    if wide < NARROW:
        table = grid("", "run", "state")
        for index, run in enumerate(comparison.runs):
            table.add_row(Text(letter(index), style="bold"), Text(plain(run.name, 60)), run.state)
        return table
    table = grid("", "run", "id", "state", "started", ">took", ">steps")
    for index, run in enumerate(comparison.runs):
        table.add_row(
            Text(letter(index), style="bold"),
            Text(plain(run.name, 60), style="bold" if index == comparison.baseline else ""),
            Text(plain(run.ref, 60), style="cyan"),
            run.state,
            _human.ago(run.started),
            _human.duration(run.duration),
            "" if run.steps is None else str(run.steps),
        )
    return table


def metrics(comparison: Comparison, wide: int = 80) -> RenderableType:
    """Two runs: a line a metric. More: a block a metric, a line a run."""
    if wide < NARROW:
        return _narrow(comparison)
    if len(comparison.runs) == 2:
        return _two(comparison)
    parts: list[RenderableType] = [_against(comparison)]
    for row in comparison.metrics:
        table = aligned("", ">last", ">Δ", ">Δ%", "", ">best", ">step", ">Δ%")
        for index, cell in enumerate(row.cells):
            if cell is None:
                table.add_row(letter(index), Text("–", style="dim"))
                continue
            table.add_row(
                letter(index),
                number(cell.last),
                signed(cell.delta, cell.verdict),
                percent(cell.relative, cell.verdict),
                verdict(cell.verdict),
                number(cell.best),
                "" if cell.best_step is None else str(cell.best_step),
                percent(cell.best_relative, cell.best_verdict),
            )
        parts += [_name(row), table]
    return Group(*parts)


def _against(comparison: Comparison) -> Text:
    return heading(f"metrics, Δ against {letter(comparison.baseline)}")


def _narrow(comparison: Comparison) -> RenderableType:
    parts: list[RenderableType] = [_against(comparison)]
    for row in comparison.metrics:
        table = aligned("", ">last", ">Δ%", "", ">best", widths=(1, 10, 7, 6, 10))
        for index, cell in enumerate(row.cells):
            told = cell or _NOTHING
            table.add_row(
                letter(index),
                number(cell.last) if cell else Text("–", style="dim"),
                percent(told.relative, told.verdict),
                verdict(told.verdict),
                number(told.best),
            )
        parts += [_name(row), table]
    return Group(*parts)


def aligned(*columns: str, widths: Sequence[int] = (3, 10, 11, 8, 7, 10, 9, 8)) -> Table:
    """A grid whose columns stand below each other in one table after another."""
    table = grid(*columns)
    table.padding = (0, 1, 0, 0)
    for column, wide in zip(table.columns, widths, strict=True):
        column.min_width = wide
    return table


def _two(comparison: Comparison) -> RenderableType:
    table = grid("", "", ">A", ">B", ">Δ", ">Δ%", "")
    for row in comparison.metrics:
        a, b = row.cells
        other = row.cells[1 - comparison.baseline] or _NOTHING
        table.add_row(
            _name(row),
            Text("last", style="dim"),
            _side(a.last if a else MISSING),
            _side(b.last if b else MISSING),
            signed(other.delta, other.verdict),
            percent(other.relative, other.verdict),
            verdict(other.verdict),
        )
        if row.goal is not None:
            table.add_row(
                "",
                Text("best", style="dim"),
                _side(a.best if a else MISSING),
                _side(b.best if b else MISSING),
                signed(other.best_delta, other.best_verdict),
                percent(other.best_relative, other.best_verdict),
                verdict(other.best_verdict),
            )
    return Group(_against(comparison), table)


def _side(value: Any) -> Text:
    return Text("–", style="dim") if value is MISSING else Text(number(value))


def _name(row: MetricRow) -> Text:
    return metric_name(row.name, row.goal, f" ({plain(row.unit, 12)})" if row.unit else "")


def metric_name(metric: str, goal: Goal | None, unit: str = "") -> Text:
    """A metric, and which way is better."""
    return Text.assemble((plain(metric), "cyan"), (_ARROWS[goal] + unit, "dim"))


def number(value: float | None) -> str:
    """A metric's value; NaN and infinities spelled out."""
    return _human.number(value)


def signed(value: float | None, word: str | None) -> Text:
    """A difference, coloured by whether it is for the better."""
    if value is None:
        return Text("")
    if value == 0:
        return Text("=", style="dim")
    return Text(f"{'+' if value >= 0 else ''}{_human.number(value)}", style=VERDICTS[word])


def percent(value: float | None, word: str | None) -> Text:
    """A relative difference, in few characters however large; never as a factor, which would be
    wrong where the baseline is negative."""
    if not value or not math.isfinite(value):
        return Text("")
    size = abs(value)
    text = (
        f"{value:+.1%}" if size < 10 else f"{value:+.0%}" if size < 1e4 else f"{value * 100:+.1e}%"
    )
    return Text(text, style=VERDICTS[word])


def verdict(word: str | None) -> Text:
    """The verdict as a word, so that it does not hang on colour alone."""
    return Text(word or "", style=VERDICTS[word])


def section(name: str, rows: Sequence[Row]) -> RenderableType:
    """Config, git, packages …: side by side, or value by value where there are many runs."""
    count = len(rows[0].values)
    if count > SIDE_BY_SIDE:
        return _by_value(name, rows)
    table = grid("", *(letter(index) for index in range(count)))
    for row in rows:
        cells = _cells(row)
        if count == 2 and all(isinstance(value, str) for value in row.values):
            cells = changed_words(str(row.values[0]), str(row.values[1]))
        table.add_row(Text(plain(row.key), style="cyan"), *cells)
    return Group(heading(name), table)


def _by_value(name: str, rows: Sequence[Row]) -> RenderableType:
    table = grid("", "value", "runs")
    for row in rows:
        having: dict[str, list[int]] = {}
        for index, cell in enumerate(_cells(row)):
            having.setdefault(cell.plain, []).append(index)
        key = Text(plain(row.key), style="cyan")
        for text, indices in sorted(having.items(), key=lambda item: (-len(item[1]), item[1])):
            table.add_row(key, text, Text(" ".join(map(letter, indices)), style="bold"))
            key = Text("")
    return Group(heading(name), table)


def _cells(row: Row) -> list[Text]:
    """The values of a row; texts in quotes where one would look like another's number."""
    cells = [shown(value) for value in row.values]
    texts = [isinstance(value, str) for value in row.values]
    alike = {c.plain for c, text in zip(cells, texts, strict=True) if text} & {
        c.plain for c, text in zip(cells, texts, strict=True) if not text
    }
    if not alike:
        return cells
    return [
        Text(plain(values.dumps(value), _VALUE_LIMIT)) if text else cell
        for value, cell, text in zip(row.values, cells, texts, strict=True)
    ]


def shown(value: Any) -> Text:
    """A recorded value on its way to the screen."""
    if value is MISSING:
        return Text("–", style="dim")
    return Text(_human.value(value, _VALUE_LIMIT))


def changed_words(one: str, other: str) -> list[Text]:
    """Two texts with the words marked that the other does not have."""
    left, right = _WORDS.findall(plain(one, 2000)), _WORDS.findall(plain(other, 2000))
    texts = [Text(), Text()]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        style = "" if tag == "equal" else "bold yellow"
        texts[0].append("".join(left[a:b]), style=style)
        texts[1].append("".join(right[c:d]), style=style)
    return texts


def _patches(comparison: Comparison) -> Iterable[RenderableType]:
    one, other = (
        {change.path: change for change in patches.split(text or "")}
        for text in comparison.patches[:2]
    )
    for path in sorted({*one, *other}):
        before = one[path].text.splitlines() if path in one else []
        after = other[path].text.splitlines() if path in other else []
        if before != after:
            yield ""
            yield Text(f"uncommitted changes to {plain(path)}: A against B", style="bold")
            for line in difflib.unified_diff(before, after, lineterm="", n=2):
                if not line.startswith(("---", "+++")):
                    style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
                    yield Text(" ".join(lines(line)), style=style)
