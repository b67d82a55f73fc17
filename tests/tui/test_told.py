"""What is shown says what it is: signs, words and charts that would puzzle or mislead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import trackerlite
from trackerlite_tui.curves.chart import Options, draw
from trackerlite_tui.curves.line import line
from trackerlite_tui.once import Still
from trackerlite_tui.rows import fit

from .conftest import texts

Make = Callable[..., Still]


def drawn(lines: list[Any], **options: Any) -> str:
    rows = draw(lines, 60, 10, Options(**options)).rows
    return "\n".join("".join(text for text, _ in row) for row in rows)


def test_words_that_are_cut_end_in_an_ellipsis() -> None:
    """Where a row is cut within words there is a sign, where only blanks or a rule end there is none."""
    assert fit([("only he", "a"), ("re is", "b")], 9) == [("only he", "a"), ("r", "b"), ("…", "b")]
    assert fit([("名前だ", "a")], 3) == [("名", "a"), ("…", "a")]
    for whole in ("word   ", "word───"):
        assert fit([(whole, "")], 5)[0][0] == whole[:5]


def test_compare_explains_its_signs(still: Make, store: Path) -> None:
    """Compare says what ▲ and ▼ mean when it uses them, the help does so always; in ASCII as ^ and v."""
    made = still(store, "compare", 120, 40)
    page = texts(made)
    assert {sign for sign in "▲▼" if sign in "".join(page[3:])} == {
        sign for sign in "▲▼" if sign in page[1]
    }
    assert "▲ better" in page[1] or "▼ worse" in page[1]
    made.key("question_mark")
    assert "▲ is better than it" in "\n".join(texts(made))
    plain = texts(still(store, "compare", 120, 40, "ascii"))
    assert "^ better" in plain[1] or "v worse" in plain[1]


def test_the_lowest_is_called_so(still: Make, store: Path) -> None:
    """A metric of which nobody knows which way is better has a lowest value, not a best one."""
    made = still(store, "runs", 120, 40)
    made.desk.state.columns = ["best:lr", "best:val/f1"]
    made.settle()
    heading = texts(made)[2].split()
    assert heading[-2:] == ["lowest", "best"]
    made.key("o")
    assert any("lr" in row and "lowest" in row for row in texts(made))


def test_a_log_axis_without_values_says_why(still: Make, tmp_path: Path) -> None:
    """Values that have no place on a log axis are no empty chart: a sentence says why, and which key helps."""
    for values in ([-3.0, -2.0, -1.0], [0.0, 0.0, 0.0]):
        assert "no value above zero" in drawn([line([1, 2, 3], values)], y_kind="log")
    both = drawn([line([1, 2, 3], [-1, 0, -1]), line([1, 2, 3], [1, 2, 3])], y_kind="log")
    assert "no value" not in both
    assert "no points yet" in drawn([], y_kind="log")
    with trackerlite.init(project="p", dir=str(tmp_path)) as run:
        for step in range(5):
            run.log({"reward": -1.0 - step}, step=step)
    made = still(tmp_path, "charts")
    made.key("L")
    assert "no value above zero: L takes symlog" in "\n".join(texts(made))
    made.key("L")
    assert "no value above zero" not in "\n".join(texts(made))


def test_a_run_that_has_alerts_is_marked(still: Make, tmp_path: Path) -> None:
    """Of a thousand runs those that deserve a look stand out, as soon as something rings."""
    for name in ("good", "bad"):
        with trackerlite.init(project="p", name=name, dir=str(tmp_path)) as run:
            run.log({"loss": 1.0}, step=1)
            if name == "bad":
                run.alert("Look", "at this", "WARN")
    made = still(tmp_path)
    rows = [row for row in texts(made)[3:5] if "good" in row or "bad" in row]
    assert [("! bad" in row, "! good" in row) for row in sorted(rows, key=lambda r: "good" in r)] == [
        (True, False), (False, False)
    ]  # fmt: skip
    (alert,) = made.desk.snapshot.alerts
    good = next(run for run in made.desk.runs.runs if run.name == "good")
    made.desk.take(replace(made.desk.snapshot, alerts=(alert, alert._replace(run_key=good.key))))
    assert "! good" in "\n".join(texts(made))
