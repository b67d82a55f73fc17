"""The key table: one source for what keys do and for what is said of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trackerlite_tui import frames, keys
from trackerlite_tui.actions import Actions
from trackerlite_tui.desk import Desk
from trackerlite_tui.screens import ORDER, make
from trackerlite_tui.widgets.menu import Menu
from trackerlite_tui.widgets.pages import Pages
from trackerlite_tui.widgets.prompt import Prompt, Writer


class _Nobody:
    def __getattr__(self, _: str) -> object:
        return lambda *_: None


@pytest.fixture
def desk() -> Desk:
    """A desk that looks at nothing."""
    from trackerlite_tui.state import State

    return Desk(State(), _Nobody())


@pytest.mark.parametrize("context", keys.CONTEXTS, ids="in-{}".format)
def test_no_key_means_two_things_in_one_place(context: str) -> None:
    """Within a context every key stands once."""
    seen = [key for entry in keys.TABLE if entry.context == context for key in entry.keys]
    assert len(seen) == len(set(seen))


def test_every_action_has_someone_who_does_it(desk: Desk) -> None:
    """No line of the table leads nowhere: the screen, the overlay or the desk has the method."""
    screens = {name: make(name, desk) for name in ORDER}
    screens |= {"full": screens["charts"], "inspect": screens["charts"], "list": screens["runs"]}
    overlays = [Prompt, Menu, Writer, Pages]
    for entry in keys.TABLE:
        method = f"do_{entry.action.partition(':')[0]}"
        if entry.context in ("prompt", "overlay", "pages"):
            assert any(hasattr(overlay, method) for overlay in overlays), entry
        else:
            places = (screens.get(entry.context), Actions)
            assert any(hasattr(place, method) for place in places), entry


@pytest.mark.parametrize("name", ORDER)
def test_every_list_screen_moves(desk: Desk, name: str) -> None:
    """A screen that claims the list keys has all of them."""
    screen = make(name, desk)
    if "list" in screen.contexts:
        for entry in keys.TABLE:
            if entry.context == "list" and entry.action.split(":")[0] != "scroll":
                assert hasattr(screen, f"do_{entry.action.partition(':')[0]}"), (name, entry)


def test_no_key_that_terminals_cannot_send_apart() -> None:
    """No alt keys; ctrl+i and ctrl+m are Tab and Enter; Textual calls it escape, not esc."""
    for entry in keys.TABLE:
        for key in entry.keys:
            assert not key.startswith("alt+")
            assert key not in ("ctrl+i", "ctrl+m", "esc")


def test_the_nearest_context_wins() -> None:
    """While inspecting, L steps; in the grid it changes the axis."""
    inner, outer = (
        keys.find(("inspect", "charts", "global"), "L"),
        keys.find(("charts", "global"), "L"),
    )
    assert inner is not None
    assert outer is not None
    assert (inner.action, outer.action) == ("step:10", "log_y")


def test_the_footer_never_offers_a_covered_key() -> None:
    """A key that a nearer context takes is not shown for the further one."""
    for contexts in (("inspect", "full", "charts", "global"), ("compare", "list", "global")):
        shown = [key for key, _ in keys.footer(contexts)]
        assert len(shown) == len(set(shown))


def test_the_readme_table_has_every_line() -> None:
    """The Markdown table is made of the same lines, a pipe in a key escaped."""
    table = keys.markdown().splitlines()
    assert len(table) == 2 + len(keys.TABLE)
    assert all(line.count("|") - line.count("\\|") == 4 for line in table)


def test_the_page_of_keys_is_the_table() -> None:
    """The page that people read has what `python -m trackerlite_tui.keys` prints, and every picture."""
    folder = Path(__file__).parents[2] / "examples" / "pictures"
    page = (folder / "README.md").read_text("utf-8")
    assert page.endswith("\n\n" + keys.markdown() + "\n")
    shown = set(re.findall(r"\]\((\w+\.png)\)", page))
    made = {f"{frame.name}.png" for frame in frames.FRAMES}
    assert shown <= made
    assert {path.name for path in folder.glob("*.png")} == made
    assert {frame.screen for frame in frames.FRAMES} == set(ORDER)


def test_help_covers_where_one_is(desk: Desk) -> None:
    """`?` lists every key that works here, the screen's and the global ones."""
    desk.key("question_mark", "?")
    text = "\n".join("".join(t for t, _ in row) for row in desk._overlays[-1]._rows)
    for entry in keys.TABLE:
        if entry.context in (*desk.screen.contexts, "global"):
            assert entry.help.split()[0] in text


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\r", "enter"),
        ("\n", "enter"),
        ("\t", "tab"),
        ("\x7f", "backspace"),
        (" ", "space"),
        ("\x04", "ctrl+d"),
        ("?", "question_mark"),
        ("é", "é"),
    ],
)
def test_every_typed_character_is_a_key(char: str, name: str) -> None:
    """What came while Textual was being loaded means what it means afterwards."""
    assert keys.named(char) == name
