"""Foreign logs become runs: everything once, however often they are imported, grown or cut."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from cli.command import trackerlite
from trackerlite.errors import NotALog, RunExists
from trackerlite.importers import find
from trackerlite.importers.tables import TableRun
from trackerlite.importers.write import take_in
from trackerlite.readers import Reader
from trackerlite.sync.segment import SegmentWriter


def import_all(path: Path, store: Path, **options: Any) -> list[tuple[int, int]]:
    done = [take_in(run, store, **options) for run in find(path)]
    return [(result.new, result.known) for result in done]


def points(store: Path, run: str = "") -> dict[str, list[tuple[int, float]]]:
    """(step, value) of every metric of a run (the only one)."""
    with Reader.open(store) as reader:
        info = reader.run(run) if run else reader.runs()[0]
        return {
            series.name: list(zip(found.step.tolist(), found.value.tolist(), strict=True))
            for series in reader.series([info.key])
            for found in [reader.points(series.key)]
        }


def write_events(folder: Path, steps: range, time: float = 1.6e9) -> None:
    writer = EventFileWriter(str(folder))
    for step in steps:
        value = Summary.Value(tag="loss", simple_value=1 / (step + 1))
        event = Event(wall_time=time + step, step=step, summary=Summary(value=[value]))
        writer.add_event(event)
    writer.close()


def losses(steps: range) -> list[tuple[int, float]]:
    return [(step, float(np.float32(1 / (step + 1)))) for step in steps]


def test_tensorboard_again_and_again(tmp_path: Path) -> None:
    """A second import adds nothing; one after the log has grown adds just what is new."""
    log, store = tmp_path / "logs" / "run", tmp_path / ".trackerlite"
    write_events(log, range(10))
    assert import_all(log, store) == [(10, 0)]
    assert import_all(log, store) == [(0, 10)]
    write_events(log, range(10, 15))
    assert import_all(log, store) == [(5, 10)]
    assert points(store) == {"loss": losses(range(15))}


def test_an_import_that_was_cut_goes_on(tmp_path: Path) -> None:
    """Wherever an import was killed, the next one completes it: nothing is lost or doubled."""
    log, whole = tmp_path / "logs" / "run", tmp_path / "whole"
    write_events(log, range(6))
    import_all(log, whole)
    [journal] = whole.glob("runs/*/*/events*")
    content = journal.read_bytes()
    for length in range(0, len(content), 19):
        store = tmp_path / f"cut{length}"
        folder = store / journal.parent.relative_to(whole)
        folder.mkdir(parents=True)
        (folder / journal.name).write_bytes(content[:length])
        import_all(log, store)
        assert points(store) == {"loss": losses(range(6))}, length


def test_tensorboard_times_are_kept(tmp_path: Path) -> None:
    """An imported run begins and ends when the training did, not when it was imported."""
    write_events(tmp_path / "log", range(3), time=1.5e9)
    import_all(tmp_path / "log", tmp_path / "s")
    with Reader.open(tmp_path / "s") as reader:
        [run] = reader.runs()
    assert (run.state, run.started, run.ended) == ("finished", 1.5e9, 1.5e9 + 2)


def test_a_tree_of_tensorboard_runs(tmp_path: Path) -> None:
    """Each folder with event files is a run, called by its path below the one imported."""
    for name in ("a", "b/train", "b/eval"):
        write_events(tmp_path / "logs" / name, range(2))
    import_all(tmp_path / "logs", tmp_path / "s")
    with Reader.open(tmp_path / "s") as reader:
        assert {(run.project, run.name) for run in reader.runs()} == {
            ("logs", "a"), ("logs", "b/train"), ("logs", "b/eval")
        }  # fmt: skip


def test_csv(tmp_path: Path) -> None:
    """Columns are metrics, the step and time columns what they are called; gaps stay gaps."""
    table = tmp_path / "table.csv"
    table.write_text(
        "step,time,loss,note\n0,1600000000,0.5,warm\n10,1600000001,,\n20,1600000002,nan,x\n"
    )
    import_all(table, tmp_path / "s")
    found = points(tmp_path / "s")
    assert found["loss"][0] == (0, 0.5)
    assert found["loss"][1][0] == 20
    assert math.isnan(found["loss"][1][1])
    with Reader.open(tmp_path / "s") as reader:
        [run] = reader.runs()
        assert [(v.step, v.value) for v in reader.values(run.key)] == [(0, "warm"), (20, "x")]
        assert run.started == 1.6e9


def test_a_growing_csv_gives_whole_rows_only(tmp_path: Path) -> None:
    """A row whose end is not written yet is left for the next import."""
    table = tmp_path / "table.csv"
    table.write_text("epoch,loss\n1,0.5\n2,0.2")
    assert import_all(table, tmp_path / "s") == [(1, 0)]
    table.write_text("epoch,loss\n1,0.5\n2,0.25\n")
    assert import_all(table, tmp_path / "s") == [(1, 1)]
    assert points(tmp_path / "s")["loss"] == [(1, 0.5), (2, 0.25)]


def test_json_lines(tmp_path: Path) -> None:
    """Each line is a row; nested objects become dotted keys; a broken line costs only itself."""
    rows = [{"step": 1, "loss": {"train": 0.5}}, {"step": 2, "loss": {"train": 2**60}}]
    text = json.dumps(rows[0]) + "\n{oops\n" + json.dumps(rows[1]) + "\n"
    (tmp_path / "log.jsonl").write_text(text)
    import_all(tmp_path / "log.jsonl", tmp_path / "s")
    assert points(tmp_path / "s") == {"loss.train": [(1, 0.5), (2, float(2**60))]}


def write_mlflow(root: Path) -> Path:
    run = root / "mlruns" / "7" / ("a" * 32)
    (run / "metrics" / "val").mkdir(parents=True)
    (run / "params").mkdir()
    (run / "tags").mkdir()
    (run.parent / "meta.yaml").write_text("experiment_id: '7'\nname: my experiment\n")
    (run / "meta.yaml").write_text(
        f"run_id: {'a' * 32}\nrun_name: brave-fox-1\nstatus: 4\n"
        "start_time: 1600000000000\nend_time: 1600000060000\nlifecycle_stage: active\n"
    )
    (run / "metrics" / "loss").write_text("1600000001000 0.5 0\n1600000002000 0.25 1\n")
    (run / "metrics" / "val" / "acc").write_text("1600000002000 0.9 1\n")
    (run / "params" / "lr").write_text("0.001")
    (run / "params" / "api_key").write_text("hunter2hunter2")
    (run / "tags" / "mlflow.note.content").write_text("a note")
    (run / "tags" / "team").write_text("vision")
    return root / "mlruns"


def test_mlflow(tmp_path: Path) -> None:
    """An MLflow run keeps its name, state, times, parameters (as numbers), tags and notes."""
    import_all(write_mlflow(tmp_path), tmp_path / "s")
    assert points(tmp_path / "s") == {"loss": [(0, 0.5), (1, 0.25)], "val/acc": [(1, 0.9)]}
    with Reader.open(tmp_path / "s") as reader:
        [run] = reader.runs()
        assert (run.project, run.name, run.id) == ("my experiment", "brave-fox-1", "a" * 32)
        assert (run.state, run.exit_code) == ("failed", 1)
        assert (run.started, run.ended) == (1.6e9, 1.6e9 + 60)
        assert (run.tags, run.notes) == (("team:vision",), "a note")
        assert reader.params([run.key])[run.key]["lr"] == 0.001


def test_a_log_that_was_cut_off(tmp_path: Path) -> None:
    """A run whose log has no end is killed, not finished; one that says it was killed stays so."""
    store, mlruns = tmp_path / "s", write_mlflow(tmp_path)
    [meta] = [p for p in mlruns.rglob("meta.yaml") if "run_id" in p.read_text()]
    whole = meta.read_text()
    for status, state, reason in (
        ("RUNNING", "killed", "its log does not say how it ended"),
        ("KILLED", "killed", "killed"),
        ("FAILED", "failed", None),
    ):
        meta.write_text(whole.replace("status: 4", f"status: {status}"))
        with open(next(mlruns.rglob("loss")), "a") as file:
            file.write(f"1600000003000 0.1 {len(state) + len(status)}\n")
        import_all(mlruns, store)
        with Reader.open(store) as reader:
            [run] = reader.runs()
        assert (run.state, run.reason) == (state, reason)
        assert run.duration is not None
        assert run.duration < 100


def write_wandb(
    path: Path, rows: Sequence[float] = (), exit_code: int | None = None, **said: str
) -> None:
    """A log of run p/x with a row at each of these times; it has no end without an exit code."""
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    records = [pb.Record(run=pb.RunRecord(run_id="x", project="p", **said))]
    for step, moment in enumerate(rows):
        row = pb.HistoryRecord(step=pb.HistoryStep(num=step))
        row.item.add(key="_timestamp", value_json=repr(moment))
        row.item.add(key="loss", value_json="1.5")
        records.append(pb.Record(history=row))
    if exit_code is not None:
        records.append(pb.Record(exit=pb.RunExitRecord(exit_code=exit_code)))
    path.unlink(missing_ok=True)
    with SegmentWriter(path) as writer:
        for record in records:
            writer.write(record.SerializeToString())


def test_the_team_of_a_wandb_log_is_kept(tmp_path: Path) -> None:
    """An imported run knows the entity that its script named: it is synced there."""
    write_wandb(tmp_path / "run-x.wandb", entity="us")
    import_all(tmp_path / "run-x.wandb", tmp_path / "s")
    with Reader.open(tmp_path / "s") as reader:
        assert reader.environment(reader.run("p/x").key)["entity"] == "us"


def test_a_wandb_log_that_is_being_written(tmp_path: Path) -> None:
    """A run that was heard of a moment ago goes on; an hour of silence has killed it; an end is its end."""
    log, store = tmp_path / "run-x.wandb", tmp_path / "s"
    for state, more in (
        ("killed", {"rows": [time.time() - 3600]}),
        ("running", {"rows": [time.time() - 3600, time.time()]}),
        ("running", {"rows": [time.time() - 3600, time.time()]}),
        ("finished", {"rows": [time.time() - 3600, time.time(), time.time()], "exit_code": 0}),
    ):
        write_wandb(log, host=socket.gethostname(), **more)
        import_all(log, store)
        with Reader.open(store) as reader:
            assert reader.run("p/x").state == state


def test_dvclive(tmp_path: Path) -> None:
    """A DVCLive folder is one run, its metrics called by their path, its parameters the config."""
    metrics = tmp_path / "exp1" / "dvclive" / "plots" / "metrics"
    (metrics / "train").mkdir(parents=True)
    (metrics / "train" / "loss.tsv").write_text("step\tloss\n0\t0.5\n1\t0.25\n")
    (metrics / "acc.tsv").write_text("timestamp\tstep\tacc\n1600000000000\t1\t0.9\n")
    (metrics.parent.parent / "params.yaml").write_text("lr: 0.1\nnet: {depth: 3}\n")
    [run] = find(tmp_path)
    assert (run.format, run.name) == ("dvclive", "exp1")
    store = tmp_path / "s"
    take_in(run, store)
    assert points(store) == {"acc": [(1, 0.9)], "train/loss": [(0, 0.5), (1, 0.25)]}
    with Reader.open(store) as reader:
        [info] = reader.runs()
        assert reader.params([info.key])[info.key] in ({"lr": 0.1, "net.depth": 3}, {})


def test_secrets_stop_at_the_door(tmp_path: Path) -> None:
    """What other programs recorded of keys and passwords is not taken over."""
    import_all(write_mlflow(tmp_path), tmp_path / "s")
    with Reader.open(tmp_path / "s"):
        pass
    for file in (tmp_path / "s").rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), file


def test_secrets_in_names_files_and_alerts_stop_at_the_door(tmp_path: Path) -> None:
    """Names, sources, tables, pages and alerts of a W&B log come in without the secrets in them."""
    pytest.importorskip("wandb")
    code = """
