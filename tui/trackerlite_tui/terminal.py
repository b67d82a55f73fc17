"""What the terminal can show, pictures and a light background: asked once, before Textual listens, and
never waited on for long.

Three ways are known: Kitty's graphics protocol, iTerm2's inline files, and Sixel. A terminal that
has none of them, or does not answer, gets half blocks. The question ends with one that every
terminal answers (its device attributes), so a terminal that knows no pictures costs one round trip;
it is asked while Textual is being loaded, which takes longer.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

WAYS = ("kitty", "iterm2", "sixel", "blocks")

_KITTY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_CELL = "\x1b[16t"
_BACKGROUND = "\x1b]11;?\x1b\\"
_ATTRIBUTES = "\x1b[c"
_NEVER = ("dumb", "linux", "vt100", "unknown", "")
# A shell far away answers later; whoever does not answer at all costs this once.
_PATIENCE, _PATIENCE_FAR = 0.3, 1.0

_KITTY_SAID = re.compile(rb"\x1b_G([^\x1b]*)\x1b\\")
_CELL_SAID = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_BACKGROUND_SAID = re.compile(rb"\x1b\]11;([^\x07\x1b]*)(?:\x07|\x1b\\)")
_ATTRIBUTES_SAID = re.compile(rb"\x1b\[\?([\d;]*)c")


@dataclass(frozen=True)
class Graphics:
    """How pictures are drawn: `kitty`, `iterm2` or `sixel`, and a cell's width and height in pixels."""

    way: str
    cell: tuple[int, int] = (10, 20)


@dataclass(frozen=True)
class Answer:
    """What came of the question.

    Attributes:
        graphics: the way to draw pictures, if any.
        typed: what the person typed meanwhile.
        background: `light` or `dark`, where the terminal told.
        late: the terminal was asked and has not answered to the end: that may come yet, as keys.
    """

    graphics: Graphics | None = None
    typed: str = ""
    background: str = ""
    late: bool = False


def understand(said: bytes, env: Mapping[str, str], cell: tuple[int, int] | None = None) -> Answer:
    """Read a terminal's answers, whatever else lies between them.

    Args:
        said: the bytes that came.
        env: the environment; some terminals are known by name only.
        cell: a cell's size in pixels, where the system knows it.
    """
    size = _CELL_SAID.search(said)
    if size and int(size[1]) and int(size[2]):
        cell = int(size[2]), int(size[1])
    kitty = _KITTY_SAID.search(said)
    attributes = _ATTRIBUTES_SAID.search(said)
    typed = said
    background = _shade(_BACKGROUND_SAID.search(said))
    for pattern in (_KITTY_SAID, _CELL_SAID, _BACKGROUND_SAID, _ATTRIBUTES_SAID):
        typed = pattern.sub(b"", typed)
    kept = "" if b"\x1b" in typed else typed.decode("utf-8", "ignore")
    way = env.get("TRACKERLITE_IMAGES", "").lower()
    if way not in WAYS:
        if kitty and kitty[1].endswith(b";OK"):
            way = "kitty"
        elif _by_name(env):
            way = "iterm2"
        elif attributes and b"4" in attributes[1].split(b";") and cell:
            way = "sixel"
    if way in ("", "blocks", "auto"):
        return Answer(None, kept, background)
    return Answer(Graphics(way, cell or (10, 20)), kept, background)


def _shade(said: re.Match[bytes] | None) -> str:
    """Whether `rgb:ffff/ffff/ffff`, or as many digits as it likes, is a light background."""
    parts = re.findall(rb"[0-9a-fA-F]+", said[1].partition(b":")[2]) if said else []
    if len(parts) < 3:
        return ""
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in parts[:3])
    return "light" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "dark"


def _by_name(env: Mapping[str, str]) -> bool:
    """Whether it is a terminal that draws iTerm2's inline files; a multiplexer hides it."""
    if "TMUX" in env or env.get("TERM", "").startswith(("screen", "tmux")):
        return False
    return env.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm") or env.get("LC_TERMINAL") == "iTerm2"


def question(env: Mapping[str, str]) -> str:
    """What to ask this terminal; empty where the answer is known, or where asking would show.

    tmux and screen take Kitty's question for a window's title, and Apple's terminal prints it.
    """
    if env.get("TERM", "") in _NEVER or env.get("NO_COLOR"):
        return ""
    if env.get("TRACKERLITE_IMAGES", "").lower() == "blocks":
        return ""
    hidden = "TMUX" in env or env.get("TERM", "").startswith(("screen", "tmux"))
    if hidden or env.get("TERM_PROGRAM") == "Apple_Terminal":
        return _BACKGROUND + _CELL + _ATTRIBUTES
    return _KITTY + _BACKGROUND + _CELL + _ATTRIBUTES


def ask(env: Mapping[str, str] | None = None) -> Callable[[], Answer]:
    """Send the question; what is returned waits for the answer, as long as is sensible.

    The terminal must pass keys on without echo, as `firstpaint.quiet_terminal` makes it.
    """
    env = os.environ if env is None else env
    asked = question(env)
    if not asked or sys.__stderr__ is None or not sys.__stderr__.isatty():
        return lambda: understand(b"", {**env, "TRACKERLITE_IMAGES": "blocks"})
    sys.__stderr__.write(asked)
    sys.__stderr__.flush()
    until = time.monotonic() + (_PATIENCE_FAR if "SSH_CONNECTION" in env else _PATIENCE)

    def answer() -> Answer:
        said = _listen(until)
        late = not _ATTRIBUTES_SAID.search(said)
        return replace(understand(said, env, _cell_of_system()), late=late)

    return answer


def _listen(until: float) -> bytes:
    """What the terminal says until it has answered the last question, or time is up."""
    said = b""
    while not _ATTRIBUTES_SAID.search(said):
        # Textual took its time: what has come by now is read, even if time is up.
        ready, _, _ = select.select([0], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            break
        more = os.read(0, 4096)
        if not more:
            break
        said += more
    return said


def _cell_of_system() -> tuple[int, int] | None:
    """A cell's size in pixels as the system knows it; most do not."""
    import fcntl
    import struct
    import termios

    try:
        answer = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return None
    rows, columns, wide, high = struct.unpack("HHHH", answer)
    return (wide // columns, high // rows) if wide and high and rows and columns else None
