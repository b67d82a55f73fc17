"""A second `init` while a run is being recorded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import trackerlite as tl
from trackerlite.errors import BadInput, RunInUse


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    """People are told what happens."""
    monkeypatch.delenv("TRACKERLITE_SILENT")
    monkeypatch.setenv("TRACKERLITE_DIR", str(store))


def test_the_running_run_is_returned(told: None, capsys: pytest.CaptureFixture[str]) -> None:
    """As in W&B: one run goes on, none of the arguments is used, and one line says so."""
    first = tl.init(project="p", config={"lr": 1})
    capsys.readouterr()
    assert tl.init(project="q", config={"lr": 2}) is first
    assert tl.init(reinit="return_previous") is first
    assert (first.project, first.config.lr) == ("p", 1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert f"{first.name} (p/{first.id}) is still being recorded, so init() returned it" in lines[0]
    first.finish()
    assert tl.init(project="q") is not first


@pytest.mark.parametrize("how", ["finish_previous", True])
def test_the_running_run_is_finished_first(told: None, how: str | bool) -> None:
    """With reinit="finish_previous" a loop without finish() makes one run a round."""
    made = [tl.init(project="p", config={"seed": seed}, reinit=how) for seed in range(3)]
    assert [run._ended for run in made] == [True, True, False]
    assert tl.run is made[-1]
    tl.finish()
    runs = tl.Api().runs()
    assert sorted(run.config["seed"] for run in runs) == [0, 1, 2]
    assert {run.state for run in runs} == {"finished"}


def test_both_are_recorded(told: None) -> None:
    """reinit="create_new": the new run is not the current one, as in W&B."""
    first = tl.init(project="p")
    second = tl.init(project="p", reinit="create_new")
    assert tl.run is first
    second.log({"x": 2})
    tl.log({"x": 1})
    second.finish()
    assert tl.run is first
    first.finish()
    assert [tl.Api().run(run.id).summary["x"] for run in (first, second)] == [1, 2]


def test_a_cell_that_is_run_again_begins_a_run(told: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook the run before is finished, unless it is asked for."""
    monkeypatch.setattr("trackerlite.capture.shell.in_notebook", lambda: True)
    first = tl.init(project="p")
    second = tl.init(project="p")
    assert first._ended
    assert tl.init(reinit="return_previous") is second


def test_what_is_not_recorded_here_does_not_count(told: None) -> None:
    """A disabled run is never returned for a real one, nor a real one for it; nor a parent's to its fork."""
    nothing = tl.init(mode="disabled")
    real = tl.init(project="p")
    assert real is not nothing
    assert tl.init(mode="disabled") is not real
    tl.finish()
    assert tl.run is real
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if tl.init(project="p") is not real else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_a_certain_run_is_not_swapped_for_another(told: None) -> None:
    """To continue a run by its id while another is recorded is refused, unless both are wanted."""
    with tl.init(project="p", id="old") as run:
        run.log({"x": 1})
    first = tl.init(project="p")
    with pytest.raises(RunInUse, match="finish_previous"):
        tl.init(project="p", id="old", resume="must")
    with pytest.raises(RunInUse, match=f"while p/{first.id} is being recorded"):
        tl.init(project="p", resume_from="old?_step=0")
    assert tl.init(project="p", id="old", resume="must", reinit="create_new").resumed


def test_a_rank_that_records_nothing_has_one_run_too(
    told: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All ranks see the same config, also after a second init."""
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    shadow = tl.init(project="p", config={"lr": 1})
    assert tl.init(project="p", config={"lr": 2}) is shadow


def test_a_word_that_is_none_is_refused(told: None) -> None:
    """A misspelt reinit is an error, not a guess."""
    with pytest.raises(BadInput, match="finish_previous"):
        tl.init(project="p", reinit="finish")
