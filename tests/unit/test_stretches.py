"""Stretches: one meaning, two speeds. What is read at once is what is read one by one."""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.checker import shown_by_views
from trackerlite import alarms
from trackerlite.journal import events, stretches
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder, Encoder
from trackerlite.journal.stretches import Stretch, follow
from trackerlite.store.projector import Projector
from unit.journals import NAME, SHM, row, run_of, said, start
from unit.numbers import bits, numbers

SHAPES = [("loss",), ("a1", "b"), ("a2", "b"), ("train/loss", "lr", "epoch")]
times = st.one_of(st.floats(0, 2e9), st.sampled_from([math.nan, math.inf, -1.0, 1e308]))


@st.composite
def journals(draw: st.DrawFn) -> bytes:
    """Runs of rows of some shapes, with records between them, and damage."""
    encoder, frames, step = Encoder(), [frame(events.version_event(1.0))], 0
    for _ in range(draw(st.integers(1, 5))):
        keys = draw(st.sampled_from(SHAPES))
        few = draw(st.lists(st.tuples(*[numbers] * len(keys)), min_size=1, max_size=3))
        step = draw(st.sampled_from([step, 0, 120, 16_380, 2**21 - 5, 2**56 - 3, 2**62, -20]))
        odd_time = draw(st.one_of(st.none(), times))
        for n in range(draw(st.integers(1, 70))):
            step += 1
            time = odd_time if odd_time is not None and n % 17 == 16 else 100.0 + step
            data = dict(zip(keys, few[n % 7 % len(few)], strict=True))
            fast = encoder.encode(data, step, time)
            frames.append(row(time, step, data) if fast is None else fast)
        if draw(st.booleans()):
            frames.append(draw(st.sampled_from([said(5.0, t="heartbeat"), frame(b"\x09none")])))
    data = bytearray(b"".join(frames))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


def one_by_one(reader: JournalReader) -> Iterator[Any]:
    decoder = Decoder()
    for offset, payload in reader.read():
        try:
            event = decoder.decode(payload)
        except ValueError:
            yield offset, "damage"
            continue
        values = list(zip(event.keys, map(bits, event.numbers), strict=True))
        yield offset, bits(event.time), event.step, values, event.record


def at_once(reader: JournalReader, until: int | None = None) -> Iterator[Any]:
    decoder = Decoder()
    for begun, item in follow(reader, decoder, until):
        if isinstance(item, Stretch):
            offset = begun
            for step, time, *found in zip(item.steps, item.times, *item.columns, strict=True):
                offset += item.size
                yield (
                    offset,
                    bits(time),
                    step,
                    list(zip(item.keys, map(bits, found), strict=True)),
                    None,
                )
            assert offset == item.stop == reader.offset
        elif isinstance(item, events.Event):
            values = list(zip(item.keys, map(bits, item.numbers), strict=True))
            yield reader.offset, bits(item.time), item.step, values, item.record
        else:
            assert (item.start, item.stop) == (begun, reader.offset)
            yield reader.offset, "damage"


@given(journals())
def test_what_is_read_at_once_is_what_is_read_one_by_one(data: bytes) -> None:
    """Rows of any journal, damaged ones included, are the same to the bit, and so are damage and end."""
    with tempfile.TemporaryDirectory(dir=SHM) as folder:
        path = Path(folder) / NAME
        path.write_bytes(data)
        plain, quick = JournalReader(path), JournalReader(path)
        assert list(at_once(quick)) == list(one_by_one(plain))
        assert (quick.offset, quick.end, quick.damage) == (plain.offset, plain.end, plain.damage)


def many(chance: random.Random, count: int = 3000) -> bytes:
    """A run of long stretches, with all that interrupts them."""
    encoder, frames = Encoder(), [start()]
    odd = [0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 0.1, 1e308]
    for n in range(count):
        data: dict[str, Any] = {"loss": 1.0 / (n + 1) + chance.random(), "n": n - 40, "half": n / 2}
        if chance.random() < 0.003:
            data["loss"] = chance.choice(odd)
        if 1000 < n < 1100:
            data = {"other": n / 3} if n % 2 else {"loss": n / 7}
        time = 10.0 + n * chance.choice([1.0, 1.0, 0.5])
        frames.append(encoder.encode(data, n, time) or row(time, n, data))
        if chance.random() < 0.001:
            frames.append(said(1e4, n, t="rewind", step=chance.randrange(n + 1)))
    return b"".join(frames)


