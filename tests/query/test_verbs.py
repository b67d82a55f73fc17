"""The verbs that ask and compare, run in-process on a real store."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import trackerlite as tl
from query.conftest import HOSTILE
from trackerlite.cli import main

if TYPE_CHECKING:
    from query.conftest import Called

# What can move a cursor, set a clipboard or turn text round; newlines are ours.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e]|\x1b(?!\\[[0-9;]*m)")


def on_a_terminal(study: Path, words: list[str], columns: int = 80) -> list[str]:
    """The lines that a verb writes to a real terminal `columns` wide, colours taken out."""
    leader, follower = pty.openpty()
    subprocess.run(["stty", "cols", str(columns), "rows", "24"], stdin=follower, check=True)
    code = "import sys; from trackerlite.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--dir", str(study)],
        stdin=follower, stdout=follower, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(follower)
    told = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        told += piece
    os.close(leader)
    assert process.wait() == 0
    text = told.decode().replace("\r\n", "\n")
    assert not UNSAFE.search(text)
    return re.sub("\x1b\\[[0-9;]*m", "", text).split("\n")


def test_ls_filters_sorts_and_shows_what_it_is_about(call: Called) -> None:
    """`ls FILTER --sort` lists what passes in order, with a column for each thing asked about."""
    code, out, _ = call("ls", "val/loss<0.9 tag:lion", "--sort=config.seed")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[-2:] == ["config.seed", "val/loss"]
    assert [line.split()[1] for line in lines[1:]] == [f"lion{seed}" for seed in range(5)]


@pytest.mark.parametrize("verb", ["ls", "search"])
def test_a_filter_may_begin_with_a_minus(call: Called, verb: str) -> None:
    """`ls "-tag:lion"` is a filter, as `help filters` has it; -n5, --json and -h stay options."""
    for words in (
        ["-tag:lion"],
        ["-(tag:lion OR tag:nobody)"],
        ["-name:lion", "-n99"],
        ["-n", "99", "-lion"],
    ):
        code, out, err = call(verb, *words, "--json")
        assert code == 0, err
        assert {row["name"] for row in json.loads(out)}.isdisjoint(
            f"lion seed {n}" for n in range(5)
        )
    assert len(json.loads(call(verb, "-notes:nobody-wrote-this", "-n2", "--json")[1])) == 2
    assert call("ls", "-lion", "--sort", "-name")[0] == 0
    assert call(verb, "-x")[0] == 2


def test_search_and_ls_call_a_run_the_same(call: Called) -> None:
    """`id` is the id in the JSON of both; `run` has the project before it."""
    (found,) = json.loads(call("search", "id:lion0", "--json")[1])
    (listed,) = json.loads(call("ls", "id:lion0", "--json")[1])
    assert found["id"] == listed["id"] == "lion0"
    assert found["run"] == f"{listed['project']}/lion0"


def test_ls_columns_curves_and_groups(call: Called) -> None:
    """`ls` shows the columns named, curves as sparklines, and a table for each group."""
    code, out, _ = call(
        "ls", "project:study", "--columns", "name,config.lr,best(val/loss)", "--curve", "val/loss",
        "--group-by", "config.optimizer.name",
    )  # fmt: skip
    assert code == 0
    assert "config.optimizer.name=adamw (5 runs)" in out
    assert out.count("best(val/loss)") == 2
    assert len(re.findall("█[▄-▇]+[▁-▃]+$", out, re.MULTILINE)) == 10


def test_ls_names_the_nearest(call: Called) -> None:
    """A metric or config key that no run has is said, with the nearest that some run has."""
    code, out, err = call("ls", "val/los<1")
    assert (code, out) == (3, "")
    assert "No run here has val/los. Did you mean val/loss?" in err
    for option in ("--sort=seed", "--group-by=seed", "--group-by=config.lr,seed"):
        code, out, err = call("ls", option)
        assert code == 0
        assert err == "No run here has seed. Did you mean config.seed?\n"
    assert call("ls", "--group-by", "config.seed")[2] == ""


def test_a_curve_that_no_run_has_is_said(call: Called) -> None:
    """`ls --curve` of a metric that no run has names the nearest."""
    code, _, err = call("ls", "--curve", "val/los")
    assert code == 0
    assert "No run here has val/los. Did you mean val/loss?" in err


def test_ls_json_has_the_columns(call: Called) -> None:
    """`ls --json` gives the values themselves, the group and every field."""
    _, out, _ = call(
        "ls", "lion1", "--json", "--columns", "config.lr,val/loss", "--group-by", "tag"
    )
    (row,) = json.loads(out)
    assert row["columns"]["config.lr"] == 3e-4
    assert row["columns"]["val/loss"] < 0.6
    assert row["group_label"] == "tag=lion, s1"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ls", "stat:x"], 2, "did you mean state?\n  stat:x\n       ^"),
        (["ls", "tag:nobody"], 3, "No runs that pass 'tag:nobody'"),
        (["ls", "--sort", "(x"], 2, "missing here"),
        (["diff", "lion0"], 2, "two or more runs"),
        (["diff", "lion0", "nobody"], 3, "No run answers"),
        (["diff", "--filter", "tag:nobody"], 3, "a comparison needs two"),
        (["diff", "--filter", "lion", "--group-by", "project"], 3, "nothing to compare"),
        (["diff", "--filter", "tag:nobody", "--group-by", "config.lr"], 3, "No run passes"),
        (["plot", "lion0", "-m", "nothing"], 3, "None of these runs"),
        (["plot", "lion0", "-m", "val/loss", "--x", "nothing"], 2, "no metric 'nothing'"),
        (["plot", "lion0", "-m", "val/loss", "-o", "x.gif"], 2, ".png, .svg, .pdf"),
        (["plot", "-m", "val/loss"], 2, "Name one or more runs"),
        (["sql", "DELETE FROM run"], 2, "Nothing was changed"),
        (["sql", "SELECT * FROM absent"], 2, "no such table"),
        (["sql", "SELECT name FROM runs WHERE 0"], 3, "No rows"),
        (["report", "--filter", "tag:nobody"], 3, "No run passes"),
        (["help", "nothing"], 2, "no verb or topic"),
    ],
)
def test_exit_codes_and_sentences(call: Called, words: list[str], code: int, said: str) -> None:
    """Wrong use ends with 2, nothing found with 3, and one sentence on stderr says why."""
    found, out, err = call(*words) if words[0] != "help" else (main(words), "", None)
    assert found == code
    if err is not None:
        assert said in err
        assert not out


def test_diff_of_two_fits_eighty_columns(study: Path) -> None:
    """`diff A B` on a terminal of 80 columns wraps nothing and says what differs, no more."""
    lines = on_a_terminal(study, ["diff", "adamw0", "lion0"])
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for wanted in (
        "val/loss ↓",
        "better",
        "optimizer.name",
        "torch",
        "2.9.0",
        "changed train.py",
        "verdict",
    ):
        assert wanted in text
    assert "seed  " not in text
    assert "quality" not in text


@pytest.mark.parametrize(
    "words",
    [
        ["adamw0", "lion0"],
        ["adamw0", "lion0", "lion1"],
        ["--filter", "project:study", "--group-by", "config.optimizer.name"],
    ],
)
def test_diff_on_forty_columns_still_names_its_metrics(study: Path, words: list[str]) -> None:
    """On a narrow terminal `diff` leaves out columns, never which metric or group is which."""
    lines = on_a_terminal(study, ["diff", *words], columns=40)
    assert max(map(len, lines)) <= 40
    assert any(line.startswith("val/loss ↓") for line in lines)
    assert any(line.startswith("A ") for line in lines)
    assert "better" in "\n".join(lines) or "worse" in "\n".join(lines)


@pytest.mark.parametrize(
    "runs", [["adamw0", "lion0", "lion1"], ["lion0", "lion1", "lion2", "adamw0", "adamw1"]]
)
def test_diff_of_many_fits_eighty_columns(study: Path, runs: list[str]) -> None:
    """More than two runs fit 80 columns too: metrics a line a run, values with who has them."""
    lines = on_a_terminal(study, ["diff", *runs, "--all"])
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("val/loss ↓") for line in lines)


def test_groups_fit_eighty_columns(study: Path) -> None:
    """`diff --group-by` tells means, spreads, intervals and verdicts in 80 columns."""
    lines = on_a_terminal(
        study, ["diff", "--filter", "project:study", "--group-by", "config.optimizer.name"]
    )
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "better" in text
    assert "within noise" in text or "no spread" in text
    assert "Welch" in text


def test_a_group_can_be_the_baseline(call: Called) -> None:
    """`--baseline RUN` measures groups against the one that the run is in."""
    asked = ["diff", "--filter", "project:study", "--group-by", "config.optimizer.name", "--json"]
    orders = [
        [
            group["label"].rpartition("=")[2]
            for group in json.loads(call(*asked, *more)[1])["groups"]
        ]
        for more in ([], ["--baseline", "lion0"])
    ]
    assert orders == [["adamw", "lion"], ["lion", "adamw"]]


@pytest.mark.parametrize(
    ("baseline", "value", "said"),
    [
        (-1.0, 20.0, "+2100%"),
        (1.0, -20.0, "-2100%"),
        (1e-9, 1.0, "+1.0e+11%"),
        (2.0, 3.0, "+50.0%"),
    ],
)
def test_a_large_change_is_a_percentage(baseline: float, value: float, said: str) -> None:
    """Δ% is the change over the baseline's size, whatever the signs; never a factor that is none."""
    from trackerlite.cli._diff import percent

    assert percent((value - baseline) / abs(baseline), None).plain == said


