"""Projection: each byte of a journal becomes rows exactly once, however it is cut, repeated or raced."""

from __future__ import annotations

import itertools
import math
import os
import random
import socket
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faults.checker import shown_by_views
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import is_whole_up_to
from trackerlite.readers import Reader
from trackerlite.recording.recorder import Recorder
from trackerlite.store.lock import store_lock
from trackerlite.store.projector import Projector
from unit.journals import NAME, SHM, row, run_of, said, start

AFTER = NAME.replace("0000000001", "0000000400")


def history(chance: random.Random, count: int = 400) -> list[bytes]:
    """The frames of a run that uses everything a journal can say."""
    frames = [start(config={"lr": 0.1, "deep.er": [1, {"a": None}]}, tags=["one"])]
    odd = [math.nan, math.inf, -math.inf, -0.0, 2**63 - 1, -(2**63), 0.1, 1e308, -1e308, 7]
    for n in range(count):
        time = 10.0 + n + chance.choice([0, 0, 0, -100])
        kind = chance.randrange(20)
        if kind < 12:
            frames.append(row(time, n, {"loss": chance.uniform(-1, 1), "odd": chance.choice(odd)}))
        elif kind == 12:
            frames.append(
                row(
                    time,
                    n,
                    {"acc": n},
                    events.json_value("text", f"w {n}"),
                    events.json_value("flag", n % 2 == 0),
                )
            )
        elif kind == 13:
            frames.append(
                said(time, n, t="config", values={f"c{n % 5}": chance.random(), "name": "x\x00y"})
            )
        elif kind == 14:
            frames.append(
                said(time, n, t="summary", values={f"s{n % 4}": math.nan, "loss": chance.random()})
            )
        elif kind == 15:
            frames.append(said(time, n, t="tags", add=[f"t{n % 6}"], remove=[f"t{n % 3}"]))
        elif kind == 16:
            frames.append(
                said(
                    time,
                    n,
                    t="define",
                    pattern=chance.choice(["loss", "o*", "*"]),
                    summary=["min", "mean", "last"],
                    goal="min",
                )
            )
        elif kind == 17:
            frames.append(
                said(time, n, t="system", values={"cpu": chance.random(), "gpu.0": math.nan})
            )
        elif kind == 18:
            frames.append(said(time, n, t="alert", title=f"a{n}", level="WARN"))
            frames.append(
                said(time, n, t="artifact", name="model", type="model", version=f"v{n}", size=n)
            )
            frames.append(said(time, n, t="notes", text=f"note {n}"))
            frames.append(said(time, n, t="name", text=f"name {n}"))
        elif kind == 19 and chance.random() < 0.4:
            frames.append(said(time, n, t="rewind", step=chance.randrange(n + 1)))
    frames.append(said(1e4, t="finish", state="failed", exit_code=3, reason="ValueError: x"))
    return frames


def project(store: Path, folder: Path) -> None:
    projector = Projector(store)
    projector.project_run(folder)
    projector.close()


def views(store: Path) -> dict[str, list[str]]:
    return shown_by_views(store / "trackerlite.db")


def test_any_chunking_shows_the_same(tmp_path: Path, chance: random.Random, full: bool) -> None:
    """Whether a journal is projected at once or cut at any bytes, the views show the same to the bit."""
    for trial in range(60 if full else 4):
        data = b"".join(history(chance))
        whole = tmp_path / f"{trial}-whole" / ".trackerlite"
        project(whole, run_of(whole, data))
        expected = views(whole)
        assert expected["metrics"]
        assert expected["summary"]
        for pieces in (2, 7, 40):
            store = tmp_path / f"{trial}-{pieces}" / ".trackerlite"
            projector = Projector(store)
            for cut in sorted({*chance.sample(range(len(data)), pieces), len(data)}):
                projector.project_run(run_of(store, data[:cut]))
                if chance.random() < 0.2:  # somebody else goes on
                    projector.close()
                    projector = Projector(store)
            projector.close()
            assert views(store) == expected


