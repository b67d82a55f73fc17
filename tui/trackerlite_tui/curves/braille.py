"""Dots to characters: two columns by four rows of dots in each cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trackerlite_tui.curves.raster import Ints

Bits = npt.NDArray[np.uint8]

# The bit of a braille dot, by row (0 is the top) and column.
_DOT = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def _span_table() -> Bits:
    """[column, start, stop] -> the bits of rows start..stop-1 in that column of a cell."""
    table = np.zeros((2, 5, 5), dtype=np.uint8)
    for column in range(2):
        for start in range(5):
            for stop in range(start + 1, 5):
                table[column, start, stop] = sum(_DOT[row][column] for row in range(start, stop))
    return table


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


_SPAN = _span_table()
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
    bits = np.zeros(rows * columns, dtype=np.uint8)
    owner = np.full(rows * columns, -1, dtype=np.int32)
    line, column = np.nonzero(high >= low)
    if line.size:
        start, stop = low[line, column], high[line, column] + 1
        top = start >> 2
        count = ((stop - 1) >> 2) - top + 1
        which = np.repeat(np.arange(line.size), count)
        row = np.repeat(top - (np.cumsum(count) - count), count) + np.arange(count.sum())
        base = row * 4
        nibble = _SPAN[
            column[which] & 1,
            np.clip(start[which] - base, 0, 4),
            np.clip(stop[which] - base, 0, 4),
        ]
        cell = row * columns + (column[which] >> 1)
        np.bitwise_or.at(bits, cell, nibble)
        owner[cell] = line[which]
    return bits.reshape(rows, columns), owner.reshape(rows, columns)


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
