"""What lies over a screen and takes its keys: a prompt, a menu, pages to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trackerlite_tui.rows import Row, clip, fit, width
from trackerlite_tui.text import safe

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk

Placed = tuple[list[Row], int, int]  # rows, left, top


def box(desk: Desk, body: Sequence[Row], title: str, columns: int, foot: str = "") -> list[Row]:
    """Rows in a frame of `columns` cells."""
    look = desk.look
    h, v = look.pick("─", "-"), look.pick("│", "|")
    tl, tr, bl, br = tuple(look.pick("╭╮╰╯", "++++"))
    inner = columns - 2
    head = clip(f" {safe(title)} ", inner - 1, look.ascii_only)
    foot = clip(f" {foot} ", inner - 1, look.ascii_only) if foot else ""
    out: list[Row] = [
        [
            (tl + h, look.accent),
            (head, look.strong),
            (h * (inner - 1 - width(head)) + tr, look.accent),
        ]
    ]
    out += [[(v, look.accent), *fit(row, inner), (v, look.accent)] for row in body]
    out.append(
        [(bl + h, look.accent), (foot, look.dim), (h * (inner - 1 - width(foot)) + br, look.accent)]
    )
    return out


def centred(framed: list[Row], wide: int, columns: int, rows: int) -> Placed:
    """A frame in the middle of the screen."""
    return framed, max(0, (columns - wide) // 2), max(0, (rows - len(framed)) // 2)


class Overlay:
    """Something on top of the screen that takes the keys until it closes."""

    contexts: tuple[str, ...] = ("overlay",)

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def close(self) -> None:
        """Take it away."""
        self.desk.close(self)

    def type(self, key: str, char: str | None) -> bool:
        """Take a key as text; False if it is not for this overlay's text."""
        return False

    def paste(self, text: str) -> None:
        """Take pasted text."""

    def paint(self, columns: int, rows: int) -> Placed:
        """What is seen, and where."""
        raise NotImplementedError

    def click(self, x: int, y: int) -> None:
        """A click at a cell of what `paint` gave."""

    def wheel(self, by: int) -> None:
        """The wheel."""

    def do_cancel(self, _: str) -> None:
        """Close it and change nothing."""
        self.close()
