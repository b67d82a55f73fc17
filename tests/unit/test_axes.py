"""The x of a metric with an axis of its own."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import trackerlite as tl
from trackerlite.recording import resuming
from trackerlite.recording.axes import Axes


def axes(*rules: tuple[str, str | None], latest: dict[str, Any] | None = None) -> Axes:
    made = Axes()
    for pattern, axis in rules:
        made.define(pattern, axis, latest or {})
    return made


def test_a_row_gets_the_last_x() -> None:
    """What is logged without its x has the last one that was logged; NaN is an x, too."""
    some = axes(("val/*", "epoch"))
    assert some.filled({"loss": 1.0, "epoch": 4}, 0) == {"loss": 1.0, "epoch": 4}
    assert some.filled({"val/f1": 0.5}, 1) == {"val/f1": 0.5, "epoch": 4}
    some.filled({"epoch": math.nan}, 2)
    assert math.isnan(some.filled({"val/f1": 0.5}, 3)["epoch"])


def test_an_x_that_was_never_logged_is_0_and_text_is_none() -> None:
    """Before its first number an axis stands at 0; what was logged before the definition counts."""
    assert axes(("a", "x")).filled({"a": 1}, 0) == {"a": 1, "x": 0}
    assert axes(("a", "x"), latest={"x": 7}).filled({"a": 1}, 0) == {"a": 1, "x": 7}
    some = axes(("a", "x"))
    some.filled({"x": "word"}, 0)
    assert some.filled({"a": 1}, 1) == {"a": 1, "x": 0}


def test_only_what_has_an_axis_is_filled() -> None:
    """Other metrics, `step_sync=False` and an exact definition without an axis stay as they were logged."""
    some = axes(("val/*", "epoch"), ("val/free", None))
    for row in ({"train/loss": 1.0}, {"val/free": 1.0}, {"epoch": 3}, {}):
        assert some.filled(row, 0) is row
    assert not axes(("val/*", None)).wanted


def test_the_exact_definition_counts_else_the_first() -> None:
    """`val/f1` by name wins over `*`; of two patterns, the earlier; a later word on the same keeps the axis."""
    some = axes(("val/*", "epoch"), ("*", "samples"), ("val/f1", "round"), ("val/f1", None))
    assert set(some.filled({"val/f1": 1}, 0)) == {"val/f1", "round"}
    assert set(some.filled({"val/loss": 1}, 1)) == {"val/loss", "epoch"}
    assert set(some.filled({"lr": 1}, 2)) == {"lr", "samples"}


def test_an_x_is_filled_once_a_step() -> None:
    """Several calls at one step are one row: the x that was logged in it is not logged again."""
    some = axes(("*", "epoch"))
    some.filled({"epoch": 2}, 5)
    row = {"val/loss": 1}
    assert some.filled(row, 5) is row
    some.rewound({"epoch": 2})
    assert some.filled(row, 5) == {"val/loss": 1, "epoch": 2}


def test_nested_keys_have_their_dotted_names(store: Path) -> None:
    """{"n": {"acc": …}} is `n.acc`, and its axis may be nested as well."""
    with tl.init(project="p", dir=store) as run:
        run.define_metric("n.acc", step_metric="n.x")
        run.log({"n": {"x": 5}})
        run.log({"n": {"acc": 0.5}})
    history = tl.Api(store).run(run.id).history(keys=["n.acc", "n.x"])
    assert list(history.rows())[-1] == pytest.approx(
        {"_step": 1, "n.acc": 0.5, "n.x": 5.0}
        | {k: v for k, v in list(history.rows())[-1].items() if k in ("_time", "_runtime")}
    )


def test_a_continued_run_knows_where_its_axis_stands(store: Path) -> None:
    """The x goes on from the last one that the earlier process logged."""
    with tl.init(project="p", id="one", dir=store) as run:
        run.log({"epoch": 3})
    with tl.init(project="p", id="one", dir=store) as run:
        run.define_metric("val/*", step_metric="epoch")
        run.log({"val/f1": 0.5})
    assert tl.Api(store).run("one").metric("epoch")["value"].tolist() == [3, 3]


@pytest.mark.parametrize("living", [False, True])
def test_a_run_that_goes_back_knows_what_it_knew_then(store: Path, living: bool) -> None:
    """The x that is filled in and `run.summary` are those of the step gone back to, not of the tail."""
    run = tl.init(project="p", id="r", dir=store)
    run.define_metric("val/*", step_metric="epoch")
    for step in range(10):
        run.log({"loss": 10 - step, "epoch": step // 2}, step=step)
    run.summary["best"] = 0.5
    run.log({"only/later": 1}, step=9)
    if living:
        resuming.go_back(run, 5)
    else:
        run.finish()
        run = tl.init(project="p", resume_from="r?_step=5", dir=store)
        run.define_metric("val/*", step_metric="epoch")
    assert dict(run.summary) == {"loss": 5.0, "epoch": 2, "best": 0.5}
    run.log({"val/f1": 0.5})
    run.finish()
    [point] = [
        row
        for row in tl.Api(store).run("r").history(keys=["val/f1", "epoch"]).rows()
        if row["_step"] == 6
    ]
    assert (point["val/f1"], point["epoch"]) == (0.5, 2)
