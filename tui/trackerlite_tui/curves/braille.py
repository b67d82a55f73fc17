"""Dots to characters: two columns by four rows of dots in each cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trackerlite_tui.curves.line import Floats
from trackerlite_tui.curves.raster import Ints

Bits = npt.NDArray[np.uint8]

# The bit of a braille dot, by row (0 is the top) and column.
_DOT = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def _ascii_char(bits: int) -> str:
    """The ASCII character that looks most like a braille cell."""
    left = [row for row in range(4) if bits & _DOT[row][0]]
    right = [row for row in range(4) if bits & _DOT[row][1]]
    rows = sorted({*left, *right})
    if not rows:
        return " "
    if left and right:
        slope = sum(right) / len(right) - sum(left) / len(left)
        if slope >= 1.5:
            return "\\"
        if slope <= -1.5:
            return "/"
    if len(rows) >= 3:
        return "|"
    return "'-_"[0 if rows[-1] == 0 else 2 if rows[0] == 3 else 1]


_BRAILLE = np.array([0x20, *(0x2800 + bits for bits in range(1, 256))], dtype="<u4")
_ASCII = np.array([ord(_ascii_char(bits)) for bits in range(256)], dtype="<u4")


def cells(low: Ints, high: Ints, rows: int) -> tuple[Bits, npt.NDArray[np.int32]]:
    """Draw spans into one grid of cells.

    Args:
        low, high: (lines, 2 * columns) rows of dots covered, as `raster.spans` gives them.
        rows: the height of the grid in cells.

    Returns:
        bits (rows, columns), and which line owns each cell (-1 where none; the later wins).
    """
    width = low.shape[1]
    columns = width // 2
    owner = np.full(rows * columns, -1, dtype=np.int32)
    line, column = np.nonzero(high >= low)
    if not line.size:
        return np.zeros((rows, columns), dtype=np.uint8), owner.reshape(rows, columns)
    start, stop = low[line, column], high[line, column] + 1
    top = start >> 2
    count = ((stop - 1) >> 2) - top + 1
    which = np.repeat(np.arange(line.size), count)
    # The cell of the top of each span, and one row of cells further down for each that follows.
    first = top * columns + (column >> 1) - (np.cumsum(count) - count) * columns
    cell = first[which] + np.arange(which.size) * columns
    owner[cell] = line[which]
    return _bits(start, stop, column, rows, width), owner.reshape(rows, columns)


def cloud(px: Floats, py: Floats, columns: int, rows: int) -> tuple[Bits, npt.NDArray[np.int32]]:
    """Single dots in a grid of cells, as `cells` gives spans of one line; what lies outside is left out."""
    good = (px >= 0) & (px < 2 * columns) & (py >= 0) & (py < 4 * rows)  # NaN is none of these
    x, y = px[good].astype(np.int64), py[good].astype(np.int64)
    bits = np.zeros((rows, columns), dtype=np.uint8)
    np.bitwise_or.at(bits, (y >> 2, x >> 1), np.array(_DOT, dtype=np.uint8)[y & 3, x & 1])
    return bits, np.where(bits, 0, -1).astype(np.int32)


def _bits(start: Ints, stop: Ints, column: Ints, rows: int, width: int) -> Bits:
    """The dots of all spans: how many cover each is a running sum of starts less stops."""
    size = (4 * rows + 1) * width
    edges = np.bincount(start * width + column, minlength=size)
    edges -= np.bincount(stop * width + column, minlength=size)
    lit = edges.reshape(4 * rows + 1, width).cumsum(axis=0)[:-1] > 0
    dots = lit.reshape(rows, 4, width // 2, 2)
    bits = np.zeros((rows, width // 2), dtype=np.uint8)
    for row in range(4):
        for side in range(2):
            bits |= dots[:, row, :, side].astype(np.uint8) * np.uint8(_DOT[row][side])
    return bits


def table(ascii_only: bool = False) -> npt.NDArray[np.uint32]:
    """The code point of each of the 256 cells; an empty cell is a space."""
    return _ASCII if ascii_only else _BRAILLE


def text(bits: Bits, ascii_only: bool = False) -> list[str]:
    """One string a row of cells."""
    rows, columns = bits.shape
    whole = table(ascii_only)[bits].tobytes().decode("utf-32-le")
    return [whole[start : start + columns] for start in range(0, rows * columns, columns)]


def dots(char: str) -> list[tuple[int, int]]:
    """The (row, column) dots of a braille character, for who draws it."""
    bits = ord(char) - 0x2800
    return [(r, c) for r in range(4) for c in range(2) if bits & _DOT[r][c]]
