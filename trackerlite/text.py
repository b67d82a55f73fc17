"""The one door for untrusted text on its way to a person's screen.

A run's name, a metric's key or a logged string may hold anything, also the
escape sequences that move a cursor, set a clipboard or ask a terminal to
answer. `plain` turns each such character into a visible symbol.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import suppress

# C0 controls, DEL, C1 controls, and the characters that reorder or hide text.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def _symbol(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # ␀ ␁ … the control pictures
    if code == 0x7F:
        return "\u2421"
    return "\ufffd"


def tell(message: str) -> None:
    """Say a sentence on stderr, whatever it names; one that is closed or full harms nobody."""
    shown = "\n".join(plain(line) for line in message[:2000].split("\n"))
    if sys.stderr is not None:  # else `print` would take stdout, which is the script's
        with suppress(OSError, ValueError):
            print(f"trackerlite: {shown}", file=sys.stderr, flush=True)


def plain(text: object, limit: int | None = None) -> str:
    """`text` with every control, reordering or invisible character made visible.

    Args:
        text: anything; it is passed through `str` first.
        limit: the most characters to return; a longer text ends in `…`.

    >>> plain("a\\x1b]52;c;b\\x07")
    'a␛]52;c;b␇'
    >>> plain("long name", limit=5)
    'long…'
    """
    result = str(text)
    if limit is not None and len(result) > limit:
        result = result[: limit - 1] + "…"
    return _UNSAFE.sub(_symbol, result)


def counted(count: int, noun: str) -> str:
    """So many of something, in words that agree.

    >>> counted(1, "file"), counted(1200, "run")
    ('1 file', '1,200 runs')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def lines(text: object) -> list[str]:
    """The lines of `text`, tabs widened, each made plain.

    >>> lines("a\\tb\\nc\\x1b[0m\\r\\nd")
    ['a   b', 'c␛[0m', 'd']
    """
    return [plain(line.expandtabs(4)) for line in str(text).replace("\r\n", "\n").split("\n")]


def nearest(text: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """ " Did you mean …?" with the nearest of `known`, to end a sentence with; or "".

    >>> nearest("val/los", ["val/loss", "train/loss"])
    ' Did you mean val/loss?'
    """
    import difflib

    near = difflib.get_close_matches(text, known, n=1, cutoff=cutoff)
    return f" Did you mean {near[0]}?" if near else ""
