"""Colours that people with any colour vision can tell apart, for dark and light."""

from __future__ import annotations

from dataclasses import dataclass

# After Okabe and Ito (2008) and Tol's bright scheme; lightened for dark backgrounds,
# darkened for light ones, to at least 4.5:1 against the background and the cursor's row.
DARK = (
    "#56b4e9",
    "#e69f00",
    "#2ec492",
    "#f0e442",
    "#e58fc2",
    "#ff7b4a",
    "#9d9bff",
    "#c2c2c2",
    "#7be0f0",
    "#c9a66b",
)
LIGHT = (
    "#0067a8",
    "#a54600",
    "#006f50",
    "#6f6000",
    "#a3397e",
    "#bd2d00",
    "#4b49c9",
    "#5a5a5a",
    "#006c7a",
    "#7d5a1e",
)
_SHADE = 0.28  # of a line's colour given to the background: 3:1 is left
# Markers do what colours do, where there are none.
MARKERS = "●▲■◆○△□◇✚✖"
ASCII_MARKERS = "ox+*#%@&=~"


@dataclass(frozen=True)
class Ink:
    """The colours of a picture, as `#rrggbb`; empty where the picture has none."""

    background: str
    surface: str  # a raised bar: header, selected row
    select: str  # the cursor's row
    text: str
    dim: str
    faint: str  # grid lines, borders, bands
    accent: str
    good: str
    warn: str
    bad: str
    lines: tuple[str, ...]
    dark: bool = True
    colored: bool = True

    def line(self, index: int) -> str:
        """The colour of the index-th line."""
        return self.lines[index % len(self.lines)] if self.colored else ""

    def behind(self, color: str) -> str:
        """A line's colour for its raw values, behind the smoothed ones."""
        return blend(color, self.background, 0.58) if color else ""

    def beside(self, color: str) -> str:
        """A shade of a line's colour for what belongs to it, still readable as a line."""
        return blend(color, self.background, _SHADE) if color else ""


DARK_INK = Ink(
    background="#11151c",
    surface="#1b222d",
    select="#243245",
    text="#dce3ec",
    dim="#929fb1",
    faint="#3a4553",
    accent="#5ab0f6",
    good="#43c98b",
    warn="#f0b429",
    bad="#ff7062",
    lines=DARK,
)
LIGHT_INK = Ink(
    background="#fbfbf9",
    surface="#ecedea",
    select="#dae7f6",
    text="#1d2430",
    dim="#5a6472",
    faint="#c3c8ce",
    accent="#0a62b0",
    good="#08693f",
    warn="#855700",
    bad="#c0271b",
    lines=LIGHT,
    dark=False,
)
NO_INK = Ink("", "", "", "", "", "", "", "", "", "", lines=("",), colored=False)


def rgb(color: str) -> tuple[int, int, int]:
    """The three bytes of a `#rrggbb`."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def blend(color: str, other: str, share: float) -> str:
    """`color` with `share` of it replaced by `other`."""
    mixed = (round(a + (b - a) * share) for a, b in zip(rgb(color), rgb(other), strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def contrast(a: str, b: str) -> float:
    """The WCAG contrast ratio of two colours, 1 to 21."""

    def luminance(color: str) -> float:
        parts = [c / 255 for c in rgb(color)]
        r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def parse_style(style: str, color: str, background: str) -> tuple[str, str, set[str]]:
    """A style string taken apart: its colours, where it names none the given ones, and its flags.

    >>> parse_style("bold #ff0000 on #000000", "", "")
    ('#ff0000', '#000000', {'bold'})
    """
    flags = set()
    words = iter(style.split())
    for word in words:
        if word == "on":
            background = next(words, background)
        elif word.startswith("#"):
            color = word
        else:
            flags.add(word)
    return color, background, flags
