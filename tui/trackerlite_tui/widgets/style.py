"""Our style strings as Rich's styles."""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style

from trackerlite_tui.curves.palette import Ink


@lru_cache(maxsize=4096)
def style_of(text: str, ink: Ink) -> Style:
    """A style string of ours as a style of the terminal's; never None, which NO_COLOR cannot bear."""
    color, background = ink.text or None, ink.background or None
    flags: dict[str, bool] = {}
    words = iter(text.split())
    for word in words:
        if word == "on":
            background = next(words, background)
        elif word.startswith("#"):
            color = word
        else:
            flags[word] = True
    return Style(
        color=color,
        bgcolor=background,
        bold=flags.get("bold"),
        dim=flags.get("dim"),
        underline=flags.get("underline"),
        reverse=flags.get("reverse"),
        italic=flags.get("italic"),
    )
