"""Console output as a file: whole lines with their times, from several sources, bounded."""

from __future__ import annotations

import codecs
import os
import threading
import time
from pathlib import Path
from typing import IO

from trackerlite.capture.redact import redact_text

LIMIT = 32 << 20  # bytes of console.log; the beginning and the end of a run matter most
MAX_LINE = 8192  # characters
FLUSH_EVERY = 0.25  # seconds
LONGEST_KEY = 200  # lines of a printed private key

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Log:
    """The file: whole lines with their times, from several sources, bounded.

    Args:
        pause: seconds that lines may wait for others, for who flushes when none come.
    """

    def __init__(self, path: Path, limit: int, pause: float = FLUSH_EVERY) -> None:
        self._path, self._limit = path, max(limit, 4096)
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._size = 0
        self._pending: list[bytes] = []
        self._waiting = 0  # bytes in it
        self._flushed = 0.0
        self._pause = pause
        self._sources: list[Source] = []
        self._forked = False

    def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NOFOLLOW, 0o666)
        self._file = os.fdopen(descriptor, "ab", buffering=0)
        self._size = os.fstat(descriptor).st_size

    def source(self, name: str) -> Source:
        source = Source(name, self)
        self._sources.append(source)
        return source

    def line(self, source: str, when: float, text: str) -> None:
        """One finished line: `2026-01-31T12:00:00.123Z out text`."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when))
        # Cut after redacting, or half a secret would stay, which looks like none.
        text = redact_text(text)[: min(MAX_LINE, self._limit // 16)]
        line = f"{stamp}.{int(when % 1 * 1000):03d}Z {source} {text}\n".encode("utf-8", "replace")
        with self._lock:
            self._pending.append(line)
            self._waiting += len(line)
            soon = self._waiting < min(65536, self._limit // 8)
            if soon and 0 <= when - self._flushed < self._pause:
                return
            self._write(when)

    def flush(self) -> None:
        with self._lock:
            self._write(time.time())

    def close(self) -> None:
        for source in self._sources:
            source.end()
        self._sources.clear()
        with self._lock:
            self._write(time.time())
            if self._file is not None:
                self._file.close()
                self._file = None

    def forked(self) -> None:
        """This is a child now: a line that is on its way is its parent's to write, and so is a
        lock that another thread held."""
        self._lock = threading.Lock()
        self._pending.clear()
        self._waiting, self._forked = 0, True
        for source in self._sources:
            source.forked()

    def _write(self, now: float) -> None:
        self._flushed = now
        if self._file is None or not self._pending:
            return
        data = b"".join(self._pending)
        self._pending.clear()
        self._waiting = 0
        try:
            if self._size + len(data) > self._limit:
                if self._forked:  # the file is the parent's to make anew
                    return
                self._shrink()
            self._file.write(data)
            self._size += len(data)
        except OSError:  # a full disk costs console lines, nothing else
            pass

    def _shrink(self) -> None:
        """Keep the first quarter and the last quarter of the file, and say so in between."""
        quarter = self._limit // 4
        with open(self._path, "rb") as file:
            head = file.read(quarter)
            file.seek(max(quarter, self._size - quarter))
            tail = file.read()
        head = head[: head.rfind(b"\n") + 1]
        tail = tail[tail.find(b"\n") + 1 :]
        mark = (
            f"… {self._size - len(head) - len(tail)} bytes of console output left out …\n".encode()
        )
        if b"bytes of console output left out" in head[-200:]:
            head = head[: head.rstrip(b"\n").rfind(b"\n") + 1]
        temporary = self._path.with_name(self._path.name + ".tmp")
        with open(temporary, "wb") as file:
            file.write(head + mark + tail)
        temporary.replace(self._path)
        if self._file is not None:
            self._file.close()
        self.open()


class Source:
    """Bytes of one stream to finished lines."""

    def __init__(self, name: str, log: Log) -> None:
        self._name, self._log = name, log
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._in_key = 0  # lines that a private key may still have
        self._lock = threading.RLock()

    def feed(self, data: bytes) -> None:
        self.feed_text(self._decoder.decode(data))

    def feed_text(self, text: str) -> None:
        """A progress bar rewrites its line with \\r: only what stands there at the end counts."""
        now = time.time()
        with self._lock:
            self._text += text
            if "\n" in text:
                *whole, self._text = self._text.split("\n")
                for line in whole:
                    self._emit(now, line)
            if "\r" in self._text[:-1]:
                self._text = _last_state(self._text)
            if len(self._text) > 2 * MAX_LINE:
                cut = self._text.rfind(" ", MAX_LINE) + 1 or len(self._text)
                self._emit(now, self._text[:cut])
                self._text = self._text[cut:]

    def forked(self) -> None:
        """A line that the parent has begun is its own to end."""
        self._lock = threading.RLock()
        self._text = ""

    def end(self) -> None:
        with self._lock:
            if self._text:
                self._emit(time.time(), self._text)
                self._text = ""

    def _emit(self, when: float, line: str) -> None:
        line = _last_state(line.rstrip("\r"))
        if self._in_key:  # its lines look like nothing; the one before was its beginning
            self._in_key = 0 if "-----END " in line else self._in_key - 1
        elif line.strip():
            self._log.line(self._name, when, line)
            if "PRIVATE KEY-----" in line and "-----END " not in line:
                self._in_key = LONGEST_KEY


def _last_state(line: str) -> str:
    """What a line shows after all its carriage returns; trailing ones are kept for later."""
    body = line.rstrip("\r")
    return body[body.rfind("\r") + 1 :] + line[len(body) :][:1]
