"""Threads, processes, forks and claims: every row once, in the order of whoever logged it."""

from __future__ import annotations

import random
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

import trackerlite as tl
from faults.checker import Verdict, integrity, judge_run
from faults.nursery import Nursery
from faults.scripts import run as script
from trackerlite.readers import Reader


def shown(store: Path, **where: object) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """(lane, name) → the points, in order."""
    with Reader.open(store) as reader:
        found = {}
        for series in reader.series():
            points = reader.points(series.key)
            found[series.lane, series.name] = list(
                zip(points.step.tolist(), points.value.tolist(), strict=True)
            )
        return found


def wait_for_the_recorder() -> None:
    """Its thread goes on by itself where three million rows take longer than finish() waits."""
    for thread in threading.enumerate():
        if thread.name == "trackerlite":
            thread.join(300)


def test_threads(tmp_path: Path, full: bool) -> None:
    """32 threads that log at once: every call is there once, each thread's in its order."""
    count = 100_000 if full else 400
    run = tl.init(dir=tmp_path, id="r")
    refused = []

    def work(number: int) -> None:
        for step in range(count):
            if not run.log({f"t{number}": float(step)}, step=step):
                refused.append((number, step))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    assert refused == []
    wait_for_the_recorder()
    expected = [(n, float(n)) for n in range(count)]
    found = shown(tmp_path)
    assert set(found) == {("", f"t{n}") for n in range(32)}
    assert all(points == expected for points in found.values())


