"""Runs of a notebook: cells in a real kernel, run again, interrupted, gone wrong, left open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import trackerlite as tl
from integrations.notebook import Notebook


@pytest.fixture
def open_notebook(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Notebook]:
    """A notebook in a folder of its own, as Jupyter opens it; environment as keywords."""
    pytest.importorskip("ipykernel", reason="needs a Jupyter kernel: pip install ipykernel")
    kernels = pytest.importorskip("jupyter_client.manager")
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(place / name.lower()))
    return lambda **more: Notebook(kernels.KernelManager(), place, {**os.environ, **more})


def test_cells_that_are_run_again(open_notebook: Callable[..., Notebook]) -> None:
    """An error or the stop button in a cell ends no run: the next cell goes on with it. A second
    init ends it, as does a kernel that is shut down; what a `with` block dies of fails its run."""
    with open_notebook() as notebook:
        notebook.run("import trackerlite as tl, time\nrun = tl.init(project='p', name='first')")
        assert "ZeroDivisionError" in notebook.run("run.log({'x': 1}); 1 / 0")
        loop = notebook.begin("while True:\n    run.log({'x': 2}); time.sleep(0.001)")
        notebook.interrupt()
        assert "KeyboardInterrupt" in notebook.end(loop)
        notebook.run("tl.log({'x': 3}, step=10**6)")
        assert tl.Api().run("first").state == "running"
        notebook.run("run = tl.init(project='p', name='second')")
        assert tl.Api().run("first").state == "finished"
        notebook.run("with tl.init(project='p', name='block') as run: 1 / 0")
        notebook.run("run = tl.init(project='p', name='third'); run.log({'x': 4})")
    found = {run.name: run.state for run in tl.Api().runs()}
    assert found == {
        "first": "finished",
        "second": "finished",
        "block": "failed",
        "third": "finished",
    }
    assert tl.Api().run("first").summary["x"] == 3


def test_a_run_that_its_cell_left_broken(open_notebook: Callable[..., Notebook]) -> None:
    """What nobody finishes has failed, if the cell that began it or logged last raised: when the cell
    is run again, and when the kernel is shut down. A cell without a word to the run changes nothing."""
    with open_notebook() as notebook:
        notebook.run("import trackerlite as tl")
        notebook.run("run = tl.init(project='p', name='begun'); 1 / 0")
        notebook.run("run = tl.init(project='p', name='typo'); run.log({'x': 1})")
        notebook.run("1 / 0")
        notebook.run("run = tl.init(project='p', name='closed'); run.log({'x': 1}); 1 / 0")
        notebook.run("run.finish()")
        notebook.run("run = tl.init(project='p', name='left'); run.log({'x': 1})")
        notebook.run("for x in range(9): run.log({'x': x / (8 - x)})")
    found = {run.name: (run.state, run.reason) for run in tl.Api().runs()}
    assert found == {
        "begun": ("failed", "ZeroDivisionError: division by zero"),
        "typo": ("finished", None),
        "closed": ("finished", None),
        "left": ("failed", "ZeroDivisionError: division by zero"),
    }


def test_which_notebook_it_was(open_notebook: Callable[..., Notebook], place: Path) -> None:
    """A run tells the notebook, or the script that it ran with %run, and nothing of the kernel's
    connection, which would be a difference between any two of its runs."""
    (place / "train.py").write_text(
        "import trackerlite as tl\nrun = tl.init(project='p', name='script')\nrun.finish()\n"
    )
    path = str(place / "Experiment 3.ipynb")
    for name in ("one", "two"):
        with open_notebook(JPY_SESSION_NAME=path) as notebook:
            notebook.run(f"import trackerlite as tl\ntl.init(project='p', name='{name}').finish()")
            notebook.run("%run train.py --lr 3 --api-key=sk-aaaabbbbccccddddeeeeffff")
    api = tl.Api()
    one, two, script = (api.run(name) for name in ("one", "two", "p/" + api.runs()[0].id))
    assert one.environment["program"] == path
    assert one.environment["args"] == []
    compared = api.compare([one, two]).differing()
    assert compared.sections["environment"] == ()
    assert script.environment["program"].endswith("train.py")
    assert script.environment["args"] == ["--lr", "3", "--api-key=[redacted]"]


def test_an_error_shows_the_cell(open_notebook: Callable[..., Notebook]) -> None:
    """What was asked for wrongly shows the line of the cell and one sentence, no inner call of ours."""
    with open_notebook() as notebook:
        shown = notebook.run("import trackerlite as tl\ntl.log({'x': 1})")
    assert "----> 2 tl.log({'x': 1})" in shown
    assert shown.endswith("NoRun: trackerlite.log() needs a run; call trackerlite.init() first.")
    assert "recording" not in shown


def test_a_cell_that_keeps_its_output(open_notebook: Callable[..., Notebook]) -> None:
    """A run begun in a cell under %%capture records what the cells after it print, each line once,
    also where it is followed by another run."""
    with open_notebook() as notebook:
        notebook.run("import trackerlite as tl")
        for name in ("one", "two"):
            shown = notebook.run(
                f"%%capture\nrun = tl.init(project='p', name='{name}')\nprint('kept')"
            )
            assert shown == ""
            assert notebook.run("print('after')") == "after\n"
            notebook.run("import sys; print('error', file=sys.stderr)")
        notebook.run("tl.finish()")
        assert notebook.run("print('finished')") == "finished\n"
    for name in ("one", "two"):
        log = (tl.Api().run(name).folder / "console.log").read_text().splitlines()
        told = [line.partition("Z ")[2] for line in log]
        assert told == ["out kept", "out after", "err error"]
