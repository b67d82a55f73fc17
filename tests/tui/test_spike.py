"""One point among a million, at every zoom level."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trackerlite.journal.scalars import Encoder
from trackerlite_tui.once import Still
from unit.journals import run_of, said, start

COUNT = 1_000_000
SPIKE = 500_003  # near the middle, around which the keys zoom
HIGH = 42.0


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a million points between -1 and 1, and one that is far above them."""
    folder = tmp_path_factory.mktemp("million")
    encoder = Encoder()
    rows = [start(started=0.0)]
    for step in range(COUNT):
        row = encoder.encode(
            {"loss": HIGH if step == SPIKE else math.sin(step * 0.7)}, step, step * 0.1
        )
        assert row is not None
        rows.append(row)
    rows.append(said(COUNT * 0.1, t="finish", state="finished", exit_code=0))
    run_of(folder / ".trackerlite", b"".join(rows))
    return folder


def places(made: Still) -> Iterator[float]:
    """Where on the x axis something is drawn in the upper half of the chart on the screen."""
    rows = ["".join(text for text, _ in row) for row in made.desk.paint()]
    screen = made.desk.screen
    ((left, top, _, high, name),) = screen._cells  # type: ignore[attr-defined]
    drawing = screen._drawings[name]  # type: ignore[attr-defined]
    first = top + 1 + 1  # below the screen's header and the chart's title
    for row in rows[first : first + (high - 2) // 2]:
        for column, char in enumerate(row[left + drawing.left :], drawing.left):
            if "\u2801" <= char <= "\u28ff":
                yield drawing.value_at(column)


def sees_the_spike(made: Still) -> bool:
    """Whether the upper half of the chart has the spike, at its place, and nothing else."""
    low, high = made.desk.screen.window or (0, COUNT - 1)  # type: ignore[attr-defined]
    cell = (high - low) / made.desk.screen._drawings["loss"].columns  # type: ignore[attr-defined]
    found = list(places(made))
    return bool(found) and all(abs(place - SPIKE) <= max(1.0, 1.5 * cell) for place in found)


@pytest.mark.parametrize("size", [(200, 50), (80, 24), (40, 12)], ids="{0[0]}x{0[1]}".format)
def test_a_spike_is_seen_at_every_zoom(
    still: Callable[..., Still], million: Path, size: tuple[int, int]
) -> None:
    """From all of the run down to a few points, and wherever one pans, the one high point is drawn at its place."""
    made = still(million, "charts", *size)
    made.key("enter")
    assert sees_the_spike(made)
    levels = 0
    while made.desk.screen.window is None or made.desk.screen.window[1] - SPIKE > 16:
        made.key("up")
        levels += 1
        for pan in ("", "right", "left", "left", "right"):
            made.key(*filter(None, [pan]))
            low, high = made.desk.screen.window
            assert low < SPIKE < high
            assert sees_the_spike(made), (levels, pan, low, high)
    assert levels >= 28
    made.key("0")
    assert sees_the_spike(made)
