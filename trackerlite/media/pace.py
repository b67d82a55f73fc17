"""Work beside a training in short turns, so that the training hardly meets it.

Encoding a large table holds the interpreter's lock; a thread that never lets go of it by
itself slows a training down to half. The media thread rests after each turn for twice as
long as that took; whoever writes at once, in the training's own thread, never does.
"""

from __future__ import annotations

import threading
import time

REST, LONGEST = 2.0, 0.1  # times the turn; seconds

_here = threading.local()


def begin(hurry: threading.Event) -> None:
    """From now on this thread rests in `breathe`, until `hurry` is set."""
    _here.hurry, _here.since = hurry, time.thread_time()


def breathe() -> None:
    """The end of a turn of about a millisecond."""
    hurry = getattr(_here, "hurry", None)
    if hurry is not None:
        hurry.wait(min(LONGEST, REST * (time.thread_time() - _here.since)))
        _here.since = time.thread_time()
