"""A grid of cells, each one character and one style, read out as runs of equal style."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trackerlite_tui.curves import braille
from trackerlite_tui.curves.braille import Bits
from trackerlite_tui.curves.cells import Row
from trackerlite_tui.curves.line import Floats
from trackerlite_tui.curves.palette import Ink

# Every second dot of a cell: a shade that leaves the lines above it readable.
_SHADE = np.array([0x01 | 0x10 | 0x04 | 0x80, 0x08 | 0x02 | 0x20 | 0x40], dtype=np.uint8)


class Canvas:
    """Layers of dots and single characters, painted from back to front."""

    def __init__(self, columns: int, lines: int, ink: Ink, ascii_only: bool = False) -> None:
        self.columns, self.lines = max(0, columns), max(0, lines)
        self._ink, self._ascii = ink, ascii_only
        self._bits = np.zeros((self.lines, self.columns), dtype=np.uint8)
        self._style = np.zeros((self.lines, self.columns), dtype=np.int32)
        self._styles: list[str] = [""]
        self._index: dict[str, int] = {"": 0}
        self._written: list[tuple[int, int, str, str]] = []
        self._rules: list[tuple[int, str, str]] = []

    def layer(self, bits: Bits, owner: npt.NDArray[np.int32], colors: Sequence[str]) -> None:
        """Put a layer of dots over what is there; it hides what it covers."""
        names = np.array([self._number(color) for color in colors], dtype=np.int32)
        seen = owner >= 0
        self._bits[seen] = bits[seen]
        self._style[seen] = names[owner[seen]]

    def shade(self, top: Floats, bottom: Floats, color: str) -> None:
        """Fill between two edges (rows of dots for each column of dots; NaN is none)."""
        good = np.isfinite(top) & np.isfinite(bottom)
        low = np.where(good, np.floor(top), 1).astype(np.int64)[None, :]
        high = np.where(good, np.floor(bottom), 0).astype(np.int64)[None, :]
        bits, owner = braille.cells(low, high, self.lines)
        pattern = _SHADE[np.arange(self.lines) % 2][:, None] if self.lines else _SHADE[:1]
        self.layer(bits & pattern, np.where(bits & pattern, owner, -1), [color])

    def write(self, row: int, column: int, text: str, style: str) -> None:
        """Single characters over everything; outside is ignored."""
        if 0 <= row < self.lines:
            self._written += [
                (row, column + i, char, style)
                for i, char in enumerate(text)
                if 0 <= column + i < self.columns
            ]

    def rule(self, column: int, char: str, style: str) -> None:
        """A vertical line that gives way to dots."""
        if 0 <= column < self.columns:
            self._rules.append((column, char, style))

    def rows(self) -> list[Row]:
        """The picture; each row as wide as the canvas."""
        if not self.columns or not self.lines:
            return [[] for _ in range(self.lines)]
        chars = braille.table(self._ascii)[self._bits]
        style = self._style
        for column, char, name in self._rules:
            empty = self._bits[:, column] == 0
            chars[empty, column] = ord(char)
            style[empty, column] = self._number(name)
        for row, column, char, name in self._written:
            chars[row, column] = ord(char)
            style[row, column] = self._number(name)
        self._spread(chars, style)
        text = chars.tobytes().decode("utf-32-le")
        changed = style[:, 1:] != style[:, :-1]
        result: list[Row] = []
        for row in range(self.lines):
            base = row * self.columns
            cuts = [0, *(np.flatnonzero(changed[row]) + 1).tolist(), self.columns]
            names = style[row]
            result.append(
                [(text[base + a : base + b], self._styles[names[a]]) for a, b in pairwise(cuts)]
            )
        return result

    def _spread(self, chars: npt.NDArray[np.uint32], style: npt.NDArray[np.int32]) -> None:
        """Spaces take the style before them, so that a row has fewer runs."""
        column = np.where(chars != 0x20, np.arange(self.columns)[None, :], 0)
        source = np.maximum.accumulate(column, axis=1)
        style[:] = np.take_along_axis(style, source, axis=1)

    def _number(self, style: str) -> int:
        if style not in self._index:
            self._index[style] = len(self._styles)
            self._styles.append(style)
        return self._index[style]
