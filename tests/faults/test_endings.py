"""How a run ends: by itself, by an error, by a signal; and what a clock that jumps does to it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from faults.scripts import begin, end, run
from trackerlite.doctor import examine
from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo


def info(folder: Path) -> RunInfo:
    with Reader.open(folder) as reader:
        (found,) = reader.runs()
        return found


MUTE = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")
"""


@pytest.mark.parametrize(
    ("code", "state", "exit_code", "reason"),
    [
        ("run = tl.init(dir='.'); run.log({'x': 1})", "finished", 0, None),
        ("run = tl.init(dir='.'); run.finish()", "finished", 0, None),
        ("run = tl.init(dir='.'); run.finish(exit_code=4)", "failed", 4, None),
        ("with tl.init(dir='.'): pass", "finished", 0, None),
        ("run = tl.init(dir='.'); raise ValueError('bad lr')", "failed", 1, "ValueError: bad lr"),
        ("with tl.init(dir='.'): 1 / 0", "failed", 1, "ZeroDivisionError: division by zero"),
        ("with tl.init(dir='.'): raise KeyboardInterrupt", "failed", 1, "KeyboardInterrupt"),
        ("run = tl.init(dir='.'); sys.exit(3)", "failed", 3, None),
        ("run = tl.init(dir='.'); run.finish(exit_code='no')", "failed", 1, None),
        (f"{MUTE}\nrun = tl.init(dir='.'); raise Mute", "failed", 1, "Mute"),
        (f"{MUTE}\nwith tl.init(dir='.'): raise Mute", "failed", 1, "Mute"),
        ("run = tl.init(dir='.'); sys.excepthook = lambda *_: None; 1 / 0", "failed", 1, "ZeroDivisionError: division by zero"),
        ("run = tl.init(dir='.'); exit(3)", "failed", 3, None),
        ("run = tl.init(dir='.'); quit()", "finished", 0, None),
        ("run = tl.init(dir='.'); sys.exit()", "finished", 0, None),
        ("run = tl.init(dir='.')\ntry: sys.exit(3)\nexcept SystemExit: run.log({'x': 1})", "finished", 0, None),
        ("import threading\nrun = tl.init(dir='.')\nthreading.Thread(target=sys.exit, args=(3,)).start()", "finished", 0, None),
        ("with tl.init(dir='.'): sys.exit(0)", "finished", 0, None),
        ("def rows():\n  with tl.init(dir='.'): yield\nfor row in rows(): break", "finished", 0, None),
        ("with tl.init(dir='.'): sys.exit('no data')", "failed", 1, "SystemExit: no data"),
        ("run = tl.init(dir='.'); run.log({'x': 1}); os._exit(0)", "killed", None, None),
        ("run = tl.init(dir='.'); run.mark_preempting(); run.finish()", "preempted", 0, "preempted"),
        ("run = tl.init(dir='.'); os.kill(os.getpid(), signal.SIGKILL)", "killed", None, None),
        ("run = tl.init(dir='.'); os.abort()", "killed", None, None),
    ],
)  # fmt: skip
def test_endings(
    code: str, state: str, exit_code: int | None, reason: str | None, tmp_path: Path
) -> None:
    """Each way to end a script is told apart, with its exit code and the error's type and words."""
    run(tmp_path, code)
    found = info(tmp_path)
    assert (found.state, found.exit_code, found.reason) == (state, exit_code, reason)
    assert found.duration is not None
    assert found.duration >= 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize(
    ("ending", "state", "exit_code", "reason"),
    [
        ("pass", "finished", 0, None),
        ("1 / 0", "failed", 1, "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "failed", 3, "SystemExit: 3"),
        ("os._exit(0)", "killed", None, None),
    ],
)
def test_endings_of_workers(
    method: str, ending: str, state: str, exit_code: int | None, reason: str | None, tmp_path: Path
) -> None:
    """A worker of multiprocessing that leaves its run open ends it as a script would; its parent's goes on."""
    code = f"""
import multiprocessing

def train():
    run = tl.init(dir='.', id='r', reinit='finish_previous')
    run.log({{'x': 1.0}})
    {ending}

if __name__ == '__main__':
    run = tl.init(dir='parent') if {method!r} == 'fork' else None
    worker = multiprocessing.get_context({method!r}).Process(target=train)
    worker.start()
    worker.join()
    say(kept=run is None or run.log({{'x': 1.0}}))
"""
    assert run(tmp_path, code).said == {"kept": True}
    found = info(tmp_path)
    assert (found.state, found.exit_code, found.reason) == (state, exit_code, reason)


WAIT = """
run = tl.init(dir=".", id="r")
run.log({"x": 1.0}, step=0)
say(ready=True)
step = 0
while True:
    step += 1
    run.log({"x": 1.0}, step=step)
    time.sleep(0.002)
"""


def signalled(folder: Path, code: str, number: int) -> tuple[int, str, float]:
    process = begin(folder, code)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(number)
    began = time.monotonic()
    outcome = end(process, 30)
    return outcome.status, outcome.errors, time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_terminated(number: signal.Signals, tmp_path: Path) -> None:
    """SIGTERM, or a terminal that goes away, ends the process soon by that signal, and its run as preempted."""
    code = f"signal.signal(signal.SIGHUP, signal.SIG_DFL)\n{WAIT}"
    status, errors, seconds = signalled(tmp_path, code, number)
    assert status == -number
    assert "Traceback" not in errors
    assert seconds < 5
    found = info(tmp_path)
    assert (found.state, found.exit_code, found.reason) == ("preempted", 128 + number, number.name)


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C raises KeyboardInterrupt as ever, and the run has failed of it."""
    status, errors, _ = signalled(tmp_path, WAIT, signal.SIGINT)
    assert status == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert (info(tmp_path).state, info(tmp_path).reason) == ("failed", "KeyboardInterrupt")


@pytest.mark.parametrize(
    "code", ["run = tl.init(dir='.')", "run = tl.init(dir='.'); run.finish()", "pass"]
)
def test_interrupted_from_the_keyboard(code: str, tmp_path: Path) -> None:
    """Ctrl-C ends the process as it does without us: of the signal, which ends a shell's loop too."""
    process = begin(tmp_path, f"{code}\nos.kill(os.getpid(), signal.SIGINT); time.sleep(5)")
    assert process.wait(30) == -signal.SIGINT
    process.communicate()


def test_an_earlier_handler_is_still_called(tmp_path: Path) -> None:
    """A SIGTERM handler that was there before runs as ever; it decides whether the process goes on."""
    code = """
    seen = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    run = tl.init(dir=".", id="r")
    say(ready=True)
    while not seen:
        run.log({"x": 1.0})
        time.sleep(0.002)
    after = run.log({"x": 2.0})
    run.finish()
    say(seen=seen, after=after)
    """
    process = begin(tmp_path, code)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    outcome = end(process, 30)
    assert outcome.status == 0, outcome.errors
    assert outcome.said == {"seen": [signal.SIGTERM], "after": True}
    assert (info(tmp_path).state, info(tmp_path).reason) == ("preempted", "SIGTERM")


def test_a_handler_set_later_is_left_alone(tmp_path: Path) -> None:
    """A handler that the script sets after init() replaces ours, as the script wants."""
    code = """
    run = tl.init(dir=".", id="r")
    def handler(number, frame):
        sys.exit(0)
    signal.signal(signal.SIGTERM, handler)
    say(ready=True)
    while True:
        run.log({"x": 1.0})
        time.sleep(0.002)
    """
    status, errors, _ = signalled(tmp_path, code, signal.SIGTERM)
    assert status == 0, errors
    assert info(tmp_path).state == "finished"


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """A process that ignores SIGTERM goes on, and its run ends as it would have."""
    code = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    run = tl.init(dir=".", id="r")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)
    say(after=run.log({"x": 1.0}))
    """
    outcome = run(tmp_path, code)
    assert outcome.status == 0, outcome.errors
    assert outcome.said == {"after": True}
    with Reader.open(tmp_path) as reader:
        assert reader.series()[0].count == 1


def test_two_runs_side_by_side(tmp_path: Path) -> None:
    """A second run in the same process is a run of its own; the first stays the current one and ends with the process."""
    outcome = run(
        tmp_path,
        """
        first = tl.init(dir=".", id="a")
        second = tl.init(dir=".", id="b", reinit="create_new")
        second.log({"x": 2.0})
        second.finish()
        tl.log({"x": 1.0})
        """,
    )
    assert outcome.status == 0, outcome.errors
    with Reader.open(tmp_path) as reader:
        runs = {r.id: r for r in reader.runs()}
        assert {r.state for r in runs.values()} == {"finished"}
        assert [reader.series([runs[i].key])[0].last for i in "ab"] == [1.0, 2.0]


def test_a_clock_that_jumps_back_a_day(tmp_path: Path) -> None:
    """Rows keep their order, TensorBoard reads on, the last word stays the last, and no duration is negative."""
    code = """
    real, offset = time.time, 0.0
    time.time = lambda: real() + offset
    run = tl.init(dir=".", id="r", config={"lr": 1})
    for step in range(300):
        if step == 100:
            offset -= 86_400
            run.config.lr = 2
            run.summary["best"] = 5
        if step == 200:
            offset += 365 * 86_400
            time.sleep(0.3)
        run.log({"x": float(step)}, step=step)
    run.name = "renamed"
    run.finish()
    offset = -2 * 86_400
    run = tl.init(dir=".", id="r")
    run.config.lr = 3
    for step in range(300, 350):
        run.log({"x": float(step)}, step=step)
    run.finish()
    say(config=dict(run.config))
    """
    outcome = run(tmp_path, code)
    assert outcome.status == 0, outcome.errors
    with Reader.open(tmp_path) as reader:
        (found,) = reader.runs()
        (series,) = reader.series(names=["x"])
        assert reader.points(series.key).step.tolist() == list(range(350))
        assert reader.params()[found.key]["lr"] == 3
        assert reader.summaries()[found.key]["best"] == 5
        assert (found.name, found.state) == ("renamed", "finished")
        assert found.duration is not None
        assert found.duration >= 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(found.folder), size_guidance={"scalars": 0}).Reload()
    assert [e.step for e in accumulator.Scalars("x")] == list(range(350))


@pytest.mark.parametrize("moment", [0.0, 2**31 + 5.0, -1000.0])
def test_a_clock_that_is_wrong(moment: float, tmp_path: Path) -> None:
    """A machine that believes it is 1970, or after 2038, records like any other."""
    code = f"""
    real, start = time.time, time.time()
    time.time = lambda: real() - start + {moment!r}
    with tl.init(dir=".", id="r") as run:
        for step in range(50):
            assert run.log({{"x": float(step)}}, step=step)
    """
    outcome = run(tmp_path, code)
    assert outcome.status == 0, outcome.errors
    with Reader.open(tmp_path) as reader:
        assert reader.points(reader.series()[0].key).step.tolist() == list(range(50))
        assert reader.run("r").state == "finished"


def test_a_training_that_hangs_up_its_terminal(tmp_path: Path) -> None:
    """A script whose stderr is closed logs on, and its warnings harm nobody."""
    process = begin(
        tmp_path,
        "os.close(2)\nrun = tl.init(dir='.')\nrun.log({'': 1, 'x': 2.0})\nrun.finish()\nsay(ok=1)",
    )
    outcome = end(process)
    assert outcome.said == {"ok": 1}
    assert info(tmp_path).state == "finished"
    assert os.listdir(tmp_path / ".trackerlite")


@pytest.mark.parametrize("stderr", ["no room", "closed"])
def test_nobody_hears_the_recorder(stderr: str, tmp_path: Path) -> None:
    """A log that is full, or a stderr that was closed, costs the sentences only, and stdout gets none of them."""
    (tmp_path / "file").touch()
    code = """
