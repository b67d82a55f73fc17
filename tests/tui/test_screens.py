"""Every screen on a real store, by the keys that people press."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trackerlite_tui import keys
from trackerlite_tui.once import Still, encode
from trackerlite_tui.rows import row_width
from trackerlite_tui.screens import ORDER
from trackerlite_tui.screens.compare_cells import changed_words, value_cells
from tui.conftest import LOOKS, record

Make = Callable[..., Still]
SIZES = [(200, 50), (120, 40), (80, 24), (40, 12), (30, 8), (20, 5)]


def texts(made: Still) -> list[str]:
    """The rows of a desk's screen as plain text."""
    return ["".join(text for text, _ in row) for row in made.desk.paint()]


def whole(made: Still) -> str:
    """The screen as one text."""
    return "\n".join(texts(made))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "plain", "ascii"])
@pytest.mark.parametrize("screen", ORDER)
def test_every_screen_fits_every_terminal(
    still: Make, gallery: Path, screen: str, theme: str, size: tuple[int, int]
) -> None:
    """A frame has just as many rows and cells as the terminal, in colour, without, and in ASCII."""
    made = still(gallery, screen, *size, theme)
    frame = made.desk.paint()
    assert [row_width(row) for row in frame] == [size[0]] * size[1]
    if theme == "ascii":
        assert encode(frame, "text", made.desk.look).isascii()
    if theme == "plain":
        assert not any("#" in style for row in frame for _, style in row)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 4), (19, 5), (20, 4), (0, 0)])
def test_tiny_terminals_get_a_line(still: Make, store: Path, size: tuple[int, int]) -> None:
    """Below 20 × 5 there is a sparkline or a word, never an error."""
    made = still(store, "charts", *size)
    assert [row_width(row) for row in made.desk.paint()] == [size[0]] * size[1]


def test_a_small_terminal_shows_a_sparkline(still: Make, store: Path) -> None:
    """Where no chart fits, one line says the metric, its shape and its last value."""
    line = texts(still(store, "charts", 30, 3))[0]
    assert any(block in line for block in "▁▂▃▄▅▆▇█")


@pytest.mark.parametrize("screen", ORDER)
@pytest.mark.parametrize("size", [(160, 45), (60, 16)])
def test_every_key_of_every_screen_does_no_harm(
    still: Make, gallery: Path, screen: str, size: tuple[int, int]
) -> None:
    """Each key of the table can be pressed on its screen, alone and after others."""
    made = still(gallery, screen, *size)
    contexts = (screen, "list", "full", "inspect", "global")
    for entry in keys.TABLE:
        if entry.context not in contexts or entry.action.split(":")[0] in (
            "quit",
            "screen",
            "trash",
        ):
            continue
        for key in entry.keys:
            made.key(key)
            while made.desk._overlays:
                made.desk._overlays[-1].do_cancel("")
            if made.desk.name != screen:
                made.desk.act(f"screen:{screen}")
            assert [row_width(row) for row in made.desk.paint()] == [size[0]] * size[1]


# -- runs ---------------------------------------------------------------------------------


def test_the_table_has_names_metrics_and_what_differs(still: Make, store: Path) -> None:
    """Without any setting the table shows runs, their main metrics and the config that differs."""
    text = whole(still(store, columns=160))
    for word in ("run-0", "run-5", "val/f1", "val/loss", "lr", "tags", "lora", "6 runs"):
        assert word in text
    assert "depth" not in text  # the same in all


def test_marks_draw_and_sorting_sorts(still: Make, store: Path) -> None:
    """space marks, > sorts by the next column, O turns it round, X unmarks."""
    made = still(store)
    made.key("space", "space")
    assert len(made.desk.state.marks) == 2
    assert [run.name for run in made.desk.drawn()] == ["run-5", "run-4"]
    made.key("greater_than_sign")
    assert made.desk.state.sort == "name"
    assert made.desk.runs.runs[0].name == "run-0"
    made.key("O")
    assert made.desk.runs.runs[0].name == "run-5"
    made.key("X")
    assert made.desk.state.marks == []


def test_the_best_run_is_found_by_typing_its_metric(still: Make, store: Path) -> None:
    """o lists the columns, with which end comes first; some letters and enter sort by one."""
    made = still(store, columns=160)
    made.key("o")
    assert "last, the lowest first" in whole(made)
    _type(made, "val/loss")
    made.key("enter")
    made.settle()
    assert made.desk.state.sort == "m:val/loss"
    losses = [made.desk.runs.raw(run, "m:val/loss") for run in made.desk.runs.runs]
    assert losses == sorted(losses)


