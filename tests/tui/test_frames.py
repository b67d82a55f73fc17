"""Every screen at three sizes, against frames that were looked at and kept.

After a change that is meant to be seen: `python -m pytest tests/tui/test_frames.py --renew-frames`,
then look at `git diff tests/tui/frames`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from trackerlite_tui import order
from trackerlite_tui.curves.palette import contrast, parse_style
from trackerlite_tui.once import Still, encode
from trackerlite_tui.screens import ORDER
from tui import fixed

KEPT = Path(__file__).parent / "frames"
SIZES = [(200, 50), (80, 24), (40, 12)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of which nothing depends on the machine."""
    folder = tmp_path_factory.mktemp("fixed")
    fixed.build(folder)
    return folder


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is six in the morning in Greenwich, and stays so."""
    monkeypatch.setattr(order, "time", SimpleNamespace(time=lambda: fixed.NOW))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def frame(made: Still) -> str:
    """The screen as text, the store's own path replaced by one that all machines have."""
    made.desk.snapshot = replace(made.desk.snapshot, store="/home/ada/fraud/.trackerlite")
    return encode(made.desk.paint(), "text", made.desk.look).decode()


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("screen", ORDER)
def test_the_frame_is_the_one_that_was_kept(
    still: Callable[..., Still],
    written: Path,
    screen: str,
    size: tuple[int, int],
    request: pytest.FixtureRequest,
) -> None:
    """A screen changes only when somebody meant it to."""
    found = frame(still(written, screen, *size))
    path = KEPT / f"{screen}-{size[0]}x{size[1]}.txt"
    if request.config.getoption("--renew-frames"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    kept = path.read_text("utf-8")
    assert found.split(os.linesep) == kept.split(os.linesep)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("screen", ORDER)
def test_what_is_written_can_be_read(
    still: Callable[..., Still], written: Path, screen: str, theme: str
) -> None:
    """Every text of a frame, under the cursor and in a menu too, stands out by 4.5 to 1; a curve by 3."""
    for pressed in ((), ("j", "j"), ("question_mark",), ("colon",)):
        made = still(written, screen, 200, 50, theme)
        made.key(*pressed)
        ink = made.desk.look.ink
        for text, style in (piece for row in made.desk.paint() for piece in row):
            words = set(text) - set(" │┤─╭╮╰╯├┼▏━●▀█")
            color, behind, _ = parse_style(style, ink.text, ink.background)
            least = 4.5 if any(not "\u2800" <= char <= "\u28ff" for char in words) else 3
            assert not words or contrast(color, behind) >= least, (text, style)
