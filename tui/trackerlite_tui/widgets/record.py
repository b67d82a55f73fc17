"""What is too wide or too long for its pane, row by row, to be read in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from trackerlite_tui.curves.numbers import number
from trackerlite_tui.look import Look
from trackerlite_tui.rows import Row, pad, width, words
from trackerlite_tui.text import block, safe

_MOST = 20_000  # lines; whoever wants more exports the table


def total_rows(data: Sequence[Any], value: dict[str, Any]) -> int:
    """How many rows a table has, of which `data` may be the first."""
    told = value.get("nrows")
    return max(len(data), told) if isinstance(told, int) else len(data)


def fits(names: Sequence[str], data: Sequence[Any]) -> bool:
    """Whether all rows of a table are read in full."""
    return len(data) * (len(names) + 2) <= _MOST


def table(
    names: Sequence[str], data: Sequence[Sequence[Any]], wide: int, look: Look, total: int
) -> list[Row]:
    """Each row of a table as one line a column, long values wrapped; the last line says what is left out."""
    side = min(max((width(safe(name)) for name in names), default=1), wide // 3)
    out: list[Row] = []
    shown = 0
    for index, row in enumerate(data, 1):
        if len(out) > _MOST:
            break
        shown = index
        out += [[]] if out else []
        out.append([(f"row {index:,} of {total:,}", look.strong)])
        for name, value in zip(names, row, strict=False):
            label = pad(safe(name), side, look.ascii_only)
            for line in _lines(value, wide - side - 2):
                out.append([(f"{label}  ", look.dim), (line, look.text)])
                label = " " * side
    if shown < total:
        out.append([(f"… and {total - shown:,} more rows", look.dim)])
    return out or [[("no rows", look.dim)]]


def bins(value: dict[str, Any], look: Look) -> list[Row]:
    """Each bin of a histogram: from where to where, and how much lies in it."""
    edges, counts = value.get("bins", []), value.get("values", [])
    pairs = zip(edges[:-1], edges[1:], counts, strict=False)
    out: list[Row] = [
        [
            (f"{number(a, 6):>14} to {number(b, 6):<14}", look.dim),
            (f"{number(count, 7):>12}", look.text),
        ]
        for a, b, count in pairs
    ]
    return out or [[("no values", look.dim)]]


def _lines(value: Any, wide: int) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return [line for piece in block(text) for line in words(piece, max(10, wide))]