import sys, wandb
token = sys.argv[1]
run = wandb.init(project="p", name="n-" + token, notes="curl -u me:hunter2 x", tags=["t-" + token],
                 config={"password": "hunter2"}, settings=wandb.Settings(silent=True))
run.log({"loss": 1.0, "t": wandb.Table(columns=["a"], data=[["password=hunter2"], ["kept"]]),
         "h": wandb.Html("<p>kept " + token + "</p>")})
run.alert("title", "password=hunter2")
print("password=hunter2")
run.finish()
"""
    token, log = "hf_" + "aB3" * 12, tmp_path / "log"
    log.mkdir()
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_DIR": str(log)}
    run = [sys.executable, "-c", code, token]
    subprocess.run(run, env=environment, cwd=log, check=True, capture_output=True, timeout=120)
    import_all(log, tmp_path / "s")
    with Reader.open(tmp_path / "s") as reader:
        [info] = reader.runs()
        assert info.name == "n-redacted"
        assert [alert.title for alert in reader.alerts(info.key)] == ["title"]
    files = [path for path in (tmp_path / "s").rglob("*") if path.is_file()]
    for file in files:
        assert b"hunter2" not in file.read_bytes(), file
        assert token.encode() not in file.read_bytes(), file
        assert token not in str(file)
    media = [file.read_bytes() for file in files if "media" in file.parts]
    assert len(media) == 2
    assert all(b"kept" in content for content in media)


def test_a_run_of_the_same_place_from_elsewhere(tmp_path: Path) -> None:
    """Two logs that claim one id in one project are not mixed: the second is refused."""
    import_all(write_mlflow(tmp_path / "one"), tmp_path / "s")
    with pytest.raises(RunExists, match="was not imported from"):
        import_all(write_mlflow(tmp_path / "two"), tmp_path / "s")


@pytest.mark.parametrize("name", ["\x1b]0;x\x07", "a/../../b", "x" * 300, "тест 💥", "con"])
def test_hostile_project_names(tmp_path: Path, name: str) -> None:
    """Whatever a log calls its project, its files stay inside the store."""
    (tmp_path / "t.csv").write_text("step,x\n1,2\n")
    [run] = find(tmp_path / "t.csv")
    run.project = run.name = name
    store = tmp_path / "inner" / "s"
    done = take_in(run, store)
    assert done.folder.resolve().is_relative_to(store.resolve())
    assert {p.name for p in tmp_path.iterdir()} == {"t.csv", "inner"}
    with Reader.open(store) as reader:
        assert [(r.project, r.name) for r in reader.runs()] == [(name, name)]


def test_nothing_to_import(tmp_path: Path) -> None:
    """A path without a log, or none at all, is said so."""
    (tmp_path / "readme.md").write_text("hi")
    for path in (tmp_path, tmp_path / "readme.md", tmp_path / "missing"):
        with pytest.raises(NotALog):
            list(find(path))


def test_one_refused_run_does_not_stop_the_rest(tmp_path: Path) -> None:
    """Of several logs the good ones come in; the other is named, and the exit code says so."""
    store = ["--dir", str(tmp_path / "s")]
    write_mlflow(tmp_path / "before")
    assert trackerlite("import", str(tmp_path / "before"), *store).returncode == 0
    write_mlflow(tmp_path / "logs")  # the same id from another place
    write_events(tmp_path / "logs" / "tb", range(2))
    (tmp_path / "logs" / "x.csv").write_text("step,y\n1,2\n")
    done = trackerlite("import", str(tmp_path / "logs"), "--json", *store)
    assert done.returncode == 1
    assert {row["format"] for row in done.json} == {"tensorboard", "csv"}
    assert "was not imported from" in done.stderr


def test_what_cannot_be_written_does_not_stop_the_rest(tmp_path: Path) -> None:
    """A run that the disk refuses is named with the reason; the others come in."""
    write_events(tmp_path / "logs" / "a", range(2))
    (tmp_path / "logs" / "t.csv").write_text("step,x\n1,2\n")
    [table] = find(tmp_path / "logs" / "t.csv")
    store = tmp_path / "s"
    take_in(table, store, project="other")
    (store / "runs" / "logs").mkdir()
    [first] = find(tmp_path / "logs" / "a")
    from trackerlite.recording import folders

    blocked = folders.run_folder(store, "logs", first.name, first.id)
    blocked.rmdir() if blocked.is_dir() else None
    blocked.write_text("in the way")
    done = trackerlite("import", str(tmp_path / "logs"), "--dir", str(store))
    assert done.returncode == 1
    assert f"{first.source} was not imported: " in done.stderr
    assert "t.csv" in done.stderr


def test_what_of_a_log_is_damaged_is_told(tmp_path: Path) -> None:
    """Records that fail their checksum are passed over, and said; a torn end is only where it ends."""
    write_events(tmp_path / "logs", range(50))
    [file] = (tmp_path / "logs").glob("*tfevents*")
    whole = file.read_bytes()
    store = ["--dir", str(tmp_path / "s")]
    file.write_bytes(whole[:-3])
    torn = trackerlite("import", str(tmp_path / "logs"), *store)
    assert "passed over" not in torn.stderr
    half = len(whole) // 2
    file.write_bytes(whole[:half] + bytes([whole[half] ^ 0xFF]) + whole[half + 1 :])
    done = trackerlite("import", str(tmp_path / "logs"), "--project", "again", "--json", *store)
    assert (done.returncode, done.stderr.count("were passed over")) == (0, 1)
    [told] = done.json[0]["damage"]
    assert file.name in told
    assert len(points(tmp_path / "s" / ".trackerlite", done.json[0]["run"])["loss"]) == 49


def test_what_is_told_of_an_imported_run(tmp_path: Path) -> None:
    """It has no process here, and that each was imported from its own place is no difference."""
    for name in ("a", "b"):
        write_events(tmp_path / "logs" / name, range(2))
    store = ["--dir", str(tmp_path / "s")]
    assert trackerlite("import", str(tmp_path / "logs"), *store).returncode == 0
    shown = trackerlite("show", "a", *store).stdout
    assert "host" in shown
    assert "pid" not in shown
    assert "imported.source" in shown
    assert "imported.source" not in trackerlite("diff", "a", "b", *store).stdout


def test_media_of_tensorboard(tmp_path: Path) -> None:
    """Pictures and histograms come along, in W&B's form, the picture's file inside the run."""
    picture = b"\x89PNG\r\n\x1a\nnot really"
    image = Summary.Image(height=4, width=5, colorspace=3, encoded_image_string=picture)
    writer = EventFileWriter(str(tmp_path / "log"))
    value = Summary.Value(tag="../samples", image=image)
    writer.add_event(Event(wall_time=1.6e9, step=3, summary=Summary(value=[value])))
    writer.close()
    import_all(tmp_path / "log", tmp_path / "s")
    with Reader.open(tmp_path / "s") as reader:
        [run] = reader.runs()
        [row] = reader.values(run.key)
    assert (row.name, row.step, row.value["_type"], row.value["width"]) == (
        "../samples",
        3,
        "image-file",
        5,
    )
    kept = (run.folder / row.value["path"]).resolve()
    assert kept.is_relative_to(run.folder.resolve())
    assert kept.read_bytes() == picture


def test_tables_beside_a_log_are_its_own(tmp_path: Path) -> None:
    """A CSV that lies with TensorBoard files repeats them, and is not a second run."""
    write_events(tmp_path / "logs", range(2))
    (tmp_path / "logs" / "metrics.csv").write_text("step,loss\n0,1\n")
    assert [run.format for run in find(tmp_path)] == ["tensorboard"]
    assert [run.format for run in find(tmp_path / "logs" / "metrics.csv")] == ["csv"]


def test_tables_know_their_columns(tmp_path: Path) -> None:
    """ISO dates and milliseconds are times; an epoch is the step where there is no other."""
    table = tmp_path / "t.csv"
    table.write_text("timestamp,epoch,x\n2020-09-13T12:26:40Z,1,5\n1600000001000,2,6\n")
    [part] = TableRun(table).parts()
    items = list(part.items(None))  # type: ignore[arg-type]
    assert [(item.time, item.step, item.numbers) for item in items] == [
        (1.6e9, 1, {"epoch": 1, "x": 5}),
        (1.6e9 + 1, 2, {"epoch": 2, "x": 6}),
    ]


def test_the_verb(tmp_path: Path) -> None:
    """`trackerlite import` reports each run, as JSON too, and fails when a path holds none."""
    write_events(tmp_path / "log", range(4))
    where = ["--dir", str(tmp_path / "s")]
    done = trackerlite(
        "import", str(tmp_path / "log"), "--project", "p", "--name", "n", "--json", *where
    )
    assert done.returncode == 0, done.stderr
    [row] = done.json
    assert (row["run"], row["new"], row["format"]) == ("p/n", 4, "tensorboard")
    assert trackerlite("show", "p/n", *where).returncode == 0
    (tmp_path / "empty").mkdir()
    done = trackerlite("import", str(tmp_path / "empty"), *where)
    assert done.returncode == 1
    assert "is a log of" in done.stderr
    assert trackerlite("import", str(tmp_path / "nope"), *where).returncode == 2
