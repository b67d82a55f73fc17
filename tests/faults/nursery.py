"""Starts victims quickly: one process that has everything imported forks each of them.

A victim is a process of its own with nothing open; only Python's start-up is saved.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from select import select
from typing import Any

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))

from faults.victims import ACK, DONE, ENDED, READY  # noqa: E402


@dataclass
class Victim:
    """A process at work, and what it has told so far."""

    pid: int
    pipe: int
    plan: dict[str, Any]
    buffer: bytes = b""
    told: list[tuple[int, int]] = field(default_factory=list)
    over: bool = False
    process: subprocess.Popen[bytes] | None = None

    def listen(self, seconds: float) -> None:
        """Take in what it tells for so long, or until it is dead."""
        until = time.monotonic() + seconds
        while not self.over:
            left = until - time.monotonic()
            if left <= 0 or not select([self.pipe], [], [], left)[0]:
                return
            self._take()

    def _take(self) -> None:
        data = os.read(self.pipe, 1 << 16)
        if not data:
            self.over = True
            os.close(self.pipe)
            if self.process is not None:
                self.process.wait(20)
            return
        self.buffer += data
        whole = len(self.buffer) // ACK.size * ACK.size
        self.told += ACK.iter_unpack(self.buffer[:whole])
        self.buffer = self.buffer[whole:]

    def until_told(self, seconds: float = 60.0) -> None:
        """Wait for its first word."""
        until = time.monotonic() + seconds
        while not self.told and not self.over:
            assert time.monotonic() < until, f"nothing heard of {self.plan}"
            self.listen(0.05)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill it, and hear what it still told."""
        if not self.over:
            os.kill(self.pid, number)
        self.wait()

    def wait(self, seconds: float = 60.0) -> None:
        """Until it is dead."""
        until = time.monotonic() + seconds
        while not self.over:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"still alive after {seconds} s: {self.plan}")
            self.listen(0.1)

    @property
    def acknowledged(self) -> list[int]:
        """The numbers of the operations it had acknowledged."""
        return [number for kind, number in self.told if kind == DONE]

    @property
    def began(self) -> bool:
        """Whether `init` returned."""
        return any(kind == READY for kind, _ in self.told)

    @property
    def ended(self) -> bool:
        """Whether it came to its own end."""
        return any(kind == ENDED for kind, _ in self.told)


class Nursery:
    """Forks victims on demand."""

    def __init__(self, log: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("TRACKERLITE_", "WANDB_"))
        }
        with open(log, "ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                cwd=log.parent,
                env=environment,
            )
        theirs.close()

    def start(self, **plan: Any) -> Victim:
        """A victim that plays `plan`."""
        reading, writing = os.pipe()
        socket.send_fds(self._socket, [json.dumps(plan).encode()], [writing])
        os.close(writing)
        pid = int(self._socket.recv(64))
        return Victim(pid, reading, plan)

    def close(self) -> None:
        """End the nursery."""
        self._socket.close()
        self._process.wait(20)


def fresh(log: Path, prefix: tuple[str, ...] = (), **plan: Any) -> Victim:
    """A victim in a new interpreter of its own, as a training script is."""
    reading, writing = os.pipe()
    with open(log, "ab") as stderr:
        process = subprocess.Popen(
            [
                *prefix,
                sys.executable,
                str(TESTS / "faults" / "victims.py"),
                json.dumps(plan),
                str(writing),
            ],
            pass_fds=[writing],
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            cwd=log.parent,
        )
    os.close(writing)
    return Victim(process.pid, reading, plan, process=process)


#: what a victim would import; the last one takes a second
_BEFOREHAND = (
    "trackerlite.capture.environment",
    "trackerlite.capture.redact",
    "trackerlite.readers",
    "trackerlite.recording.current",
    "trackerlite.store.projector",
    "trackerlite.doctor",
    "faults.migration",
    "faults.operations",
    "sqlite_utils.migrations",
)


def _serve(channel: socket.socket) -> None:
    from faults import victims

    for name in _BEFOREHAND:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, fds, _, _ = socket.recv_fds(channel, 1 << 16, 1)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            status = 1
            try:
                victims.main(json.loads(message), fds[0])
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        os.close(fds[0])
        channel.send(str(pid).encode())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
