"""The verbs that read: what they print, for people and for programs, and how they end."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import trackerlite as tl
from cli.command import COMMAND, HOSTILE, environment, record, trackerlite
from trackerlite.cli import verbs
from trackerlite.cli._follow import Follower
from trackerlite.cli._rows import last_starts
from trackerlite.readers import Points, Reader

READING = [
    ["ls"],
    ["ls", "--trash"],
    ["show", "evil0001"],
    ["metrics", "evil0001"],
    ["metrics", "evil0001", "-m", "*"],
    ["tail", "evil0001", "--no-follow"],
    ["tag", "evil0001"],
    ["doctor"],
]
OTHERS = [
    ["export", "evil0001"],
    ["export", "evil0001", "--format", "jsonl"],
    ["diff", "evil0001", "base0001", "--all"],
    ["plot", "evil0001", "-m", "*"],
    ["sql", "SELECT name, project, notes FROM runs"],
    ["ls", "--columns", "name,notes,group"],
    ["note", "evil0001"],
    ["status"],
    ["artifacts"],
    ["search", "state:finished"],
    ["tui", "--once"],
]
# Colours, and what a progress bar needs: the cursor away, back, up a line, the line wiped.
_OURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\r?\x1b\[(?:1A|2K)")
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def on_a_terminal(*arguments: str, columns: int = 80, cwd: Path | None = None, **env: str) -> str:
    """What the command sends to a real pseudo-terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment(**{"COLUMNS": str(columns), "TERM": "xterm-256color"} | env),
        cwd=cwd,
        start_new_session=True,
    )
    os.close(follower)
    pieces = []
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the way Linux says that nobody holds the other end any more
            break
        if not piece:
            break
        pieces.append(piece)
    process.wait(timeout=60)
    os.close(leader)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def test_ls(shared_store: Path) -> None:
    """`ls` lists every run once, the newest first, with its state."""
    done = trackerlite("ls", "--dir", str(shared_store))
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["finished", "evil0001"],
        ["finished", "zzz999"],
        ["finished", "abc222"],
        ["finished", "abc111"],
        ["failed", "fail0001"],
        ["finished", "base0001"],
    ]


def test_ls_json(shared_store: Path) -> None:
    """`ls --json` gives programs every field, the names exactly as they were logged."""
    runs = trackerlite("ls", "--json", "--dir", str(shared_store)).json
    assert {run["id"]: run["name"] for run in runs}["evil0001"] == HOSTILE
    [broken] = [run for run in runs if run["id"] == "fail0001"]
    assert broken["state"] == "failed"
    assert broken["exit_code"] == 1
    assert "ValueError" in broken["reason"]
    [mine] = [run for run in runs if run["id"] == "base0001"]
    assert mine["tags"] == ["lora", "paper"]
    assert mine["steps"] == 50
    assert 0 <= mine["duration"] < 60


def test_ls_tells_of_alerts(tmp_path: Path) -> None:
    """How many alerts a run has stands in its line, where any run has one, and in `--json`."""
    for name in ("calm", "hot"):
        with tl.init(dir=tmp_path, name=name) as run:
            run.log({"loss": 1.0})
            if name == "hot":
                run.log({"loss": float("nan")})
                run.alert("by hand")
    where = ("--dir", str(tmp_path))
    for more in ([], ["steps>=0"]):
        heads, hot, calm = trackerlite("ls", *more, *where).stdout.splitlines()
        assert "ALERTS" in heads.split()
        assert hot[: heads.index("ALERTS") + 6].endswith("     2")
        assert "2" not in calm[heads.index("ALERTS") :]
        found = {
            run["name"]: run["alerts"] for run in trackerlite("ls", *more, "--json", *where).json
        }
        assert found == {"calm": 0, "hot": 2}
    assert "ALERTS" not in trackerlite("ls", "name:calm", *where).stdout


