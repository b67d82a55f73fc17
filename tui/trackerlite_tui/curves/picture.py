"""Rows of styled text as pictures: PNG with every dot drawn where it belongs, or SVG.

A font would misplace braille (no monospace font has it) and box lines would not meet, so both are
drawn as shapes; only letters come from a font.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trackerlite_tui.curves import cells
from trackerlite_tui.curves.braille import dots
from trackerlite_tui.curves.cells import Row
from trackerlite_tui.curves.palette import DARK_INK, Ink, blend, parse_style

CELL_WIDTH, CELL_HEIGHT = 10, 20
_FONTS = ("DejaVuSansMono", "LiberationMono-Regular", "Menlo", "consola", "NotoSansMono-Regular")
_BOLD = (
    "DejaVuSansMono-Bold",
    "LiberationMono-Bold",
    "Menlo-Bold",
    "consolab",
    "NotoSansMono-Bold",
)
_ARMS_OF = "lr ud rd ld ru lu udr udl lrd lru lrud rd ld ru lu LR UD l r"
# Which of a cell's four arms a box character has: left, right, up, down; heavy lines count twice.
_ARMS = dict(zip("─│┌┐└┘├┤┬┴┼╭╮╰╯━┃╴╶", _ARMS_OF.split(), strict=True))
_EIGHTHS = {chr(0x2580 + i): i for i in range(1, 9)}  # ▁▂▃▄▅▆▇█, from the bottom
_LEFT = {chr(0x2590 - i): i for i in range(1, 8)}  # ▏▎▍▌▋▊▉, from the left


@dataclass(frozen=True)
class Style:
    """What a style string says: `bold`, `dim`, `underline`, `reverse`, `#color`, `on #color`."""

    color: str
    background: str
    bold: bool = False
    underline: bool = False


@lru_cache(maxsize=4096)
def parse(style: str, ink: Ink) -> Style:
    """Read a style string against the picture's own colours."""
    color, background, flags = parse_style(
        style, ink.text or "#d0d0d0", ink.background or "#101010"
    )
    if "reverse" in flags:
        color, background = background, color
    if "dim" in flags:
        color = blend(color, background, 0.45)
    return Style(color, background, "bold" in flags, "underline" in flags)


def _shapes(
    char: str, x: float, y: float, w: float, h: float
) -> list[tuple[str, tuple[float, ...]]] | None:
    """A character as `dot` (x, y, radius) and `box` (x0, y0, x1, y1), or None for a letter."""
    if "\u2801" <= char <= "\u28ff":
        return [
            ("dot", (x + w * (0.25 + 0.5 * c), y + h * (0.125 + 0.25 * r), w * 0.19))
            for r, c in dots(char)
        ]
    if char in _EIGHTHS:
        return [("box", (x, y + h * (1 - _EIGHTHS[char] / 8), x + w, y + h))]
    if char in _LEFT:
        return [("box", (x, y, x + w * _LEFT[char] / 8, y + h))]
    if char == "▀":
        return [("box", (x, y, x + w, y + h / 2))]
    if char == "▐":
        return [("box", (x + w / 2, y, x + w, y + h))]
    if char in _ARMS:
        thick = w * (0.09 if _ARMS[char].islower() else 0.2)
        cx, cy = x + w / 2, y + h / 2
        ends = {
            "l": (x, cy - thick, cx + thick, cy + thick),
            "r": (cx - thick, cy - thick, x + w, cy + thick),
            "u": (cx - thick, y, cx + thick, cy + thick),
            "d": (cx - thick, cy - thick, cx + thick, y + h),
        }
        return [("box", ends[arm]) for arm in _ARMS[char].lower()]
    return None


def _spread(rows: Sequence[Row], ink: Ink) -> Iterator[tuple[int, int, str, int, Style]]:
    """Every piece of text as (row, column, text, cells, style)."""
    for r, row in enumerate(rows):
        column = 0
        for text, style in row:
            size = cells.width(text)
            if size:
                yield r, column, text, size, parse(style, ink)
            column += size


def _columns(rows: Sequence[Row]) -> int:
    return max((sum(cells.width(text) for text, _ in row) for row in rows), default=1)


@lru_cache(maxsize=8)
def _font(size: int, bold: bool) -> Any:
    from PIL import ImageFont

    for name in _BOLD if bold else _FONTS:
        for suffix in (".ttf", ".ttc"):
            try:
                return ImageFont.truetype(name + suffix, size)
            except OSError:
                continue
    return ImageFont.load_default(size)


