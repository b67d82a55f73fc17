"""How wide a text is on a terminal, and how it is made to fit: cut, or folded between words."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def width(stream: TextIO | None = None) -> int | None:
    """Columns of the terminal that `stream` (stdout) is; None for a pipe or a file, which take
    any width."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return None
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def cells_wide(text: str) -> int:
    """How many terminal cells `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, wide: int) -> str:
    """`text` in at most `wide` terminal cells, ending in `…` where something is missing."""
    if cells_wide(text) <= wide:
        return text
    if text.isascii():
        return text[: wide - 1] + "…"
    from rich.cells import set_cell_size

    return set_cell_size(text, wide - 1).rstrip() + "…"


def fold(text: str, wide: int | None, indent: int | None = None) -> list[str]:
    """`text` as lines of at most `wide` cells, broken between words; None: as one line.

    A word that is longer than that (a path, an address) stands in a line of its own, whole,
    so that it can be copied.

    Args:
        indent: how far in the further lines begin; default: as far as the first.

    >>> fold("one two three", 8)
    ['one two', 'three']
    """
    if wide is None or cells_wide(text) <= wide:
        return [text]
    words = text.lstrip(" ").split(" ")
    first = " " * (len(text) - len(text.lstrip(" ")))
    further = first if indent is None else " " * indent
    found, line = [], first + words[0]
    for word in words[1:]:
        if cells_wide(line) + 1 + cells_wide(word) > wide and line.strip():
            found.append(line.rstrip())
            line = further + word
        else:
            line = f"{line} {word}"
    return [*found, line]
