"""What each key of the System and Sync screens does to what is shown there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from trackerlite_tui import keys
from trackerlite_tui.once import Still
from tui import fixed
from tui.conftest import texts

Make = Callable[..., Still]
GPU, GPU_MEMORY, CPU, MEMORY = (
    "system.gpu.0.gpu",
    "system.gpu.0.memoryAllocated",
    "system.cpu",
    "system.memory_percent",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs with four system metrics, none of them sent anywhere."""
    folder = tmp_path_factory.mktemp("written")
    fixed.build(folder)
    return folder


@pytest.fixture
def system(still: Make, written: Path) -> Still:
    """The System screen, wide enough for two charts beside each other."""
    return still(written, "system", 140, 30)


def focused(made: Still) -> str:
    """The metric that the panel at the side is about."""
    shown = texts(made)[2][:30].strip().rstrip("…")
    return next(name for name in (GPU, GPU_MEMORY, CPU, MEMORY) if name.startswith(shown))


def charts(made: Still) -> list[str]:
    """The metrics whose charts are on the screen, by their titles right of the panel."""
    text = "\n".join(row[30:] for row in texts(made))
    return [
        name for name in (GPU, GPU_MEMORY, CPU, MEMORY) if re.search(rf"{re.escape(name)} ", text)
    ]


def test_system_begins_with_gpus(system: Still) -> None:
    """GPUs stand before processor and memory, all on one page."""
    assert charts(system) == [GPU, GPU_MEMORY, CPU, MEMORY]
    assert focused(system) == GPU


@pytest.mark.parametrize(
    ("pressed", "metric"),
    [
        ("l", GPU_MEMORY),
        ("right", GPU_MEMORY),
        ("j", CPU),
        ("down", CPU),
        ("l j", MEMORY),
        ("l h", GPU),
        ("l left", GPU),
        ("j k", GPU),
        ("j up", GPU),
        ("n", GPU_MEMORY),
        ("n N", GPU),
        ("G", MEMORY),
        ("end", MEMORY),
        ("G g", GPU),
        ("G home", GPU),
    ],
)
def test_system_moves_among_charts(system: Still, pressed: str, metric: str) -> None:
    """Letters, arrows and n go to the neighbour in their direction; the panel tells its values."""
    system.key(*pressed.split())
    assert focused(system) == metric


@pytest.mark.parametrize("key", ["enter", "z"])
def test_system_shows_one_chart_in_full(system: Still, key: str) -> None:
    """Just that chart is left, ] and [ go to the next and back, esc to the grid."""
    system.key(key)
    assert charts(system) == [GPU]
    system.key("right_square_bracket")
    assert charts(system) == [GPU_MEMORY]
    system.key("left_square_bracket")
    assert charts(system) == [GPU]
    system.key("escape")
    assert len(charts(system)) == 4


def test_system_density_and_pages(system: Still) -> None:
    """- leaves fewer charts on a page, + more; the page keys go round all of them."""
    system.key("minus")
    fewer = charts(system)
    assert 0 < len(fewer) < 4
    for forth, back in (("right_square_bracket", "left_square_bracket"), ("pagedown", "pageup")):
        system.key(forth)
        assert charts(system) != fewer
        system.key(back)
        assert charts(system) == fewer
    system.key("plus")
    assert len(charts(system)) == 4
    system.key("minus", "equals_sign")
    assert len(charts(system)) == 4


def test_system_reads_values_at_a_time(system: Still) -> None:
    """i reads the last sample of every run, ← the one before, esc puts the panel back."""
    before = texts(system)
    system.key("i")
    panel = [row[:30] for row in texts(system)]
    assert "relative" in panel[3]
    last = re.findall(r"\d+m\d+|\d+[ms]", panel[3])
    assert last
    system.key("left", "left", "left")
    assert re.findall(r"\d+m\d+|\d+[ms]", texts(system)[3][:30]) != last
    system.key("escape")
    assert [row[:30] for row in texts(system)] == [row[:30] for row in before]


def test_system_filters_and_saves(system: Still, tmp_path: Path) -> None:
    """/ leaves the metrics that pass, backspace brings all back, w saves the focused one."""
    system.key("slash", *"memory", "enter")
    assert charts(system) == [GPU_MEMORY, MEMORY]
    system.key("backspace")
    assert len(charts(system)) == 4
    system.key("g", "w")
    assert any(f"Save {GPU}" in row for row in texts(system))
    system.key("enter")
    assert "<svg" in (tmp_path / "system.gpu.0.gpu.svg").read_text()
    assert f"saved {tmp_path / 'system.gpu.0.gpu.svg'}" in texts(system)[-1]


# -- sync ---------------------------------------------------------------------------------


@pytest.fixture
def sync(still: Make, written: Path) -> Still:
    """The Sync screen."""
    return still(written, "sync", 120, 30)


def under_the_cursor(made: Still) -> str:
    """The name of the run whose row is raised."""
    raised = made.desk.look.on("", "select").strip()
    rows = [row for row in made.desk.paint() if any(style.endswith(raised) for _, style in row[1:])]
    (row,) = rows[1:] if len(rows) > 1 else rows  # the header raises its tab
    return "".join(text for text, _ in row)[13:].split()[0]


def test_sync_moves_along_the_runs(sync: Still) -> None:
    """Letters, arrows, g and G, and half pages, as in every list."""
    names = ["wide-größe", "hot", "deeper", "baseline"]
    seen = [under_the_cursor(sync)]
    for key in ("j", "down", "j", "j"):
        sync.key(key)
        seen.append(under_the_cursor(sync))
    assert seen == [*names, names[-1]]
    for key, name in (("k", 2), ("up", 1), ("G", 3), ("g", 0), ("end", 3), ("home", 0), ("ctrl+d", 3), ("ctrl+u", 0)):  # fmt: skip
        sync.key(key)
        assert under_the_cursor(sync) == names[name], key


def test_sync_tells_all_of_one_run(sync: Still) -> None:
    """enter shows what was sent of the run under the cursor and how to send it; enter or esc closes."""
    for close in ("enter", "escape"):
        sync.key("g", "j", "enter")
        text = "\n".join(texts(sync))
        for words in ("never sent", "rows only here", "nowhere yet", "trackerlite sync run2abc"):
            assert words in text
        assert "esc close" in texts(sync)[-1]
        assert "choose" not in texts(sync)[-1]
        sync.key(close)
        assert "nowhere yet" not in "\n".join(texts(sync))


def test_sync_copies_the_command(sync: Still) -> None:
    """y puts the command that sends this run on the clipboard, and says which it is."""
    sync.key("G", "y")
    assert sync._effects.copied == "trackerlite sync run0abc"
    assert "copied: trackerlite sync run0abc" in texts(sync)[-1]


def test_sync_filters_runs(sync: Still) -> None:
    """/ leaves the runs that pass; backspace brings all back."""
    sync.key("slash")
    for char in "tag:sweep":
        sync.desk.key(keys.named(char), char)
        sync.settle()
    sync.key("enter")
    text = "\n".join(texts(sync))
    assert "2 never sent" in text
    assert "baseline" not in text
    sync.key("backspace")
    assert "4 never sent" in "\n".join(texts(sync))
