"""What the charts are of: which runs, which metrics, which bands, and the words that say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import trackerlite
from trackerlite_tui.once import Still
from tui.conftest import texts

Make = Callable[..., Still]


def _names(made: Still) -> list[str]:
    return [run.name for run in made.desk.drawn()]


def test_enter_opens_one_run_after_another(still: Make, store: Path) -> None:
    """What enter opens is what is under the cursor, also after it opened another run."""
    made = still(store)
    made.key("enter")
    assert _names(made) == ["run-5"]
    made.key("escape", "j", "enter")
    assert _names(made) == ["run-4"]
    made.key("escape", "j", "space", "enter")  # a mark set by hand stays, and adds
    assert _names(made) == ["run-4", "run-3"]
    made.key("1", "enter")
    assert _names(made) == ["run-4", "run-3"]


def test_enter_on_a_groups_heading_opens_the_group(still: Make, store: Path) -> None:
    """The heading of a group stands for all its runs, for enter as for space."""
    made = still(store, group="c:lr")
    made.key("g", "enter")
    assert sorted(_names(made)) == ["run-0", "run-3"]


def test_runs_are_newest_only_while_the_newest_come_first(still: Make, store: Path) -> None:
    """The charts of the first runs of a sorted list do not claim to be those of the newest."""
    assert "newest 6 runs, none marked" in texts(still(store, "charts"))[1]
    assert "first 6 runs, none marked" in texts(still(store, "charts", sort="m:val/f1"))[1]


def _mixed(folder: Path) -> None:
    """A run with a loss, and another whose metrics come first in the alphabet."""
    for name, keys in (("plain", ["loss"]), ("other", [f"a{i}" for i in range(40)])):
        with trackerlite.init(project="p", name=name, dir=str(folder)) as run:
            for step in range(3):
                run.log(dict.fromkeys(keys, 1.0 * step))


def test_charts_are_of_metrics_that_the_runs_have(still: Make, tmp_path: Path) -> None:
    """A metric that no drawn run has takes no chart, no page and no line of a menu."""
    _mixed(tmp_path)
    made = still(tmp_path)
    made.key("j", "enter")
    assert _names(made) == ["plain"]
    assert made.desk.screen.metrics() == ["loss"]
    text = "\n".join(texts(made))
    assert "1 metric" in text
    assert "loading" not in text
    made.key("x")
    assert "a12" not in "\n".join(texts(made))
    made.key("escape", "slash", "a")
    assert "0 of 1 metrics" in "\n".join(texts(made))


def test_other_runs_bring_their_metrics_and_the_focus_stays(still: Make, tmp_path: Path) -> None:
    """Marks added on the way change the list of metrics, and the one in focus only if it is gone."""
    _mixed(tmp_path)
    made = still(tmp_path)
    made.key("j", "space", "enter")
    made.key("1", "g", "space", "2")
    assert made.desk.screen.focus == "loss"
    assert len(made.desk.screen.metrics()) == 41
    made.key("1", "g", "j", "space", "2")
    assert "loss" not in made.desk.screen.metrics()
    assert len(made.desk.screen.metrics()) == 40
