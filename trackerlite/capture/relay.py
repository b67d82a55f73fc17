"""The process beside a training that passes its output on and keeps a copy.

Started by `console` with: 3 control (lines of ours), 4 where it says who it is, closed when
all has arrived, 5 and 6 what was printed to standard output and error, 7 and 8 where it goes. It ends when
nobody can print any more, whether the training finished, crashed or was killed.
"""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path

CONTROL, DONE = 3, 4
ROUTES = {5: 7, 6: 8}
BLOCK = 65536
PAUSE = 0.01  # seconds between two reads of little, so that a chatty loop costs few wake-ups
QUIET = 50  # milliseconds without output after which a stopped training has said everything


def main() -> int:
    """Relay until end of file."""
    if os.fork():
        # No child of the training: who waits for all children must not wait for us.
        os._exit(0)
    try:
        os.write(DONE, b"%d" % os.getpid())
    except OSError:  # the training is gone already; its last words are still to come
        pass
    _close_others()
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from trackerlite.capture import known
    from trackerlite.capture.lines import Log

    log = Log(Path(sys.argv[1]), int(sys.argv[2]))
    try:
        log.open()
    except OSError:  # nowhere to write: passing on is what matters
        pass
    sources = {5: log.source("out"), 6: log.source("err")}
    poll = select.poll()
    for descriptor in (CONTROL, *ROUTES):
        poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
    alive, stopping, heard = set(ROUTES), False, b""
    while alive:
        events = poll.poll(QUIET if stopping else 500)
        if not events:
            log.flush()
            if stopping:
                _close(DONE)
                stopping = False
            _follow_size()
        small = True
        for descriptor, _ in events:
            try:
                data = os.read(descriptor, BLOCK)
            except OSError:  # a pseudo-terminal whose last user went away says EIO
                data = b""
            if descriptor == CONTROL:
                heard += data
                *orders, heard = heard.split(b"\n")
                for order in orders:
                    stopping = stopping or order == b"stop"
                    if order.startswith(b"secret "):
                        known.remember(bytes.fromhex(order[7:].decode()).decode("utf-8", "replace"))
                if not data:
                    poll.unregister(CONTROL)
            elif data:
                small = small and len(data) < 2048
                _pass_on(ROUTES[descriptor], data)
                sources[descriptor].feed(data)
            else:
                poll.unregister(descriptor)
                alive.discard(descriptor)
        if events and small and alive and not stopping:
            time.sleep(PAUSE)
    log.close()
    _close(DONE)
    return 0


def _pass_on(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            time.sleep(0.005)
        except OSError:  # whoever read the output is gone; the log goes on
            return


def _follow_size() -> None:
    """A terminal that was resized resizes the one we put in front of it."""
    for inner, outer in ROUTES.items():
        if os.isatty(inner) and os.isatty(outer):
            import fcntl
            import termios

            try:
                size = fcntl.ioctl(outer, termios.TIOCGWINSZ, b"\0" * 8)
                if size != fcntl.ioctl(inner, termios.TIOCGWINSZ, b"\0" * 8):
                    fcntl.ioctl(inner, termios.TIOCSWINSZ, size)
            except OSError:
                return


def _close_others() -> None:
    """Whatever else was inherited is somebody's: holding it open could keep them waiting."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except (OSError, ValueError):
        numbers = list(range(256))
    for number in numbers:
        if number > max(ROUTES.values()):
            _close(number)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    _close(nowhere)


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        pass


if __name__ == "__main__":
    raise SystemExit(main())
