"""The cells of the compare screen: one metric or value of several runs, the baseline's first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from trackerlite_tui.curves.numbers import number
from trackerlite_tui.look import Look
from trackerlite_tui.order import exact, value_text
from trackerlite_tui.rows import Row, fit, pad, width
from trackerlite_tui.widgets.patch import changed

if TYPE_CHECKING:
    from trackerlite.readers.comparison import MetricRow

VERDICTS = {"better": "▲", "worse": "▼"}
_HIGHLIGHT_UP_TO = 400  # characters; longer values are compared as a whole


def metric_cells(row: MetricRow, wide: int, look: Look) -> Row:
    """A metric of each run, with its distance from the baseline's, coloured by what is better."""
    out: Row = []
    for cell in row.cells:
        if cell is None:
            out.append((pad(look.pick("–", "-"), wide) + " ", look.dim))
            continue
        text = number(cell.last)
        if cell.best is not None and wide >= 36:
            text += f" best {number(cell.best)}"
        role = {"better": look.good, "worse": look.bad}.get(cell.verdict or "", look.text)
        delta = ""
        if cell.delta is not None and cell.delta:
            sign = VERDICTS.get(cell.verdict or "", "")
            delta = (
                f" {sign}{number(cell.delta, 3)}"
                if cell.delta < 0
                else f" {sign}+{number(cell.delta, 3)}"
            )
            if cell.relative is not None and wide >= 16:
                delta += f" {cell.relative:+.1%}" if abs(cell.relative) < 100 else ""
        room = max(0, wide - width(text))
        out += [(pad(text, min(width(text), wide), look.ascii_only), look.text)]
        out.append((pad(delta, room, look.ascii_only) + " ", role))
    return out


def verdicts(row: MetricRow) -> set[str | None]:
    """What is said of the runs' values against the baseline's."""
    return {cell.verdict for cell in row.cells if cell is not None and cell.delta}


def value_cells(values: Sequence[Any], wide: int, look: Look) -> Row:
    """A value of each run; what differs from the baseline's is bright."""
    from trackerlite.readers.comparison import MISSING, same

    texts = ["" if v is MISSING else value_text(v) for v in values]
    there = [(text, v) for text, v in zip(texts, values, strict=True) if v is not MISSING]
    if any(text == there[0][0] and not same(there[0][1], v) for text, v in there):
        texts = ["" if v is MISSING else exact(v) for v in values]  # they would look alike
    texts = _from_where_they_differ(texts, wide, look.pick("…", "~"))
    base = texts[0]
    out: Row = []
    for index, value in enumerate(values):
        if value is MISSING:
            out.append((pad(look.pick("–", "-"), wide) + " ", look.dim))
            continue
        text = texts[index] or ("null" if value is None else '""')
        if index == 0 or same(values[0], value):
            out.append(
                (pad(text, wide, look.ascii_only) + " ", look.text if index == 0 else look.dim)
            )
        else:
            whole = isinstance(value, (int, float)) or isinstance(values[0], (int, float))
            cell = changed_words("" if whole else base, text, look)
            out += [*fit(cell, wide), (" ", look.dim)]
    return out


def changed_words(base: str, text: str, look: Look) -> Row:
    """A value with the words that differ from the baseline's in bold."""
    bright = f"bold {look.ink.warn}".strip()
    if not base or len(base) > _HIGHLIGHT_UP_TO or len(text) > _HIGHLIGHT_UP_TO:
        return [(text, bright)]
    out: Row = []
    at = 0
    for start, stop in changed(base, text):
        out += [(text[at:start], look.text), (text[start:stop], bright)]
        at = stop
    return [piece for piece in [*out, (text[at:], look.text)] if piece[0]]


def _from_where_they_differ(texts: list[str], wide: int, cut: str) -> list[str]:
    """Long values without the beginning that all share, where the difference would not be seen."""
    given = [text for text in texts if text]
    if len(given) < 2 or max(map(width, given)) <= wide:
        return texts
    alike = (len(set(signs)) == 1 for signs in zip(*given, strict=False))
    shared = sum(takewhile(bool, alike))
    if shared < wide // 2 or len(set(given)) < 2:
        return texts
    start = max(given[0].rfind(sign, 0, shared - 3) for sign in " /,_-=") + 1
    start = start or max(0, shared - 8)
    return [cut + text[start:] if text else text for text in texts]
