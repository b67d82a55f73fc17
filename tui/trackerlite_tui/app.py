"""The desk in a terminal: Textual brings keys, mouse and sizes, and paints the surface."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import _ansi_sequences, events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from trackerlite.readers import Reader
from trackerlite_tui import keys
from trackerlite_tui import state as states
from trackerlite_tui.desk import Desk
from trackerlite_tui.feed import Feed
from trackerlite_tui.messages import Arrived, Finished
from trackerlite_tui.snapshot import Job, Snapshot, Wants
from trackerlite_tui.terminal import Answer
from trackerlite_tui.widgets.pictures import Pictures
from trackerlite_tui.widgets.surface import Surface

_TICK = 1.0  # seconds between two looks at the clock
_STILL = 15.0  # seconds after which ages are painted again though no run is live
_DOUBLE = 0.4
_LATEST = 10.0  # seconds in which a terminal far away may still answer what it was asked
# Esc and 3 typed in one breath are Esc and 3; Textual takes them for what Option-3 types on a Mac.
_KNOWN: Any = _ansi_sequences.ANSI_SEQUENCES_KEYS
for _typed in [sequence for sequence, means in _KNOWN.items() if isinstance(means, str)]:
    del _KNOWN[_typed]


class Plain(Screen[None], inherit_bindings=False):
    """A screen that has no keys of its own: all of them are the desk's."""

    DEFAULT_CSS = "Plain { overflow: hidden; }"

    def __init__(self, surface: Surface) -> None:
        super().__init__(id="_default")
        self._surface = surface

    def compose(self) -> ComposeResult:
        """The surface, and nothing else."""
        yield self._surface


