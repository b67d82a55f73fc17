"""What define_metric(summary=…) keeps, seen by the script that logs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import trackerlite as tl
from trackerlite.recording.statistics import Statistics


@pytest.mark.parametrize("goal", ["min", "max", None])
def test_the_script_sees_what_the_store_keeps(goal: str | None, tmp_path: Path) -> None:
    """`run.summary` and the store's summary are the same, also when the run goes on or back."""

    def define(run: tl.Run) -> None:
        run.define_metric("val/*", summary="min,max,first,best", goal=goal)
        run.define_metric("nested.acc", summary="mean,last")

    with tl.init(project="p", id="r", dir=tmp_path) as run:
        define(run)
        for value in (3.0, 1.0, math.nan, 5.0, -math.inf):
            run.log({"val/loss": value, "nested": {"acc": value}, "free": value})
        seen = dict(run.summary)
    kept = tl.Api(tmp_path).run("r").summary
    assert {k: repr(v) for k, v in seen.items()} == {k: repr(v) for k, v in kept.items()}
    assert "val/loss" not in seen
    assert run.summary["val/loss"] == {
        "min": 1.0,
        "max": 5.0,
        "first": 3.0,
        "best": 5.0 if goal == "max" else 1.0,
    }
    for how in ({"id": "r"}, {"resume_from": "r?_step=1"}):
        with tl.init(project="p", dir=tmp_path, **how) as run:
            define(run)
            run.log({"val/loss": 2.0})
            seen = {k: v for k, v in run.summary.items() if k.startswith("val/")}
        kept = tl.Api(tmp_path).run("r").summary
        assert seen == {k: v for k, v in kept.items() if k.startswith("val/")}


def test_a_mean_of_an_unknown_count_is_not_guessed() -> None:
    """A run that goes on does not know of how many values its mean was: the store does."""
    some, latest = Statistics(), {"x": 2.0, "x.mean": 1.0}
    some.define("x", ["mean", "last"], None)
    for _ in range(2):
        some.note({"x": 2.0}, latest)
    assert latest == {"x": 2.0}


def test_what_has_no_rule_is_left_alone(tmp_path: Path) -> None:
    """A goal alone, text and booleans keep their last value."""
    with tl.init(project="p", dir=tmp_path) as run:
        run.define_metric("*", goal="min")
        run.define_metric("word", summary="min")
        run.log({"loss": 1.0, "word": "text"})
        assert dict(run.summary) == {"loss": 1.0, "word": "text"}
        run.summary["word.min"] = "none"
        assert run.log({"word": 2.0})
        assert run.summary["word.min"] == 2.0
