"""Pictures by the terminal's own graphics: asked for safely, drawn exactly, taken away whole."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
from textual._xterm_parser import XTermParser

from trackerlite.readers import Reader
from trackerlite_tui import terminal
from trackerlite_tui.app import TrackerApp
from trackerlite_tui.graphics import KITTY_AWAY, encode, open_image, sixel
from trackerlite_tui.look import look
from trackerlite_tui.once import Still
from trackerlite_tui.state import State
from trackerlite_tui.terminal import Answer, Graphics
from tui.conftest import texts

np = pytest.importorskip("numpy")
image_of = pytest.importorskip("PIL.Image")

XTERM = {"TERM": "xterm-256color"}
OK = b"\x1b_Gi=31;OK\x1b\\"
CELL = b"\x1b[6;20;10t"
SIXEL = b"\x1b[?62;4;6;22c"
PLAIN = b"\x1b[?1;2c"


@pytest.mark.parametrize(
    ("said", "env", "way"),
    [
        (OK + CELL + PLAIN, XTERM, "kitty"),
        (OK + CELL + SIXEL, XTERM, "kitty"),
        (b"\x1b_Gi=31;ENOTSUPPORTED\x1b\\" + CELL + SIXEL, XTERM, "sixel"),
        (CELL + SIXEL, XTERM, "sixel"),
        (SIXEL, XTERM, None),  # a Sixel has no size in cells
        (PLAIN, XTERM, None),
        (b"", XTERM, None),
        (b"\x1b[?62;14;44c", XTERM, None),  # a 4 within another number
        (PLAIN, {**XTERM, "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        (PLAIN, {**XTERM, "LC_TERMINAL": "iTerm2"}, "iterm2"),
        (PLAIN, {"TERM": "tmux-256color", "TMUX": "x", "LC_TERMINAL": "iTerm2"}, None),
        (OK + CELL + SIXEL, {**XTERM, "TRACKERLITE_IMAGES": "blocks"}, None),
        (b"", {**XTERM, "TRACKERLITE_IMAGES": "kitty"}, "kitty"),
    ],
)
def test_a_terminal_is_understood(said: bytes, env: dict[str, str], way: str | None) -> None:
    """The best of what it says it can; half blocks where it says nothing; the person has the last word."""
    answer = terminal.understand(said, env)
    assert (answer.graphics.way if answer.graphics else None) == way
    assert answer.typed == ""


def test_what_was_typed_meanwhile_is_not_lost() -> None:
    """Keys between the answers stay keys, in order."""
    answer = terminal.understand(b"2" + OK + b"j" + CELL + SIXEL + "é".encode(), XTERM)
    assert answer == Answer(Graphics("kitty", (10, 20)), "2jé")


@pytest.mark.parametrize(
    ("said", "background"),
    [
        (b"rgb:ffff/ffff/ffff", "light"),
        (b"rgb:fd/f6/e3", "light"),
        (b"rgba:ffff/ffff/eeee/ffff", "light"),
        (b"rgb:0000/2b2b/3636", "dark"),
        (b"rgb:1e1e/1e1e/1e1e", "dark"),
        (b"?", ""),
        (b"rgb:", ""),
    ],
)
@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\"], ids=["bell", "string"])
def test_a_light_background_is_told(said: bytes, background: str, end: bytes) -> None:
    """A terminal that tells its background's colour has light or dark by it, whatever the environment says."""
    answer = terminal.understand(b"2" + OK + b"\x1b]11;" + said + end + CELL + PLAIN, XTERM)
    assert (answer.background, answer.typed) == (background, "2")
    env = {**XTERM, "LANG": "C.UTF-8", "COLORFGBG": "0;15"}
    assert look("auto", env, answer.background).ink.dark is (background == "dark")
    assert look("dark", env, "light").ink.dark