class TrackerApp(App[None], inherit_bindings=False):
    """The terminal UI.

    Args:
        open_reader: opens the store; called in the feed's thread.
        store: the store's path, for what is remembered about it.
        answer: what the terminal said of pictures.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+c", "interrupt", "quit", priority=True, show=False)
    ]
    TITLE = "trackerlite"

    def __init__(
        self,
        open_reader: Callable[[], Reader],
        store: str,
        *,
        state: states.State | None = None,
        remember: bool = True,
        live: float = 0.5,
        strict: bool = False,
        first: Snapshot | None = None,
        answer: Answer | None = None,
    ) -> None:
        super().__init__()
        self._store, self._remember = store, remember
        self.desk = Desk(state or states.load(store), _World(self), strict=strict)
        self._numbers = threading.Event()
        self.feed = Feed(open_reader, self._posted, live=live, numbers=self._numbers, first=first)
        self.surface = Surface()
        self._latest = first or Snapshot()
        if first is not None:
            self.desk.take(first)
        self._answer = answer or Answer()
        self.desk.graphics = self._answer.graphics
        self._late_until = time.monotonic() + _LATEST if self._answer.late else 0.0
        self._answering = False
        self._pictures = Pictures(self, self.surface)
        self._pressed: tuple[int, int] | None = None
        self._clicked: tuple[float, int, int] = (0.0, -1, -1)
        self._due = False
        self._painted_at = 0.0

    def get_default_screen(self) -> Screen[Any]:
        """Our own, without Textual's key bindings."""
        return Plain(self.surface)

    # -- life ----------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Ask for what the first screen needs, and begin to follow."""
        self.desk.resize(*self.size)
        _be_quick()
        self.feed.start()
        for char in self._answer.typed:  # while Textual was being loaded
            self.desk.key(keys.named(char), char)
        self.set_interval(_TICK, self._tick)

    def on_unmount(self) -> None:
        """Stop following; keep what the person chose."""
        self.feed.stop()
        self._pictures.show(None)
        if self._remember:
            states.save(self._store, self.desk.state)

    def _tick(self) -> None:
        """Ages grow and notices end; where neither is seen, nothing is painted."""
        since = time.monotonic() - self._painted_at
        if since > _STILL or (since > _TICK / 2 and self.desk.moving):
            self.paint()

    def on_resize(self, event: events.Resize) -> None:
        """Another size."""
        self.desk.resize(*event.size)
        self.paint()

    def paint(self, *, swift: bool = False) -> None:
        """Put the desk on the surface; what a swift painting left follows."""
        if self.surface.is_attached:
            self._painted_at = time.monotonic()
            self.surface.show(self.desk.paint(swift=swift), self.desk.look.ink)
            if self.desk.unpainted:
                self.call_later(self._paint_rest)
            if self.desk.graphics is not None:
                self._pictures.show(self.desk.picture())

    def _paint_rest(self) -> None:
        """What a swift painting left, unless it is painted by now."""
        if self.desk.unpainted:
            self.paint()

    def _soon(self) -> None:
        """Paint once after all that is waiting."""
        if not self._due:
            self._due = True
            self.call_next(self._paint_due)

    def _paint_due(self) -> None:
        self._due = False
        self.paint(swift=True)

    # -- from the feed -------------------------------------------------------------------

    def _posted(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        self.post_message(Arrived())

    def on_arrived(self, _: Arrived) -> None:
        """A new snapshot; NumPy may be loaded once the first one is on the screen."""
        began = time.thread_time()
        self.desk.take(self._latest)
        self.paint()
        self.feed.painting_cost = time.thread_time() - began
        if not self._numbers.is_set():
            self.call_after_refresh(self._numbers.set)

    def on_finished(self, message: Finished) -> None:
        """An edit was done."""
        message.call()
        self.paint()

    # -- from the person -----------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Every key goes to the desk."""
        event.stop()
        event.prevent_default()
        if self._is_answer(event):
            return
        key = event.key
        if key.startswith("alt+") and event.is_printable:  # Esc and a key so soon come as one
            self.desk.key("escape")
            letter = event.character or ""
            key = letter if letter.isalnum() else key.removeprefix("alt+")
        if self.desk.key(key, event.character) or key != event.key:
            self._soon()

    def _is_answer(self, event: events.Key) -> bool:
        """Whether a key is a piece of what the terminal answers late: Textual reads Esc ] … Esc \\ as typed."""
        if time.monotonic() > self._late_until:
            return False
        piece = self._answering or event.key == "circumflex_accent"
        self._answering = piece and event.key != "backslash"
        return piece

    def action_interrupt(self) -> None:
        """ctrl+c closes what is open, else it quits."""
        self.desk.key("ctrl+c")
        self._soon()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text."""
        self.desk.paste(event.text)
        self._soon()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click, a double click, or the beginning of a drag."""
        at, x, y = self._clicked
        now = time.monotonic()
        double = now - at < _DOUBLE and (x, y) == (event.screen_x, event.screen_y)
        self._clicked = (now, event.screen_x, event.screen_y)
        self._pressed = (event.screen_x, event.screen_y)
        self.desk.click(event.screen_x, event.screen_y, double)
        self._soon()

    def on_mouse_up(self, _: events.MouseUp) -> None:
        """The end of a drag."""
        self._pressed = None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A drag, while the button is down."""
        if self._pressed is None or not event.button:
            return
        x, y = self._pressed
        dx, dy = event.screen_x - x, event.screen_y - y
        if dx or dy:
            self._pressed = (event.screen_x, event.screen_y)
            self.desk.drag(event.screen_x, event.screen_y, dx, dy)
            self._soon()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        self.desk.wheel(event.screen_x, event.screen_y, 1)
        self._soon()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        self.desk.wheel(event.screen_x, event.screen_y, -1)
        self._soon()


def _be_quick() -> None:
    """Let no other thread and no search for garbage hold up a key.

    The interpreter gives its lock to a waiting thread after 5 ms, which is a third of what a key
    may take; and what Textual and a thousand runs consist of need not be searched again and again.
    """
    sys.setswitchinterval(0.001)
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class _World:
    """What the desk asks of the world, done by the app and its feed."""

    def __init__(self, app: TrackerApp) -> None:
        self._app = app

    def want(self, wants: Wants) -> None:
        """Tell the feed what is on the screen."""
        self._app.feed.want(wants)

    def refresh(self) -> None:
        """Read the store again."""
        self._app.feed.refresh()

    def do(self, job: Job, done: Callable[[Exception | None], None]) -> None:
        """Run a job in the feed's thread; its outcome comes back to the app's."""
        self._app.feed.do(job, lambda problem: self._finished(lambda: done(problem)))

    def _finished(self, call: Callable[[], None]) -> None:
        self._app.post_message(Finished(call))

    def copy(self, text: str) -> None:
        """To the terminal's clipboard."""
        self._app.copy_to_clipboard(text)

    def bell(self) -> None:
        """Ring."""
        self._app.bell()

    def quit(self) -> None:
        """Leave."""
        self._app.exit()
