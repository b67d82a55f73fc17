"""Framing: every whole record is read, and no byte of damage ever passes for one."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackerlite.journal.framing import OVERHEAD, frame, masked_crc
from trackerlite.journal.reader import End, JournalReader, is_whole_up_to
from unit.journals import bounds, read_all

SMALL = [b"", b"one", b"\x00" * 40, "zwölf".encode() * 3, b"last"]


def written(path: Path, payloads: list[bytes], tail: bytes = b"") -> bytes:
    data = b"".join(map(frame, payloads)) + tail
    path.write_bytes(data)
    return data


def test_an_empty_file_is_read_to_its_end(tmp_path: Path) -> None:
    """A file without a byte holds no record, no damage, and ends cleanly."""
    (tmp_path / "j").touch()
    assert read_all(tmp_path / "j") == ([], End.CLEAN, [])


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_what_is_framed_comes_back(payloads: list[bytes]) -> None:
    """Records of any bytes come back as they were, in order."""
    path = Path("j")
    written(path, payloads)
    assert read_all(path) == (payloads, End.CLEAN, [])


def test_a_huge_record_comes_back(tmp_path: Path) -> None:
    """A record larger than any buffer comes back whole, and so does its neighbour."""
    payloads = [b"before", os.urandom(1 << 20) * 24, b"after"]
    written(tmp_path / "j", payloads)
    assert read_all(tmp_path / "j") == (payloads, End.CLEAN, [])


def test_torn_at_every_byte(tmp_path: Path) -> None:
    """Cut anywhere, all whole records before the cut are read, nothing is invented, and nothing is called damage."""
    data = written(tmp_path / "j", SMALL)
    ends = [stop for _, stop in bounds(SMALL)]
    for cut in range(len(data) + 1):
        (tmp_path / "j").write_bytes(data[:cut])
        whole = sum(stop <= cut for stop in ends)
        payloads, end, damage = read_all(tmp_path / "j")
        assert payloads == SMALL[:whole]
        assert end is (End.CLEAN if cut in (0, *ends) else End.TORN)
        assert damage == []


def test_a_torn_tail_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """A reader that met half a record reads it once the rest is there, and reads nothing twice."""
    path = tmp_path / "j"
    data = b"".join(map(frame, SMALL))
    reader, seen = JournalReader(path), []
    path.touch()
    for byte in data:
        with open(path, "ab") as file:
            file.write(bytes([byte]))
        seen += [payload for _, payload in reader.read()]
    assert seen == SMALL
    assert reader.damage == []


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"not a record at all, is it", os.urandom(999)])
def test_trailing_garbage(garbage: bytes, tmp_path: Path) -> None:
    """Garbage behind the last record costs none before it, is reported, and is passed over when records follow."""
    data = written(tmp_path / "j", SMALL, garbage)
    payloads, end, damage = read_all(tmp_path / "j")
    start = len(data) - len(garbage)
    assert payloads == SMALL
    assert end is End.DEAD
    assert [(d.start, d.stop) for d in damage] == [(start, len(data))]
    reader = JournalReader(tmp_path / "j")
    assert [p for _, p in reader.read()] == SMALL
    with open(tmp_path / "j", "ab") as file:
        file.write(frame(b"more"))
    assert [p for _, p in reader.read()] == [b"more"]
    assert [(d.start, d.stop) for d in reader.damage] == [(start, len(data))]


def test_damage_in_the_middle(tmp_path: Path) -> None:
    """A record overwritten in part is reported with its range, and reading goes on behind it."""
    payloads = [bytes([n]) * 50 for n in range(10)]
    for at, length in ((0, 4), (3, 12), (14, 30), (0, 66), (60, 6)):
        data = bytearray(written(tmp_path / "j", payloads))
        start = bounds(payloads)[4][0] + at
        data[start : start + length] = b"\xaa" * length
        (tmp_path / "j").write_bytes(data)
        found, end, damage = read_all(tmp_path / "j")
        assert found == payloads[:4] + payloads[5:]
        assert end is End.CLEAN
        assert [(d.start, d.stop) for d in damage] == [bounds(payloads)[4]]


def test_a_hole_over_several_records(tmp_path: Path) -> None:
    """A page of zeros, as a power cut leaves it, costs the records under it and no other."""
    payloads = [os.urandom(100) for _ in range(200)]
    data = bytearray(written(tmp_path / "j", payloads))
    data[4096:8192] = bytes(4096)
    (tmp_path / "j").write_bytes(data)
    kept = [
        p for p, (a, b) in zip(payloads, bounds(payloads), strict=True) if b <= 4096 or a >= 8192
    ]
    found, end, damage = read_all(tmp_path / "j")
    assert found == kept
    assert end is End.CLEAN
    assert all(4096 - 116 <= d.start < d.stop <= 8192 + 116 for d in damage)


def flip_and_read(path: Path, data: bytes, payloads: list[bytes], bit: int) -> None:
    """Flip one bit; everything but the record under it must come back, and the damage be named."""
    spoiled = bytearray(data)
    spoiled[bit // 8] ^= 1 << bit % 8
    path.write_bytes(spoiled)
    places = bounds(payloads)
    hit = next(n for n, (start, stop) in enumerate(places) if start <= bit // 8 < stop)
    found, end, damage = read_all(path)
    assert found == payloads[:hit] + payloads[hit + 1 :], f"bit {bit}"
    assert [(d.start, d.stop) for d in damage] == [places[hit]], f"bit {bit}"
    last_header = hit == len(payloads) - 1 and bit // 8 < places[hit][0] + 12
    assert end is (End.DEAD if last_header else End.CLEAN)


def test_each_bit_of_a_small_file(tmp_path: Path) -> None:
    """Whichever bit of a small journal flips: its record is left out and reported, all others are read."""
    data = written(tmp_path / "j", SMALL)
    for bit in range(len(data) * 8):
        flip_and_read(tmp_path / "j", data, SMALL, bit)


def test_random_bits_of_a_large_file(tmp_path: Path, chance: random.Random, full: bool) -> None:
    """The same for bits chosen at random in a journal of a thousand records (100,000 of them with --full)."""
    payloads = [chance.randbytes(chance.randrange(20, 200)) for _ in range(1000)]
    data = written(tmp_path / "j", payloads)
    for _ in range(100_000 if full else 200):
        flip_and_read(tmp_path / "j", data, payloads, chance.randrange(len(data) * 8))


def test_several_flips_at_once(tmp_path: Path, chance: random.Random) -> None:
    """With many bits flipped, whatever is read is a record that was written, in its order."""
    payloads = [chance.randbytes(chance.randrange(20, 200)) for _ in range(300)]
    data = written(tmp_path / "j", payloads)
    places = bounds(payloads)
    for _ in range(60):
        spoiled, hit = bytearray(data), set()
        for _ in range(chance.randrange(2, 80)):
            at = chance.randrange(len(data))
            spoiled[at] ^= 1 << chance.randrange(8)
        hit = {n for n, (a, b) in enumerate(places) if spoiled[a:b] != data[a:b]}
        (tmp_path / "j").write_bytes(spoiled)
        found, _, damage = read_all(tmp_path / "j")
        assert found == [p for n, p in enumerate(payloads) if n not in hit]
        covered = {
            n for n, (a, b) in enumerate(places) for d in damage if d.start < b and a < d.stop
        }
        assert covered == hit


def test_reading_in_pieces(tmp_path: Path) -> None:
    """Read with any limit, again and again, every record comes once."""
    payloads = [os.urandom(n) for n in range(200)]
    written(tmp_path / "j", payloads)
    for limit in (1, 50, 1000, 10**6):
        reader, found = JournalReader(tmp_path / "j"), []
        while True:
            before = reader.offset
            found += [p for _, p in reader.read(limit)]
            if reader.offset == before:
                break
        assert found == payloads


@pytest.mark.parametrize("most", [100, 300, 1 << 20])
def test_whole_up_to(most: int, tmp_path: Path, chance: random.Random) -> None:
    """The end of a file is known to be whole from any place before it, and a zeroed one is not."""
    payloads = [bytes([n]) * chance.randrange(1, 60) for n in range(40)]
    data = b"".join(map(frame, payloads))
    path = tmp_path / "journal"
    for _, stop in [(0, 0), *bounds(payloads)]:
        path.write_bytes(data)
        assert is_whole_up_to(path, stop, most)
        if stop:
            lost = chance.randrange(4, 17)
            path.write_bytes(data[: stop - lost] + bytes(lost) + bytes(9))
            assert not is_whole_up_to(path, stop, most)


def test_tensorboards_reader_reads_ours(tmp_path: Path) -> None:
    """TensorBoard's own record reader finds the same payloads in our file."""
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

    payloads = [b"x", os.urandom(5000), b"", b"end"]
    written(tmp_path / "j", payloads)
    reader, found = PyRecordReader_New(str(tmp_path / "j"), 0, None), []
    for _ in payloads:
        reader.GetNext()
        found.append(reader.record())
    assert found == payloads


def test_ours_reads_tensorboards_writer(tmp_path: Path) -> None:
    """What TensorBoard's own record writer writes is byte for byte what we write."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    payloads = [b"x", os.urandom(5000), b"", b"end"]
    with open(tmp_path / "j", "wb") as file:
        writer = RecordWriter(file)
        for payload in payloads:
            writer.write(payload)
        writer.flush()
        data = b"".join(map(frame, payloads))
        assert (tmp_path / "j").read_bytes() == data
    assert read_all(tmp_path / "j")[0] == payloads


def test_the_checksum_is_the_published_one() -> None:
    """The masked CRC-32C of the known test vector is what TensorFlow computes for it."""
    assert (
        masked_crc(b"123456789")
        == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
    )
    assert len(frame(b"")) == OVERHEAD
