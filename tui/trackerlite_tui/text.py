"""Untrusted text on its way to the screen: harmless, and as wide as we think it is."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import get_character_cell_size

from trackerlite.text import plain
from trackerlite_tui.curves import cells


@lru_cache(maxsize=16384)
def safe(text: str, limit: int = 400) -> str:
    """`text` as one line that a terminal can only show.

    Controls become symbols, and every character that is left takes one or two cells by our
    tables and by Textual's alike, so that no name can push a table out of line.
    """
    shown = plain(text, limit)
    if shown.isascii():
        return shown
    return "".join(map(_steady, unicodedata.normalize("NFC", shown)))


@lru_cache(maxsize=4096)
def _steady(char: str) -> str:
    if unicodedata.category(char) in ("Mn", "Me"):
        return ""
    ours = cells.width(char)
    return char if ours and ours == get_character_cell_size(char) else "\ufffd"


def show(value: object, limit: int = 400) -> str:
    """Any value as one safe line."""
    return safe(value if isinstance(value, str) else str(value), limit)


def block(text: str) -> list[str]:
    """A text of several lines, each safe; tabs are widened."""
    return [safe(line.expandtabs(4), 10_000) for line in text.split("\n")]