def test_ls_of_a_project(shared_store: Path) -> None:
    """`--project` and `--limit` narrow the list."""
    runs = trackerlite(
        "ls", "--project", "beta", "-n", "2", "--json", "--dir", str(shared_store)
    ).json
    assert [run["id"] for run in runs] == ["zzz999", "abc222"]


def test_dir_before_or_behind_the_verb(shared_store: Path) -> None:
    """`trackerlite --dir X ls` is `trackerlite ls --dir X`, and so is $TRACKERLITE_DIR."""
    behind = trackerlite("ls", "--json", "--dir", str(shared_store)).stdout
    assert trackerlite("--dir", str(shared_store), "ls", "--json").stdout == behind
    assert trackerlite("ls", "--json", TRACKERLITE_DIR=str(shared_store)).stdout == behind
    assert trackerlite("ls", "--json", cwd=shared_store.parent).stdout == behind


def test_show(shared_store: Path) -> None:
    """`show` tells a person the config, the summary, the metrics and the notes of a run."""
    text = trackerlite("show", "baseline", "--dir", str(shared_store)).stdout
    assert re.search(r"^baseline +base0001 +finished$", text, re.M)
    assert re.search(r"^  lr +0\.1$", text, re.M)
    assert re.search(r"^  model\.layers +2$", text, re.M)
    assert re.search(r"^  tags +lora, paper$", text, re.M)
    assert re.search(r"^  train/loss +0\.02 ", text, re.M)
    assert re.search(r"NOTES\n +one\n +two$", text, re.M)


def test_show_json(shared_store: Path) -> None:
    """`show --json` is one object with config, summary and metrics; NaN is spelled as text."""
    run = trackerlite("show", "base0001", "--json", "--dir", str(shared_store)).json
    assert run["config"] == {"lr": 0.1, "model.layers": 2}
    assert run["summary"]["bad"] == "NaN"
    assert run["summary"]["worse"] == "-Infinity"
    assert run["summary"]["count"] == 7
    counts = {metric["key"]: metric["count"] for metric in run["metrics"]}
    assert counts["train/loss"] == 50
    assert counts["val/loss"] == 5


def test_what_was_logged_besides_numbers_is_told_in_words(tmp_path: Path) -> None:
    """A picture, a table, a histogram: `show` and `tail` say what each is, never its JSON."""
    with tl.init(project="p", name="rich", dir=tmp_path) as run:
        run.log(
            {
                "picture": tl.Image(np.zeros((4, 6, 3), np.uint8)),
                "table": tl.Table(columns=["a", "b"], data=[[1, 2]]),
                "spread": tl.Histogram([1.0, 2.0, 3.0]),
            }
        )
    shown = trackerlite("show", "rich", "--dir", str(tmp_path)).stdout
    followed = trackerlite("tail", "rich", "--no-follow", "--dir", str(tmp_path)).stdout
    for told in ("picture 6×4 media/", "table of 1 row, 2 columns media/", "histogram of 3 values"):
        assert told in shown
        assert told in followed
    assert "_type" not in shown + followed


def test_metrics_lists_metrics(shared_store: Path) -> None:
    """Without -m, `metrics` prints one line a metric with its extremes."""
    rows = trackerlite("metrics", "base0001", "--json", "--dir", str(shared_store)).json
    [loss] = [row for row in rows if row["key"] == "train/loss"]
    assert (loss["count"], loss["first"], loss["last"]) == (50, 1.0, 0.02)
    assert (loss["min"], loss["max"], loss["last_step"]) == (0.02, 1.0, 49)
    table = trackerlite("metrics", "base0001", "--dir", str(shared_store)).stdout
    assert re.search(r"^train/loss +50 +1 +0\.02 ", table, re.M)


