"""How things look: colours by role, and glyphs that the terminal can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from trackerlite_tui.curves.palette import (
    ASCII_MARKERS,
    DARK_INK,
    LIGHT_INK,
    MARKERS,
    NO_INK,
    Ink,
)

_STATES = {
    "running": ("▶", ">", "accent"),
    "silent": ("‖", "~", "warn"),
    "finished": ("✓", "+", "good"),
    "failed": ("✗", "x", "bad"),
    "killed": ("☠", "!", "bad"),
    "preempted": ("⏏", "^", "warn"),
    "dead": ("?", "?", "warn"),
}
_BLOCKS = " ▁▂▃▄▅▆▇"  # not █: curves in rows below each other stay apart
_ASCII_BLOCKS = " __..--="


@dataclass(frozen=True)
class Look:
    """Everything a painter asks about appearance. Style strings are `bold #fg on #bg`."""

    ink: Ink = DARK_INK
    ascii_only: bool = False
    glyphs: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """Plain text."""
        return self.ink.text

    @property
    def dim(self) -> str:
        """What may be overlooked."""
        return self.ink.dim if self.ink.colored else "dim"

    @property
    def faint(self) -> str:
        """Borders."""
        return self.ink.faint if self.ink.colored else "dim"

    @property
    def strong(self) -> str:
        """Headings."""
        return f"bold {self.ink.text}".strip()

    @property
    def accent(self) -> str:
        """What is active."""
        return self.ink.accent if self.ink.colored else "bold"

    @property
    def good(self) -> str:
        """Better, finished, safe."""
        return self.ink.good

    @property
    def warn(self) -> str:
        """Worth a look."""
        return self.ink.warn if self.ink.colored else "bold"

    @property
    def bad(self) -> str:
        """Worse, failed."""
        return self.ink.bad if self.ink.colored else "bold"

    @property
    def bar(self) -> str:
        """The header's and footer's background."""
        return f"{self.ink.text} on {self.ink.surface}" if self.ink.colored else "reverse"

    def on(self, style: str, background: str) -> str:
        """`style` on a raised background: `surface` or `select`."""
        if not self.ink.colored:
            return f"{style} reverse".strip() if background == "select" else style
        back = self.ink.select if background == "select" else self.ink.surface
        return f"{style or self.ink.text} on {back}"

    def role(self, name: str) -> str:
        """A style by its name: good, bad, warn, accent, dim, text."""
        return str(getattr(self, name))

    def state(self, state: str) -> tuple[str, str]:
        """The glyph and style of a run's state."""
        mark, plain, role = _STATES.get(state, ("·", ".", "dim"))
        return (plain if self.ascii_only else mark), self.role(role)

    def marker(self, index: int) -> str:
        """The sign of the index-th line where there is no colour."""
        signs = ASCII_MARKERS if self.ascii_only else MARKERS
        return signs[index % len(signs)]

    def pick(self, fancy: str, plain: str) -> str:
        """A glyph, or its ASCII stand-in."""
        return plain if self.ascii_only else fancy

    def spark(self, values: list[float]) -> str:
        """Values as one character each, from lowest to highest; gaps are spaces."""
        good = [v for v in values if v == v and abs(v) != float("inf")]
        if not good:
            return " " * len(values)
        low, span = min(good), max(good) - min(good)
        blocks = _ASCII_BLOCKS if self.ascii_only else _BLOCKS
        top = len(blocks) - 2
        return "".join(
            " "
            if v != v or abs(v) == float("inf")
            else blocks[1 + round((v - low) / span * top if span else top / 2)]
            for v in values
        )


def look(
    theme: str = "auto", environment: Mapping[str, str] | None = None, background: str = ""
) -> Look:
    """The look for a theme (`dark`, `light`, `auto`, `plain`) on this terminal, whose background is
    `light` or `dark` as it told; without its word as the environment has it."""
    env = os.environ if environment is None else environment
    ascii_only = not _unicode(env)
    if theme == "plain" or env.get("NO_COLOR") or env.get("TERM") == "dumb":
        return Look(NO_INK, ascii_only)
    if theme == "auto":
        theme = background or ("light" if _light_background(env) else "dark")
    return Look(LIGHT_INK if theme == "light" else DARK_INK, ascii_only)


def _unicode(env: Mapping[str, str]) -> bool:
    if env.get("TERM") in ("dumb", "linux", "vt100"):
        return False
    if env.get("TRACKERLITE_ASCII"):
        return False
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if locale:
        return "utf" in locale.lower()
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _light_background(env: Mapping[str, str]) -> bool:
    """By $COLORFGBG, which several terminals set to `foreground;background`."""
    last = env.get("COLORFGBG", "").rpartition(";")[2]
    return last in ("7", "15")