def test_a_number_and_its_text_look_different(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one run has 0.1 and another "0.1", `diff` shows the text in quotes."""
    for name, lr in (("a", 0.1), ("b", "0.1"), ("c", 0.1), ("d", "0.1")):
        tl.init(project="p", id=name, dir=tmp_path, config={"lr": lr}).finish()
    for names in ("ab", "abcd"):
        assert main(["diff", *names, "--dir", str(tmp_path)]) == 0
        assert re.search(r'lr +0\.1 .*"0\.1"', capsys.readouterr().out, re.DOTALL)


def test_diff_json(call: Called) -> None:
    """`diff --json` gives the same as data, with `--all` also what is the same."""
    _, out, _ = call("diff", "adamw0", "lion0", "--json")
    told = json.loads(out)
    assert told["baseline"] == "adamw0"
    assert {row["key"] for row in told["config"]} == {"lr", "optimizer.name"}
    loss = next(row for row in told["metrics"] if row["key"] == "val/loss")
    assert loss["values"]["lion0"]["verdict"] in ("better", "worse")
    _, out, _ = call("diff", "adamw0", "lion0", "--json", "--all", "--patch")
    assert {
        "key": "fp16",
        "differs": False,
        "values": {"adamw0": True, "lion0": True},
    } in json.loads(out)["config"]
    assert json.loads(out)["patches"][0].startswith("diff --git")


def test_diff_baseline_and_patch(call: Called) -> None:
    """`--baseline` decides whom the others are measured against; `--patch` shows code line by line."""
    _, out, _ = call("diff", "adamw0", "lion0", "--baseline", "lion0", "--patch")
    assert re.search(r"A  lion seed 0 +study/lion0 +finished ", out)
    assert "METRICS, Δ AGAINST A" in out
    assert "uncommitted changes to train.py: A against B" in out
    assert "-+lr = 2" in out
    assert "++lr = 3" in out


def test_nothing_differs(call: Called) -> None:
    """A run against itself under another word says that nothing differs, and succeeds."""
    code, _, err = call("diff", "lion0", "lion0", "--baseline", "lion0")
    assert code == 2
    code, out, err = call("diff", "--filter", "id:lion0 OR id:lion0")
    assert (code, out) == (3, "")
    assert "comparison needs two" in err


def test_diff_html(call: Called, tmp_path: Path) -> None:
    """`--html` writes one page that asks for nothing and holds names as text."""
    page = tmp_path / "diff.html"
    assert call("diff", "lion0", "hostile", "--html", str(page))[0] == 0
    text = page.read_text()
    assert "Content-Security-Policy" in text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "://" not in text


def test_hostile_text_is_shown_harmlessly(study: Path, call: Called) -> None:
    """Control sequences and markup in names, keys and values reach neither terminal nor pipe."""
    for words in (
        ["diff", "lion0", "hostile", "--all"],
        ["ls", "hostile", "--columns", f'name,tag,config."{HOSTILE}"'],
        ["plot", "hostile", "lion0", "-m", "*", "--size", "60x8"],
        ["sql", "SELECT * FROM runs"],
    ):
        code, out, err = call(*words)
        assert code == 0
        assert not UNSAFE.search(out + err), words
        if words[0] != "sql":
            on_a_terminal(study, words)


def test_plot_draws_and_writes(call: Called, tmp_path: Path) -> None:
    """`plot` draws a chart a metric with a legend, ASCII where asked, and writes pictures."""
    code, out, _ = call(
        "plot", "lion0", "adamw0", "-m", "val/*", "--size", "60x10", "--smooth", "0.5"
    )
    assert code == 0
    assert sum(line.startswith(("val/loss", "val/acc")) for line in out.splitlines()) == 2
    assert out.count("lion seed 0") == 2
    assert max(map(len, out.splitlines())) <= 60
    _, out, _ = call(
        "plot", "lion0", "-m", "val/loss", "--ascii", "--size", "40x8", "--log-y", "--x", "time"
    )
    assert out.isascii()
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")):
        assert (
            call("plot", "lion0", "hostile", "-m", "val/loss", "-o", str(tmp_path / name))[0] == 0
        )
        assert (tmp_path / name).read_bytes().startswith(start)


def test_plot_json(call: Called) -> None:
    """`plot --json` gives the corners of the lines, exact where every point is there."""
    _, out, _ = call("plot", "lion0", "-m", "val/loss", "--json")
    (line,) = json.loads(out)
    assert (line["run"], line["key"], line["exact"]) == ("lion0", "val/loss", True)
    assert len(line["x"]) == len(line["y"]) == 200


def test_sql_formats(call: Called) -> None:
    """`sql` prints a table, JSON or CSV, full digits in a pipe; alone, the views."""
    _, out, _ = call("sql", "SELECT 1 AS a, 2 AS a, 3 AS a", "--json")
    assert json.loads(out) == [{"a": 1, "a_2": 2, "a_3": 3}]
    _, out, _ = call("sql", "SELECT id, last_step FROM runs WHERE id = 'lion0'", "--json")
    assert json.loads(out) == [{"id": "lion0", "last_step": 199}]
    _, out, _ = call(
        "sql", "SELECT step, value FROM metrics WHERE run_id='lion0' AND key='val/loss'", "--csv"
    )
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 200
    assert float(rows[0]["value"]) > 2
    _, out, _ = call("sql")
    assert {line.split()[0] for line in out.splitlines()[1:]} == {
        "runs", "metrics", "system_metrics", "params", "summary", "tags", "artifacts", "alerts",
    }  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO tag VALUES (1, 'x', 1, 0)", "UPDATE run SET name = 'x'", "DROP TABLE run", "PRAGMA user_version = 9",
     "PRAGMA journal_mode", "ATTACH 'x.db' AS x", "VACUUM INTO 'x.db'", "CREATE TEMP TABLE x (a)", "BEGIN", "REINDEX",
     "WITH x AS (SELECT 1) DELETE FROM run", "SELECT load_extension('x')", "SELECT 1; DROP TABLE run",
     "EXPLAIN DELETE FROM run", "ANALYZE", "DETACH main"],
)  # fmt: skip
def test_sql_changes_nothing(call: Called, study: Path, statement: str) -> None:
    """Whatever is not one SELECT is refused, and the store is the same to the byte."""
    database = study / ".trackerlite" / "trackerlite.db"
    before = database.read_bytes()
    code, out, err = call("sql", statement)
    assert (code, out) == (2, "")
    assert err
    assert database.read_bytes() == before
    assert not Path("x.db").exists()


def test_sql_is_stopped(call: Called) -> None:
    """A statement that would run for ever is interrupted, while rows come as well as before."""
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT {} FROM c"
    for what in ("count(*)", "x"):
        code, _, err = call("sql", endless.format(what), "--csv", "--timeout", "0.3")
        assert code == 1
        assert "longer than 0.3 s" in err


def test_metrics_thinned_smoothed_and_against_another(call: Called) -> None:
    """`metrics --samples --smooth --x` prints fewer, smoother rows beside another axis."""
    _, out, _ = call(
        "metrics",
        "lion0",
        "-m",
        "val/loss",
        "--samples",
        "5",
        "--smooth",
        "0.9",
        "--x",
        "val/acc",
        "--json",
    )
    rows = json.loads(out)
    assert len(rows) == 5
    assert rows[0].keys() == {"_step", "_timestamp", "val/acc", "val/loss"}
    assert [row["_step"] for row in rows] == [0, 50, 100, 149, 199]
    losses = [row["val/loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)


def test_the_axes_of_a_picture_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Powers are plain numbers, wall time is the local clock's, infinity is a gap, one line has a legend too."""
    from matplotlib import rc_context

    from trackerlite.cli._figure import _dates

    with tl.init(project="p", id="a", name="alone", dir=tmp_path) as run:
        for step in range(1, 200):
            run.log({"loss": -math.inf if step == 90 else 100.0 / step}, step=step)
    with tl.init(project="p", id="b", name="other", dir=tmp_path) as run:
        run.log({"acc": 1.0}, step=1)

    def texts(*words: str) -> str:
        path = tmp_path / "x.svg"
        with rc_context({"svg.fonttype": "none"}):
            assert main(["plot", *words, "-o", str(path), "--dir", str(tmp_path)]) == 0
        return path.read_text()

    drawn = texts("a", "b", "-m", "loss", "-m", "acc", "--log-y", "--log-x")
    assert "mathdefault" not in drawn
    assert all(f">{tick}<" in drawn for tick in (1, 10, 100))
    assert ">alone<" in drawn
    assert re.search(r">(\d\d:)?\d\d:\d\d", texts("a", "-m", "loss", "--x", "wall"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert [str(moment) for moment in _dates([0.0])] == ["1970-01-01T09:00:00.000000"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_narrow_listings_and_wall_time(study: Path) -> None:
    """`ls` on forty columns folds no line; `metrics --x wall` shows people a date."""
    assert max(map(len, on_a_terminal(study, ["ls"], columns=40))) <= 40
    asked = ["metrics", "lion0", "-m", "val/loss", "--x", "wall", "--last", "2"]
    assert re.match(r" *\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  +\d", on_a_terminal(study, asked)[1])


def test_help_filters(capsys: pytest.CaptureFixture[str]) -> None:
    """`help filters` prints the language on one page, `help VERB` the verb's own help."""
    assert main(["help", "filters"]) == 0
    assert "best(val/f1)>0.9" in capsys.readouterr().out
    assert main(["help", "diff"]) == 0
    assert "--group-by" in capsys.readouterr().out


def test_an_abandoned_tail_can_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What lies behind a step that a run went back to, of every attempt, here and in the API."""
    for attempt, how in enumerate([{"id": "r"}, *[{"resume_from": "r?_step=1"}] * 2]):
        with tl.init(project="p", dir=tmp_path, **how) as run:
            for step in range(2 if attempt else 0, 4):
                run.log({"loss": 10.0 * attempt + step}, step=step)
            if not attempt:
                run.log({"only/first": 1.0}, step=3)
    tail = [(2, 2.0), (3, 3.0), (2, 12.0), (3, 13.0)]
    assert (
        main(["metrics", "r", "-m", "loss", "--abandoned", "--json", "--dir", str(tmp_path)]) == 0
    )
    shown = json.loads(capsys.readouterr().out)
    assert [(row["_step"], row["value"]) for row in shown] == tail
    found = tl.Api(tmp_path).run("r").metric("loss", abandoned=True)
    assert list(zip(found["step"].tolist(), found["value"].tolist(), strict=True)) == tail
    assert main(["metrics", "r", "--abandoned", "--last", "9", "--dir", str(tmp_path)]) == 0
    assert "only/first" in capsys.readouterr().out
    with tl.init(project="p", id="straight", dir=tmp_path) as run:
        run.log({"loss": 1.0})
    assert main(["metrics", "straight", "--abandoned", "--dir", str(tmp_path)]) == 3
    assert tl.Api(tmp_path).run("straight").metric("loss", abandoned=True)["step"].tolist() == []
