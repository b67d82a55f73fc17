"""Rows: lists of (text, style) that together are as wide as the screen, and how to cut them."""

from __future__ import annotations

from collections.abc import Sequence

from trackerlite_tui.curves.cells import Row, all_narrow, clip, pad, width

__all__ = [
    "Row",
    "asciify",
    "clip",
    "fill",
    "fit",
    "justify",
    "pad",
    "paste",
    "row_width",
    "slice_row",
    "width",
    "words",
]

_NO_WORDS = " -─━│|▀█"


def row_width(row: Row) -> int:
    """Cells taken by a row."""
    return sum(width(text) for text, _ in row)


def slice_row(row: Row, start: int, stop: int) -> Row:
    """The cells start..stop-1 of a row; half of a wide character becomes a space."""
    out: Row = []
    at = 0
    for text, style in row:
        size = width(text)
        low, high = max(start - at, 0), min(stop - at, size)
        if low < high:
            out.append((text[low:high] if one_each(text) else _cut(text, low, high), style))
        at += size
        if at >= stop:
            break
    return out


def one_each(text: str) -> bool:
    """Whether each character takes one cell: an accent and a wide one would only add up to that."""
    return all_narrow(text) is not None or all(width(char) == 1 for char in text)


def _cut(text: str, low: int, high: int) -> str:
    out, at = [], 0
    for char in text:
        size = width(char)
        if at >= low and at + size <= high:
            out.append(char)
        elif at < high and at + size > low:
            out.append(" " * (min(at + size, high) - max(at, low)))
        at += size
    return "".join(out)


def fit(row: Row, columns: int, style: str = "") -> Row:
    """A row cut or filled to exactly `columns` cells; where words are cut an ellipsis says so."""
    size = row_width(row)
    if size == columns:
        return row
    if size < columns:
        return [*row, (" " * (columns - size), style)]
    rest = "".join(text for text, _ in slice_row(row, columns, size))
    words_cut = columns > 1 and bool(rest.strip(_NO_WORDS))
    cut = slice_row(row, 0, columns - words_cut)
    short = columns - words_cut - row_width(cut)
    tail: Row = [(" " * short, style)] if short else []
    return cut + tail + ([("…", cut[-1][1] if cut else style)] if words_cut else [])


def fill(columns: int, style: str = "") -> Row:
    """An empty row."""
    return [(" " * columns, style)]


def justify(left: Row, right: Row, columns: int, style: str = "") -> Row:
    """One row at the left end, another at the right, which is left off where both do not fit."""
    if row_width(left) + 1 + row_width(right) > columns:
        return fit(left, columns, style)
    return [*fit(left, columns - row_width(right), style), *right]


def paste(rows: list[Row], block: Sequence[Row], left: int, top: int) -> None:
    """Lay `block` over `rows`, in place; what sticks out is left off."""
    for offset, piece in enumerate(block):
        y = top + offset
        if 0 <= y < len(rows):
            base = rows[y]
            whole = row_width(base)
            size = min(row_width(piece), whole - left)
            rows[y] = [
                *slice_row(base, 0, left),
                *slice_row(piece, 0, size),
                *slice_row(base, left + size, whole),
            ]


_PLAIN = str.maketrans(
    {
        "…": ".",
        "·": "-",
        "–": "-",
        "±": "~",
        "≈": "~",
        "×": "x",
        "Δ": "d",
        "▲": "^",
        "▼": "v",
        "←": "<",
        "→": ">",
        "↑": "^",
        "↓": "v",
    }
)


def asciify(row: Row) -> Row:
    """A row in ASCII, cell for cell, for a terminal that shows nothing else."""
    return [
        (text if text.isascii() else "".join(map(_plain, text.translate(_PLAIN))), style)
        for text, style in row
    ]


def _plain(char: str) -> str:
    return char if char.isascii() else "?" * width(char)


def words(text: str, columns: int) -> list[str]:
    """`text` broken into lines of at most `columns` cells, between words where it can."""
    out: list[str] = []
    line = ""
    for word in text.split(" "):
        while width(word) > columns > 0:
            room = columns - width(line) - bool(line)
            if room < 4 and line:
                out.append(line)
                line = ""
                continue
            head = _cut(word, 0, room).rstrip() or word[:1]
            out.append(f"{line} {head}" if line else head)
            word, line = word[len(head) :], ""
        if line and width(line) + 1 + width(word) > columns:
            out.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*out, line]
