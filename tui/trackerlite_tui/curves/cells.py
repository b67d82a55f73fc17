"""How many terminal cells a text takes, without a terminal library."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Pieces of (text, style); a style is `bold #rrggbb on #rrggbb`, every part of it optional.
Row = list[tuple[str, str]]

#: letters, frames, blocks and braille: nearly all that is ever drawn, each of one cell, told at once
all_narrow = re.compile("[ -~\u00a1-\u00ac\u00ae-\u02af\u2500-\u259f\u2800-\u28ff…–]*").fullmatch


def width(text: str) -> int:
    """Cells taken by `text`: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else _width(text)


@lru_cache(maxsize=8192)
def _width(text: str) -> int:
    return len(text) if all_narrow(text) else sum(map(_cell, text))


@lru_cache(maxsize=4096)
def _cell(char: str) -> int:
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    return 0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 1


def clip(text: str, cells: int, ascii_only: bool = False) -> str:
    """`text` cut to at most `cells` cells; a cut is shown by an ellipsis."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    mark = "." if ascii_only else "…"
    out, used = [], 0
    for char in text:
        used += _cell(char)
        if used > cells - 1:
            break
        out.append(char)
    return "".join(out) + mark


def pad(text: str, cells: int, ascii_only: bool = False) -> str:
    """`text` clipped or filled with spaces to exactly `cells` cells."""
    cut = clip(text, cells, ascii_only)
    return cut + " " * (cells - width(cut))
