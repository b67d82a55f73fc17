"""What the charts are of: which runs, which metrics, which bands, and the words that say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import trackerlite
from trackerlite.readers import Reader
from trackerlite_tui import keys
from trackerlite_tui.curves.numbers import number
from trackerlite_tui.once import Still
from trackerlite_tui.reading import Reading
from trackerlite_tui.snapshot import Wants
from tui.conftest import texts
from unit.journals import row, run_of, start

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


def test_a_band_of_noisy_curves_is_that_of_points_that_were_logged(
    still: Make, tmp_path: Path
) -> None:
    """Of thousands of points a band's centre is their mean at a step close by, its edges their spread."""
    noise = np.random.default_rng(0).normal(5.0, 1.0, (12, 3_000))
    ids = [f"r{number}" for number in range(12)]
    for run_id, losses in zip(ids, noise.tolist(), strict=True):
        rows = [row(step, step, {"loss": loss}) for step, loss in enumerate(losses)]
        run_of(tmp_path / ".trackerlite", start(id=run_id) + b"".join(rows), run_id)
    made = still(tmp_path, "charts", 160, 45, band=True, marks=ids)
    means, spreads = noise.mean(axis=0), noise.std(axis=0)
    made.key("enter")
    (band,) = made.desk.snapshot.bands["history", "loss"]
    reach = 12
    while band.x[1] - band.x[0] > 1:  # closer than steps, it is straight between them
        edges = zip(band.x[1:-1], band.low[1:-1], band.centre[1:-1], band.high[1:-1], strict=True)
        for x, *found in edges:
            near = slice(max(0, round(x) - reach), round(x) + reach + 1)
            step = np.abs(means[near] - found[1]).argmin()
            mean, spread = means[near][step], spreads[near][step]
            assert np.allclose(found, [mean - spread, mean, mean + spread], atol=1e-5)
        made.desk.paint()  # a zoom is of what is seen
        made.key("up")
        reach = 1  # zoomed in, no point is passed over
        (band,) = made.desk.snapshot.bands["history", "loss"]
    assert reach == 1


def test_runs_are_newest_only_while_the_newest_come_first(still: Make, store: Path) -> None:
    """The charts of the first runs of a sorted list do not claim to be those of the newest."""
    assert "newest 6 runs, none marked" in texts(still(store, "charts"))[1]
    assert "first 6 runs, none marked" in texts(still(store, "charts", sort="m:val/f1"))[1]


def test_charts_of_no_run_say_that_it_is_the_filter(still: Make, store: Path) -> None:
    """Where a filter leaves no run, marking runs would not help."""
    page = "\n".join(texts(still(store, "charts", filter="name:nobody")))
    assert "no run passes the filter" in page
    assert "mark runs" not in page


def _mixed(folder: Path) -> None:
    """A run with a loss, and another whose metrics come first in the alphabet."""
    for name, metrics in (("plain", ["loss"]), ("other", [f"a{i}" for i in range(40)])):
        with trackerlite.init(project="p", name=name, dir=str(folder)) as run:
            for step in range(3):
                run.log(dict.fromkeys(metrics, 1.0 * step))


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


def test_the_legend_of_bands_says_which_is_which(still: Make, store: Path) -> None:
    """Each band is listed with its colour, how many runs it stands for and where it ends."""
    made = still(store, "charts", 160, 45, band=True, color_by="lr")
    rows = made.desk.paint()
    bands = made.desk.snapshot.bands["history", made.desk.screen.focus]
    for band in bands:
        row = next(row for row in rows if f"{band.label} (2)" in "".join(t for t, _ in row))
        assert (f"{number(float(band.centre[-1]))}") in "".join(text for text, _ in row)
        assert made.desk.look.ink.line(band.place) in [style for _, style in row]
    narrow = texts(still(store, "charts", 80, 24, band=True, color_by="lr"))
    assert all(f"{band.label} (2)" in narrow[2] for band in bands)


def test_a_group_has_one_colour_everywhere(still: Make, tmp_path: Path) -> None:
    """Runs, their band and its line agree on the colour, also where a group has no such metric."""
    for index, lr in enumerate((10, 9, 9, None)):
        config = {} if lr is None else {"lr": lr}
        with trackerlite.init(project="p", name=f"r{index}", config=config, dir=tmp_path) as run:
            for step in range(3):
                run.log({"both": step} | ({} if lr == 9 else {"some": step}), step=step)
    made = still(tmp_path, "charts", 160, 45, band=True, color_by="lr")
    desk = made.desk
    assert [label for label, _ in desk.signs.groups()] == ["9", "10", "none"]
    for label, runs in desk.signs.groups():
        for metric in ("both", "some"):
            found = [b for b in desk.snapshot.bands["history", metric] if b.label == label]
            for band in found:
                assert {desk.color(run) for run in runs} == {desk.look.ink.line(band.place)}
    assert [b.label for b in desk.snapshot.bands["history", "some"]] == ["10", "none"]


def test_values_that_look_alike_are_groups_apart(still: Make, tmp_path: Path) -> None:
    """Seeds of seven digits, which a cell shows as 1.235M, are not thrown together."""
    for seed in (1234567, 1234568):
        trackerlite.init(project="p", config={"seed": seed}, dir=tmp_path).finish()
    made = still(tmp_path, group="c:seed")
    text = "\n".join(texts(made))
    assert "1234567 · 1 run" in text
    assert "1234568 · 1 run" in text