async def test_an_answer_that_comes_late_is_no_typing(store: Path) -> None:
    """What a slow terminal answers after the start presses no keys; what the person types then does."""
    app = TrackerApp(
        lambda: Reader.open(store, refresh=False),
        str(store),
        state=State(theme="dark"),
        remember=False,
        answer=Answer(late=True),
    )
    async with app.run_test(size=(100, 30)) as pilot:
        parser = XTermParser(False)
        sent = list(parser.feed("\x1b]11;rgb:ffff/ffff/ffff\x1b\\" + OK.decode()))
        await asyncio.sleep(0.2)
        for event in [*sent, *parser.tick()]:
            app.post_message(event)
        await pilot.pause()
        assert (app.desk.name, app.desk.state.group, app.desk._overlays) == ("runs", "", [])
        await pilot.press("2")
        assert app.desk.name == "charts"


@pytest.mark.parametrize(
    "env",
    [
        {"TERM": "dumb"},
        {"TERM": "linux"},
        {},
        {**XTERM, "NO_COLOR": "1"},
        {**XTERM, "TRACKERLITE_IMAGES": "blocks"},
    ],
)
def test_who_cannot_answer_is_not_asked(env: dict[str, str]) -> None:
    """No byte is sent where it could only be printed."""
    assert terminal.question(env) == ""


@pytest.mark.parametrize("env", [{"TERM": "screen"}, {**XTERM, "TMUX": "/tmp/x"}, {**XTERM, "TERM_PROGRAM": "Apple_Terminal"}])  # fmt: skip
def test_no_application_command_where_it_shows(env: dict[str, str]) -> None:
    """tmux and screen would make Kitty's question the window's title, Apple's terminal would print it."""
    assert "\x1b_" not in terminal.question(env)
    assert terminal.question(env).endswith("\x1b[c")


# -- what is sent -------------------------------------------------------------------------


def _decoded(text: str) -> Any:
    """A reader of Sixel, written for this test: the array of colours."""
    match = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert match
    wide, high = int(match[1]), int(match[2])
    out = np.full((high + 6, wide, 3), -1, dtype=int)
    colors: dict[int, tuple[int, ...]] = {}
    x = y = 0
    color = (0, 0, 0)
    token = re.compile(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)")
    at = 0
    while at < len(match[3]):
        found = token.match(match[3], at)
        assert found, match[3][at : at + 20]
        at = found.end()
        if found[1]:
            colors[int(found[1])] = tuple(round(int(v) * 2.55) for v in found.group(2, 3, 4))
        elif found[5]:
            color = colors[int(found[5])]
        elif found[9]:
            x = 0
        elif found[10]:
            x, y = 0, y + 6
        else:
            count, char = (int(found[6]), found[7]) if found[6] else (1, found[8])
            for row in range(6):
                if (ord(char) - 63) >> row & 1:
                    out[y + row, x : x + count] = color
            x += count
    return out[:high]


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 48), (33, 13)])
def test_a_sixel_holds_every_pixel(size: tuple[int, int]) -> None:
    """What a reader of Sixel sees is the picture, to the percent that Sixel can say."""
    rng = np.random.default_rng(1)
    block = rng.integers(0, 2, (size[1], size[0], 1)) * np.array([200, 90, 30])
    found = _decoded(sixel(image_of.fromarray(block.astype(np.uint8))))
    assert np.abs(found - block).max() <= 2


def _kitty(text: str) -> tuple[str, Any]:
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert "".join(f"\x1b_G{a};{b}\x1b\\" for a, b in pieces) == text
    assert all(len(piece) <= 4096 and "m=1" in about for about, piece in pieces[:-1])
    assert "m=0" in pieces[-1][0]
    data = base64.b64decode("".join(piece for _, piece in pieces))
    return pieces[0][0], image_of.open(io.BytesIO(data))


def test_kitty_gets_the_picture_in_pieces_and_does_not_answer() -> None:
    """Pieces of 4096, a size in cells, and q=2: an answer would be taken for keys."""
    rng = np.random.default_rng(2)
    image = image_of.fromarray(rng.integers(0, 256, (90, 120, 3)).astype(np.uint8))
    about, shown = _kitty(encode(image, 12, 6, Graphics("kitty", (10, 15))))
    assert {"a=T", "c=12", "r=6", "q=2", "C=1"} <= set(about.split(","))
    assert (np.asarray(shown.convert("RGB")) == np.asarray(image)).all()