def test_small_transactions_show_the_same(
    tmp_path: Path, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of a transaction changes nothing that is shown."""
    data = b"".join(history(chance))
    seen = []
    for size in (1 << 21, 4096, 64):
        monkeypatch.setattr("trackerlite.store.projector.BATCH", size)
        store = tmp_path / str(size) / ".trackerlite"
        project(store, run_of(store, data))
        seen.append(views(store))
    assert seen[0] == seen[1] == seen[2]


def test_a_transaction_may_end_where_a_journal_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several journals, each may use up a transaction to its last byte: no row is left out."""
    first = start() + b"".join(row(10.0 + n, n, {"loss": float(n)}) for n in range(300))
    later = [row(400.0 + n, 300 + n, {"loss": 300.0 + n}) for n in range(300)]
    for size in (len(first) - 1, len(first), len(first) + 1, len(first) - 70):
        monkeypatch.setattr("trackerlite.store.projector.BATCH", size)
        store = tmp_path / str(size) / ".trackerlite"
        run_of(store, first)
        folder = run_of(store, frame(events.version_event(400.0)) + b"".join(later), journal=AFTER)
        project(store, folder)
        with Reader.open(store) as reader:
            (series,) = reader.series()
            assert reader.points(series.key).value.tolist() == [float(n) for n in range(600)]


def test_some_is_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a training that logs without a pause, one round takes in one transaction's worth and
    says that more waits; only the last round goes on to the end."""
    monkeypatch.setattr("trackerlite.store.projector.BATCH", 4096)
    data = start() + b"".join(row(10.0 + n, n, {"loss": float(n)}) for n in range(300))
    folder = run_of(tmp_path, data)
    projector, sizes, more = Projector(tmp_path), [], True
    while more:
        size, more = projector.project_some(folder)
        sizes.append(size)
    projector.close()
    assert len(sizes) > 2
    assert max(sizes) < 5000
    assert sum(sizes) == len(data)

    told = iter([(1, True)] * 3 + [(1, False)])
    monkeypatch.setattr(Projector, "project_some", lambda *_, **__: next(told))
    recorder = Recorder(tmp_path, folder, beat=lambda: None, progress=lambda: 1)
    recorder.stop()
    assert next(told, None) is None


def test_who_only_looks_waits_for_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While somebody else holds the store's lock, a reader shows what is there, and says nothing."""
    store = tmp_path / ".trackerlite"
    end = said(1e4, t="finish", state="finished", exit_code=0)
    folder = run_of(store, start() + row(10.0, 0, {"loss": 1.0}) + end)
    os.utime(folder, (1e9, 1e9))  # of what came a moment ago nobody can be sure
    project(store, folder)
    with store_lock(store, timeout=1.0), Reader.open(store) as reader:
        assert [run.state for run in reader.runs()] == ["finished"]
    assert capsys.readouterr().err == ""


def test_projecting_again_changes_nothing(tmp_path: Path, chance: random.Random) -> None:
    """A second projection of the same bytes takes in none and changes no row."""
    store = tmp_path / ".trackerlite"
    folder = run_of(store, b"".join(history(chance)))
    projector = Projector(store)
    assert projector.project_run(folder) > 0
    before = views(store)
    assert projector.project_run(folder) == 0
    projector.close()
    assert views(store) == before


def test_two_projectors_take_turns(tmp_path: Path, chance: random.Random) -> None:
    """Two projectors that both follow one journal give each row once."""
    frames = history(chance)
    store = tmp_path / "raced" / ".trackerlite"
    several = [Projector(store), Projector(store)]
    for upto in range(1, len(frames), 13):
        folder = run_of(store, b"".join(frames[:upto]))
        for projector in several:
            projector.project_run(folder)
    project(store, run_of(store, b"".join(frames)))
    for projector in several:
        projector.close()
    alone = tmp_path / "alone" / ".trackerlite"
    project(alone, run_of(alone, b"".join(frames)))
    assert views(store) == views(alone)


def test_a_journal_that_was_replaced(tmp_path: Path, chance: random.Random) -> None:
    """A journal that became shorter is another one: the run is projected anew, nothing of the old is shown."""
    store = tmp_path / ".trackerlite"
    folder = run_of(store, b"".join(history(chance)))
    project(store, folder)
    other = start() + row(5.0, 0, {"only": 1.5})
    project(store, run_of(store, other))
    with Reader.open(store) as reader:
        assert [(s.name, s.count) for s in reader.series()] == [("only", 1)]
        assert reader.alerts() == []


@pytest.mark.parametrize("behind", [0, 40])
def test_a_power_cut_that_took_what_the_database_has(
    behind: int, tmp_path: Path, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal as long as it was, with zeros where its end should be: shown is what the journal has."""
    frames = [start(host=socket.gethostname(), boot_id="before the cut", pid=1)]
    frames += [row(float(n), n, {"x": n + 0.5}) for n in range(200)]
    data = b"".join(frames)
    monkeypatch.setattr(
        "trackerlite.store.projector.is_whole_up_to", partial(is_whole_up_to, most=3000)
    )
    for trial in range(20):
        store = tmp_path / str(trial) / ".trackerlite"
        folder = run_of(store, data)
        project(store, folder)
        kept = chance.randrange(len(data) - 2500, len(data) + 1)
        (folder / NAME).write_bytes(data[:kept] + bytes(len(data) + behind - kept))
        whole = sum(end <= kept for end in itertools.accumulate(map(len, frames))) - 1
        for _ in range(2):  # and once more, when it is known to be killed
            with Reader.open(store) as reader:
                (series,) = reader.series()
                assert reader.points(series.key).step.tolist() == list(range(whole))
                assert [info.state for info in reader.runs()] == ["killed"]


def test_damage_in_a_run_that_was_cut_off_is_passed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that a restart of the machine ended is compared once, not anew with each transaction."""
    monkeypatch.setattr("trackerlite.store.projector.BATCH", 1000)
    frames = [start(host=socket.gethostname(), boot_id="before the cut", pid=1)]
    frames += [row(float(n), n, {"x": n + 0.5}) for n in range(200)]
    data = bytearray(b"".join(frames))
    data[len(b"".join(frames[:50])) + 20] ^= 1
    store = tmp_path / ".trackerlite"
    folder = run_of(store, bytes(data))
    projector = Projector(store)
    more, rounds = True, 0
    while more and rounds < 100:
        _, more = projector.project_some(folder)
        rounds += 1
    projector.close()
    assert not more
    with Reader.open(store) as reader:
        points = reader.points(reader.series()[0].key)
        assert points.step.tolist() == [n for n in range(200) if n != 49]


def test_damage_is_noted_with_its_range(tmp_path: Path) -> None:
    """Records before and behind damage are shown, and the damaged range is named."""
    frames = [start(), *(row(float(n), n, {"x": float(n)}) for n in range(20))]
    data = bytearray(b"".join(frames))
    at = len(b"".join(frames[:9]))
    data[at + 20] ^= 1
    store = tmp_path / ".trackerlite"
    folder = run_of(store, bytes(data))
    project(store, folder)
    with Reader.open(store) as reader:
        points = reader.points(reader.series()[0].key)
        assert points.step.tolist() == [n for n in range(20) if n != 8]
        (damage,) = reader.damage()
        assert (damage.path, damage.start, damage.stop) == (folder / NAME, at, at + len(frames[9]))


def test_every_prefix_shows_every_whole_record(tmp_path: Path) -> None:
    """A journal cut at any byte is projected: all whole rows are shown, nothing else."""
    frames = [start(), *(row(float(n), n, {"x": n + 0.5}) for n in range(4))]
    data = b"".join(frames)
    ends = [sum(map(len, frames[: n + 1])) for n in range(len(frames))]
    for cut in range(ends[0], len(data) + 1):
        with tempfile.TemporaryDirectory(dir=SHM) as scratch:
            store = Path(scratch) / ".trackerlite"
            project(store, run_of(store, data[:cut]))
            with Reader.open(store) as reader:
                assert [i.id for i in reader.runs()] == ["r1"]
                series = reader.series()
                shown = reader.points(series[0].key).value.tolist() if series else []
            assert shown == [n + 0.5 for n in range(sum(e <= cut for e in ends[1:]))]


def test_a_run_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    """A reader that looks while a run begins does not give it another id for good."""
    store = tmp_path / ".trackerlite"
    first = frame(events.version_event(1.0))
    run_of(store, first, name="a-name-r1")
    try:
        Reader.open(store).close()
    except FileNotFoundError:
        pass
    run_of(store, start() + row(2.0, 0, {"x": 1.0}), name="a-name-r1")
    with Reader.open(store) as reader:
        assert [(i.id, i.project) for i in reader.runs()] == [("r1", "p")]


def test_foreign_event_files_are_runs_too(tmp_path: Path) -> None:
    """A folder of TensorBoard's own event files is a run named by its folder."""
    from tensorboard.compat.proto.event_pb2 import Event

    data = frame(events.version_event(1.0))
    for step in range(3):
        official = Event(wall_time=2.0 + step, step=step)
        official.summary.value.add(tag="loss", simple_value=0.5)
        data += frame(official.SerializeToString())
    store = tmp_path / ".trackerlite"
    run_of(store, data, name="theirs")
    with Reader.open(store) as reader:
        (info,) = reader.runs()
        assert (info.id, info.project) == ("theirs", "p")
        assert reader.points(reader.series()[0].key).value.tolist() == [0.5] * 3


wild = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5),
        st.sampled_from(["\ud800", "r1", "p", "finished", "min", "*", "loss", 2**70, math.nan]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.text(max_size=4), st.just("\ud800")), inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip
KINDS = [
    "run",
    "config",
    "summary",
    "tags",
    "notes",
    "name",
    "group",
    "job_type",
    "define",
    "system",
    "artifact",
    "alert",
    "rewind",
    "trash",
    "environment",
    "finish",
    "dropped",
    "heartbeat",
    "unknown",
]
FIELDS = [
    "id",
    "project",
    "name",
    "group",
    "job_type",
    "notes",
    "tags",
    "config",
    "started",
    "host",
    "pid",
    "boot_id",
    "values",
    "removed",
    "add",
    "remove",
    "text",
    "pattern",
    "summary",
    "goal",
    "unit",
    "alarm",
    "hidden",
    "step_metric",
    "title",
    "level",
    "key",
    "version",
    "digest",
    "size",
    "use",
    "step",
    "trashed",
    "exit_code",
    "state",
    "reason",
    "count",
    "resumed",
    "environment",
    "packages",
    "git",
]
nonsense = st.fixed_dictionaries(
    {"t": st.sampled_from(KINDS)}, optional=dict.fromkeys(FIELDS, wild)
)


@settings(max_examples=50)
@given(st.lists(nonsense, min_size=1, max_size=5), st.one_of(st.floats(), st.just(math.nan)))
def test_nonsense_harms_nobody(records: list[dict[str, Any]], time: float) -> None:
    """Records of any content with valid checksums raise nothing, and every other run is shown whole."""
    import json

    with tempfile.TemporaryDirectory(dir=SHM) as folder:
        store = Path(folder) / ".trackerlite"
        body = b"".join(
            frame(events.event(time, 0, events.pb.delimited(events.RECORD, json.dumps(r).encode())))
            for r in records
        )
        run_of(store, start() + body + row(9.0, 3, {"x": 1.0}), name="bad")
        run_of(store, start(id="good", name="z") + row(9.0, 3, {"x": 2.0}), name="z-good")
        with Reader.open(store) as reader:
            runs = {
                **{i.id: i for i in reader.runs()},
                **{i.id: i for i in reader.runs(trashed=True)},
            }
            assert "good" in runs
            reader.summaries()
            reader.params()
            reader.alerts()
            reader.artifacts()
            points = {
                s.run_key: reader.points(s.key).value.tolist()
                for s in reader.series()
                if s.name == "x"
            }
            assert points[runs["good"].key] == [2.0]
            assert points[runs["r1"].key] in ([1.0], [])  # a rewind may hide it
        assert not list(store.glob("*.damaged-*"))


def test_numbers_beyond_their_sum(tmp_path: Path) -> None:
    """Numbers whose sum is beyond float64 are shown like any other, and the database is kept."""
    store = tmp_path / ".trackerlite"
    data = start()
    projector = Projector(store)
    for step, value in enumerate([1.7e308, 1.7e308, -1.7e308, -1.7e308, -1.7e308, 1.0]):
        data += row(float(step), step, {"x": value})
        projector.project_run(run_of(store, data))
    projector.close()
    with Reader.open(store) as reader:
        (info,) = reader.series()
        assert (info.count, info.finite, info.minimum, info.maximum) == (6, 6, -1.7e308, 1.7e308)
    assert not list(store.glob("*.damaged-*"))


def test_a_later_log_overrides_a_summary_set_before_also_when_the_clock_went_back(
    tmp_path: Path,
) -> None:
    """What is said later wins, whatever the machine's clock says meanwhile."""
    store = tmp_path / ".trackerlite"
    data = (
        start()
        + said(1e6, t="summary", values={"loss": 5.0})
        + row(1e6 - 86_400, 1, {"loss": 0.25})
    )
    project(store, run_of(store, data))
    with Reader.open(store) as reader:
        assert reader.summaries()[reader.runs()[0].key] == {"loss": 0.25}
        data += said(1e6 - 86_399, t="summary", values={"loss": 6.0})
    project(store, run_of(store, data))
    with Reader.open(store) as reader:
        assert reader.summaries()[reader.runs()[0].key] == {"loss": 6.0}


@pytest.mark.parametrize("lane", ["rank-1", "fork-77"])
def test_a_file_that_comes_late_into_a_lane(lane: str, tmp_path: Path) -> None:
    """A journal made in a rank's or child's folder after the run was projected is still taken in."""
    import os

    store = tmp_path / ".trackerlite"
    done = start() + row(1.0, 0, {"x": 1.0}) + said(2.0, t="finish", state="finished")
    folder = run_of(store, done)
    (folder / lane).mkdir()
    for path in (folder, folder / lane):
        os.utime(path, (1e9, 1e9))
    Reader.open(store).close()
    (folder / lane / NAME).write_bytes(frame(events.version_event(1.0)) + row(3.0, 0, {"x": 2.0}))
    with Reader.open(store) as reader:
        assert [(s.lane, s.count) for s in reader.series()] == [("", 1), (lane, 1)]