def test_without_colour_the_table_has_the_signs_of_the_lines(still: Make, store: Path) -> None:
    """The sign before a run in the table is the one on its line and in the legend."""
    made = still(store, "runs", 160, 45, theme="plain")
    made.key("X", "G", "space", "k", "k", "space")
    table = [row for row in texts(made) if "run-" in row][:6]
    signs = {row.split()[2]: row.split()[0] for row in table if row[0] != " "}
    made.key("enter")
    legend = [row.split() for row in texts(made)[3:5]]
    assert {parts[1]: parts[0] for parts in legend} == signs
    assert len(set(signs.values())) == 2


def test_a_run_that_says_nothing_any_more_is_not_live(still: Make, tmp_path: Path) -> None:
    """A process that is there but was stopped has no pace and no end in sight; it comes back."""
    run = trackerlite.init(project="p", name="paused", config={"max_steps": 9}, dir=str(tmp_path))
    try:
        for step in range(3):
            run.log({"loss": step}, step=step)
        made = still(tmp_path)
        fresh = made.desk.snapshot
        assert "1 live" in texts(made)[0]
        made.desk.take(replace(fresh, at=fresh.at + 400, stamp=fresh.stamp + 1))
        text = "\n".join(texts(made))
        assert "1 silent" in texts(made)[0]
        assert "live" not in texts(made)[0]
        assert "silent 6m" in text
        assert "silent for 6m" in text
        assert made.desk.runs.raw(made.desk.run(), "left") is None
        made.desk.take(fresh)
        assert "1 live" in texts(made)[0]
        assert "silent" not in "\n".join(texts(made))
    finally:
        run.finish()


def test_a_mark_beyond_a_runs_end_gives_it_no_difference(still: Make, tmp_path: Path) -> None:
    """A run that ended before the cursor says where it ended, and has no Δ between later marks."""
    for name, steps in (("short", 10), ("long", 40)):
        with trackerlite.init(project="p", name=name, dir=str(tmp_path)) as run:
            for step in range(steps):
                run.log({"loss": 1.0 + step}, step=step)
    made = still(tmp_path, "charts", 140, 40)
    made.key("i", "m", "H", "m")
    text = "\n".join(row[:30] for row in texts(made))
    assert "ended at step 9" in text
    assert text.count("Δ") == 2  # of the marks, and of the run that has both


def test_one_never_looks_at_nothing(still: Make, store: Path) -> None:
    """Panning ends at the curve's ends and zooming at a depth, and both say so."""
    made = still(store, "charts", 120, 40)
    made.desk.screen.focus_on("train/loss")
    made.key("z", "right")
    assert "zooms in" in made.desk.notice[0]
    made.key("up", "up", *["right"] * 20)
    low, high = made.desk.screen.window
    assert low < 119 <= high
    assert "ends here" in made.desk.notice[0]
    made.key(*["left"] * 30)
    low, high = made.desk.screen.window
    assert low <= 0 < high
    for _ in range(60):
        made.desk.act("zoom:1")
    assert "no deeper" in made.desk.notice[0]
    assert made.desk.screen.window[1] > made.desk.screen.window[0]
    made.key("0", "down")
    assert "the whole curve" in made.desk.notice[0]


def test_all_marks_nothing_that_the_filter_is_about_to_hide(still: Make, store: Path) -> None:
    """While a filter has no verdict yet, the runs that it will leave out are not marked."""
    made = still(store)
    desk = made.desk
    desk.key("f")
    for char in "run-3":
        desk.key(keys.named(char), char)
    desk.key("enter")
    desk.key("a")
    assert not desk.state.marks
    assert "still being filtered" in desk.notice[0]
    made.settle()
    desk.key("a")
    assert len(desk.state.marks) == 1


def test_the_preview_names_the_tags(still: Make, store: Path) -> None:
    """Whoever has just tagged a run sees it, also where the table has no room for the column."""
    assert any("#lora" in row for row in texts(still(store, columns=80)))


def test_the_trash_leaves_the_columns_as_they_were(tmp_path: Path) -> None:
    """Back from the trash there are the metrics of the runs again, however quiet the store is."""
    _mixed(tmp_path)
    reading = Reading(lambda _: None)
    with Reader.open(tmp_path) as reader:
        reading.read(reader, Wants())
        names = reading.snapshot.names
        under_cursor = (reading.snapshot.runs[-1].key,)
        reading._names_at = 0.0  # as if one had looked at the runs for a while
        reading.read(reader, Wants(trashed=True, listed=under_cursor))
        reading.read(reader, Wants())
    assert len(names) >= 41
    assert reading.snapshot.names == names


def test_a_band_of_one_run_and_a_key_beside_its_value(still: Make, store: Path) -> None:
    """One run is no "1 runs", and a long config key does not run into the value."""
    made = still(store, "charts", 160, 45, band=True)
    made.key("1", "enter")
    assert "1 run " in "\n".join(row[:32] for row in texts(made))
    narrow = still(store, "compare", 40, 40, marks=made.desk.state.marks)
    narrow.desk.state.marks += [run.id for run in narrow.desk.runs.runs[1:3]]
    narrow.settle()
    for index, (kind, name, _) in enumerate(narrow.desk.screen._lines):
        if kind == "metric":
            row = narrow.desk.screen._line(index, len(name), 12)
            assert row[0][0].endswith(" ")