def test_iterm2_gets_a_file_of_a_size_in_cells() -> None:
    """Its inline file has the size in cells, and as many bytes as it says."""
    image = image_of.new("RGB", (20, 10), (1, 2, 3))
    match = re.fullmatch(
        r"\x1b\]1337;File=inline=1;width=4;height=1;preserveAspectRatio=0;size=(\d+):(.*)\x07",
        encode(image, 4, 1, Graphics("iterm2", (5, 10))),
    )
    assert match
    data = base64.b64decode(match[2])
    assert len(data) == int(match[1])
    assert image_of.open(io.BytesIO(data)).getpixel((3, 3)) == (1, 2, 3)


@pytest.mark.parametrize("size", [(4000, 10), (10, 4000), (1, 1), (300, 200)])
def test_a_picture_keeps_its_shape(tmp_path: Path, size: tuple[int, int]) -> None:
    """As large as fits the room, a cell being twice as high as wide, never without a cell."""
    path = tmp_path / "x.png"
    image_of.new("RGB", size).save(path)
    _, columns, rows = open_image(path, 60, 20)
    assert columns == 60 or rows == 20
    assert 1 <= columns <= 60
    assert 1 <= rows <= 20
    if size == (300, 200):
        assert columns == pytest.approx(300 / 200 * rows * 2, abs=1)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_any_picture_is_shown(tmp_path: Path, mode: str) -> None:
    """Grey, palettes, see-through and 16 bits become colours."""
    path = tmp_path / ("x.tiff" if mode in ("CMYK", "I;16") else "x.png")
    image_of.new(mode, (8, 8)).save(path)
    assert open_image(path, 10, 10)[0].mode == "RGB"


def test_what_is_no_picture_is_said_so(tmp_path: Path) -> None:
    """A sentence with the file's name, not Pillow's words."""
    path = tmp_path / "x.png"
    path.write_text("not a picture")
    with pytest.raises(ValueError, match=r"x\.png is no picture"):
        open_image(path, 10, 10)


# -- on the desk --------------------------------------------------------------------------


@dataclass
class _Look:
    made: Still

    def picture(self) -> Any:
        self.made.desk.paint()
        return self.made.desk.picture()


def _at_picture(still: Callable[..., Still], gallery: Path, **more: Any) -> _Look:
    made = still(gallery, "media", 120, 40, metric_filter="img", **more)
    made.desk.graphics = Graphics("kitty", (10, 20))
    made.desk.ask()
    made.settle()
    return _Look(made)


def test_the_picture_lies_where_the_half_blocks_are(
    still: Callable[..., Still], gallery: Path
) -> None:
    """The terminal's picture covers just the cells that stand for it."""
    look = _at_picture(still, gallery)
    placed = look.picture()
    frame = look.made.desk.paint()
    text = ["".join(t for t, _ in row) for row in frame]
    blocks = [(y, x) for y, line in enumerate(text) for x, char in enumerate(line) if char == "▀"]
    assert blocks[0] == (placed.y, placed.x)
    assert blocks[-1] == (placed.y + placed.rows - 1, placed.x + placed.columns - 1)
    assert len(blocks) == placed.rows * placed.columns


def test_the_scrubber_changes_the_picture(still: Callable[..., Still], gallery: Path) -> None:
    """Another step is another picture; the newest comes back."""
    look = _at_picture(still, gallery)
    newest = look.picture().data
    look.made.key("left_square_bracket")
    assert look.picture().data != newest
    look.made.key("right_square_bracket")
    assert look.picture().data == newest


def test_no_picture_lies_over_a_menu_or_elsewhere(
    still: Callable[..., Still], gallery: Path
) -> None:
    """While something is open, on other screens and without colours there are half blocks or none."""
    look = _at_picture(still, gallery)
    look.made.key("question_mark")
    assert look.picture() is None
    look.made.key("escape")
    assert look.picture() is not None
    look.made.key("1")
    assert look.picture() is None
    assert _at_picture(still, gallery, theme="plain").picture() is None