def test_the_database_is_the_same(
    tmp_path: Path, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the tables does not depend on how the rows were read."""
    data, tables = many(chance), []
    for name, most in (("quick", stretches.MOST), ("slow", 0)):
        monkeypatch.setattr(stretches, "FEWEST", 16 if most else 1 << 40)
        store = tmp_path / name / ".trackerlite"
        projector = Projector(store)
        projector.project_run(run_of(store, data))
        connection = projector._connect()
        found = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()
            for table in ("point", "series", "envelope", "damage")
        }
        projector.close()
        tables.append((found, shown_by_views(store / "trackerlite.db")))
    assert tables[0] == tables[1]
    assert len(tables[0][0]["point"]) > 3000


def test_a_long_run_is_read_at_once(tmp_path: Path) -> None:
    """Thousands of rows of one shape come as a few stretches, bounded by `until`."""
    encoder = Encoder()
    frames = [encoder.encode({"x": n / 3, "i": n}, n, 1.0 + n) or b"" for n in range(5000)]
    path = tmp_path / NAME
    path.write_bytes(b"".join([frame(events.version_event(1.0)), *frames]))
    items = [item for _, item in follow(JournalReader(path), Decoder())]
    assert len(items) < 200
    assert sum(len(item.steps) for item in items if isinstance(item, Stretch)) > 4800
    until = path.stat().st_size // 2
    reader = JournalReader(path)
    for _ in follow(reader, Decoder(), until):
        if reader.offset >= until:
            break
    assert until <= reader.offset < until + len(frames[-1])


def test_a_wide_row_costs_in_line_with_its_width(tmp_path: Path) -> None:
    """Eight thousand metrics a row take their time once each, not once for every other."""
    encoder, path = Encoder(), tmp_path / NAME
    rows = [{f"m/{key}": float(key * step) for key in range(8_000)} for step in range(1, 12)]
    encoded = [encoder.encode(one, step, 100.0 + step) or b"" for step, one in enumerate(rows)]
    path.write_bytes(b"".join([frame(events.version_event(1.0)), *encoded]))
    began = time.process_time()
    found = [item for _, item in follow(JournalReader(path), Decoder())]
    assert time.process_time() - began < 3.0  # where each counts all before it: 20 s
    assert sum(len(item.steps) if isinstance(item, Stretch) else 1 for item in found) == 12


def test_shapes_that_alternate_cost_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where records of one size alternate between two shapes, hardly any try is made in vain."""
    encoder = Encoder()
    frames = [encoder.encode({"ab"[n % 2]: n / 3}, 200, 1.0 + n) or b"" for n in range(4000)]
    path = tmp_path / NAME
    path.write_bytes(b"".join([frame(events.version_event(1.0)), *frames]))
    tries = []
    read = stretches._Pattern.read
    monkeypatch.setattr(
        stretches._Pattern,
        "read",
        lambda *a: tries.append(1) or read(*a),  # type: ignore[func-returns-value]
    )
    assert len(list(at_once(JournalReader(path)))) == 4001
    assert 0 < len(tries) < 40


def test_the_part_behind_an_offset(tmp_path: Path) -> None:
    """A stretch of which a part was taken in before gives the other part, wherever it is cut."""
    encoder = Encoder()
    frames = [encoder.encode({"x": n / 3}, 1000 + n, 1.0 + n) or b"" for n in range(40)]
    path = tmp_path / NAME
    path.write_bytes(b"".join([frame(events.version_event(1.0)), *frames]))
    begun, whole = next(
        (at, item)
        for at, item in follow(JournalReader(path), Decoder())
        if isinstance(item, Stretch)
    )
    for offset in range(begun - 10, whole.stop + 1):
        ends = [begun + (n + 1) * whole.size for n in range(len(whole.steps))]
        expected = [step for step, end in zip(whole.steps, ends, strict=True) if end > offset]
        part = whole.behind(offset)
        assert part.steps == expected
        assert len(part.times) == len(part.columns[0]) == len(expected)


def test_alarms_hear_the_same(
    tmp_path: Path, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarms that rows raise do not depend on how they were read."""
    path, told = tmp_path / NAME, []
    rule = said(1.0, t="define", pattern="half", alarm="x > 900 and x < 910")
    path.write_bytes(many(chance)[: 1 << 20] + rule + many(chance))
    for fewest in (16, 1 << 40):
        monkeypatch.setattr(stretches, "FEWEST", fewest)
        heard: list[tuple[Any, ...]] = []
        judge = alarms.Alarms(
            lambda: path, lambda *a, heard=heard, **k: heard.append((*a, *sorted(k.items())))
        )
        judge.look(1e4, at_once=True)
        told.append(heard)
    assert told[0] == told[1]
    assert len(told[0]) > 2
