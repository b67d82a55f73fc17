"""One contract, every backend: each test runs on the local store and on W&B over real HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.loopback import Loopback
from trackerlite.backends.base import Backend, RunSpec, compare
from trackerlite.backends.local import LocalBackend
from trackerlite.backends.wandb import WandbBackend
from trackerlite.errors import ArtifactNotFound, RunExists, RunNotFound


@pytest.fixture(params=["local", "wandb"])
def backend(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backend]:
    monkeypatch.setenv("HOME", str(tmp_path))
    if request.param == "local":
        with LocalBackend(tmp_path / "store") as made:
            yield made
        return
    with Loopback() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with WandbBackend(tmp_path / "store") as made:
            yield made
        assert server.world.unknown == []


def test_a_run_from_beginning_to_end(backend: Backend) -> None:
    """Create, describe, log, tag, note, finish: the experiment says it all back."""
    run = backend.create_run(
        RunSpec(
            "demo", name="first", group="g", job_type="train", config={"lr": 0.1}, tags=["a", "b"]
        )
    )
    backend.log_params(run, {"lora": {"r": 8}, "flag": True, "names": ["q", "v"], "nothing": None})
    backend.log_param(run, "lr", 0.2)
    backend.define_metric(run, "val/*", step_metric="epoch", summary="min", goal="min")
    for step in range(5):
        backend.log_metrics(run, {"loss": 1 / (step + 1), "epoch": step // 2}, step)
    backend.log_metric(run, "val/f1", 0.5, step=4)
    backend.set_tags(run, add=["c"], remove=["a"])
    backend.set_notes(run, "better")
    backend.finish_run(run)
    found = backend.get_experiment(run)
    assert (found.project, found.name, found.state) == ("demo", "first", "finished")
    assert (found.group, found.job_type, found.notes) == ("g", "train", "better")
    assert sorted(found.tags) == ["b", "c"]
    assert found.config["lr"] == 0.2
    assert found.config["lora.r"] == 8
    assert found.config["flag"] is True
    assert list(found.config["names"]) == ["q", "v"]
    assert found.config["nothing"] is None
    assert found.summary["loss"] == 0.2
    assert found.steps == 4
    assert backend.cursor(run).exists


def test_rows_come_back_as_they_were_logged(backend: Backend) -> None:
    """Types, NaN, infinities, text; same-step calls merged; `after` and `verify`."""
    run = backend.create_run(RunSpec("demo"))
    odd: list[Any] = [math.nan, math.inf, -math.inf, 2**53 + 1, -7, 5e-324, True, "text", [1, 2]]
    for step, value in enumerate(odd):
        backend.log_metrics(run, {"x": value}, step * 3)
    backend.log_metric(run, "y", 1.5, step=24)
    backend.finish_run(run)
    rows = [(step * 3, {"x": value}) for step, value in enumerate(odd)]
    rows[-1][1]["y"] = 1.5
    assert backend.verify(run, rows).ok
    assert [step for step, _ in backend.rows(run, after=20)] == [21, 24]
    cursor = backend.cursor(run)
    assert (cursor.rows, cursor.last_step) == (9, 24)
    assert not backend.verify(run, rows[:-1]).ok
    assert not backend.verify(run, [*rows, (30, {"x": 1.0})]).ok
    assert not backend.verify(run, [(0, {"x": 0.5}), *rows[1:]]).ok


def test_a_run_can_be_resumed_and_can_fail(backend: Backend) -> None:
    """A finished run goes on under the same id; a failed one is failed."""
    run = backend.create_run(RunSpec("demo", id="abc"))
    backend.log_metrics(run, {"loss": 1.0}, 0)
    backend.finish_run(run)
    backend.resume_run(run)
    backend.log_metrics(run, {"loss": 0.5}, 1)
    backend.fail_run(run, "out of memory")
    assert [step for step, _ in backend.rows(run)] == [0, 1]
    assert backend.get_experiment(run).state == "failed"
    with pytest.raises(RunExists):
        backend.create_run(RunSpec("demo", id="abc"))


def test_a_flushed_run_is_visible_while_it_runs(backend: Backend) -> None:
    """After `flush`, earlier steps can be read while the run goes on."""
    run = backend.create_run(RunSpec("demo"))
    for step in range(4):
        backend.log_metrics(run, {"loss": float(step)}, step)
    backend.flush(run)
    assert [step for step, _ in backend.rows(run)][:3] == [0, 1, 2]
    assert backend.cursor(run).state == "running"
    backend.finish_run(run)
    assert [step for step, _ in backend.rows(run)] == [0, 1, 2, 3]


def test_artifacts_have_versions_and_lineage(backend: Backend, tmp_path: Path) -> None:
    """Changed content is a new version, the same content is not; aliases and use are noted."""
    run = backend.create_run(RunSpec("demo"))
    file = tmp_path / "weights.bin"
    file.write_bytes(b"one")
    first = backend.log_model(run, file, "net", aliases=["best"], metadata={"f1": 0.9})
    again = backend.log_model(run, file, "net")
    file.write_bytes(b"two")
    second = backend.log_model(run, file, "net")
    assert (first.version, again.version, second.version) == ("v0", "v0", "v1")
    assert (first.type, first.metadata["f1"]) == ("model", 0.9)
    assert backend.use_artifact(run, "net:best").version == "v0"
    with pytest.raises(ArtifactNotFound):
        backend.use_artifact(run, "nothing:latest")
    backend.log_metrics(run, {"loss": 1.0}, 0)
    backend.finish_run(run)


def test_search_and_compare(backend: Backend) -> None:
    """The filter language finds the same runs; a comparison shows what differs."""
    runs = []
    for lr in (0.1, 0.01, 0.001):
        run = backend.create_run(
            RunSpec("demo", name=f"lr {lr}", config={"lr": lr, "same": 1}, tags=["sweep"])
        )
        backend.define_metric(run, "train/*", summary="max,last", goal="max")
        backend.log_metrics(run, {"loss": lr * 2, "train/f1": 1 - lr}, 0)
        backend.finish_run(run)
        runs.append(run)
    found = [e.name for e in backend.search_experiments("loss<0.1 tag:sweep", project="demo")]
    assert sorted(found) == ["lr 0.001", "lr 0.01"]
    assert [e.name for e in backend.search_experiments("train/f1>0.99", "demo")] == ["lr 0.001"]
    assert [e.name for e in backend.search_experiments("config.lr=0.1", "demo")] == ["lr 0.1"]
    assert [e.name for e in backend.search_experiments("state:failed", "demo")] == []
    assert len(list(backend.search_experiments("", "demo", limit=2))) == 2
    both = backend.compare_experiments(runs[:2])
    assert both.config["lr"] == (0.1, 0.01)
    assert list(both.differing()) == ["lr"]
    summary = compare([*both.experiments]).summary
    assert (summary["loss"], summary["train/f1"]) == ((0.2, 0.02), (0.9, 0.99))
    assert summary["train/f1.max"] == (0.9, 0.99)


def test_what_is_not_there(backend: Backend) -> None:
    """An unknown run: no cursor, RunNotFound for the rest."""
    run = backend.create_run(RunSpec("demo"))
    backend.log_metrics(run, {"loss": 1.0}, 0)
    backend.finish_run(run)
    assert not backend.cursor("demo/nobody").exists
    for ask in (backend.get_experiment, backend.resume_run):
        with pytest.raises(RunNotFound):
            ask("demo/nobody")
    with pytest.raises(RunNotFound):
        backend.log_metrics("demo/nobody", {"loss": 1.0})