run = tl.init(dir='.', id='r')
again = tl.init(dir='.', id='other')
run.log({'': 1, 'x': 2.0})
run.finish()
nowhere = tl.init(dir='file')
nowhere.log({'x': 1.0})
nowhere.finish()
say(same=again is run)
os._exit(0)
"""
    redirected = 'exec "$@" 2>/dev/full' if stderr == "no room" else 'exec "$@" 2>&-'
    outcome = run(tmp_path, code, "sh", "-c", redirected, "sh")
    assert outcome.said == {"same": True}
    assert info(tmp_path).state == "finished"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_not_the_journal(closed: str, tmp_path: Path) -> None:
    """What is printed to a stdout or stderr that was closed at the start is in no journal."""
    code = """
run = tl.init(dir='.', id='r')
for step in range(10):
    run.log({'x': float(step)}, step=step)
    for stream in range(3):
        try:
            os.write(stream, b'a line of a library in C')
        except OSError:
            pass
"""
    process = begin(tmp_path, code, "sh", "-c", f'exec "$@" {closed}', "sh")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert examine(tmp_path).ok
    with Reader.open(tmp_path) as reader:
        assert reader.points(reader.series()[0].key).step.tolist() == list(range(10))


@pytest.mark.parametrize("allowed", [0, 1, 2, 3])
def test_a_process_that_may_have_no_more_threads(allowed: int, tmp_path: Path) -> None:
    """Where threads run out the rows are recorded all the same, and the run ends as it should."""
    outcome = end(
        begin(
            tmp_path,
            f"""
