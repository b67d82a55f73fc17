"""What is painted where no screen paints: a sentence, one line on a tiny terminal; and the last door."""

from __future__ import annotations

from trackerlite_tui.look import Look
from trackerlite_tui.rows import Row, asciify, clip, fill, fit, width, words
from trackerlite_tui.text import safe


def message(text: str, columns: int, rows: int, look: Look) -> list[Row]:
    """Some sentences in the middle."""
    lines = words(safe(text, 2000), max(10, min(76, columns - 4)))
    top = max(0, (rows - len(lines)) // 2)
    left = " " * max(0, (columns - max(map(width, lines))) // 2)
    return [fill(columns)] * top + [fit([(left, ""), (line, look.text)], columns) for line in lines]


def tiny(line: str, columns: int, rows: int, look: Look) -> list[Row]:
    """One line of words where nothing else fits."""
    out = [fill(columns) for _ in range(rows)]
    if not rows or not columns:
        return out
    said = clip(line or "too small", columns, look.ascii_only)
    out[0] = fit([(said, look.text)], columns)
    return [asciify(row) for row in out] if look.ascii_only else out


def harmless(row: Row, columns: int) -> Row:
    """The last door: whatever a painter let through, no control leaves the desk."""
    if all(text.isprintable() for text, _ in row):
        return row
    return fit([(safe(text, 10_000), style) for text, style in row], columns)
