"""The desk in a terminal: Textual's pilot, a real pseudo-terminal, live runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual._xterm_parser import XTermParser

import trackerlite
from trackerlite.errors import BadInput
from trackerlite.readers import Reader
from trackerlite_tui import main
from trackerlite_tui.app import TrackerApp
from trackerlite_tui.feed import Feed
from trackerlite_tui.rows import row_width
from trackerlite_tui.state import State, load, save


def make_app(folder: Path, **state: Any) -> TrackerApp:
    """The app on a store, that fails loudly."""
    return TrackerApp(
        lambda: Reader.open(folder, refresh=False), str(folder), state=State(theme="dark", **state), remember=False,
        strict=True, live=0.05,
    )  # fmt: skip


async def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


def drawn(app: TrackerApp) -> bool:
    """Whether a curve is on the surface."""
    return any("\u2801" <= char <= "\u28ff" for char in shown(app))


def shown(app: TrackerApp) -> str:
    """What is on the surface."""
    return "\n".join("".join(text for text, _ in row) for row in app.surface.rows)


async def test_from_table_to_charts_to_quit(store: Path) -> None:
    """Keys reach the desk: mark, charts, full, inspect, back, quit."""
    app = make_app(store)
    async with app.run_test(size=(140, 45)) as pilot:
        await until(lambda: "run-0" in shown(app))
        await pilot.press("space", "space", "2")
        await until(lambda: "train/loss" in shown(app) and drawn(app))
        await pilot.press("enter", "i", "left")
        await until(lambda: "step 100" in shown(app))
        await pilot.press("escape", "escape")
        assert not app.desk.screen.full
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Everywhere" in shown(app)
        await pilot.press("escape", "q")
    assert app.return_code == 0


async def test_the_preview_follows_the_cursor(store: Path) -> None:
    """After a key the whole screen is soon as the desk paints it, the preview with it."""
    app = make_app(store)
    async with app.run_test(size=(140, 45)) as pilot:
        await until(lambda: "run-0" in shown(app) and drawn(app))
        for key in "jjk":
            await pilot.press(key)
        name = app.desk.run().name  # type: ignore[union-attr]
        await until(
            lambda: any(row.startswith("──") and name in row for row in shown(app).split("\n"))
        )


async def test_ctrl_c_quits_and_closes_what_is_open(store: Path) -> None:
    """The first ctrl+c closes a prompt, the next one leaves."""
    app = make_app(store)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: "run-0" in shown(app))
        await pilot.press("f", "x", "ctrl+c")
        assert not app.desk._overlays
        assert app.desk.state.filter == ""
        await pilot.press("ctrl+c")
    assert app.return_code == 0


async def test_a_key_right_behind_esc(store: Path) -> None:
    """What a terminal sends for Esc and a key within a tenth of a second reads like Alt with the key:
    both count."""
    app = make_app(store)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: "run-0" in shown(app))
        await pilot.press("question_mark")
        app.post_message(events.Key("alt+j", "j"))
        await pilot.pause()
        assert app.desk.screen.table.index == 1
        await until(lambda: "Keys · " not in shown(app))
        app.post_message(events.Key("alt+question_mark", "?"))
        await until(lambda: "Keys · " in shown(app))


@pytest.mark.parametrize(("typed", "name"), [("3", "compare"), ("J", "runs"), ("6", "media")])
async def test_what_a_terminal_sends_for_esc_and_a_key(store: Path, typed: str, name: str) -> None:
    """Whatever key comes right behind Esc, as the terminal sends it, is that key; a digit is no £."""
    app = make_app(store)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: "run-0" in shown(app))
        await pilot.press("question_mark")
        parser = XTermParser(False)
        sent = list(parser.feed("\x1b" + typed))
        await asyncio.sleep(0.2)
        for event in [*sent, *parser.tick()]:
            app.post_message(event)
        await until(lambda: "Keys · " not in shown(app) and app.desk.name == name)
        heard = app.desk.notice[0] if app.desk.notice else ""
        assert ("J means nothing here" in heard) == (typed == "J")


async def test_a_resize_storm_down_to_one_cell(store: Path) -> None:
    """Any sequence of sizes leaves a frame of the last one."""
    app = make_app(store, screen="charts")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: "train/loss" in shown(app))
        for size in [(200, 50), (1, 1), (80, 24), (20, 5), (3, 40), (200, 2), (40, 12), (101, 31)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert [row_width(row) for row in app.surface.rows] == [size[0]] * size[1]


async def test_the_mouse_focuses_opens_scrolls_and_sorts(store: Path) -> None:
    """A click on a tab, a heading, a row and a chart does what it looks like."""
    app = make_app(store)
    async with app.run_test(size=(140, 45)) as pilot:
        await until(lambda: "run-0" in shown(app))
        line = shown(app).splitlines()[2]
        await pilot.click(offset=(line.index("name"), 2))
        assert app.desk.state.sort == "name"
        await pilot.click(offset=(10, 6))
        assert app.desk.screen.table.index == 3
        await pilot.click(offset=(0, 6))
        assert len(app.desk.state.marks) == 1
        await pilot.click(offset=(12, 0))
        assert app.desk.name == "charts"
        await until(lambda: "train/loss" in shown(app))
        rows = shown(app).splitlines()
        y = next(i for i, row in enumerate(rows) if row.rfind("train/loss") >= 30)
        await pilot.click(offset=(rows[y].rindex("train/loss") + 2, y + 2))
        assert app.desk.screen.focus == "train/loss"


def test_live_redraws_take_a_twentieth_of_a_core(tmp_path: Path) -> None:
    """What a picture costs decides how soon the next one comes: a dear one rests longer, not for long."""
    feed = Feed(lambda: Reader.open(tmp_path), lambda _: None)
    waits = []
    for cost in (0.0, 0.004, 0.06, 5.0):
        feed.painting_cost = cost
        waits.append(feed._rest())
    assert waits == pytest.approx([0.5, 0.5, 1.56, 2.0])


async def test_a_live_run_is_seen_growing_and_ending(tmp_path: Path) -> None:
    """A store that is not there yet, a first run, its points, its end: all without a key."""
    app = make_app(tmp_path / "s", screen="charts")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: "There is no store" in shown(app))
        run = trackerlite.init(project="p", name="newborn", dir=str(tmp_path / "s"))
        for step in range(50):
            run.log({"loss": 1 / (step + 1)}, step=step)
        await until(
            lambda: "newborn" in shown(app) and "1 live" in shown(app) and "0.02" in shown(app)
        )
        app.desk.freeze()
        run.log({"loss": 0.00123}, step=50)
        await until(
            lambda: (
                app.desk.latest.curves and next(iter(app.desk.latest.curves.values())).count == 51
            )
        )
        await pilot.pause()
        assert "0.00123" not in shown(app)
        app.desk.freeze()
        await until(lambda: "0.00123" in shown(app))
        run.alert("Loss is fine", "nothing to see", "WARN")
        await until(lambda: "Loss is fine" in shown(app))
        run.finish()
        await until(lambda: "no run is live" in shown(app))


async def test_a_quiet_screen_repaints_nothing(store: Path) -> None:
    """Painting again what has not changed sends no cell to the terminal."""
    app = make_app(store, screen="charts")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: drawn(app) and not app.desk.snapshot.loading)
        await pilot.pause(0.3)
        before = app.surface.repainted
        for _ in range(5):
            app.paint()
        assert app.surface.repainted == before


async def test_no_color_does_not_crash(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR=1 paints without a colour and without an error."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = TrackerApp(
        lambda: Reader.open(store),
        str(store),
        state=State(screen="charts"),
        remember=False,
        strict=True,
    )
    async with app.run_test(size=(120, 40)):
        await until(lambda: "train/loss" in shown(app) and "●" in shown(app))


def test_state_is_remembered_with_the_person(store: Path, tmp_path: Path) -> None:
    """Filter, marks, sort and theme come back; nothing of it lies in the store."""
    before = sorted(path.name for path in (store / ".trackerlite").iterdir())
    state = State(
        theme="light", filter="tag:lora", marks=["a"], sort="name", colors={"a": 3}, columns=["age"]
    )
    save(str(store), state)
    assert load(str(store)) == state
    assert load(str(tmp_path)) == State()
    assert sorted(path.name for path in (store / ".trackerlite").iterdir()) == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"theme": 3, "marks": "x", "colors": {"a": "b"}, "columns": [1]}']
)
def test_a_damaged_state_is_forgotten(store: Path, text: str) -> None:
    """A state file that makes no sense costs the memory, not the session."""
    save(str(store), State())
    next((Path(os.environ["XDG_STATE_HOME"]) / "trackerlite" / "tui").iterdir()).write_text(text)
    assert load(str(store)) == State()


@pytest.mark.parametrize("form", ["text", "svg", "png"])
def test_one_frame(store: Path, tmp_path: Path, form: str) -> None:
    """`--once` writes a frame of the size asked for and returns 0."""
    path = tmp_path / f"frame.{form}"
    assert main(store, once=True, screen="charts", size=(100, 30), format=form, output=path) == 0
    data = path.read_bytes()
    assert data.startswith({"text": b"  1 Runs", "svg": b"<svg", "png": b"\x89PNG"}[form])
    if form == "text":
        assert len(data.decode().splitlines()) == 30


def test_wrong_words_are_refused(store: Path) -> None:
    """An unknown screen or format is named, with those that there are."""
    with pytest.raises(BadInput, match="Screens: runs, charts"):
        main(store, once=True, screen="nowhere")
    with pytest.raises(BadInput, match="Formats: text, svg, png"):
        main(store, once=True, format="gif")
    with pytest.raises(BadInput, match="needs a terminal"):
        main(store)


# A command, and what it may not load. The table is painted before NumPy is needed.
_LIGHT = """
import sys
import trackerlite_tui, trackerlite_tui.app, trackerlite_tui.desk, trackerlite_tui.screens.runs, trackerlite_tui.feed
heavy = {"numpy", "tensorboard", "wandb", "torch", "PIL", "pandas"} & {name.split(".")[0] for name in sys.modules}
sys.exit(f"loaded {heavy}" if heavy else 0)
"""


def test_numpy_is_not_loaded_before_the_first_frame() -> None:
    """Importing the app and the first screen loads nothing heavy."""
    subprocess.run([sys.executable, "-c", _LIGHT], check=True, timeout=60)


_CURVES_ALONE = """
import sys
import trackerlite_tui.curves.chart, trackerlite_tui.curves.picture
found = {"textual", "rich", "sqlite3", "click"} & set(sys.modules)
sys.exit(f"loaded {found}" if found else 0)
"""


def test_curves_know_no_terminal_library() -> None:
    """The command line draws with the same code, without Textual."""
    subprocess.run([sys.executable, "-c", _CURVES_ALONE], check=True, timeout=60)


_TRAIN = """
import sys, time, trackerlite
run = trackerlite.init(project="p", name="trainee", dir=sys.argv[1])
for step in range(1500):
    run.log({"loss": 1 / (step + 1)}, step=step)
    time.sleep(0.01)