# -- in a terminal ------------------------------------------------------------------------


class _Terminal:
    """A pseudo-terminal that answers as a terminal of some kind would."""

    def __init__(self, answers: dict[bytes, bytes], store: Path, home: Path, **env: str) -> None:
        code = f"import trackerlite_tui; trackerlite_tui.main({str(store)!r}, screen='media')"
        self.answers, self.seen, self.at = answers, b"", 0
        self.pid, self.fd = pty.fork()
        if not self.pid:
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            os.environ.pop("NO_COLOR", None)
            os.environ.pop("TMUX", None)
            os.environ.update(XTERM, LC_ALL="C.UTF-8", XDG_STATE_HOME=str(home), **env)
            os.execv(sys.executable, [sys.executable, "-c", code])

    def read(self, until: bytes, seconds: float = 30.0) -> None:
        """Go on to the next of some bytes; questions are answered as they come."""
        end = time.monotonic() + seconds
        while until not in self.seen[self.at :]:
            assert time.monotonic() < end, f"{until!r} did not come: {self.seen[-2000:]!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                before = len(self.seen)
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:  # it ended
                    self.seen += b"<end>"
                for question, answer in self.answers.items():
                    if question in self.seen[max(0, before + 1 - len(question)) :]:
                        os.write(self.fd, answer)
        self.at = self.seen.index(until, self.at) + len(until)

    def rest(self) -> None:
        """Read what there is, until nothing comes for half a second."""
        while select.select([self.fd], [], [], 0.5)[0]:
            self.seen += os.read(self.fd, 65536)
        self.at = len(self.seen)

    def rows_of_sixel(self) -> range:
        """The rows of the screen, from 1, that the last picture takes."""
        *_, found = re.finditer(rb'\x1b\[(\d+);\d+H\x1bP0;1;0q"1;1;\d+;(\d+)', self.seen)
        first, high = map(int, found.groups())
        return range(first, first + high // 20)


@contextmanager
def _opened(answers: dict[bytes, bytes], store: Path, home: Path, **env: str) -> Iterator[_Terminal]:  # fmt: skip
    made = _Terminal(answers, store, home, **env)
    try:
        yield made
        os.write(made.fd, b"q")
        made.read(b"<end>")
        assert os.waitpid(made.pid, 0)[1] == 0
        made.pid = 0
    finally:
        os.close(made.fd)
        if made.pid:
            os.kill(made.pid, 9)
            os.waitpid(made.pid, 0)


_FIND_IMAGE = b"/img\r"


@pytest.mark.parametrize("way", ["kitty", "sixel"])
def test_a_terminal_with_graphics_gets_the_picture(gallery: Path, tmp_path: Path, way: str) -> None:
    """Asked, answered, drawn; another step is drawn anew; the help takes it away; no answer is typed."""
    known = {b"\x1b[16t": CELL, b"\x1b[c": SIXEL if way == "sixel" else PLAIN}
    if way == "kitty":
        known[b"a=q,t=d"] = OK
    begin = b"\x1b_Ga=T" if way == "kitty" else b"\x1bP0;1;0q"
    with _opened(known, gallery, tmp_path) as shown:
        shown.read(b"besides numbers")
        os.write(shown.fd, _FIND_IMAGE)
        shown.read(begin)
        shown.read(b"\x1b8")  # whole, and the cursor is back
        os.write(shown.fd, b"[")
        shown.read(begin)
        shown.read(b"\x1b8")
        os.write(shown.fd, b"?")
        if way == "kitty":
            shown.read(KITTY_AWAY.encode())
        else:  # each of its rows is painted over, changed or not
            for row in shown.rows_of_sixel():
                shown.read(b"\x1b[%d;1H" % row)
        os.write(shown.fd, b"\x1b")
        shown.read(begin)
        assert b"62;4" not in shown.seen
    assert b"Gi=31;OK" not in shown.seen


def test_a_light_terminal_gets_the_light_theme(gallery: Path, tmp_path: Path) -> None:
    """A terminal that answers with a light background is painted light, the next time from the first frame."""
    known = {b"\x1b]11;?\x1b\\": b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", b"\x1b[c": PLAIN}
    light, dark = b"48;2;251;251;249", b"48;2;17;21;28"
    with _opened(known, gallery, tmp_path, COLORTERM="truecolor") as shown:
        shown.read(light)
        assert b"rgb:" not in shown.seen[shown.at :]
    with _opened(known, gallery, tmp_path, COLORTERM="truecolor") as shown:
        shown.read(light)
        shown.read(b"besides numbers")
    assert dark not in shown.seen


def test_a_terminal_that_does_not_answer_is_not_waited_for(gallery: Path, tmp_path: Path) -> None:
    """It starts all the same, shows half blocks and sends no picture."""
    begun = time.monotonic()
    with _opened({}, gallery, tmp_path) as shown:
        shown.read(b"besides numbers", 20)
        assert time.monotonic() - begun < 20
        os.write(shown.fd, _FIND_IMAGE)
        shown.read("▀".encode())
        shown.rest()
        os.write(shown.fd, b"[")
        shown.read("▀".encode())  # the picture of the step before
    assert b"\x1bP0" not in shown.seen
    assert b"\x1b_Ga=T" not in shown.seen


def test_keys_typed_before_it_listens_are_kept(gallery: Path, tmp_path: Path) -> None:
    """What is typed together with the terminal's answer still reaches the screen."""
    with _opened({b"\x1b[c": b"7" + PLAIN}, gallery, tmp_path) as shown:
        shown.read(b"never", 30)


def test_enter_typed_before_it_listens_is_an_enter(gallery: Path, tmp_path: Path) -> None:
    """A filter typed and taken while the program is still being loaded is taken."""
    with _opened({}, gallery, tmp_path, NO_COLOR="1") as shown:
        shown.read(b"\x1b[?1049h")
        os.write(shown.fd, b"/cm\r7")
        shown.read(b"never", 30)


def test_a_picture_written_later_is_listed_once(
    still: Callable[..., Still], tmp_path: Path
) -> None:
    """A picture that is told of twice, before and after its file is written, is one picture."""
    import trackerlite

    with trackerlite.init(project="p", dir=str(tmp_path)) as run:
        for step in range(2):
            noise = np.random.default_rng(step).integers(0, 255, (500, 20, 3), dtype=np.uint8)
            run.log({"img": trackerlite.Image(noise)}, step=step)
    made = still(tmp_path, "media")
    (history,) = made.desk.screen._values().values()
    assert [row.step for row in history] == [0, 1]


def test_wide_tables_and_long_texts_are_read_in_full(
    still: Callable[..., Still], tmp_path: Path
) -> None:
    """enter shows each cell whole, of every column and row; the pane says that there is more."""
    import trackerlite

    names = [f"col_{i}" for i in range(30)]
    data = [[f"{r}:{c} " + "word " * 40 for c in range(30)] for r in range(50)]
    with trackerlite.init(project="p", dir=str(tmp_path)) as run:
        run.log({"wide": trackerlite.Table(columns=names, data=data)}, step=0)
        run.log({"hist": trackerlite.Histogram([1, 2, 2, 3])}, step=0)
    made = still(tmp_path, "media", 120, 40, metric_filter="wide")
    assert "50 rows, 30 columns: enter reads all" in "\n".join(texts(made))
    made.key("enter")
    rows = ["".join(text for text, _ in row) for row in made.desk._overlays[-1]._rows]
    assert "row 50 of 50" in rows
    assert any(row.startswith("col_29") and "49:29" in row for row in rows)
    assert sum(row.count("word") for row in rows) == 50 * 30 * 40
    made.key("escape")
    made.desk.state.metric_filter = "hist"
    made.settle()
    made.key("enter")
    assert " to " in "\n".join(texts(made))
