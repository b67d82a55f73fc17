"""Every key that is promised, pressed in the running app: each changes what it says it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trackerlite.readers import Reader
from trackerlite_tui import keys
from trackerlite_tui.app import TrackerApp
from trackerlite_tui.desk import Desk
from trackerlite_tui.state import State

Probe = Callable[[Desk], Any]


def _state(name: str) -> Probe:
    return lambda desk: str(getattr(desk.state, name))


def _screen(name: str) -> Probe:
    return lambda desk: str(getattr(desk.screen, name))


def _open(desk: Desk) -> Any:
    return type(desk._overlays[-1]).__name__ if desk._overlays else None


def _at(desk: Desk) -> Any:
    return desk.screen.listing.index


def _row(desk: Desk) -> Any:
    return desk.screen.table.index


def _name(desk: Desk) -> Any:
    return desk.name


def _notice(desk: Desk) -> Any:
    return desk.notice


# For each screen: the key, and what must be another afterwards. Keys in a row go on from each other.
GLOBAL: list[tuple[str, Probe]] = [
    *((str(number), _name) for number in (2, 3, 4, 5, 6, 7, 1)),
    ("escape", _name),
    ("1", _name),
    *((key, _open) for opener in ("question_mark", "exclamation_mark", "ctrl+p", "colon", "slash") for key in (opener, "escape")),
    ("F", lambda desk: desk.frozen),
    ("F", lambda desk: desk.frozen),
    ("t", _state("theme")),
    ("r", _notice),
    ("u", _notice),
]  # fmt: skip
RUNS: list[tuple[str, Probe]] = [
    *((key, _row) for key in ("j", "k", "down", "up", "G", "g", "ctrl+d", "ctrl+u", "end", "home")),
    ("space", _state("marks")),
    ("j", _row),
    ("j", _row),
    ("v", _state("marks")),
    ("n", _row),
    ("N", _row),
    ("X", _state("marks")),
    ("a", _state("marks")),
    ("greater_than_sign", _state("sort")),
    ("less_than_sign", _state("sort")),
    ("O", _state("reverse")),
    ("p", _state("pinned_runs")),
    *((key, _open) for opener in ("o", "c", "e", "T", "R", "f", "b") for key in (opener, "escape")),
    ("Y", _notice),
    ("d", _name),
    ("1", _name),
    ("enter", _name),
]  # fmt: skip
CHARTS: list[tuple[str, Probe]] = [
    *((key, _screen("focus")) for key in ("l", "h", "right", "left", "G", "g")),
    ("minus", _state("density")),
    ("plus", _state("density")),
    ("p", _state("pinned_metrics")),
    ("s", _state("smoothing")),
    ("S", _state("smoothing")),
    ("R", _state("raw")),
    ("L", _state("y_kinds")),
    ("A", _notice),
    ("ctrl+l", _state("x_kind")),
    *((key, _open) for opener in ("x", "C", "w", "f", "slash") for key in (opener, "escape")),
    ("b", _state("band")),
    ("b", _state("band")),
    ("a", _notice),
    ("z", _screen("full")),
    ("escape", _screen("full")),
    ("enter", _screen("full")),
    ("up", _screen("window")),
    ("right", _screen("window")),
    ("left", _screen("window")),
    ("down", _screen("window")),
    ("up", _screen("window")),
    ("0", _screen("window")),
    ("f", _screen("window")),
    ("right_square_bracket", _screen("focus")),
    ("left_square_bracket", _screen("focus")),
    ("i", lambda desk: "inspect" in desk.contexts),
    *((key, _screen("cursor")) for key in ("left", "right", "shift+left", "shift+right", "H", "L")),
    ("m", _screen("marks")),
    ("full_stop", lambda desk: str(vars(desk.screen))),
    ("escape", lambda desk: "inspect" in desk.contexts),
]  # fmt: skip
COMPARE: list[tuple[str, Probe]] = [
    *((key, _at) for key in ("j", "k", "G", "g", "tab", "shift+tab")),
    ("b", _state("baseline")),
    ("D", _screen("everything")),
    ("y", _notice),
    ("slash", _open),
    ("escape", _open),
    ("enter", _name),
]
LOGS: list[tuple[str, Probe]] = [
    ("f", lambda desk: desk.screen.listing.following),
    ("W", _state("wrap")),
    ("slash", _open),
    ("escape", _open),
    ("right_square_bracket", lambda desk: desk.cursor_run),
    ("left_square_bracket", lambda desk: desk.cursor_run),
    ("J", _name),
]
MEDIA: list[tuple[str, Probe]] = [
    ("enter", _open),
    ("escape", _open),
    ("j", _at),
    ("k", _at),
    ("left_square_bracket", _screen("_steps")),
    ("right_square_bracket", _screen("_steps")),
    ("b", _screen("bands")),
    ("greater_than_sign", lambda desk: desk.cursor_run),
    ("less_than_sign", lambda desk: desk.cursor_run),
]


def _menu(desk: Desk) -> Any:
    return desk._overlays[-1]._index


def _chosen(desk: Desk) -> Any:
    return str(desk._overlays[-1]._chosen)


def _top(desk: Desk) -> Any:
    return desk._overlays[-1]._top


def _typed(desk: Desk) -> Any:
    return desk._overlays[-1].editor.text if desk._overlays else None


OVERLAY: list[tuple[str, Probe]] = [
    ("c", _open),
    *((key, _menu) for key in ("down", "up", "pagedown", "pageup", "ctrl+d", "ctrl+u", "end", "home")),
    ("space", _chosen),
    ("enter", _open),
    ("b", _open),
    ("ctrl+c", _open),
]  # fmt: skip
PAGES: list[tuple[str, Probe]] = [
    ("question_mark", _open),
    *((key, _top) for key in ("j", "k", "down", "up", "space", "pageup", "ctrl+d", "ctrl+u", "G", "g", "end", "home")),
    *((key, _open) for close in ("enter", "q", "ctrl+c", "escape") for key in (close, "question_mark")),
    ("question_mark", _open),
    ("exclamation_mark", _open),
    ("escape", _open),
]  # fmt: skip
PROMPT: list[tuple[str, Probe]] = [
    ("f", _open),
    ("x", _typed),
    ("enter", _open),
    ("f", _open),
    ("backspace", _typed),
    ("y", _typed),
    ("enter", _open),
    ("f", _open),
    ("z", _typed),
    ("up", _typed),
    ("down", _typed),
    ("escape", _open),
    ("f", _open),
    ("ctrl+c", _open),
    ("backspace", _state("filter")),
]
# What has a test of its own: the mouse's and the editor's neighbours, and what leaves the app.
ELSEWHERE = {"q", "D", "Z", "tab", "shift+tab", "backspace", "n", "N", "J", "K", "l", "h", "w", "y"}


async def _until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("screen", "presses"),
    [
        ("runs", GLOBAL),
        ("runs", RUNS),
        ("charts", CHARTS),
        ("compare", COMPARE),
        ("logs", LOGS),
        ("media", MEDIA),
        ("runs", OVERLAY),
        ("runs", PAGES),
        ("runs", PROMPT),
    ],
    ids=["global", "runs", "charts", "compare", "logs", "media", "overlay", "pages", "prompt"],
)
async def test_each_key_does_what_it_is_for(
    store: Path, gallery: Path, screen: str, presses: list[tuple[str, Probe]]
) -> None:
    """Pressed in turn, each key changes just that of which the table speaks."""
    folder = gallery if screen == "media" else store
    app = TrackerApp(
        lambda: Reader.open(folder, refresh=False),
        str(folder),
        state=State(theme="dark", screen=screen),
        remember=False,
        strict=True,
        live=0.05,
    )
    async with app.run_test(size=(160, 45)) as pilot:
        desk = app.desk
        assert await _until(lambda: bool(desk.snapshot.runs) and not desk.snapshot.loading)
        if screen in ("compare", "logs", "media"):
            details = desk.screen.wants().details[0]
            assert await _until(lambda: details in desk.snapshot.details)
        if screen == "charts":
            assert await _until(lambda: bool(desk.snapshot.curves))
        await pilot.pause()
        for key, probe in presses:
            before = probe(desk)
            await pilot.press(key)
            assert await _until(lambda before=before, probe=probe: probe(desk) != before, 5), key


def test_no_key_is_left_out() -> None:
    """Every line of the key table is pressed above, or on its screen's own page of tests."""
    pressed = {
        "global": GLOBAL,
        "list": RUNS,
        "runs": RUNS,
        "charts": CHARTS,
        "full": CHARTS,
        "inspect": CHARTS,
        "compare": COMPARE,
        "logs": LOGS,
        "media": MEDIA,
        "pages": PAGES,
        "overlay": OVERLAY,
        "prompt": PROMPT,
    }
    keys_of = {context: {key for key, _ in some} | ELSEWHERE for context, some in pressed.items()}
    left = [
        (entry.context, entry.keys)
        for entry in keys.TABLE
        if entry.context in pressed and not set(entry.keys) & keys_of[entry.context]
    ]
    assert not left


async def test_q_quits(store: Path) -> None:
    """q leaves, from any screen."""
    app = TrackerApp(lambda: Reader.open(store), str(store), state=State(), remember=False)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2", "q")
    assert app.return_code == 0
