"""The reader: every whole record of a journal, from any offset, live or long dead.

It tells three things apart. A *torn tail* is a record that is not there in full:
its writer is in the middle of it, or died there; come back later. *Damage* is
bytes that were whole once: a checksum says no; the range is reported and
reading goes on behind it, where a valid record is found. A file that has only
damage up to its end is *dead* from there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from trackerlite.journal.framing import HEADER, OVERHEAD, is_whole, payload_length

CHUNK = 1 << 20
RECORD_LIMIT = 1 << 30


class End(Enum):
    """Why reading stopped."""

    CLEAN = "at the end of the last record"
    TORN = "in the middle of a record; come back later"
    DEAD = "nothing behind here can be read"


class Damage(NamedTuple):
    """A range of bytes [start, stop) that holds no valid record."""

    start: int
    stop: int
    reason: str


class JournalReader:
    """Reads a journal from `offset` on; call `read` again for what was added since.

    Attributes:
        offset: behind the last record read (or damage passed over).
        end: why the last `read` stopped.
        damage: the damaged ranges met so far.
    """

    def __init__(self, path: Path, offset: int = 0):
        self.path = path
        self.offset = offset
        self.end = End.CLEAN
        self.damage: list[Damage] = []
        self._base, self._buffer = offset, b""

    def read(self, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (offset behind the record, payload) for each whole record.

        Args:
            limit: stop after about this many bytes.
        """
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield from self._read(fd, limit)
        finally:
            os.close(fd)

    def _read(self, fd: int, limit: int | None) -> Iterator[tuple[int, bytes]]:
        stop = None if limit is None else self.offset + limit
        self._base, self._buffer = self.offset, b""
        while stop is None or self.offset < stop:
            buffer = self._buffer
            at = self.offset - self._base
            if len(buffer) - at < HEADER:
                buffer = self._refill(fd, CHUNK)
                at = 0
                if len(buffer) < HEADER:
                    self.end = End.TORN if buffer else End.CLEAN
                    return
            length = payload_length(buffer[at : at + HEADER])
            if length is None or length > RECORD_LIMIT:
                if not self._skip(fd, self.offset, "a record's length fails its checksum"):
                    return
                self._base, self._buffer = self.offset, b""
                continue
            whole = length + OVERHEAD
            if len(buffer) - at < whole:
                buffer = self._refill(fd, max(CHUNK, whole))
                at = 0
                if len(buffer) < whole:
                    self.end = End.TORN
                    return
            stop_at = at + HEADER + length
            payload = buffer[at + HEADER : stop_at]
            if not is_whole(payload, buffer[stop_at : at + whole]):
                self._damaged(self.offset, self.offset + whole, "a record fails its checksum")
                self.offset += whole
                continue
            self.offset += whole
            yield self.offset, payload
        self.end = End.CLEAN

    def _refill(self, fd: int, size: int) -> bytes:
        self._base, self._buffer = self.offset, _fill(fd, self.offset, size)
        return self._buffer

    def ahead(self, size: int, most: int) -> memoryview:
        """What is at hand behind the last record, as far as it may be records of `size` bytes.

        Whole multiples of `size`, `most` at most, and nobody has looked at their checksums:
        who does may `pass_over` them, and `read` goes on behind.
        """
        at = self.offset - self._base
        count = min(most, max(0, len(self._buffer) - at) // size)
        return memoryview(self._buffer)[at : at + count * size]

    def pass_over(self, size: int) -> None:
        """Go on `size` bytes further; they are records that were read and found whole."""
        self.offset += size

    def _skip(self, fd: int, start: int, reason: str) -> bool:
        """Pass over damage to the next valid record; False if there is none (yet)."""
        position = start + 1
        while True:
            buffer = _fill(fd, position, CHUNK)
            for at in range(len(buffer) - HEADER + 1):
                length = payload_length(buffer[at : at + HEADER])
                if length is None or length > RECORD_LIMIT:
                    continue
                record = _fill(fd, position + at, length + OVERHEAD)
                if len(record) < length + OVERHEAD:
                    continue
                if is_whole(record[HEADER : HEADER + length], record[HEADER + length :]):
                    self._damaged(start, position + at, reason)
                    self.offset = position + at
                    return True
            if len(buffer) < CHUNK:
                self.end = End.DEAD
                self._damaged(start, position + len(buffer), f"{reason}; no record behind it")
                return False
            position += len(buffer) - HEADER + 1

    def _damaged(self, start: int, stop: int, reason: str) -> None:
        if self.damage and self.damage[-1].start == start:
            self.damage[-1] = Damage(start, stop, reason)
        else:
            self.damage.append(Damage(start, stop, reason))


def is_whole_up_to(path: Path, stop: int, most: int = 32 << 20) -> bool:
    """Whether the journal's last `most` bytes before `stop`, the end of a record, are whole records.

    A power cut can leave a file as long as it was, with zeros where its last second should be.
    """
    start = max(0, stop - most)
    reader = JournalReader(path, start)
    for _ in reader.read(stop - start):
        pass
    # The first record may have begun before `start`, if that is not the file's own.
    damaged = any(damage.start > start or not start for damage in reader.damage)
    return reader.offset == stop and not damaged


def _fill(fd: int, offset: int, size: int) -> bytes:
    """Up to `size` bytes at `offset`; fewer only at the end of the file."""
    pieces: list[bytes] = []
    while size > 0:
        piece = os.pread(fd, size, offset)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
