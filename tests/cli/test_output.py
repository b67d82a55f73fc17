"""The helpers that every verb prints with."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackerlite.cli import _human, _output, _table
from trackerlite.cli._cells import cells_wide, cut, fold
from trackerlite.cli._table import Column, fit, print_table

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@settings(max_examples=50)
@given(st.lists(JSON, max_size=5))
def test_json_is_json(rows: list[object]) -> None:
    """Whatever a store holds, `--json` prints JSON that a strict reader takes, and no control."""
    with pytest.MonkeyPatch.context() as patch:
        out = io.StringIO()
        patch.setattr("sys.stdout", out)
        assert _output.emit_rows(rows) == len(rows)
    text = out.getvalue()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert len(json.loads(text, parse_constant=refuse)) == len(rows)
    assert all(character == "\n" or 32 <= ord(character) < 127 for character in text)


def test_json_spells_what_json_cannot_hold() -> None:
    """NaN and the infinities are strings, so that no reader of JSON chokes on them."""
    assert _output._strict({"a": [math.nan, math.inf, -math.inf, 1.5]}) == {
        "a": ["NaN", "Infinity", "-Infinity", 1.5]
    }


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colour(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], terminal: bool, expected: bool
) -> None:
    """Colours go to terminals; NO_COLOR wins over all, FORCE_COLOR over a pipe."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _output.coloured(Terminal() if terminal else io.StringIO()) is expected


CELLS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_table_fits_eighty_columns(rows: list[tuple[str, ...]]) -> None:
    """On a terminal no line of a table is wider than it, and no control character is printed."""
    columns = [
        Column("one", shrink=5, style="bold"),
        Column("two", right=True, drop=1),
        Column("three", shrink=5),
        Column("four", shrink=5, drop=2),
    ]
    with pytest.MonkeyPatch.context() as patch:
        out = Terminal()
        patch.setattr("sys.stdout", out)
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        print_table(columns, rows)
    lines = out.getvalue().split("\n")
    assert len(lines) == len(rows) + 2
    assert all(cells_wide(line) <= 80 for line in lines)
    assert not any(
        ord(character) < 32 or 127 <= ord(character) < 160 for line in lines for character in line
    )


def test_a_pipe_gets_whole_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stdout is no terminal nothing is cut and nothing is coloured."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    print_table([Column("name", shrink=5, style="bold")], [["x" * 500]])
    assert out.getvalue() == "name\n" + "x" * 500 + "\n"


def test_fit_cuts_before_it_drops() -> None:
    """Columns that may shrink give way first; only then does the most expendable one go."""
    columns = [Column("a", shrink=4), Column("b", drop=1), Column("c", drop=2)]
    assert fit(columns, {0: 20, 1: 10, 2: 10}, 44) == {0: 20, 1: 10, 2: 10}
    assert fit(columns, {0: 20, 1: 10, 2: 10}, 34) == {0: 10, 1: 10, 2: 10}
    assert fit(columns, {0: 20, 1: 10, 2: 10}, 27) == {0: 15, 1: 10}
    assert fit(columns, {0: 20, 1: 10, 2: 10}, 3) == {0: 4}
    assert fit(columns, {0: 20, 1: 10, 2: 10}, None) == {0: 20, 1: 10, 2: 10}


def test_empty_columns_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that no row fills takes no room."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    print_table(
        [Column("id"), Column("tags"), Column("n", right=True)], [["a", "", 1], ["b", "", 22]]
    )
    assert out.getvalue() == "id   n\na    1\nb   22\n"


def test_headings_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric's name may be a heading, and is as untrusted there as in a cell."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    print_table([Column("a\x1b[31m")], [["x"]])
    assert out.getvalue() == "a␛[31m\nx\n"


@given(st.text(), st.integers(1, 40))
def test_cut(text: str, wide: int) -> None:
    """A cut text never takes more cells than it was given, and a short one is left alone."""
    result = cut(text, wide)
    assert cells_wide(result) <= max(wide, 1)
    if cells_wide(text) <= wide:
        assert result == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), (0, "0"), (3.0, "3"), (-0.25, "-0.25"), (0.00002, "2e-05"), (1 / 3, "0.33333"),
     (123456789.0, "123456789"), (1e30, "1e+30"), (10**20, "1e+20"), (math.nan, "nan"),
     (-math.inf, "-inf")],
)  # fmt: skip
def test_numbers(value: float | None, expected: str) -> None:
    """A number is shown in at most five digits, and small whole numbers in full."""
    assert _human.number(value) == expected


def test_impossible_times_are_shown_as_recorded() -> None:
    """A clock gone mad must not stop a listing."""
    assert _human.date(1e300) == "1e+300"
    assert _human.date(math.nan) == ""
    assert _human.duration(-5) == "0s"
    assert _human.ago(1e300, now=0) == "now"


def test_width_of_a_pipe_is_unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS in the environment does not cut what goes into a pipe."""
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert _table.width() is None


@given(st.text(alphabet=" ab漢-/", max_size=60), st.integers(1, 40))
def test_a_sentence_is_folded_between_words(text: str, wide: int) -> None:
    """Folded lines hold every word whole and in order, and none is wider than it must be."""
    lines = fold(text, wide)
    assert " ".join(lines).split() == text.split()
    for line in lines:
        assert cells_wide(line) <= wide or len(line.split()) <= 1
    assert fold(text, None) == [text]


def test_narration_keeps_words_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a long sentence breaks between words; a pipe gets it in one line."""
    words = "The run was not found, and nothing was changed. " * 4
    terminal, pipe = Terminal(), io.StringIO()
    monkeypatch.setenv("COLUMNS", "80")
    for stream in (terminal, pipe):
        monkeypatch.setattr("sys.stderr", stream)
        _output.say(words)
    assert pipe.getvalue() == words + "\n"
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 3
    assert all(60 < len(line) <= 80 for line in lines[:-1])
    assert " ".join(lines).split() == words.split()
