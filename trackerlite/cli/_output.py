"""How verbs speak: data on stdout, narration on stderr, nothing that moves a cursor."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from trackerlite.cli._cells import fold, width
from trackerlite.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

_ANSI = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
}


def say(text: str) -> None:
    """Narrate a sentence to the person, on stderr: words stay whole on a terminal, lines in a pipe."""
    room = width(sys.stderr)
    lines = [part for line in text.split("\n") for part in fold(plain(line), room)]
    try:
        print("\n".join(lines), file=sys.stderr, flush=True)
    except BrokenPipeError:
        raise
    except OSError:  # a verb does what it was asked for, and ends as it would, heard or not
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let what waits in `stream` go nowhere: Python writes it at exit, and would complain there."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def coloured(stream: TextIO | None = None) -> bool:
    """Whether `stream` (stdout) takes colours: a terminal, unless NO_COLOR or FORCE_COLOR say."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    stream = stream or sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str | None) -> str:
    """`text`, made plain already, in `style` (bold, dim, red …) where stdout takes colours."""
    return styled(text, style) if coloured() else text


def styled(text: str, style: str | None) -> str:
    """`text` in `style`, whatever stdout is."""
    return f"\x1b[{_ANSI[style]}m{text}\x1b[0m" if style and text else text


def emit(value: Any) -> None:
    """Print one JSON document to stdout."""
    print(_dumps(value, indent=2))


def emit_line(value: Any) -> None:
    """Print one JSON document as one line, at once: for what is followed while it grows."""
    print(_dumps(value), flush=True)


def emit_rows(rows: Iterable[Any]) -> int:
    """Print a JSON array, one row a line, as the rows come; returns how many."""
    count = 0
    for row in rows:
        print(",\n " if count else "[\n ", end="")
        print(_dumps(row), end="")
        count += 1
    print("\n]" if count else "[]")
    return count


def console(**how: Any) -> Console:
    """A console of rich's on stdout, of which a pipe that closes is told as anywhere else."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich's own ends the process, as if we had failed

    return Piped(file=sys.stdout, **how)


class PlainText:
    """A stream for raw data that goes to a terminal: everything but line ends is made plain."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, harmless."""
        return self._stream.write("\n".join(map(plain, text.split("\n"))))


def _dumps(value: Any, indent: int | None = None) -> str:
    text = json.dumps(_strict(value), indent=indent, default=str, allow_nan=False)
    # The one control character that JSON lets through as it is.
    return text.replace("\x7f", "\\u007f")


def _strict(value: Any) -> Any:
    """JSON has no NaN and no infinities; they are spelled as strings, as W&B spells them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value
