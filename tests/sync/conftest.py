"""A server, a store, and an environment in which nothing real can be reached."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

import pytest

import trackerlite as tl
from sync.loopback import Loopback
from trackerlite.readers import Reader
from trackerlite.sync.engine import Syncer
from trackerlite.sync.outcome import Options, Outcome

QUICK = {"settle": 0.1, "patience": 20.0, "read_back": 5.0}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key or settings file of the machine is seen."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("NETRC", raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with Loopback() as loopback:
        for name, value in loopback.environment().items():
            monkeypatch.setenv(name, value)
        yield loopback


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def record(store: Path) -> Callable[..., Any]:
    """record(rows, id=…): a finished run with `loss` and `n` per step; returns the run."""

    def make(rows: int = 100, *, start: int = 0, finish: bool = True, **settings: Any) -> Any:
        run = tl.init(project=settings.pop("project", "p"), dir=store, **settings)
        for step in range(start, start + rows):
            run.log({"loss": 1 / (step + 1), "n": step}, step=step)
        if finish:
            run.finish()
        return run

    return make


@pytest.fixture
def sync(store: Path) -> Callable[..., list[Outcome]]:
    """sync(**options): one pass over the whole store (or the ids of `only`), as `trackerlite sync` does it."""

    def go(only: Container[str] | None = None, **options: Any) -> list[Outcome]:
        with (
            Reader.open(store) as reader,
            Syncer(reader, Options(**{**QUICK, **options})) as syncer,
        ):
            return syncer.sync([run for run in reader.runs() if only is None or run.id in only])

    return go


def expected(run: Any, rows: int) -> list[tuple[int, float, int]]:
    """(step, loss, n) as `record` logged them."""
    return [(step, 1 / (step + 1), step) for step in range(rows)]


def arrived(server: Loopback, run_id: str, project: str = "p") -> list[tuple[int, float, int]]:
    """(step, loss, n) as the server has them, in its order."""
    return [(r["_step"], r["loss"], r["n"]) for r in server.rows(project, run_id)]