import threading
start, left = threading.Thread.start, [{allowed}]
def limited(self):
    left[0] -= 1
    if left[0] < 0:
        raise RuntimeError("can't start new thread")
    start(self)
threading.Thread.start = limited
with tl.init(dir=".", id="r") as run:
    say(kept=[run.log({{"x": float(n)}}) for n in range(50)])
""",
        )
    )
    assert outcome.status == 0, outcome.errors
    assert outcome.said == {"kept": [True] * 50}
    with Reader.open(tmp_path) as reader:
        assert reader.points(reader.series()[0].key).value.tolist() == [float(n) for n in range(50)]
        assert reader.run("r").state == "finished"


def test_a_script_that_ends_at_once_without_finish(tmp_path: Path) -> None:
    """Where the interpreter ends and starts no more threads, the run has its commit and says nothing odd."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], cwd=tmp_path, check=True)
    outcome = end(
        begin(
            tmp_path,
            """
import threading
run = tl.init(dir=".", id="r")
run.log({"x": 1.0})
def none(self):  # so it is from Python 3.12 on
    raise RuntimeError("can't create new thread at interpreter shutdown")
threading.Thread.start = none
""",
        )
    )
    assert outcome.status == 0
    assert outcome.errors.splitlines()[1:] == []
    with Reader.open(tmp_path) as reader:
        run = reader.run("r")
        assert run.state == "finished"
        assert len(reader.environment(run.key)["git"]["commit"]) == 40
        assert "errors" not in reader.environment(run.key)
        assert reader.series([run.key], "system", ["system.memory_percent"])


def test_media_without_a_thread(tmp_path: Path) -> None:
    """A picture is written by the process itself where it may have no thread for it."""
    outcome = end(
        begin(
            tmp_path,
            """
import threading
import numpy as np
run = tl.init(dir=".", id="r")
def none(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = none
say(kept=run.log({"picture": tl.Image(np.zeros((900, 900, 3), np.uint8)), "x": 1.0}))
run.finish()
""",
        )
    )
    assert outcome.said == {"kept": True}
    assert "not written" not in outcome.errors, outcome.errors
    assert len(list(tmp_path.glob(".trackerlite/runs/*/*/media/**/*.png"))) == 1
