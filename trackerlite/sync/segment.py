"""The `.wandb` transaction log: the framing that `wandb sync` reads.

A 7-byte header (`:W&B`, u16 0xBEE1, version 0), then 32 KiB blocks of chunks: u32 crc32 (over the
type byte and the payload), u16 length, u8 type (1 whole, 2 first, 3 middle, 4 last), payload. The
header counts towards the first block; a block's last bytes, when fewer than 7, are zeros.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

BLOCK = 32768
_CHUNK = 7
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_HEAD = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
_pack = struct.Struct("<IHB").pack
_CRC = [zlib.crc32(bytes([kind])) for kind in range(5)]
_FLUSH = 1 << 20


class SegmentWriter:
    """Writes one new `.wandb` file, record by record, with at most 1 MiB held back.

    The file must not exist: a segment is written once and never extended.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        self._buffer = bytearray(_HEAD)
        self._at = len(_HEAD)  # position within the current block
        self.size = 0  # bytes in the file
        self.records = 0

    def write(self, payload: bytes) -> None:
        """Append one serialised record."""
        room = BLOCK - self._at
        length = len(payload)
        self.records += 1
        if length + _CHUNK <= room:  # nearly every record
            self._buffer += _pack(zlib.crc32(payload, _CRC[_WHOLE]), length, _WHOLE)
            self._buffer += payload
            self._at += length + _CHUNK
        else:
            self._write_split(payload)
        if len(self._buffer) >= _FLUSH:
            self._flush()

    def _write_split(self, payload: bytes) -> None:
        view, start, first = memoryview(payload), 0, True
        while True:
            room = BLOCK - self._at
            if room < _CHUNK:
                self._buffer += bytes(room)
                self._at, room = 0, BLOCK
            part = view[start : start + room - _CHUNK]
            start += len(part)
            done = start == len(payload)
            kind = (_WHOLE if done else _FIRST) if first else (_LAST if done else _MIDDLE)
            self._buffer += _pack(zlib.crc32(part, _CRC[kind]), len(part), kind)
            self._buffer += part
            self._at += len(part) + _CHUNK
            first = False
            if done:
                return

    def _flush(self) -> None:
        view = memoryview(self._buffer)
        done = 0
        while done < len(view):
            done += os.write(self._file.fileno(), view[done:])
        self.size += done
        view.release()
        self._buffer.clear()

    def close(self) -> None:
        if not self._file.closed:
            self._flush()
            self._file.close()

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class SegmentDamaged(ValueError):
    """A `.wandb` file whose bytes do not check out; `.offset` says where."""

    def __init__(self, path: Path, offset: int, why: str) -> None:
        super().__init__(f"{path.name} is damaged at byte {offset}: {why}")
        self.offset = offset


def read_segment(path: Path) -> Iterator[bytes]:
    """Yield the records of a `.wandb` file; a torn tail ends it, damage raises SegmentDamaged."""
    with path.open("rb") as file:
        if file.read(len(_HEAD)) != _HEAD:
            raise SegmentDamaged(path, 0, "not a W&B transaction log")
        at, parts = len(_HEAD), list[bytes]()
        while True:
            room = BLOCK - at % BLOCK
            if room < _CHUNK:
                file.read(room)
                at += room
            head = file.read(_CHUNK)
            if len(head) < _CHUNK:
                return
            crc, length, kind = struct.unpack("<IHB", head)
            if kind == 0 and crc == 0 and length == 0:
                return
            part = file.read(length)
            if len(part) < length:
                return
            if not 1 <= kind <= 4 or zlib.crc32(part, _CRC[kind]) != crc:
                raise SegmentDamaged(path, at, "checksum mismatch")
            at += _CHUNK + length
            parts = [part] if kind in (_WHOLE, _FIRST) else [*parts, part]
            if kind in (_WHOLE, _LAST):
                yield b"".join(parts)
                parts = []