def test_metrics_prints_points(shared_store: Path) -> None:
    """With -m, the points come step by step, and into a pipe with every digit."""
    where = ["--dir", str(shared_store)]
    rows = trackerlite(
        "metrics", "base0001", "-m", "train/loss", "-m", "val/*", "--json", *where
    ).json
    assert [row["_step"] for row in rows] == list(range(50))
    assert [row["train/loss"] for row in rows] == [1 / (step + 1) for step in range(50)]
    assert {row["_step"]: row["val/loss"] for row in rows if "val/loss" in row} == {
        step: 2 / (step + 1) for step in range(0, 50, 10)
    }
    table = trackerlite("metrics", "base0001", "-m", "train/loss", "--last", "3", *where).stdout
    assert [line.split() for line in table.splitlines()] == [
        ["STEP", "train/loss"],
        *([str(step), repr(1 / (step + 1))] for step in (47, 48, 49)),
    ]


def test_whole_numbers_are_printed_with_every_digit(tmp_path: Path) -> None:
    """`metrics` and `tail` print a whole number beyond 2^53 as it was logged."""
    code = """
import trackerlite as tl
with tl.init(project="p", id="large") as run:
    run.log({"tokens": 2**53 + 1})
"""
    folder = str(record(tmp_path, code, "-"))
    for verb in (["metrics", "large", "-m", "tokens"], ["tail", "large", "--no-follow"]):
        found = trackerlite(*verb, "--json", "--dir", folder).stdout
        assert f'"tokens": {2**53 + 1}}}' in found
    assert str(2**53 + 1) in trackerlite("metrics", "large", "-m", "*", "--dir", folder).stdout


def test_a_metric_of_a_rank_is_asked_for_as_it_is_shown(tmp_path: Path) -> None:
    """`metrics`, `plot` and `tail` take the name that `show` gives to another rank's metric."""
    code = """
import os, sys
for rank in "01":
    if not os.fork():
        os.environ.update(RANK=rank, WORLD_SIZE="2", LOCAL_RANK=rank, TORCHELASTIC_RUN_ID="j")
        import trackerlite as tl
        with tl.init(project="p", id="ranks", ranks="all") as run:
            run.log({"loss": 1.5 + int(rank)}, step=0)
        os._exit(0)
assert [os.wait()[1] for _ in "01"] == [0, 0]
"""
    folder = str(record(tmp_path, code, "-"))
    shown = trackerlite("show", "ranks", "--dir", folder).stdout
    assert "loss [rank 1]" in shown
    for verb in (["metrics"], ["plot"], ["tail", "--no-follow"]):
        done = trackerlite(*verb, "ranks", "-m", "loss [rank 1]", "--dir", folder)
        assert (done.returncode, "2.5" in done.stdout, "1.5" in done.stdout) == (0, True, False)
        both = trackerlite(*verb, "ranks", "-m", "loss", "--dir", folder)
        assert "2.5" in both.stdout, "a bare name means every rank's"
        assert "1.5" in both.stdout


def test_tail_of_a_finished_run(shared_store: Path) -> None:
    """`tail` of a run that has ended prints its last rows, says how it ended, and ends."""
    done = trackerlite("tail", "base0001", "-n", "2", "--dir", str(shared_store))
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["49", "lr", "0.001", "train/loss", "0.02"]
    assert lines[1][:1] == ["50"]
    assert "baseline finished after" in done.stderr


