"""Names that attack a terminal, in every place that shows one."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import trackerlite
from trackerlite.readers import RunInfo
from trackerlite_tui import details
from trackerlite_tui.desk import Desk
from trackerlite_tui.effects import Nothing
from trackerlite_tui.look import look
from trackerlite_tui.once import Still
from trackerlite_tui.rows import Row, row_width
from trackerlite_tui.screens import ORDER
from trackerlite_tui.snapshot import MetricName, Snapshot
from trackerlite_tui.state import State
from trackerlite_tui.widgets.menu import Choice, Menu
from trackerlite_tui.widgets.pages import Pages
from trackerlite_tui.widgets.prompt import Prompt, Writer
from trackerlite_tui.widgets.surface import strip_of

ATTACKS = [
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1b[6n",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\x00\x08\x7f",
    "[/red]",
    "[bold]acc[top5][/]",
    "[@click=app.quit]x[/]",
    "\u202eevil\u2066",
    "a\nb\rc\td",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "e\u0301" * 20,
    "漢字" * 40,
    "\ud800",
    "x" * 5000,
    "../../etc/passwd",
    "\u200b\ufeff\u2028",
]


def names(count: int) -> list[str]:
    """That many hostile names, no two alike."""
    noise = random.Random(6)
    alphabet = [
        chr(c)
        for c in (
            *range(0x250),
            *range(0x300, 0x320),
            *range(0x2000, 0x2070),
            *range(0x1F600, 0x1F640),
        )
    ]
    out = list(ATTACKS)
    while len(out) < count:
        body = "".join(noise.choices(alphabet, k=noise.randrange(1, 40)))
        out.append(noise.choice(ATTACKS)[:60] + body)
    return out


def check(rows: list[Row], columns: int) -> None:
    """No control, no markup eaten, every row as wide as the screen by both tables."""
    for row in rows:
        text = "".join(piece for piece, _ in row)
        assert all(
            c >= " " and not "\x7f" <= c <= "\x9f" and not "\ud800" <= c <= "\udfff" for c in text
        )
        assert not any(
            c in text
            for c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2028\ufeff"
        )
        assert row_width(row) == columns
        assert sum(segment.cell_length for segment in strip_of(row, look("dark").ink)) == columns


def _run(key: int, name: str) -> RunInfo:
    return RunInfo(
        key, f"id{key}", f"id{key}", name, name, "running", name, name, name, (name,), name, 1, 1.0, None, 2.0, None,
        name, 5, 0, Path("/"), False,
    )  # fmt: skip


def _desk(run_names: list[str], screen: str) -> Desk:
    runs = tuple(_run(key, name) for key, name in enumerate(run_names))
    config = {run.key: {run.name[:20]: run.name, "lr": run.key} for run in runs[:100]}
    metrics = tuple(MetricName(name, "history", 1, "min", name) for name in run_names[:100])
    desk = Desk(
        State(screen=screen), Nothing(), appearance=look("dark", {"LANG": "C.UTF-8"}), strict=True
    )
    desk.resize(150, 52)
    desk.take(Snapshot(runs=runs, config=config, names=metrics, loading=False, store=run_names[-1]))
    return desk


def test_ten_thousand_names_in_the_run_table() -> None:
    """Every one of them is painted harmlessly, with its project, tags and config."""
    desk = _desk(names(10_000), "runs")
    desk.state.columns = ["project", "host", "tags", "notes", "group", "reason", "c:lr"]
    for top in range(0, 10_000, 28):
        desk.screen.do_top("")
        desk.screen.do_move(str(top + 27))
        check(desk.paint(), 150)


@pytest.mark.parametrize("screen", ORDER)
def test_every_screen_with_hostile_names(screen: str) -> None:
    """Headings, legends, charts, filters, the store's own path."""
    desk = _desk(names(60), screen)
    desk.state.filter = desk.state.metric_filter = ""
    desk.state.marks = [run.id for run in desk.snapshot.runs[:5]]
    desk.state.group = desk.state.color_by = names(5)[4]
    for _ in range(3):
        check(desk.paint(), 150)
        desk.state.metric_filter = names(20)[1]


@pytest.mark.parametrize("name", [*ATTACKS, *names(200)[-150:]])
def test_overlays_and_notices(name: str) -> None:
    """What is typed, listed, edited, told and asked."""
    desk = _desk([name, name], "runs")
    for overlay in (
        Prompt(desk, "runs", name, lambda _: None, verdict=lambda: (name, (0, 3))),
        Menu(desk, name, [Choice(name, name, name)], lambda _: None, search=True),
        Writer(desk, name, name, lambda _: None),
        Pages(desk, name, []),
    ):
        desk.open(overlay)
        overlay.paste(name)
        check(desk.paint(), 150)
        desk.close(overlay)
    desk.notify(name, "bad")
    check(desk.paint(), 150)
    desk.take(Snapshot(problem=name, loading=False))
    check(desk.paint(), 150)


def test_recorded_for_real(still: Callable[..., Still], tmp_path: Path) -> None:
    """Hostile names that the recorder took, read back from the store, on every screen."""
    for index, attack in enumerate(ATTACKS):
        run = trackerlite.init(
            project="p",
            name=attack[:4000],
            dir=str(tmp_path),
            config={f"k{index}": attack},
            tags=[attack[:60]],
        )
        run.log({f"m/{attack[:200]}": 1.0, "text": attack}, step=0)
        run.finish()
    for screen in ORDER:
        made = still(tmp_path, screen, 130, 45)
        check(made.desk.paint(), 130)


def test_a_console_line_loses_its_colours_and_shows_every_other_control() -> None:
    """Colours say nothing as text; whatever else a line tells a terminal to do is shown, not done."""
    line = details._console_line(
        b"2026-01-31T12:00:00.123Z out \x1b[1;38;5;196mloss\x1b[0m 0.5\x1b[K \x1b[2J\x1b]0;t\x07"
    )
    assert line.text == "loss 0.5 ␛[2J␛]0;t␇"
    assert (line.at, line.source) == (1769860800.123, "out")
    assert details._console_line(b"\x1b[31mno time").text == "no time"
