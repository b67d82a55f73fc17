"""The query side of `Api`: the same language, order, comparison and thinning as everywhere."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import trackerlite as tl
from trackerlite import readers, report
from trackerlite.errors import BadInput
from trackerlite.readers.filters import FilterError


def test_runs_filter_and_sort(study: Path) -> None:
    """`Api.runs(filter=, sort=)` is the listing of the command line."""
    api = tl.Api(study)
    found = api.runs(filter="tag:lion val/loss<0.9", sort="-config.seed")
    assert [run.id for run in found] == ["lion4", "lion3", "lion2", "lion1", "lion0"]
    assert [run.id for run in api.runs("other")] == ["hostile"]
    with pytest.raises(FilterError, match="did you mean state"):
        api.runs(filter="stat:running")
    api.close()


def test_compare(study: Path) -> None:
    """`Api.compare` gives the object behind `diff`, from runs or from what names them."""
    api = tl.Api(study)
    found = api.compare([api.run("adamw0"), "lion0"]).differing()
    assert {row.key for row in found.sections["config"]} == {"lr", "optimizer.name"}
    assert found.to_dict()["baseline"] == "adamw0"
    api.close()


def test_history_thinned_keeps_spikes(tmp_path: Path) -> None:
    """`history(samples=)` and `metric(samples=)` keep the least and greatest of each stretch."""
    with tl.init(project="p", id="long", dir=tmp_path) as run:
        for step in range(30_000):
            run.log(
                {"loss": 100.0 if step == 12_345 else -100.0 if step == 20_001 else 1.0}, step=step
            )
    run = tl.Api(tmp_path).run("long")
    whole, some = run.history(["loss"]), run.history(["loss"], samples=500)
    assert len(whole["loss"]) == 30_000
    assert 100 < len(some["loss"]) < 2_000
    for values in (some["loss"], run.metric("loss", samples=500)["value"]):
        assert np.nanmax(values) == 100.0
        assert np.nanmin(values) == -100.0
    frame = some.to_pandas()
    assert list(frame.columns) == list(some)
    assert some.to_polars().height == len(frame)


def test_steps_that_repeat_and_go_back(tmp_path: Path) -> None:
    """A table has a row for each step, rising, the latest value of each; points keep their order."""
    with tl.init(project="p", id="back", dir=tmp_path) as run:
        for step, value in ((0, 1.0), (5, 2.0), (3, 3.0), (5, 4.0)):
            run.log({"x": value}, step=step)
        run.log({"y": 9.0}, step=4)
    run = tl.Api(tmp_path).run("back")
    table = run.history(["x", "y"])
    assert table["_step"].tolist() == [0, 3, 4, 5]
    assert table["x"][[0, 1, 3]].tolist() == [1.0, 3.0, 4.0]
    assert np.isnan(table["x"][2])
    assert run.metric("x")["value"].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("package", [readers, report])
def test_examples_in_docstrings(package: object) -> None:
    """Every example in the docstrings of the query modules gives what it says."""
    tried = 0
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):  # type: ignore[attr-defined]
        if module.name.endswith(".api"):  # its example records a run; tested with the recorder
            continue
        found = doctest.testmod(importlib.import_module(module.name))
        assert found.failed == 0, module.name
        tried += found.attempted
    assert tried > 5 or package is report


def test_what_forked_children_logged_is_in_the_metric(tmp_path: Path) -> None:
    """A metric holds what forked processes logged under its name, in the order of time."""
    with tl.init(project="p", id="forked", dir=tmp_path) as run:
        for number in range(3):
            if not (child := os.fork()):
                run.log({"x": float(number)}, step=number)
                os._exit(0)
            os.waitpid(child, 0)
    run = tl.Api(tmp_path).run("forked")
    assert run.metric("x")["value"].tolist() == [0.0, 1.0, 2.0]
    assert run.history("x")["x"].tolist() == [0.0, 1.0, 2.0]


def test_what_is_no_text(study: Path) -> None:
    """A reference, filter or order that is no text is an error of ours; one run may be compared alone."""
    api = tl.Api(study)
    for mistake in (
        lambda: api.run(5),  # type: ignore[arg-type]
        lambda: api.runs(filter=5),  # type: ignore[arg-type]
        lambda: api.runs(sort=5),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadInput, match="=5 has to be a text"):
            mistake()
    with pytest.raises(BadInput, match="of rank 7"):
        api.run("lion0").metric("val/loss", rank=7)
    assert len(api.compare("lion0").runs) == 1
    api.close()