run.finish()
"""


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_in_a_real_terminal_from_start_to_quit(tmp_path: Path) -> None:
    """In tmux: a run that trains meanwhile is seen live, resizes are survived, q gives the shell back."""
    socket = tmp_path / "tmux"

    def tmux(*words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", str(socket), *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        ).stdout

    def wait_for(*wanted: str, seconds: float = 20.0) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            screen = tmux("capture-pane", "-p", "-t", "t")
            if all(word in screen for word in wanted):
                return screen
            time.sleep(0.1)
        raise AssertionError(f"{wanted} did not appear:\n{screen}")

    trainee = subprocess.Popen(
        [sys.executable, "-c", _TRAIN, str(tmp_path / "s")], stderr=subprocess.DEVNULL
    )
    try:
        command = f"{sys.executable} -c \"import trackerlite_tui; trackerlite_tui.main('{tmp_path / 's'}')\"; echo back $?"
        environment = ["LC_ALL=C.UTF-8", f"XDG_STATE_HOME={tmp_path / 'state'}"]
        shell = [
            "env",
            "-u",
            "COLUMNS",
            "-u",
            "LINES",
            *environment,
            "sh",
            "-c",
            f"{command}; sleep 60",
        ]
        tmux("-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", "120", "-y", "40", *shell)
        wait_for("trainee", "1 live")
        tmux("send-keys", "-t", "t", "2")
        first = wait_for("loss", "⡀")
        end = time.monotonic() + 20  # the first frame stands before the app does
        while tmux("capture-pane", "-p", "-t", "t") == first:
            assert time.monotonic() < end, "nothing moves"
            time.sleep(0.1)
        for width, height in ((60, 20), (20, 5), (8, 3), (150, 45)):
            tmux("resize-window", "-t", "t", "-x", str(width), "-y", str(height))
            time.sleep(0.1)
        wait_for("loss", "1 Runs")
        tmux("send-keys", "-t", "t", "q")
        wait_for("back 0")
    finally:
        trainee.terminate()
        trainee.wait(10)
        tmux("kill-server")
