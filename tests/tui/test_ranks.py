"""Runs that several processes recorded: a line for rank 0, or for every rank."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from trackerlite.readers import Reader
from trackerlite_tui.app import TrackerApp
from trackerlite_tui.curves.palette import DARK_INK, LIGHT_INK, contrast
from trackerlite_tui.once import Still
from trackerlite_tui.state import State

from .conftest import texts
from .test_every_key import _until

_TRAIN = """
    import os, sys, time
    import trackerlite as tl
    rank = int(os.environ["RANK"])
    run = tl.init(project="p", dir=sys.argv[1], id=sys.argv[2], name=sys.argv[2], ranks="all")
    for step in range(50):
        extra = {"only/two": step} if rank == 2 else {}
        run.log({"loss": rank * 1000 + step, "steps": step * (rank + 1), **extra}, step=step)
    run.finish()
"""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of three processes each."""
    folder = tmp_path_factory.mktemp("ranks")
    launchers = ("SLURM_", "OMPI_", "TORCHELASTIC_", "TRACKERLITE_", "WANDB_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(launchers)}
    for name in ("first", "second"):
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(_TRAIN), str(folder), name],
                env={**environment, "RANK": str(rank), "WORLD_SIZE": "3"},
                stderr=subprocess.DEVNULL,
            )
            for rank in range(3)
        ]
        assert [process.wait(60) for process in processes] == [0, 0, 0]
    return folder


async def test_a_draws_all_ranks(ranks: Path) -> None:
    """`a` adds each other rank's line to a run's, in a colour of its own, and takes them away."""
    app = TrackerApp(
        lambda: Reader.open(ranks, refresh=False),
        str(ranks),
        state=State(theme="dark", screen="charts", marks=["first"]),
        remember=False,
        strict=True,
    )
    async with app.run_test(size=(130, 40)) as pilot:
        desk = app.desk
        assert await _until(lambda: bool(desk.snapshot.curves))
        names = {name for _, _, name in desk.snapshot.curves}
        assert names == {"loss", "steps"}
        await pilot.press("a")
        assert await _until(
            lambda: (
                {"loss [rank 1]", "loss [rank 2]", "only/two [rank 2]"}
                <= {name for _, _, name in desk.snapshot.curves}
            )
        )
        lines = desk.signs.strands()
        assert [one.rank for one in lines] == [0, 1, 2]
        assert len({desk.signs.strand_color(one) for one in lines}) == 3
        page = "\n".join("".join(text for text, _ in row) for row in desk.paint())
        assert "49 … 2049" in page, "the title spans what all ranks logged last"
        assert all(word in page for word in ("rank 1", "1049", "rank 2", "2049", "only/two"))
        await pilot.press("a")
        assert await _until(
            lambda: {name for _, _, name in desk.snapshot.curves} == {"loss", "steps"}
        )


def test_ranks_are_offered_where_there_are_some(
    ranks: Path, store: Path, still: Callable[..., Still]
) -> None:
    """The charts say that there are more ranks and which key draws them; without any, why not."""
    assert "ranks 0 of 3: a draws all" in texts(still(ranks, "charts"))[1]
    made = still(store, "charts")
    assert "ranks" not in texts(made)[1]
    made.key("a")
    assert "several processes" in texts(made)[-1]


def test_inspection_reads_each_rank(ranks: Path, still: Callable[..., Still]) -> None:
    """The cursor reads every rank's own value, below its run's."""
    made = still(ranks, "charts", ranks=True, marks=["first"], metric_filter="loss")
    made.key("i", "h")
    side = [row[:30].split() for row in texts(made)]
    values = {tuple(words[1:-1]): words[-1] for words in side if words[:1] == ["━━"]}
    assert values == {("first",): "48", ("rank", "1"): "1048", ("rank", "2"): "2048"}


def test_the_legend_counts_what_it_has_no_room_for(
    ranks: Path, still: Callable[..., Still]
) -> None:
    """Six lines on five rows are four of them, and a word of the others."""
    made = still(ranks, "charts", ranks=True)
    made.desk.screen.paint(120, 40)
    runs = made.desk.screen.runs()
    side = [
        "".join(text for text, _ in row).rstrip() for row in made.desk.screen.panel(runs, 29, 6)
    ]
    assert len(side) == 6
    assert [row.split()[1] for row in side[1:5]] == ["second", "rank", "rank", "first"]
    assert side[5] == " and 2 more"


def test_x_axis_is_the_ranks_own(ranks: Path, still: Callable[..., Still]) -> None:
    """On a metric as the x axis a rank's line lies over what that rank logged."""
    made = still(ranks, "charts", ranks=True, axis="steps", marks=["first"])
    ends = {name: curve.x[-1] for (_, _, name), curve in made.desk.snapshot.curves.items()}
    assert ends["loss"] == 49
    assert ends["loss [rank 2]"] == 49 * 3


def test_ranks_of_several_runs(ranks: Path, still: Callable[..., Still]) -> None:
    """Ranks of several runs have a shade of their run's colour, and without colour a sign each."""
    made = still(ranks, "charts", ranks=True)
    signs = made.desk.signs
    colors = {(one.run.id, one.rank): signs.strand_color(one) for one in signs.strands()}
    assert len(colors) == 6
    for name in ("first", "second"):
        assert colors[name, 1] == colors[name, 2] != colors[name, 0]
    assert colors["first", 1] != colors["second", 1]
    plain = still(ranks, "charts", theme="plain", ranks=True).desk.signs
    assert len({plain.strand_sign(one) for one in plain.strands()}) == 6


def test_shades_can_be_seen() -> None:
    """The shade of a line is still a line on its background: 3 to 1."""
    for ink in (DARK_INK, LIGHT_INK):
        assert min(contrast(ink.beside(color), ink.background) for color in ink.lines) >= 3


def test_compare_draws_another_ranks_metric(ranks: Path, still: Callable[..., Still]) -> None:
    """On Compare a metric of another rank has its curve, and enter opens it among all ranks."""
    made = still(ranks, "compare", marks=["first", "second"], metric_filter="two")
    made.key("D")
    assert "no points" not in "\n".join(texts(made))
    assert {name for _, _, name in made.desk.snapshot.curves} == {"only/two [rank 2]"}
    made.desk.clear_names()
    made.key("enter")
    assert made.desk.name == "charts"
    assert made.desk.screen.focus == "only/two"
    assert made.desk.state.ranks


def test_csv_has_the_ranks_that_are_drawn(
    ranks: Path, tmp_path: Path, still: Callable[..., Still]
) -> None:
    """A saved chart's points are those of its lines: rank 0's, or all ranks'."""
    for state, metrics in ((False, {"loss"}), (True, {"loss", "loss [rank 1]", "loss [rank 2]"})):
        made = still(ranks, "charts", ranks=state, marks=["first"], metric_filter="loss")
        made.key("w", "j", "j", "enter")
        [path] = tmp_path.glob("*.csv")
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert {row["metric"] for row in rows} == metrics
        assert len(rows) == 50 * len(metrics)
        path.unlink()