def png(rows: Sequence[Row], ink: Ink = DARK_INK, zoom: int = 2) -> bytes:
    """The rows as a PNG of 10 × 20 × `zoom`² pixels a cell.

    Raises:
        ModuleNotFoundError: Pillow is not installed.
    """
    from PIL import Image, ImageDraw

    w, h = CELL_WIDTH * zoom, CELL_HEIGHT * zoom
    pad = w
    wide, high = _columns(rows) * w + 2 * pad, max(1, len(rows)) * h + 2 * pad
    image = Image.new("RGB", (wide, high), ink.background or "#101010")
    pen = ImageDraw.Draw(image)
    for r, column, _, size, style in _spread(rows, ink):
        if style.background != (ink.background or "#101010"):
            left, top = pad + column * w, pad + r * h
            pen.rectangle((left, top, left + size * w - 1, top + h - 1), fill=style.background)
    for r, column, text, _, style in _spread(rows, ink):
        x, y = pad + column * w, pad + r * h
        for char in text:
            shapes = _shapes(char, x, y, w, h)
            if shapes is None and char != " ":
                pen.text(
                    (x, y + h * 0.78),
                    char,
                    fill=style.color,
                    font=_font(int(h * 0.8), style.bold),
                    anchor="ls",
                )
            for kind, at in shapes or ():
                if kind == "dot":
                    cx, cy, radius = at
                    pen.ellipse(
                        (cx - radius, cy - radius, cx + radius, cy + radius), fill=style.color
                    )
                else:
                    pen.rectangle((at[0], at[1], at[2] - 1, at[3] - 1), fill=style.color)
            if style.underline:
                pen.line((x, y + h * 0.9, x + w, y + h * 0.9), fill=style.color, width=zoom)
            x += w * cells.width(char)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def svg(rows: Sequence[Row], ink: Ink = DARK_INK) -> str:
    """The rows as one self-contained SVG document."""
    w, h = float(CELL_WIDTH), float(CELL_HEIGHT)
    wide, high = (_columns(rows) + 2) * w, max(1, len(rows)) * h + 2 * w
    base = ink.background or "#101010"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}" height="{high:g}" '
        f'viewBox="0 0 {wide:g} {high:g}">',
        f'<rect width="100%" height="100%" fill="{base}"/>',
        '<g font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="16" '
        'xml:space="preserve">',
    ]
    for r, column, text, size, style in _spread(rows, ink):
        x, y = w + column * w, w + r * h
        if style.background != base:
            out.append(
                f'<rect x="{x:g}" y="{y:g}" width="{size * w:g}" height="{h:g}" '
                f'fill="{style.background}"/>'
            )
        out += _svg_text(text, x, y, w, h, style)
    return "\n".join([*out, "</g>", "</svg>"]) + "\n"


def _svg_text(text: str, x: float, y: float, w: float, h: float, style: Style) -> Iterator[str]:
    """A piece of text: its drawn characters as one path, its words as text of a fixed length."""
    path: list[str] = []
    word, start = "", x
    for char in [*text, " "]:
        shapes = _shapes(char, x, y, w, h)
        if shapes is None and char != " ":
            word += char
        elif word:
            yield _svg_word(word, start, y, h, w, style)
            word = ""
        for kind, at in shapes or ():
            if kind == "dot":
                cx, cy, r = at
                path.append(
                    f"M{cx - r:g} {cy:g}a{r:g} {r:g} 0 1 0 {2 * r:g} 0"
                    f"a{r:g} {r:g} 0 1 0 {-2 * r:g} 0"
                )
            else:
                x0, y0, x1, y1 = at
                path.append(f"M{x0:g} {y0:g}H{x1:g}V{y1:g}H{x0:g}z")
        x += w * cells.width(char)
        if not word:
            start = x
    if path:
        yield f'<path fill="{style.color}" d="{"".join(path)}"/>'


def _svg_word(word: str, x: float, y: float, h: float, w: float, style: Style) -> str:
    # XML has no place for control characters, not even escaped ones.
    clean = "".join(
        char if char >= " " and not "\ud800" <= char <= "\udfff" else "\ufffd" for char in word
    )
    weight = ' font-weight="bold"' if style.bold else ""
    return (
        f'<text x="{x:g}" y="{y + h * 0.78:g}" fill="{style.color}"{weight} '
        f'textLength="{cells.width(word) * w:g}" lengthAdjust="spacingAndGlyphs">'
        f"{html.escape(clean)}</text>"
    )
