"""Our style strings as Rich's styles."""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style

from trackerlite_tui.curves.palette import Ink, parse_style


@lru_cache(maxsize=4096)
def style_of(text: str, ink: Ink) -> Style:
    """A style string of ours as a style of the terminal's; never None, which NO_COLOR cannot bear."""
    color, background, flags = parse_style(text, ink.text, ink.background)
    return Style(
        color=color or None,
        bgcolor=background or None,
        bold="bold" in flags or None,
        dim="dim" in flags or None,
        underline="underline" in flags or None,
        reverse="reverse" in flags or None,
        italic="italic" in flags or None,
    )