def test_sorting_by_a_metric_puts_the_best_first(still: Make, store: Path) -> None:
    """A loss sorts upwards and a score downwards, whatever the column shows."""
    made = still(store)
    made.desk.screen._sort_by("best:val/loss")
    made.settle()
    lows = [made.desk.runs.raw(run, "best:val/loss") for run in made.desk.runs.runs]
    assert lows == sorted(lows)
    made.desk.screen._sort_by("m:val/f1")
    made.settle()
    scores = [made.desk.runs.raw(run, "m:val/f1") for run in made.desk.runs.runs]
    assert scores == sorted(scores, reverse=True)


def test_sorting_begins_at_the_first_run(still: Make, store: Path) -> None:
    """Whoever sorts sees the best run under the cursor, wherever the cursor was."""
    made = still(store)
    made.key("G", "o")
    _type(made, "val/f1")
    made.key("enter")
    made.settle()
    best = max(made.desk.runs.runs, key=lambda run: made.desk.runs.raw(run, "m:val/f1"))
    assert made.desk.run() == made.desk.runs.runs[0] == best
    made.key("O")
    assert made.desk.run() == made.desk.runs.runs[0] != best


@pytest.mark.parametrize("screen", ORDER)
@pytest.mark.parametrize("key", ["n", "tab", "backspace"])
def test_a_key_that_can_do_nothing_says_so(still: Make, store: Path, screen: str, key: str) -> None:
    """Where there is nothing to find, no other pane or no filter, the footer says that."""
    made = still(store, screen)
    before = whole(made)
    made.key(key)
    assert whole(made) != before or made.desk.notice


@pytest.mark.parametrize(
    ("screen", "presses", "says"),
    [
        ("runs", ["X"], "no run is marked"),
        ("runs", ["y"], "y means nothing here"),
        ("system", ["s"], "s means nothing here"),
        ("charts", ["R"], "s smooths"),
        ("charts", ["minus"] * 5, "no larger charts"),
        ("media", ["right_square_bracket"], "the newest step"),
        ("media", ["b"], "histograms"),
    ],
)
def test_a_key_without_effect_says_why(
    still: Make, gallery: Path, screen: str, presses: list[str], says: str
) -> None:
    """A key that changes nothing that is seen is answered in the footer."""
    made = still(gallery, screen)
    made.key(*presses)
    assert says in made.desk.notice[0]


def test_a_time_axis_does_not_claim_to_be_logarithmic(still: Make, store: Path) -> None:
    """Time is drawn linearly, and the status says log only where x is."""
    made = still(store, "charts", axis="wall")
    made.key("ctrl+l")
    assert "linear" in made.desk.notice[0]
    assert "x scale" not in texts(made)[1]
    assert "x scale log" in texts(still(store, "charts", x_kind="log"))[1]


def _type(made: Still, text: str) -> None:
    for char in text:
        made.desk.key(keys.named(char), char)
        made.settle()


def test_filtering_tells_the_count_while_typing(still: Make, store: Path) -> None:
    """f opens the filter; each letter changes the verdict; enter keeps it, backspace clears it."""
    made = still(store)
    made.key("f")
    _type(made, "tag:lora")
    assert "3 runs" in texts(made)[-2]
    made.key("enter")
    assert [run.name for run in made.desk.runs.runs] == ["run-5", "run-3", "run-1"]
    assert made.desk.state.history == ["tag:lora"]
    made.key("backspace")
    assert len(made.desk.runs.runs) == 6


def test_a_filter_on_a_name_that_no_run_has(still: Make, store: Path) -> None:
    """Who leaves out `config.` is told so, beside the prompt and where the runs would be."""
    made = still(store)
    made.key("f")
    _type(made, "max_steps>1")
    sentence = "No run here has max_steps. Did you mean config.max_steps?"
    assert sentence in texts(made)[-2]
    made.key("enter")
    assert sum(sentence in line for line in texts(made)) == 1
    made.key("f")
    _type(made, " config.lr>1e9")
    made.key("enter")
    made.key("backspace")
    assert not any(sentence in line for line in texts(made))


def test_a_wrong_filter_says_where(still: Make, store: Path) -> None:
    """The reason stands beside the prompt, the place is underlined, the list stays."""
    made = still(store)
    made.key("f")
    _type(made, "tag:lora (")
    frame = made.desk.paint()
    assert any("underline" in style for _, style in frame[-2])
    assert len(made.desk.runs.runs) == 3
    made.key("escape")
    assert made.desk.state.filter == ""
    assert len(made.desk.runs.runs) == 6


