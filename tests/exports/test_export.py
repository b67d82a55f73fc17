"""Exports: other programs read exactly what was logged."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

import trackerlite as tl
from cli.command import record, trackerlite

TRAINING = """
import trackerlite as tl
with tl.init(project="alpha", name="one", id="one00001", mode="offline") as run:
    for step in range(10):
        run.log({"loss": 1 / (step + 1), "big": 2**53 + step}, step=step)
    run.log({"note": "a,b\\n\\"c\\"", "flag": True, "list": [1, float("nan")]}, step=4)
    run.log({"loss": float("nan")}, step=10)
    run.log({"loss": float("-inf")}, step=11)
with tl.init(project="beta", name="two", id="two00002", mode="offline") as run:
    run.log({"acc": 0.5}, step=3)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("export"), TRAINING, "-")


def export(store: Path, *arguments: str) -> str:
    done = trackerlite("export", *arguments, "--dir", str(store))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_csv(store: Path) -> None:
    """Rows by step with every digit; a text with commas, quotes and line ends comes back whole."""
    rows = list(csv.DictReader(io.StringIO(export(store, "one", "two"))))
    assert list(rows[0]) == ["run", "step", "time", "acc", "big", "flag", "list", "loss", "note"]
    assert [row["run"] for row in rows] == ["alpha/one00001"] * 12 + ["beta/two00002"]
    assert [int(row["step"]) for row in rows] == [*range(12), 3]
    assert [float(row["loss"]) for row in rows[:10]] == [1 / (step + 1) for step in range(10)]
    assert [int(row["big"]) for row in rows[:10]] == [2**53 + step for step in range(10)]
    assert (rows[4]["note"], rows[4]["flag"]) == ('a,b\n"c"', "True")
    assert (rows[10]["loss"], rows[11]["loss"], rows[12]["acc"]) == ("nan", "-inf", "0.5")


def test_json_lines(store: Path) -> None:
    """Strict JSON, a row a line, what JSON cannot say spelled as W&B spells it."""
    text = export(store, "one", "--format", "jsonl")
    rows = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    assert [row["_step"] for row in rows] == list(range(12))
    assert rows[4]["list"] == [1, "NaN"]
    assert (rows[10]["loss"], rows[11]["loss"]) == ("NaN", "-Infinity")
    assert rows[3] == {"_run": "alpha/one00001", "_step": 3, "_timestamp": rows[3]["_timestamp"],
                       "loss": 0.25, "big": 2**53 + 3}  # fmt: skip


def test_parquet(store: Path, tmp_path: Path) -> None:
    """Numbers are columns of float64 with NaN in them, gaps are null, texts are texts."""
    parquet = pytest.importorskip("pyarrow.parquet")
    export(store, "one", "two", "-o", str(tmp_path / "x.parquet"))
    table = parquet.read_table(tmp_path / "x.parquet")
    assert str(table.schema.field("loss").type) == "double"
    loss = table.column("loss").to_pylist()
    assert loss[:10] == [1 / (step + 1) for step in range(10)]
    assert math.isnan(loss[10])
    assert loss[11:] == [-math.inf, None]
    assert table.column("note").to_pylist()[4] == 'a,b\n"c"'
    assert table.column("step").to_pylist() == [*range(12), 3]


def test_metrics_that_are_called_like_our_columns(tmp_path: Path) -> None:
    """A metric called run, step or time hides no row's own: CSV, Parquet, JSON lines, metrics, tail."""
    logged = {"run": 7.0, "step": 8.0, "time": 9.0}
    with tl.init(project="p", id="odd", dir=tmp_path) as run:
        for step in (10, 20):
            run.log(logged, step=step)
    for name in ("csv", "jsonl", "parquet"):
        export(tmp_path, "odd", "-o", str(tmp_path / f"odd.{name}"))
    found = list(csv.DictReader((tmp_path / "odd.csv").open()))
    lines = (tmp_path / "odd.jsonl").read_text()
    assert [int(row["_step"]) for row in found] == [10, 20]
    assert float(found[0]["step"]) == 8.0
    shown = trackerlite("metrics", "odd", "-m", "*", "--json", "--dir", str(tmp_path)).stdout
    tail = trackerlite("tail", "odd", "--no-follow", "--json", "--dir", str(tmp_path)).stdout
    for text in (lines, tail, shown.replace("[", "").replace("]", "")):
        rows = [json.loads(line.strip(" ,")) for line in text.splitlines() if line.strip(" ,")]
        assert [row["_step"] for row in rows] == [10, 20]
        assert all({key: row[key] for key in logged} == logged for row in rows)
    with tl.init(project="p", id="plain", dir=tmp_path) as run:
        run.log({"loss": 1.0}, step=3)
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "odd.parquet")
    assert table.column_names == ["_run", "_step", "_timestamp", "run", "step", "time"]
    assert table.column("_step").to_pylist() == [10, 20]
    assert table.column("step").to_pylist() == [8.0, 8.0]
    back = trackerlite("import", str(tmp_path / "odd.csv"), "--dir", str(tmp_path / "back"))
    assert back.returncode == 0, back.stderr
    again = tl.Api(tmp_path / "back").runs()[0].metric("step")
    assert (again["step"].tolist(), again["value"].tolist()) == ([10, 20], [8.0, 8.0])


