"""What was recorded is what the server shows: to the bit, with its own times."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trackerlite as tl
from sync.conftest import QUICK
from sync.loopback import Loopback
from trackerlite import media, plot
from trackerlite.readers import Reader
from trackerlite.readers.history_rows import HistoryRows
from trackerlite.sync.engine import Syncer
from trackerlite.sync.outcome import Options


def synced(store: Path, **options: Any) -> Any:
    with Reader.open(store) as reader, Syncer(reader, Options(**{**QUICK, **options})) as syncer:
        return syncer.sync(reader.runs())


def test_every_row_is_exact(
    server: Loopback, store: Path, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    """20,000 (--full: 100,000) × 5 values with NaN and infinities and 1,000 system rows: step, time,
    runtime and float64 to the bit."""
    steps = 100_000 if full else 20_000
    monkeypatch.setenv("WANDB__FILE_STREAM_MAX_BYTES", "10485760")
    chance = random.Random(11)
    run = tl.init(project="p", dir=store)
    odd = [math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 2**53 + 1, -(2**63), 0.1]
    sent = []
    for step in range(steps):
        values = {name: chance.uniform(-1, 1) * 10 ** chance.randint(-30, 30) for name in "abcd"}
        values["e"] = odd[step % len(odd)] if step % 10 == 0 else step
        run.log(values, step=step)
        sent.append(values)
    for number in range(1000):
        run._record("system", values={"cpu": number / 7, "gpu.0.gpu": number % 100})
    run.finish()
    assert [o.status for o in synced(store)] == ["synced"]
    remote = server.run("p", run.id)
    assert len(remote.history) == steps
    with Reader.open(store) as reader:
        key = reader.runs()[0].key
        rows = HistoryRows(reader.connection, key).iterate()
        for line, row, values in zip(remote.history, rows, sent, strict=True):
            there = json.loads(line)
            assert (there.pop("_step"), there.pop("_timestamp")) == (row.step, row.time)
            assert there.pop("_runtime") == row.time - run.started
            for name, value in values.items():
                found = there.pop(name)
                assert found == value or (value != value and found != found)
            assert there == {}
        system = list(HistoryRows(reader.connection, key, "system").iterate())
    ours = [
        (row.time, row.values["system.cpu"]) for row in system if "system.gpu.0.gpu" in row.values
    ]
    assert len(ours) == 1000
    theirs = [json.loads(line) for line in remote.events]
    theirs = [row for row in theirs if "system.gpu.0.gpu" in row]
    assert [(row["_timestamp"], row["system.cpu"]) for row in theirs] == ours


def test_everything_wandb_shows(server: Loopback, store: Path, tmp_path: Path) -> None:
    """Config, summary, tags, notes, group, definitions, media, charts, console, alerts, host, start."""
    run = tl.init(
        project="p",
        dir=store,
        name="the name",
        config={"lr": 1e-4, "lora": {"r": 8, "targets": ["q", "v"]}},
        tags=["a", "b"],
        notes="some notes",
        group="g",
        job_type="train",
    )
    run.define_metric("epoch", hidden=True)
    run.define_metric("val/*", step_metric="epoch", summary="min", goal="min")
    picture = np.arange(192, dtype="uint8").reshape(8, 8, 3)
    run.log(
        {
            "loss": 0.5,
            "img": media.Image(picture),
            "table": media.Table(columns=["text", "n"], data=[["x", 1], ["y", 2]]),
            "hist": media.Histogram(np.arange(100.0)),
            "page": media.Html("<b>hello</b>"),
            "cm": plot.confusion_matrix([0, 0, 1], [0, 1, 1], ["no", "yes"]),
            "note": "text",
        },
        step=0,
    )
    run.log({"val/loss": 0.4, "epoch": 1}, step=1)
    run.summary["best"] = 0.93
    run.alert("look", "at this", "WARN")
    (tmp_path / "extra.txt").write_text("kept")
    run.save(str(tmp_path / "extra.txt"))
    run.finish()
    with (run.folder / "console.log").open("a") as log:
        for number in range(3):
            log.write(
                f"2026-01-31T12:00:0{number}.123Z {'err' if number == 2 else 'out'} line {number}\n"
            )
    assert [(o.status, o.message) for o in synced(store)] == [("synced", "")]
    there = server.run("p", run.id)
    config = there.plain_config()
    assert config["lr"] == 1e-4
    assert config["lora"] == {"r": 8, "targets": ["q", "v"]}
    chart = config["_wandb"]["visualize"]["cm"]["panel_config"]
    assert chart["panelDefId"] == "wandb/confusion_matrix/v1"
    assert any(m.get("2") == "val/*" for m in config["_wandb"]["m"])
    assert there.summary["best"] == 0.93
    assert (there.summary["_step"], there.summary["loss"]) == (1, 0.5)
    assert there.summary["val/loss"] == {"min": 0.4}
    fields = there.fields
    assert (fields["displayName"], fields["notes"], fields["groupName"]) == (
        "the name",
        "some notes",
        "g",
    )
    assert (fields["jobType"], fields["tags"]) == ("train", ["a", "b"])
    row = json.loads(there.history[0])
    assert row["note"] == "text"
    assert row["hist"]["_type"] == "histogram"
    for key in ("img", "table", "page", "cm_table"):
        path = row[key]["path"]
        stored = server.world.storage[there.files[path]]
        assert stored == (run.folder / path).read_bytes()
    assert server.world.storage[there.files["extra.txt"]] == b"kept"
    lines = [line for _, line in sorted(there.console.items())][-3:]
    assert [
        line.split(" ", 2)[-1] if "ERROR" in line else line.split(" ", 1)[1] for line in lines
    ] == [
        "line 0",
        "line 1",
        lines[2].split(" ", 2)[-1],
    ]
    assert lines[2].startswith("ERROR ")
    assert [a["title"] for a in there.alerts] == ["look"]
    assert there.state == "finished"
    assert server.world.unknown == []


@pytest.mark.parametrize(("exit_code", "state"), [(0, "finished"), (3, "failed")])
def test_the_state_is_the_right_one(
    exit_code: int, state: str, server: Loopback, store: Path
) -> None:
    """Finished is finished, failed is failed with its exit code."""
    run = tl.init(project="p", dir=store)
    run.log({"a": 1.0}, step=0)
    run.finish(exit_code=exit_code)
    synced(store)
    there = server.run("p", run.id)
    assert (there.state, there.exit_code) == (state, exit_code)


def test_artifacts_go_once_with_versions_and_lineage(
    server: Loopback, store: Path, tmp_path: Path
) -> None:
    """5 MB of model in two versions, aliases and metadata, used by another run: all there, sent once."""
    weights = tmp_path / "weights.bin"
    maker = tl.init(project="p", dir=store)
    for number in range(2):
        weights.write_bytes(random.Random(number).randbytes(5_000_000))
        maker.log_artifact(
            weights, name="model", type="model", aliases=[f"try{number}"], metadata={"f1": number}
        )
    maker.log({"a": 1.0}, step=0)
    maker.finish()
    user = tl.init(project="p", dir=store)
    user.use_artifact("model:v1")
    user.log({"b": 1.0}, step=0)
    user.finish()
    assert [o.status for o in synced(store)] == ["synced", "synced"]
    versions = list(server.world.artifacts.values())
    assert [(a.name, a.version, a.state) for a in versions] == [
        ("model", 0, "COMMITTED"),
        ("model", 1, "COMMITTED"),
    ]
    assert versions[0].aliases == ["try0"]
    assert set(versions[1].aliases) == {"try1", "latest"}
    assert [json.loads(a.metadata or "{}") for a in versions] == [{"f1": 0}, {"f1": 1}]
    assert versions[1].used_by == [user.id]
    stored = [server.world.storage[next(iter(a.files.values()))] for a in versions]
    assert stored == [random.Random(n).randbytes(5_000_000) for n in range(2)]
    uploads = len(server.world.storage)
    (store / ".trackerlite" / "sync.db").unlink()
    assert [o.status for o in synced(store)] == ["synced", "synced"]
    assert len(server.world.artifacts) == 2
    assert len(server.world.storage) == uploads


def test_lineage_comes_when_what_was_used_has_come(
    server: Loopback, store: Path, tmp_path: Path
) -> None:
    """The run that used an artifact goes first, the one that made it later: linked at the next sync."""
    (tmp_path / "weights.bin").write_bytes(b"weights")
    maker = tl.init(project="p", dir=store)
    maker.log_artifact(tmp_path / "weights.bin", name="model", type="model")
    maker.finish()
    user = tl.init(project="p", dir=store)
    user.use_artifact("model:latest")
    user.finish()

    def sync(*refs: str) -> list[str]:
        with Reader.open(store) as reader, Syncer(reader, Options(**QUICK)) as syncer:
            return [o.status for o in syncer.sync([reader.run(ref) for ref in refs])]

    assert sync(user.id) == ["synced"]
    assert sync(user.id) == ["up to date"]
    assert sync(maker.id) == ["synced"]
    (version,) = server.world.artifacts.values()
    assert version.used_by == []
    posts = server.run("p", user.id).posts
    assert sync(user.id) == ["up to date"]
    assert version.used_by == [user.id]
    assert sync(user.id) == ["up to date"]
    assert (version.used_by, server.run("p", user.id).posts) == ([user.id], posts)


def test_a_tensorboard_log_syncs_like_any_other(
    server: Loopback, store: Path, tmp_path: Path, record: Callable[..., Any]
) -> None:
    """A run that was copied in as a folder, recorded elsewhere, arrives whole."""
    run = record(20)
    other = tmp_path / "other"
    target = other / ".trackerlite" / "runs" / "p"
    target.mkdir(parents=True)
    run.folder.rename(target / run.folder.name)
    assert [(o.status, o.rows) for o in synced(other)] == [("synced", 20)]
    assert len(server.run("p", run.id).history) == 20
