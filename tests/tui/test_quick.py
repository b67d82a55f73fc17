"""What is kept or hurried so that the screen is quick, against what would be shown without."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trackerlite
from trackerlite.readers import Reader, SeriesInfo
from trackerlite_tui import firstpaint
from trackerlite_tui.curveload import CurveLoader
from trackerlite_tui.desk import Desk
from trackerlite_tui.effects import Nothing
from trackerlite_tui.look import look
from trackerlite_tui.once import Still
from trackerlite_tui.reading import Reading
from trackerlite_tui.snapshot import Wants
from trackerlite_tui.state import State
from trackerlite_tui.widgets.table import Column, Table
from tui.conftest import texts

_KEYS = ["j", "k", "G", "g", "space", "p", "o", "O", "X", ">", "<", "v"]


@pytest.mark.parametrize("seed", range(4))
def test_a_kept_table_is_the_table_painted_anew(
    still: Callable[..., Still], store: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any keys, a desk that kept cells and rows paints what a fresh desk paints."""
    monkeypatch.setattr("trackerlite_tui.order.ago", lambda _: "then")  # whenever it is painted
    made = still(store, columns=150, rows=40)
    made.desk.clock = lambda: 0.0
    choose = random.Random(seed)
    for _ in range(12):
        made.key(choose.choice(_KEYS))
        fresh = Desk(made.desk.state, Nothing(), appearance=made.desk.look, clock=lambda: 0.0)
        fresh.resize(150, 40)
        fresh.take(made.desk.snapshot)
        mine, theirs = made.desk.screen, fresh.screen
        for name in ("index", "top", "left"):
            setattr(theirs.table, name, getattr(mine.table, name))  # type: ignore[attr-defined]
        theirs.table._widths = dict(mine.table._widths)  # type: ignore[attr-defined]
        theirs.table.items = mine.table.items  # type: ignore[attr-defined]
        fresh.cursor_run = made.desk.cursor_run
        mine_rows, fresh_rows = made.desk.paint(), fresh.paint()
        table = slice(1, mine._split_row)  # type: ignore[attr-defined]
        assert mine_rows[table] == fresh_rows[table]


def test_the_first_frames_have_the_runs_and_then_their_curves(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Textual is there, the table is written, then the same with curves, and both are handed on."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", out)
    monkeypatch.setattr(firstpaint, "size", lambda: (140, 40))
    monkeypatch.setattr(firstpaint, "_HURRY", 30.0)
    first = firstpaint.paint(str(store), State(theme="dark"))
    assert first is not None
    frames = out.getvalue().split(firstpaint._ENTER)[1:]
    assert len(frames) == 2
    assert all("run-5" in frame for frame in frames)
    braille = [any("\u2801" <= char <= "\u28ff" for char in frame) for frame in frames]
    assert braille == [False, True]
    assert first.curves


def test_the_first_frames_are_not_held_up_by_many_curves(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When there is no time left, the app starts with what was read by then."""
    monkeypatch.setattr(sys, "__stderr__", io.StringIO())
    monkeypatch.setattr(firstpaint, "size", lambda: (140, 40))
    monkeypatch.setattr(firstpaint, "_HURRY", 0.0)
    first = firstpaint.paint(str(store), State(theme="dark"))
    assert first is not None
    assert len(first.runs) == 6
    assert first.alerts  # or they would ring as new ones
    assert not first.curves


def test_the_next_runs_preview_is_there_at_once(still: Callable[..., Still], store: Path) -> None:
    """A key that moves the cursor shows the next run's curves in the same frame, nothing read between."""
    made = still(store, columns=140, rows=40)
    for key in ("j", "j", "k"):
        made.desk.key(key, key)
        run = made.desk.run()
        shown = texts(made)[made.desk.screen._split_row + 1 :]  # type: ignore[attr-defined]
        assert run is not None
        assert run.name in shown[0]
        assert any("\u2801" <= char <= "\u28ff" for row in shown for char in row)
        made.settle()


def test_a_preview_that_is_not_read_yet_says_so(still: Callable[..., Still], store: Path) -> None:
    """Of a run further away it says "loading", and never that there is no metric."""
    made = still(store, columns=140, rows=40)
    made.desk.key("G", "G")
    shown = "\n".join(texts(made))
    assert "loading …" in shown
    assert "no metric yet" not in shown


def test_who_comes_back_finds_the_curve_that_was_there(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A curve that nothing was added to is loaded once, however often the cursor passes; some are kept only."""
    loaded: list[int] = []
    load = CurveLoader.load

    def counted(self: CurveLoader, series: SeriesInfo, *more: Any) -> Any:
        loaded.append(series.key)
        return load(self, series, *more)

    class Asked(Nothing):
        wants = Wants()

        def want(self, wants: Wants) -> None:
            self.wants = wants

    monkeypatch.setattr(CurveLoader, "load", counted)
    asked = Asked()
    desk = Desk(State(), asked, strict=True)
    desk.resize(140, 40)
    reading = Reading(desk.take)
    with Reader.open(store) as reader:
        reading.read(reader, asked.wants)

        def go(*keys: str) -> int:
            for key in keys:
                desk.key(key, key)
                for _ in range(3):
                    reading.read_wanted(reader, asked.wants)
            return len(loaded)

        before = go("j", "j", "j", "j", "j")
        assert before == len(set(loaded)) > 0
        assert go("k", "k", "k", "k", "k", "G", "g") == before
        monkeypatch.setattr("trackerlite_tui.reading._SPARE", 0)
        assert go("G", "g", "G", "g") > before


def test_a_run_without_metrics_is_not_loading_for_ever(
    still: Callable[..., Still], tmp_path: Path
) -> None:
    """A run that logged words only has no metric yet, and that is said."""
    with trackerlite.init(project="p", dir=str(tmp_path)) as run:
        run.log({"note": "nothing but words"}, step=3)
    shown = "\n".join(texts(still(tmp_path, columns=140, rows=40)))
    assert "no metric yet" in shown


def test_a_key_that_scrolls_tells_what_comes_into_view() -> None:
    """What a table shows after a move is known with the key, so that it is asked for before it is painted."""
    table = Table([Column("name", "NAME")])
    table.set_items(range(100))
    table.paint(20, 11, look("dark", {}), lambda item, _: (str(item), ""))
    for by, top in ((9, 0), (1, 1), (50, 51), (-9, 51), (-1, 50), (100, 90), (-100, 0)):
        table.move(by)
        assert table.top == top


def test_names_are_counted_as_the_series_say(store: Path) -> None:
    """The metrics by name are those of the series, with as many runs."""
    with Reader.open(store) as reader:
        keys = [run.key for run in reader.runs()][:4]
        series = reader.series(keys)
        counted = {one.name: one.runs for one in reader.names(keys)}
    wanted = {name: sum(one.name == name for one in series) for name in {s.name for s in series}}
    assert counted == wanted


def test_behind_a_key_the_table_moves_first(still: Callable[..., Still], store: Path) -> None:
    """A swift painting has the table as it is now and the preview as it was, and says so."""
    made = still(store, columns=150, rows=40)
    before = made.desk.paint()
    made.desk.key("j", "j")
    swift = made.desk.paint(swift=True)
    assert made.desk.unpainted
    whole = made.desk.paint()
    assert not made.desk.unpainted
    split = made.desk.screen._split_row + 1  # type: ignore[attr-defined] # below the header
    assert swift[:split] == whole[:split] != before[:split]
    assert swift[split:-1] == before[split:-1] != whole[split:-1]
    made.desk.resize(140, 40)
    made.desk.paint(swift=True)
    assert not made.desk.unpainted
