"""Writing cells to the terminal with no more bytes than they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial

from rich.color import ColorSystem

from trackerlite_tui.curves.palette import Ink
from trackerlite_tui.rows import Row, slice_row
from trackerlite_tui.widgets.style import style_of

Span = tuple[int, int, int]  # row, first cell, cell after the last
Codes = tuple[str, str, str]  # flags, colour, background: as the numbers of an SGR sequence

_FLAGS = {"bold": "1", "dim": "2", "italic": "3", "underline": "4", "reverse": "7"}


@lru_cache(maxsize=16)
def _codes(ink: Ink, system: ColorSystem) -> Callable[[str], Codes]:
    """`codes` of one ink, which takes longer to look up than all else: asked for once a frame."""
    return lru_cache(maxsize=4096)(partial(codes, ink=ink, system=system))


def codes(style: str, ink: Ink, system: ColorSystem) -> Codes:
    """What a style string of ours is to the terminal."""
    made = style_of(style, ink)
    flags = ";".join(code for name, code in _FLAGS.items() if getattr(made, name))
    front, back = made.color, made.bgcolor
    return (
        flags,
        ";".join(front.downgrade(system).get_ansi_codes()) if front else "39",
        ";".join(back.downgrade(system).get_ansi_codes(foreground=False)) if back else "49",
    )


def written(rows: list[Row], spans: Iterable[Span], ink: Ink, system: ColorSystem) -> str:
    """The spans of `rows` as the terminal takes them: moves, text, and styles where they change."""
    out: list[str] = []
    codes_of = _codes(ink, system)
    now: Codes = ("", "", "")
    for y, start, stop in spans:
        out.append(f"\x1b[{y + 1};{start + 1}H")
        for text, style in slice_row(rows[y], start, stop):
            if not text:
                continue
            then = codes_of(style)
            if then != now:
                out.append(_change(now, then))
                now = then
            out.append(text)
    if out:
        out.append("\x1b[0m")
    return "".join(out)


def _change(now: Codes, then: Codes) -> str:
    """The sequence from one style to another; flags end only with everything else."""
    if then[0] != now[0] or not now[1]:
        parts = ["0", *(part for part in then if part)]
    else:
        parts = [part for part, before in zip(then[1:], now[1:], strict=True) if part != before]
    return f"\x1b[{';'.join(parts)}m"