def test_groups_have_a_heading_with_mean_and_spread(still: Make, store: Path) -> None:
    """Grouped by a config key, each value heads its runs."""
    made = still(store, columns=160, group="c:lr")
    text = whole(made)
    assert "0.001 · 2 runs" in text
    assert "±" in text


def test_columns_are_chosen_by_searching(still: Make, store: Path) -> None:
    """c lists everything that can be a column; typing narrows; space chooses."""
    made = still(store, columns=160)
    made.key("c")
    _type(made, "depth")
    made.key("space", "enter")
    assert "model.depth" in whole(made)


def test_all_matching_asks_above_sixty_four(still: Make, tmp_path: Path) -> None:
    """a marks what is listed, at once when few."""
    import trackerlite

    for index in range(3):
        trackerlite.init(project="p", name=f"r{index}", dir=str(tmp_path)).finish()
    made = still(tmp_path)
    made.key("a")
    assert len(made.desk.state.marks) == 3
    assert not made.desk._overlays


def test_alerts_are_rung_once_and_can_be_read(still: Make, tmp_path: Path) -> None:
    """What rang before one came does not ring again; ! lists what rang, of which run, the newest first."""
    import trackerlite
    from trackerlite.readers import Reader

    run = trackerlite.init(project="p", name="bad one", dir=str(tmp_path))
    run.alert("Old", "it was long ago", "WARN")
    run.log({"loss": 1.0}, step=1)
    run.finish()
    made = still(tmp_path)
    assert made.desk.notice is None
    with Reader.open(tmp_path) as reader:
        alerts = tuple(reader.alerts())
    newer = alerts[0]._replace(title="New", text="just now")
    made.desk.take(replace(made.desk.snapshot, alerts=(*alerts, newer)))
    assert made.desk.notice is not None
    assert made.desk.notice[0] == "bad one: New – just now"
    made.key("exclamation_mark")
    text = whole(made)
    assert text.index("bad one: New") < text.index("bad one: Old – it was long ago")
    made.key("enter")
    assert not made.desk._overlays


# -- charts -------------------------------------------------------------------------------


def test_charts_draw_the_marked_runs(still: Make, store: Path) -> None:
    """Each metric has a chart with the marked runs, the legend at the side."""
    made = still(store, "runs", 160, 45)
    made.key("space", "space", "enter")
    text = whole(made)
    assert made.desk.name == "charts"
    for word in ("val/f1", "val/loss", "train/loss", "run-5", "run-4"):
        assert word in text
    assert "run-3" not in text


def test_only_what_changed_is_drawn_again(still: Make, store: Path) -> None:
    """Moving the focus redraws the chart that lost it and the one that got it."""
    made = still(store, "charts", 160, 45)
    made.desk.paint()
    before = made.desk.screen.charts.drawn
    made.desk.paint()
    assert made.desk.screen.charts.drawn == before
    made.desk.key("l")
    made.desk.paint()
    assert made.desk.screen.charts.drawn == before + 2


def test_inspecting_reads_values_and_differences(still: Make, store: Path) -> None:
    """i puts a cursor on the last point; two marks give Δ for every run."""
    made = still(store, "runs", 160, 45)
    made.key("space", "2")
    made.desk.screen.focus_on("train/loss")
    made.key("z", "i", "left", "m", "H", "m")
    text = whole(made)
    assert "step 108" in text
    assert "A 118" in text
    assert "B 108" in text
    assert "Δ 10" in text
    run = made.desk.drawn()[0]
    curve = made.desk.snapshot.curves[run.key, "history", "train/loss"]
    assert f"Δ {curve.y[108] - curve.y[118]:.3g}"[:6] in text