def test_steps_without_a_number_under_threads(tmp_path: Path) -> None:
    """Steps that the run counts itself are given once each, also to threads."""
    with tl.init(dir=tmp_path) as run:
        threads = [
            threading.Thread(target=lambda: [run.log({"x": 1.0}) for _ in range(200)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [step for step, _ in shown(tmp_path)["", "x"]] == list(range(1600))


def test_eight_processes_on_one_store(nursery: Nursery, tmp_path: Path, full: bool) -> None:
    """Eight trainings in one store at once: each run is whole, and SQLite is sound."""
    victims = [
        nursery.start(
            role="record",
            store=str(tmp_path),
            id=f"run{n}",
            seed=n,
            first=0,
            count=20_000 if full else 600,
        )
        for n in range(8)
    ]
    for victim in victims:
        victim.wait(300)
    verdict = Verdict()
    with Reader.open(tmp_path) as reader:
        for victim in victims:
            assert victim.ended
            info = judge_run(verdict, tmp_path / ".trackerlite", reader, [victim])
            assert info is not None
            assert info.state == "finished"
    assert not verdict.faults, verdict.faults[:4]
    assert integrity(tmp_path / ".trackerlite" / "trackerlite.db") == "ok"


FORK = """
run = tl.init(dir=".", id="r")
stop, counts = threading.Event(), [0] * 4
def work(number):
    while not stop.is_set():
        assert run.log({{f"t{{number}}": float(counts[number])}}, step=counts[number])
        counts[number] += 1
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
children, hung = {{}}, 0
for number in range({forks}):
    pid = os.fork()
    if pid == 0:
        done = sum(run.log({{"child": float(n)}}, step=n) for n in range(10))
        if number % 3 == 0:
            run.finish()
        os._exit(0 if done == 10 else 1)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children[pid] = status
            break
        time.sleep(0.001)
    else:
        hung += 1
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
stop.set()
for thread in threads:
    thread.join()
run.finish()
say(children=children, hung=hung, counts=counts, state=run._ended)
"""


def test_fork_in_mid_write(tmp_path: Path, full: bool) -> None:
    """Children forked while threads log neither hang nor write into the parent's journal; all rows are there once."""
    forks = 1000 if full else 25
    found = script(tmp_path, FORK.format(forks=forks))
    assert found.status == 0, found.errors
    assert found.said["hung"] == 0
    assert set(found.said["children"].values()) == {0}
    points = shown(tmp_path)
    for number, count in enumerate(found.said["counts"]):
        assert points["", f"t{number}"] == [(n, float(n)) for n in range(count)]
    lanes = {lane for lane, name in points if name == "child"}
    assert lanes == {f"fork-{pid}" for pid in found.said["children"]}
    for lane in lanes:
        assert points[lane, "child"] == [(n, float(n)) for n in range(10)]
    with Reader.open(tmp_path) as reader:
        assert reader.run("r").state == "finished"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
    """Workers of every start method log into runs of their own while the parent's goes on; forked ones also into its."""
    found = script(
        tmp_path,
        f"""
        import multiprocessing

        def work(number):
            with tl.init(dir=".", id=f"worker{{number}}") as own:
                done = sum(own.log({{"y": float(n)}}, step=n) for n in range(20))
            if {method!r} == "fork":
                done += parent.log({{"z": 1.0}}, step=number)
            return done

        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            parent = tl.init(dir=".", id="parent")
            parent.log({{"x": 0.0}}, step=0)
            began = time.monotonic()
            with context.Pool(3) as pool:
                done = pool.map(work, range(3), chunksize=1)
            say(seconds=time.monotonic() - began)
            parent.log({{"x": 1.0}}, step=1)
            parent.finish()
            say(done=done)
        """,
    )
    assert found.status == 0, found.errors
    assert sum(found.said["done"]) == 60 + 3 * (method == "fork")
    assert found.said["seconds"] < 25  # finish() gives up on a stuck thread after 30
    with Reader.open(tmp_path) as reader:
        runs = {info.id: info for info in reader.runs()}
        assert set(runs) == {"parent", "worker0", "worker1", "worker2"}
        assert {info.state for info in runs.values()} == {"finished"}
        for number in range(3):
            (series,) = reader.series([runs[f"worker{number}"].key])
            assert reader.points(series.key).value.tolist() == [float(n) for n in range(20)]
        mine = reader.series([runs["parent"].key])
        assert [s.count for s in mine if s.name == "x"] == [2]
        assert sum(s.count for s in mine if s.name == "z") == 3 * (method == "fork")


def test_one_id_for_many(nursery: Nursery, tmp_path: Path, full: bool) -> None:
    """Of several processes that begin the same run at the same moment exactly one records it; the others are told."""
    for trial in range(100 if full else 8):
        store = tmp_path / str(trial)
        at = time.time() + 0.15
        victims = [
            nursery.start(role="claim", store=str(store), at=at, who=n, count=10) for n in range(4)
        ]
        for victim in victims:
            victim.wait()
        holders = [v for v in victims if v.began]
        # One after another is fine: who comes when the first has finished goes on with the run.
        assert holders, "nobody got the run"
        assert all(v.ended for v in holders)
        found = shown(store)["", "x"]
        expected = [
            (v.plan["who"] * 1000 + n, float(v.plan["who"]))
            for v in holders
            for n in v.acknowledged
        ]
        assert sorted(found) == sorted(expected)
        who = [step // 1000 for step, _ in found]
        assert len([a for a, b in pairwise(who) if a != b]) == len(holders) - 1, "two wrote at once"


def test_a_killed_run_can_be_claimed_at_once(nursery: Nursery, tmp_path: Path) -> None:
    """The id of a run whose process was killed is free again at once."""
    first = nursery.start(role="claim", store=str(tmp_path), at=0, who=0, count=10**6)
    first.until_told()
    second = nursery.start(role="claim", store=str(tmp_path), at=0, who=1, count=3)
    second.wait()
    assert not second.began
    first.kill()
    third = nursery.start(role="claim", store=str(tmp_path), at=0, who=2, count=3)
    third.wait()
    assert third.ended


def test_resume_and_rewind(tmp_path: Path, chance: random.Random) -> None:
    """A run resumed behind step 49 shows the first 50 rows and the new ones; the others are hidden, not gone."""
    with tl.init(dir=tmp_path, id="r", config={"lr": 1}) as run:
        for step in range(100):
            run.log({"x": float(step), "note": f"n{step}"}, step=step)
    with tl.init(dir=tmp_path, resume_from="r?_step=49", config={"again": True}) as run:
        assert run.resumed
        assert run.step == 50
        assert dict(run.config) == {"lr": 1, "again": True}
        for step in range(50, 70):
            run.log({"x": -float(step), "note": f"m{step}"}, step=step)
    expected = [(n, float(n)) for n in range(50)] + [(n, -float(n)) for n in range(50, 70)]
    assert shown(tmp_path)["", "x"] == expected
    with Reader.open(tmp_path) as reader:
        info = reader.run("r")
        assert info.steps == 69
        assert info.state == "finished"
        notes = [v.value for v in reader.values(info.key, "note")]
        assert notes == [f"n{n}" for n in range(50)] + [f"m{n}" for n in range(50, 70)]
        (series,) = reader.series([info.key])
        assert (series.total, series.count, series.minimum) == (120, 70, -69.0)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(info.folder), size_guidance={"scalars": 0}).Reload()
    assert [(e.step, e.value) for e in accumulator.Scalars("x")] == expected


def test_steps_that_go_back_or_stay(tmp_path: Path) -> None:
    """Rows at a step that was there already, or lies behind, are recorded in the order they came."""
    steps = [5, 5, 3, 8, 8, 1, 2**40, -7, 0]
    with tl.init(dir=tmp_path) as run:
        for number, step in enumerate(steps):
            assert run.log({"x": float(number)}, step=step)
        assert run.log({"x": -1.0})
    found = shown(tmp_path)["", "x"]
    assert found[:-1] == [(step, float(number)) for number, step in enumerate(steps)]


@pytest.mark.parametrize("how", ["never", "must", "allow", "auto"])
def test_resume(how: str, tmp_path: Path, nursery: Nursery) -> None:
    """`resume` refuses, demands, allows or finds a run, as it says."""
    from trackerlite.errors import RunExists, RunNotFound

    if how == "must":
        with pytest.raises(RunNotFound):
            tl.init(dir=tmp_path, id="r", resume="must")
    victim = nursery.start(role="record", store=str(tmp_path), id="r", seed=1, first=0, count=10**6)
    victim.until_told()
    victim.listen(0.1)
    victim.kill()
    if how == "never":
        with pytest.raises(RunExists):
            tl.init(dir=tmp_path, project="p", id="r", resume="never")
        return
    identity = {} if how == "auto" else {"id": "r"}
    with tl.init(dir=tmp_path, project="p", resume=how, **identity) as run:
        assert run.id == "r"
        assert run.resumed
        assert run.step > victim.acknowledged[-1] - 5
        run.log({"loss": 1.0})
    with tl.init(dir=tmp_path, project="p", resume=how, **identity) as run:
        assert run.resumed is (how != "auto")  # a finished run is not "auto" to go on with
