"""The framing of W&B's `.wandb` files: 32 KiB blocks of checksummed chunks, as LevelDB's log."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

BLOCK = 32 * 1024
FILE_HEADER = 7  # ":W&B", a magic number, a version
_CHUNK = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def is_log(path: Path) -> bool:
    """Whether `path` begins as a `.wandb` file does."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b":W&B"
    except OSError:
        return False


def records(path: Path, harmed: list[str] | None = None) -> Iterator[bytes]:
    """Every whole record in order; where one is damaged is added to `harmed`, as a sentence.

    A chunk that fails its checksum costs the record it is part of, and what follows in its
    block; reading goes on at the next block. A torn end is where reading stops.
    """
    with open(path, "rb") as file:
        pieces: list[bytes] = []
        start = 0
        while block := file.read(BLOCK):
            at = 0 if start else FILE_HEADER
            while at + _CHUNK.size <= len(block):
                checksum, length, kind = _CHUNK.unpack_from(block, at)
                end = at + _CHUNK.size + length
                body = block[at + 6 : end]  # the type byte is part of what is checked
                if not _FULL <= kind <= _LAST or end > len(block) or zlib.crc32(body) != checksum:
                    pieces.clear()
                    if harmed is not None and (end <= len(block) or len(block) == BLOCK):
                        stop = start + len(block)
                        harmed.append(
                            f"{path}: bytes {start + at:,} to {stop:,} were passed over: "
                            "a record fails its checksum"
                        )
                    break
                at = end
                if kind in (_FULL, _FIRST):
                    pieces = [body[1:]]
                elif pieces:
                    pieces.append(body[1:])
                if kind in (_FULL, _LAST) and pieces:
                    yield b"".join(pieces)
                    pieces = []
            start += len(block)