@pytest.mark.parametrize("size", [(80, 24), (160, 45), (40, 12)])
def test_a_page_has_the_charts_that_are_seen(
    still: Make, store: Path, size: tuple[int, int]
) -> None:
    """Also while values are read below them, ] goes to the first chart that was not on the page."""
    made = still(store, "charts", *size, density=1)
    for key in ("g", "i"):
        made.key(key)
        seen = [cell[-1] for cell in made.desk.screen._cells]
        assert seen
        pages = -(-len(made.desk.screen.metrics()) // len(seen))
        assert pages == 1 or f"page 1 of {pages}" in whole(made)
    metrics = made.desk.screen.metrics()
    made.key("right_square_bracket")
    assert made.desk.screen.focus == metrics[len(seen) % len(metrics)]


def test_values_at_the_cursor_are_whole(still: Make, store: Path) -> None:
    """Step, time and clock of the point are never cut short, however narrow the panel."""
    made = still(store, "charts", 120, 40)
    made.key("i")
    panel = "\n".join(row[:30] for row in texts(made))
    assert "…" not in panel
    assert len(re.findall(r"\d\d:\d\d:\d\d", panel)) == 6


def test_zoom_pan_reset_follow(still: Make, store: Path) -> None:
    """The full view zooms around the middle, pans, goes back to all, and follows the end."""
    made = still(store, "charts", 120, 40)
    made.desk.screen.focus_on("train/loss")
    made.key("z", "up", "up")
    low, high = made.desk.screen.window
    assert 20 < low < 40 < 80 < high < 100
    made.key("right")
    assert made.desk.screen.window[0] > low
    made.key("0")
    assert made.desk.screen.window is None
    made.key("f")
    assert made.desk.screen.window[1] == 119
    made.key("escape")
    assert not made.desk.screen.full


@pytest.mark.parametrize("axis", ["relative", "wall", "val/loss", "lr"])
def test_any_x_axis(still: Make, store: Path, axis: str) -> None:
    """Time since the start, the clock, and another metric of the same run."""
    made = still(store, "charts", 120, 40, axis=axis)
    assert made.desk.snapshot.axis == axis
    curve = next(c for k, c in made.desk.snapshot.curves.items() if k[2] == "val/f1")
    assert len(curve.x) == 12
    assert (curve.x[1:] >= curve.x[:-1]).all()


def test_smoothing_keeps_the_raw_behind(still: Make, store: Path) -> None:
    """Smoothed curves come with the logged values dim behind them, R hides those."""
    made = still(store, "charts", 160, 45, smoothing=0.9)
    ink = made.desk.look.ink
    styles = {style for row in made.desk.paint() for _, style in row}
    assert ink.behind(ink.line(0)) in styles
    made.key("R")
    assert ink.behind(ink.line(0)) not in {style for row in made.desk.paint() for _, style in row}


def test_saving_writes_pictures_and_every_point(
    still: Make, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """w saves SVG, PNG and CSV beside where one stands; the CSV has each logged value exactly."""
    monkeypatch.chdir(tmp_path)
    made = still(store, "charts", 160, 45)
    made.desk.screen.focus_on("train/loss")
    for index in range(3):
        made.key("w", *["down"] * index, "enter")
    assert (tmp_path / "train-loss.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "train-loss.svg").read_text()
    rows = list(csv.DictReader((tmp_path / "train-loss.csv").open()))
    assert len(rows) == 6 * 120
    assert sum(row["value"] == "nan" for row in rows) == 1
    made.key("w", "enter")
    assert len(list(tmp_path.glob("train-loss*.svg"))) == 2  # nothing is overwritten


def test_a_changed_setting_is_seen_at_once(still: Make, store: Path) -> None:
    """Smoothing redraws every chart of the page, also after the store was opened anew."""
    made = still(store, "charts", 160, 45)
    before = whole(made)
    made.key("s", "s", "s")
    assert made.desk.state.smoothing == 0.9
    smooth = made.desk.snapshot.curves[made.desk.drawn()[0].key, "history", "train/loss"]
    assert not (smooth.smooth == smooth.y).all()
    assert whole(made) != before


def test_many_runs_become_bands(still: Make, store: Path) -> None:
    """b draws mean and spread; a group by config has a band for each value."""
    made = still(store, "charts", 160, 45, band=True)
    (band,) = made.desk.snapshot.bands["history", "train/loss"]
    assert band.runs == 6
    assert (band.low <= band.centre).all()
    assert "mean ± sd" in whole(made)
    made = still(store, "charts", 160, 45, band=True, color_by="lr")
    assert [b.label for b in made.desk.snapshot.bands["history", "train/loss"]] == [
        "0.001",
        "0.003",
        "0.01",
    ]


def test_bands_slide_while_followed(still: Make, tmp_path: Path) -> None:
    """The window on bands goes on with the runs, as it does with curves."""
    record(tmp_path, 0, steps=120)
    made = still(tmp_path, "charts", 160, 45, band=True)
    made.desk.screen.focus_on("train/loss")
    made.key("z", "f")
    assert made.desk.screen.window[1] == 119
    record(tmp_path, 1, steps=200)
    made.settle()
    assert made.desk.screen.window[1] == 199
    (band,) = made.desk.snapshot.bands["history", "train/loss"]
    assert band.x[-1] == 199


def test_metric_filter(still: Make, store: Path) -> None:
    """/ narrows the metrics by words and regular expressions."""
    made = still(store, "charts", 160, 45)
    made.key("slash")
    _type(made, "/^val/")
    assert made.desk.screen.metrics() == ["val/f1", "val/loss"]


# -- the others ---------------------------------------------------------------------------


def test_compare_shows_what_differs_coloured_by_direction(still: Make, store: Path) -> None:
    """Only differing keys; a lower loss is good, a lower score is not; b changes the baseline."""
    made = still(store, "runs", 160, 45)
    made.key("space", "space", "d")
    text = whole(made)
    assert made.desk.name == "compare"
    assert "run-5 (baseline)" in text
    assert "train/loss" in text
    assert "lr" in text
    assert "model.depth" not in text
    made.key("D")
    assert "model.depth" in whole(made)
    made.key("b")
    assert "run-4 (baseline)" in whole(made)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x" * 200 + " dog", "x" * 200 + " fox"),
        (1234567, 1234568),
        (0.00012341, 0.00012342),
        ([*range(60), 1], [*range(60), 2]),
    ],
)
def test_different_values_never_look_the_same(one: Any, other: Any) -> None:
    """Where two values differ beyond what a cell usually shows, it shows that part."""
    row = value_cells([one, other], 24, LOOKS["plain"])
    text = "".join(piece for piece, _ in row)
    assert text[:24].strip() != text[25:49].strip()


def test_compare_highlights_changed_words() -> None:
    """Of two texts the words that differ are bold, the others are not."""
    row = changed_words("flip,crop,mixup", "flip,crop,jitter", LOOKS["dark"])
    assert [text for text, style in row if "bold" in style] == ["jitter"]


def test_logs_follow_search_and_wrap(still: Make, tmp_path: Path) -> None:
    """The console is shown from its end; / finds, n goes on, W wraps."""
    import trackerlite

    run = trackerlite.init(project="p", name="talker", dir=str(tmp_path))
    folder = run.folder
    run.finish()
    lines = [
        f"2026-01-31T12:00:{i % 60:02}.000Z out line {i} " + "x" * (i == 7) * 300
        for i in range(100)
    ]
    (folder / "console.log").write_text(
        "\n".join([*lines, "2026-01-31T12:01:40.000Z err \x1b[31mred\x1b[2J\n"])
    )
    made = still(tmp_path, "logs", 80, 24)
    text = whole(made)
    assert "line 99" in text
    assert "line 10 " not in text
    assert "red␛[2J" in text
    made.key("slash")
    _type(made, "line 7 ")
    made.key("enter")
    assert "line 7 " in whole(made)
    assert "1 line" in texts(made)[1]
    made.key("W")
    assert len(made.desk.screen._shown) > 101


def test_media_shows_each_kind(still: Make, gallery: Path) -> None:
    """Histogram, matrix, curves, table, picture and text are each drawn as what they are."""
    made = still(gallery, "media", 140, 40)
    seen = {}
    for _ in range(7):
        current = made.desk.screen._current()
        assert current is not None
        seen[current[0]] = whole(made)
        made.key("j")
    assert "on the diagonal" in seen["cm"]
    assert "cat" in seen["cm"]
    assert "row 4 of 3" in seen["samples"]
    assert "▀" in seen["img"]
    assert "at 3" in seen["img"]
    assert "from step 3" in seen["note"]
    assert "█" in seen["grads"]
    assert any("⠁" <= char <= "⣿" for char in seen["roc"])


def test_media_scrubs_through_steps(still: Make, gallery: Path) -> None:
    """[ and ] go through the steps; the newest stays the newest when more come."""
    made = still(gallery, "media", 140, 40)
    made.key("slash")
    _type(made, "note")
    made.key("enter", "left_square_bracket")
    assert "from step 2" in whole(made)
    made.key("right_square_bracket")
    assert "from step 3" in whole(made)
    assert made.desk.screen._steps == {}


def test_edits_and_undo(still: Make, tmp_path: Path) -> None:
    """Tags, notes, name and trash reach the store, and u takes each back."""
    import trackerlite
    from trackerlite.readers import Reader

    trackerlite.init(project="p", name="first", dir=str(tmp_path)).finish()

    def now() -> Any:
        with Reader.open(tmp_path) as reader:
            return (reader.runs() + reader.runs(trashed=True))[0]

    made = still(tmp_path)
    made.key("T")
    _type(made, "good, quick")
    made.key("enter")
    assert now().tags == ("good", "quick")
    made.key("e")
    _type(made, "why")
    made.key("enter")
    _type(made, "not")
    made.key("ctrl+s")
    assert now().notes == "why\nnot"
    made.key("R", "ctrl+u")
    _type(made, "second")
    made.key("enter")
    assert now().name == "second"
    made.key("D")
    assert now().trashed
    for _ in range(4):
        made.key("u")
    run = now()
    assert (run.tags, run.notes, run.name, run.trashed) == ((), None, "first", False)