def test_tail_reads_only_what_it_shows(shared_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the last rows of a long run its earlier points are not fetched."""
    fetched: list[int] = []
    fetch = Reader.points

    def counting(self: Reader, *arguments: int) -> Points:
        points = fetch(self, *arguments)
        fetched.append(len(points))
        return points

    monkeypatch.setattr(Reader, "points", counting)
    with Reader.open(shared_store) as reader:
        follower = Follower(reader, reader.run("base0001").key, [], last=3)
        assert [row.step for row in follower.rows()] == [48, 49, 50]
        assert follower.rows() == []
    assert max(fetched) == 4  # one more tells that the first of them is whole


def test_the_last_rows_are_whole(tmp_path: Path) -> None:
    """The last N rows have all that was logged at their steps: also what was logged twice, and late."""
    with tl.init(project="p", id="a", dir=tmp_path) as run:
        for step in range(200):
            for twice in (1.0, 2.0):
                run.log({"often": twice * step, "late/key": 0.0}, step=step)
            if step % 50 == 0:
                run.log({"seldom": float(step)}, step=step)
    with tl.init(project="p", id="a", dir=tmp_path, resume_from="a?_step=151") as run:
        run.log({"often": 7.0}, step=152)
    wanted = [(149, 298.0), (150, 300.0), (151, 302.0), (152, 7.0)]
    for words in (
        ["metrics", "a", "-m", "*", "--last", "4"],
        ["tail", "a", "--no-follow", "-n", "4"],
    ):
        out = trackerlite(*words, "--json", "--dir", str(tmp_path)).stdout
        rows = [json.loads(line.strip(" ,")) for line in out.splitlines() if len(line) > 2]
        assert [(row["_step"], row["often"]) for row in rows] == wanted
        assert rows[1]["seldom"] == 150.0
        assert all("late/key" in row for row in rows[:3])


def test_the_last_rows_of_a_long_run_are_quick(tmp_path: Path) -> None:
    """`metrics --last` reads what it prints, however much there is before it."""
    with tl.init(project="p", id="a", dir=tmp_path) as run:
        for step in range(3_000):
            run.log({"loss": float(step)}, step=step)
    with Reader.open(tmp_path) as reader:
        series = reader.series([reader.run("a").key])
        assert last_starts(reader, series, 5) == {series[0].key: 3_000 - 6}


def test_tail_json_is_a_line_each(shared_store: Path) -> None:
    """`tail --json` prints one object a line, texts among the numbers."""
    done = trackerlite("tail", "base0001", "-n", "100", "--json", "--dir", str(shared_store))
    import json

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["_step"]: row["sample"] for row in rows if "sample" in row} == {
        step: f"text {step}" for step in range(0, 50, 10)
    }


def test_tail_follows_a_run_to_its_end(tmp_path: Path) -> None:
    """`tail` of a living run prints each row that is logged, once, until the run ends."""
    code = """
import sys
import trackerlite as tl
run = tl.init(project="p", name="live", mode="offline")
run.log({"x": 0.5}, step=0)
print("ready", flush=True)
for step, line in enumerate(sys.stdin, 1):
    run.log({"x": step + 0.5}, step=step)
run.finish()
"""
    training = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(TRACKERLITE_DIR=str(tmp_path), TRACKERLITE_SILENT="true"),
        text=True,
    )
    assert training.stdin
    assert training.stdout
    assert training.stdout.readline() == "ready\n"
    tail = subprocess.Popen(
        [*COMMAND, "tail", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(TRACKERLITE_DIR=str(tmp_path)),
        text=True,
    )
    assert tail.stdout
    lines = [tail.stdout.readline()]
    for _ in range(3):
        training.stdin.write("\n")
        training.stdin.flush()
        lines.append(tail.stdout.readline())  # only comes if the row arrives while it follows
    training.stdin.close()
    rest, narration = tail.communicate(timeout=30)
    assert training.wait(timeout=30) == 0
    import json

    assert rest == ""
    assert [(row["_step"], row["x"]) for row in map(json.loads, lines)] == [
        (0, 0.5), (1, 1.5), (2, 2.5), (3, 3.5)
    ]  # fmt: skip
    assert tail.returncode == 0
    assert "live finished after" in narration


@pytest.mark.parametrize("verb", READING + OTHERS, ids=" ".join)
def test_hostile_names_on_a_terminal(shared_store: Path, verb: list[str]) -> None:
    """Whatever a run, a key or a text is called, a terminal gets no control but our colours."""
    text = on_a_terminal(*verb, "--dir", str(shared_store))
    assert "evil" in text or verb[-1] in ("--trash", "doctor", "status", "artifacts")
    assert not _FORBIDDEN.search(_OURS.sub("", text))


CHANGING = [
    ["rename", "evil0001", HOSTILE.replace("\0", "")],
    ["note", "evil0001", "new"],
    ["rm", "evil0001"],
    ["restore", "evil0001"],
    ["bundle", "evil0001", "-o", "evil.zip"],
    ["import", "evil.zip"],
    ["import", HOSTILE],
    ["watch", HOSTILE],
    ["report", "evil0001", "-o", "evil.html"],
    ["gc"],
    ["sync", "--dry-run"],
    ["help", "show"],
    [HOSTILE],
]


def test_hostile_names_in_narration(shared_store: Path, tmp_path: Path) -> None:
    """The same holds for what verbs say about runs, paths and arguments while they change them."""
    shutil.copytree(shared_store, tmp_path / ".trackerlite")
    for verb in CHANGING:
        text = on_a_terminal(*verb, cwd=tmp_path, TRACKERLITE_DIR=str(tmp_path))
        assert text, verb
        assert "Traceback" not in text, verb
        assert not _FORBIDDEN.search(_OURS.sub("", text)), verb


# What only asks for, or throws away, credentials; what trains models of its own.
NOT_TRIED = {"login", "logout", "demo"}


def test_every_verb_is_tried() -> None:
    """Each verb is run on hostile names above: a new one must be added there."""
    tried = {verb[0] for verb in READING + OTHERS + CHANGING}
    assert set(verbs()) - tried == NOT_TRIED


# The others print sentences, and rows of any length, which the terminal wraps.
TABLES = [verb for verb in READING if verb[0] not in ("tail", "doctor")]


@pytest.mark.parametrize("verb", TABLES, ids=" ".join)
def test_eighty_columns(shared_store: Path, verb: list[str]) -> None:
    """On a terminal of 80 columns no line of data runs over its edge."""
    from trackerlite.cli._cells import cells_wide

    text = on_a_terminal(*verb, "--dir", str(shared_store), NO_COLOR="1")
    data = [line for line in text.split("\n") if "No runs" not in line]
    assert max(map(cells_wide, data)) <= 80


def test_what_does_not_fit_is_said(shared_store: Path) -> None:
    """Columns that a narrow terminal has no room for are named, not dropped in silence."""
    verb = ["metrics", "base0001", "-m", "*", "--dir", str(shared_store)]
    text = on_a_terminal(*verb, columns=40, NO_COLOR="1")
    assert "Too narrow for" in text
    assert "Too narrow for" not in on_a_terminal(*verb, columns=200)


def test_colour(shared_store: Path) -> None:
    """A terminal gets colours, unless NO_COLOR is set; a pipe gets none."""
    where = ["--dir", str(shared_store)]
    assert "\x1b[" in on_a_terminal("ls", *where)
    assert "\x1b" not in on_a_terminal("ls", *where, NO_COLOR="1")
    assert "\x1b" not in trackerlite("ls", *where).stdout


def test_a_terminal_without_unicode(shared_store: Path) -> None:
    """Where stdout cannot say a character, its code is printed, not a traceback."""
    done = trackerlite("ls", "--dir", str(shared_store), PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\U0001f4a5" in done.stdout


def test_nothing_heavy_is_loaded(shared_store: Path) -> None:
    """`ls` loads no NumPy, no Rich, no Textual, no TensorBoard: it must answer at once."""
    code = (
        "import sys; from trackerlite.cli import main; main(['ls', '--dir', sys.argv[1]]);"
        "heavy = {'numpy', 'rich.console', 'textual', 'tensorboard', 'sqlite_utils', 'wandb'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(shared_store)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"


def test_empty_store(tmp_path: Path) -> None:
    """A store in which everything was put in the trash has nothing to list, and says so."""
    store = record(
        tmp_path, 'import trackerlite as tl; tl.init(name="a", mode="offline").finish()', "-"
    )
    where = ["--dir", str(store)]
    assert trackerlite("rm", "a", *where).returncode == 0
    done = trackerlite("ls", *where)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("No runs in ")
    assert trackerlite("ls", "--json", *where).json == []
