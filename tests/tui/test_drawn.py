"""What the charts are of: which runs, which metrics, which bands, and the words that say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
