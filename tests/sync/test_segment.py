"""The `.wandb` framing: 32 KiB blocks, checksums, splits, torn tails."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest

from trackerlite.sync.segment import BLOCK, SegmentDamaged, SegmentWriter, read_segment

HEADER, CHUNK = 7, 7


def written(path: Path, records: list[bytes]) -> bytes:
    with SegmentWriter(path) as writer:
        for record in records:
            writer.write(record)
    assert writer.records == len(records)
    assert writer.size == path.stat().st_size
    return path.read_bytes()


def test_the_bytes_of_a_small_file(tmp_path: Path) -> None:
    """Header, then crc32 over type and payload, length, type 1, payload: as the format says."""
    data = written(tmp_path / "a", [b"hello"])
    crc = zlib.crc32(b"\x01hello")
    assert (
        data == b":W&B" + struct.pack("<HB", 0xBEE1, 0) + struct.pack("<IHB", crc, 5, 1) + b"hello"
    )


@pytest.mark.parametrize("left", range(10))
def test_a_block_that_ends_with_few_bytes_left(left: int, tmp_path: Path) -> None:
    """With 0 to 9 bytes left in a block: fewer than 7 are zeros, 7 hold an empty first part."""
    first = b"x" * (BLOCK - HEADER - CHUNK - left)
    data = written(tmp_path / "a", [first, b"second", b""])
    assert list(read_segment(tmp_path / "a")) == [first, b"second", b""]
    if left < CHUNK:
        assert data[BLOCK - left : BLOCK] == bytes(left)


@pytest.mark.parametrize("seed", range(5))
def test_any_sizes_come_back(seed: int, tmp_path: Path) -> None:
    """Records of 0 bytes to several blocks, thousands of them, come back as they were."""
    chance = random.Random(seed)
    sizes = [chance.choice([0, 1, 50, 300, BLOCK - 14, BLOCK, 3 * BLOCK + 5]) for _ in range(400)]
    records = [chance.randbytes(size) for size in sizes]
    written(tmp_path / "a", records)
    assert list(read_segment(tmp_path / "a")) == records


def test_every_truncation_gives_whole_records(tmp_path: Path) -> None:
    """A file cut at any byte gives the records that are whole, never a part of one."""
    records = [bytes([65 + i]) * (i * 7 + 1) for i in range(12)]
    data = written(tmp_path / "a", records)
    for cut in range(HEADER, len(data)):
        (tmp_path / "b").write_bytes(data[:cut])
        found = list(read_segment(tmp_path / "b"))
        assert found == records[: len(found)]


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    """Any flipped bit in a payload or a checksum is reported with its place."""
    data = written(tmp_path / "a", [b"one", b"two", b"three"])
    for at in range(HEADER, HEADER + 4):
        broken = bytearray(data)
        broken[at] ^= 0x10
        (tmp_path / "b").write_bytes(broken)
        with pytest.raises(SegmentDamaged):
            list(read_segment(tmp_path / "b"))


def test_a_segment_is_never_extended(tmp_path: Path) -> None:
    """Opening an existing file refuses: a segment is written once."""
    written(tmp_path / "a", [b"x"])
    with pytest.raises(FileExistsError):
        SegmentWriter(tmp_path / "a")
