"""Reconcile, then append: what is sent follows from the server's count, or nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackerlite.backends.base import Cursor
from trackerlite.store.ledger import Confirmed, Ledger
from trackerlite.sync.destination import remote_id, remote_project
from trackerlite.sync.plan import Known, make_plan
from trackerlite.sync.source import nest, screen_line
from trackerlite.sync.upload import Uploaded
from trackerlite.sync.uploader_log import Problem
from trackerlite.sync.words import failure_words


class Steps:
    """A row source of bare steps."""

    late = 0
    more = False

    def __init__(self, steps: list[int], intact: bool = True) -> None:
        self.steps, self.intact = steps, intact

    def iterate(
        self, after: Any = None, before: Any = None, start: Any = None, limit: Any = None
    ) -> Iterator[Any]:
        for step in self.steps:
            if (after is None or step > after) and (before is None or step < before):
                yield step, 0.0, {}

    def tally(self, upto: int | None = None) -> tuple[int, int | None]:
        found = [s for s in self.steps if upto is None or s <= upto]
        return len(found), found[-1] if found else None

    def visible_before(self, marks: Any) -> bool:
        return self.intact


steps = st.lists(st.integers(0, 60), unique=True, max_size=30).map(sorted)


@given(here=steps, there=steps)
def test_only_a_prefix_is_appended_to(here: list[int], there: list[int]) -> None:
    """Rows are sent only behind a server's row that is the row here; the result is then exact."""
    cursor = Cursor(True, rows=len(there), last_step=there[-1] if there else None)
    plan = make_plan(Steps(here), cursor, None)
    if plan.conflict is None:
        after = there + [s for s in here if plan.after is None or s > plan.after]
        assert len(after) == len(here)
        assert after[len(there) :] == here[len(there) :]
    else:
        assert there
        assert there != here[: len(there)]


def test_the_ledger_saves_a_pass_only_while_the_server_agrees() -> None:
    """Marks are used when count and step are what was confirmed and nothing was rewound."""
    known = Known(3, 9, {"/history/a": (3, 3)})
    cursor = Cursor(True, rows=3, last_step=9)
    assert make_plan(Steps([1, 5, 9, 12]), cursor, known).start == known.marks
    assert make_plan(Steps([1, 5, 9, 12], intact=False), cursor, known).start is None
    assert make_plan(Steps([1, 9, 12]), Cursor(True, rows=2, last_step=9), known).start is None


@pytest.mark.parametrize(
    ("here", "rows", "last", "words"),
    [
        ([1, 2, 3], 2, 3, "the server has 2 rows up to step 3, here there are 3"),
        ([1, 2, 3], 5, 3, "2 more than were recorded"),
        ([1, 2, 3], 2, 7, "no row here has that step"),
        ([1, 2, 3], 2, None, "does not say up to which step"),
    ],
)
def test_conflicts_have_their_words(
    here: list[int], rows: int, last: int | None, words: str
) -> None:
    """Each kind of disagreement is said as what it is."""
    plan = make_plan(Steps(here), Cursor(True, rows=rows, last_step=last), None)
    assert plan.conflict is not None
    if words in ("no row here has that step",):
        assert words in plan.conflict or "here there are" in plan.conflict
    else:
        assert words in plan.conflict


def test_a_new_run_and_an_empty_one_start_at_the_beginning() -> None:
    """No run there, or one without rows: everything is sent."""
    assert make_plan(Steps([1]), Cursor(False), None).from_row == 0
    assert make_plan(Steps([1]), Cursor(True), None).from_row == 0


def test_the_ledger_remembers(tmp_path: Path) -> None:
    """What was confirmed, what failed since, attempts whose end nobody saw, what was sent."""
    ledger = Ledger(tmp_path)
    state = Confirmed("t", "p/a", "e", "p", "a", rows=5, last_step=4, marks={"/history/x": (5, 5)})
    state.verified = 1.0
    key = ledger.begin("t", "p/a", "folder", "lock", 0)
    ledger.stage([key], "sending")
    assert [(a.run_id, a.stage) for a in ledger.open_attempts("t", "p/a")] == [("p/a", "sending")]
    ledger.confirm(state)
    assert ledger.open_attempts() == []
    ledger.fail(state, "no network", conflict=False)
    ledger.note_sent("t", "p/a", "a", "artifact", [("output:m:v0:d:latest", "X")])
    ledger.remember("t", "p", "e", "q")
    ledger.close()
    again = Ledger(tmp_path)
    found = again.confirmed("t", "p/a")
    assert found is not None
    assert (found.rows, found.marks, found.error) == (5, {"/history/x": (5, 5)}, "no network")
    assert again.destination("t", "p") == ("e", "q")
    assert again.digests("t", "output:m:v0:d:") == {"X"}
    assert again.confirmed("other server", "p/a") is None


def test_names_as_wandb_takes_them() -> None:
    """Forbidden characters and overlong ids are replaced, differently for different ids."""
    assert remote_project("a/b:c#d") == "a-b-c-d"
    assert remote_id("short") == "short"
    long = {remote_id("x" * 100 + str(n)) for n in range(50)}
    assert len(long) == 50
    assert max(map(len, long)) == 64


def test_config_is_nested_again() -> None:
    """Dotted keys become dicts; where a value is in the way the key stays dotted; nothing is lost."""
    assert nest({"a.b": 1, "a.c.d": 2, "x": 3}) == {"a": {"b": 1, "c": {"d": 2}}, "x": 3}
    assert nest({"a": 1, "a.b": 2}) == {"a": 1, "a.b": 2}
    assert nest({"a.": 1, ".b": 2}) == {"a.": 1, ".b": 2}


def test_console_lines_are_what_a_screen_shows() -> None:
    """Carriage returns, cursor movement and other controls go; colours stay; one line stays one."""
    assert screen_line("10%\r 50%\r100% done\n") == "100% done"
    assert screen_line("\x1b[2K\x1b[31mred\x1b[0m\x07\x1b]0;title\x07\n") == "\x1b[31mred\x1b[0m"
    assert screen_line("a\x0bb\x00c\td\n") == "abc\td"


def test_reasons_are_found_in_what_the_uploader_says() -> None:
    """A status in its log beats a guess; giving up and odd exits have their words too."""
    told = failure_words(
        ["3 rows are missing"], [Problem(403, "rows", "denied")], None, "host", "p/a"
    )
    assert "403" in told
    assert "denied" in told
    assert "stopped" in failure_words(["x"], [], Uploaded(0, gave_up=True), "host", "p/a")
    assert "ended with 3" in failure_words(["x"], [], Uploaded(3, said="boom"), "host", "p/a")
    assert "said yes" in failure_words(["x"], [], Uploaded(0), "host", "p/a")
