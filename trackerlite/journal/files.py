"""Journal files: each with a name of its own, and locked for as long as it is written."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

PATTERN = "events.out.tfevents.*"


def create(folder: Path) -> tuple[int, Path]:
    """A new, locked journal file in `folder`, named so that it sorts behind all others there.

    TensorBoard goes on to a file only if its name sorts later, also when the clock
    was set back. The lock tells everyone that its writer lives; the kernel drops it
    with the process.
    """
    seconds = int(time.time())
    for name in os.listdir(folder):
        stamp = name.split(".")[3:4] if name.startswith("events.out.tfevents.") else []
        if stamp and stamp[0].isdigit() and len(stamp[0]) <= 11:
            seconds = max(seconds, int(stamp[0]) + 1)
    host = "".join(c if c.isalnum() or c == "-" else "_" for c in os.uname().nodename)[:64]
    while True:
        name = f"events.out.tfevents.{seconds:010d}.{host}.{os.getpid()}.{os.urandom(4).hex()}"
        path = folder / name
        flags = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            fd = _above_the_standard_ones(os.open(path, flags, 0o666))
        except FileExistsError:
            continue
        _lock(fd)
        return fd, path


def restore(fd: int, folder: Path) -> tuple[int, Path]:
    """A file whose last name was deleted, in `folder` again: a new one with all that the kernel still has.

    Raises:
        OSError: there is no room or right; the old one is as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new, path = create(folder)
    try:
        at = 0
        while data := os.pread(fd, 1 << 20, at):
            at += os.write(new, data)
    except BaseException:
        os.close(new)
        path.unlink()
        raise
    return new, path


def _above_the_standard_ones(fd: int) -> int:
    """`fd`, or another that is none of stdin, stdout and stderr.

    Where those were closed the next file gets their numbers, and what libraries and children
    print would be written into it.
    """
    if fd > 2:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    """Take the lock that says "being written"; whoever is just asking holds it for a moment."""
    for _ in range(200):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            return  # a file system without locks: the heartbeat alone must tell
        else:
            return


def is_being_written(path: str | Path) -> bool:
    """Whether a living process on a machine we share locks with writes `path`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False
