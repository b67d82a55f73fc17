"""Rows, tables, editors: the small parts that everything is painted with."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from trackerlite_tui.curves.palette import DARK_INK
from trackerlite_tui.look import Look
from trackerlite_tui.rows import fit, justify, paste, row_width, slice_row, words
from trackerlite_tui.text import block, safe
from trackerlite_tui.widgets.editor import Editor
from trackerlite_tui.widgets.listing import Listing
from trackerlite_tui.widgets.surface import changes, strip_of
from trackerlite_tui.widgets.table import Column, Table

PIECES = st.text(st.sampled_from("ab 漢字é…│⣿"), max_size=8)
ROWS = st.lists(st.tuples(PIECES, st.sampled_from(["", "#ff0000", "bold #00ff00"])), max_size=6)


@given(ROWS, st.integers(0, 40), st.integers(0, 40))
def test_a_slice_is_as_wide_as_asked(row: list[tuple[str, str]], start: int, size: int) -> None:
    """Cutting a row gives just those cells, also through the middle of a wide character."""
    whole = row_width(row)
    cut = slice_row(row, start, start + size)
    assert row_width(cut) == max(0, min(start + size, whole) - start)


@given(ROWS, st.integers(0, 40))
def test_fit_gives_exactly_the_width(row: list[tuple[str, str]], columns: int) -> None:
    """A fitted row has the width, and what fits of its text."""
    assert row_width(fit(row, columns)) == columns
    assert row_width(justify(row, row, columns)) == columns


@given(st.lists(ROWS, min_size=1, max_size=5), ROWS, st.integers(0, 20), st.integers(-3, 6))
def test_pasting_keeps_the_width(
    rows: list[list[tuple[str, str]]], block_: list[tuple[str, str]], left: int, top: int
) -> None:
    """An overlay covers cells and moves none."""
    rows = [fit(row, 20) for row in rows]
    paste(rows, [block_], left, top)
    assert [row_width(row) for row in rows] == [20] * len(rows)


@given(st.text(max_size=200), st.integers(4, 40))
def test_words_fit(text: str, columns: int) -> None:
    """Broken lines are no wider than asked, and lose no letter."""
    line = safe(text)
    broken = words(line, columns)
    assert all(cell_len(piece) <= columns for piece in broken)
    assert "".join(broken).replace(" ", "") == line.replace(" ", "")


@given(st.text(max_size=60))
def test_safe_text_is_as_wide_for_us_as_for_the_terminal_library(text: str) -> None:
    """What is shown of any text has no control and one width by both tables."""
    shown = safe(text)
    assert cell_len(shown) == row_width([(shown, "")])
    assert all(char >= " " and not "\x7f" <= char <= "\x9f" for char in shown)
    assert all(safe(line, 10_000) == line for line in block(text))


@settings(max_examples=200)
@given(ROWS, ROWS)
def test_changes_cover_every_difference(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    """Repainting just the changed cells leaves the same screen as painting all of them."""
    before, after = fit(before, 24), fit(after, 24)

    def cells(row: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [slice_row(row, i, i + 1)[0] for i in range(24)]

    spans = changes(before, after)
    screen, wanted = cells(before), cells(after)
    for start, stop in spans:
        screen[start:stop] = wanted[start:stop]
    assert [s for s in screen if s[0].strip()] == [w for w in wanted if w[0].strip()]
    if before == after:
        assert spans == []


def test_a_strip_knows_its_length_and_has_no_empty_style() -> None:
    """Every segment has a style (NO_COLOR cannot bear None), and the strip the row's width."""
    strip = strip_of([("漢", ""), ("", "bold"), ("ab", "#ff0000 on #000000")], DARK_INK)
    assert strip.cell_length == cell_len(strip.text) == 4
    assert all(segment.style is not None for segment in strip)


def _table(count: int = 50) -> Table:
    table = Table(
        [
            Column("name", "name", least=4, stays=True),
            Column("a", "a", right=True),
            Column("b", "b"),
        ]
    )
    table.set_items(list(range(count)))
    return table


def _cell(item: object, column: str) -> tuple[str, str]:
    return f"{column}{item}", ""


def test_a_table_asks_only_for_what_it_shows() -> None:
    """Ten thousand rows cost as much as ten."""
    asked: list[object] = []
    table = _table(10_000)
    table.move(5000)
    table.paint(40, 10, Look(), lambda item, column: (asked.append(item), _cell(item, column))[1])
    assert set(asked) == set(range(table.top, table.top + 9))
    assert 5000 in asked


def test_the_cursor_stays_on_its_item() -> None:
    """New rows above do not move what is looked at."""
    table = _table(10)
    table.move(4)
    table.set_items([100, 101, *range(10)])
    assert table.current == 4
    table.set_items([100, 101])
    assert table.current == 101


@given(st.integers(0, 60), st.integers(0, 15), st.integers(0, 60), st.integers(0, 3))
def test_a_table_is_as_large_as_asked(columns: int, rows: int, at: int, left: int) -> None:
    """At any size and place a table has just that many rows of just that width."""
    table = _table()
    table.move(at)
    table.scroll(left)
    painted = table.paint(columns, rows, Look(), _cell)
    assert [row_width(row) for row in painted] == [columns] * rows


def test_an_editor_edits() -> None:
    """Letters, words and lines go where the cursor is."""
    editor = Editor("lr>1e-3")
    for key in ("ctrl+a", "delete", "delete", "end", "backspace"):
        assert editor.key(key)
    editor.insert("4 \x1b[0m\n tag:x")
    assert editor.text == ">1e-4 [0m  tag:x"
    editor.key("ctrl+w")
    assert editor.text == ">1e-4 [0m  "
    editor.key("ctrl+u")
    assert editor.text == ""


@given(
    st.lists(
        st.sampled_from(
            [
                "left",
                "right",
                "home",
                "end",
                "up",
                "down",
                "backspace",
                "delete",
                "ctrl+w",
                "ctrl+k",
                "ctrl+u",
                "x",
                "\n",
            ]
        ),
        max_size=60,
    )
)
def test_an_editor_never_loses_its_cursor(keys: list[str]) -> None:
    """After any keys the cursor lies in the text and the picture has its size."""
    editor = Editor("two\nlines", lines=True)
    for key in keys:
        if len(key) == 1:
            editor.insert(key)
        else:
            editor.key(key)
        assert 0 <= editor.at <= len(editor.text)
    assert [row_width(row) for row in editor.paint(10, 3, Look())] == [10, 10, 10]


def test_a_listing_follows_the_end_until_one_scrolls_up() -> None:
    """New lines stay in sight while following, and leave alone who reads above."""
    listing = Listing()
    listing.following = True
    listing.set_count(100)
    listing.paint(10, 5, Look(), lambda i: [(str(i), "")])
    assert (listing.index, listing.top) == (99, 95)
    listing.move(-10)
    listing.set_count(200)
    assert listing.index == 89