def test_no_such_metric(store: Path) -> None:
    """To export a metric that no run has is to find nothing: 3, a sentence, and no file."""
    done = trackerlite("export", "one", "-m", "nothing", "--dir", str(store))
    assert (done.returncode, done.stdout) == (3, "")
    assert "None of these runs has a metric like nothing." in done.stderr


def test_a_folder_that_is_not_there(store: Path) -> None:
    """An error names the file that was asked for, not one that we would have written beside it."""
    for words in (
        ["export", "one", "-o", "/absent/x.csv"],
        ["report", "one", "-o", "/absent/x.html"],
    ):
        done = trackerlite(*words, "--dir", str(store))
        assert done.returncode == 1
        assert f"No such file or directory: {words[-1]}" in done.stderr


def test_tensorboard(store: Path, tmp_path: Path) -> None:
    """TensorBoard's own loader finds the points in what was exported."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    export(store, "one", "--format", "tensorboard", "-o", str(tmp_path / "tb"))
    [folder] = {path.parent for path in (tmp_path / "tb").rglob("*tfevents*")}
    loader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    loader.Reload()
    assert [event.step for event in loader.Scalars("loss")] == list(range(12))
    assert loader.Scalars("loss")[3].value == 0.25
    again = trackerlite(
        "export", "one", "--format", "tensorboard", "-o", str(tmp_path / "tb"), "--dir", str(store)
    )
    assert again.returncode == 1
    assert "there already" in again.stderr


def test_a_choice_of_metrics(store: Path, tmp_path: Path) -> None:
    """-m chooses columns; FILE's ending chooses the format."""
    export(store, "one", "-m", "lo*", "-o", str(tmp_path / "x.tsv"))
    assert (tmp_path / "x.tsv").read_text().splitlines()[0] == "run\tstep\ttime\tloss"
    assert [path.name for path in tmp_path.iterdir()] == ["x.tsv"]


def test_what_cannot_go_to_stdout(store: Path) -> None:
    """Parquet without -o is wrong use."""
    done = trackerlite("export", "one", "--format", "parquet", "--dir", str(store))
    assert (done.returncode, done.stdout) == (2, "")


def test_there_and_back(store: Path, tmp_path: Path) -> None:
    """What was exported as CSV can be imported, with the same numbers."""
    export(store, "one", "-o", str(tmp_path / "x.csv"))
    to = ["--dir", str(tmp_path / "to")]
    assert trackerlite("import", str(tmp_path / "x.csv"), "--name", "back", *to).returncode == 0
    rows = trackerlite("metrics", "back", "-m", "loss", "--json", *to).json
    assert [row["loss"] for row in rows] == [*(1 / (s + 1) for s in range(10)), "NaN", "-Infinity"]


def test_wandb_keeps_the_team(tmp_path: Path) -> None:
    """The team that a script named goes along, as `sync` sends it there."""
    pytest.importorskip("wandb")
    here, there = tmp_path / "here", tmp_path / "there"
    with tl.init(project="p", id="r", dir=here, entity="team"):
        pass
    export(here, "r", "--format", "wandb", "-o", str(tmp_path / "wandb"))
    assert trackerlite("import", str(tmp_path / "wandb"), "--dir", str(there)).returncode == 0
    told = trackerlite("show", "r", "--json", "--dir", str(there)).json
    assert told["environment"]["entity"] == "team"


def test_wandb(store: Path, tmp_path: Path) -> None:
    """A run written as a W&B offline run and read again has the same points, config and state."""
    pytest.importorskip("wandb")
    export(store, "one", "--format", "wandb", "-o", str(tmp_path / "wandb"))
    to = ["--dir", str(tmp_path / "to")]
    assert trackerlite("import", str(tmp_path / "wandb"), *to).returncode == 0
    for key in ("loss", "big"):
        there = trackerlite("metrics", "one00001", "-m", key, "--json", *to).json
        here = trackerlite("metrics", "one", "-m", key, "--json", "--dir", str(store)).json
        assert [(r["_step"], r[key]) for r in there] == [(r["_step"], r[key]) for r in here]
    run = trackerlite("show", "one00001", "--json", *to).json
    assert (run["name"], run["project"], run["state"]) == ("one", "alpha", "finished")
    rows = trackerlite("tail", "one00001", "-n", "99", "--json", *to)
    assert any(json.loads(line).get("note") == 'a,b\n"c"' for line in rows.stdout.splitlines())
