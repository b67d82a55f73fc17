"""The whole screen without a terminal: what is shown, and what keys do to it.

The desk holds the snapshot, the remembered state, the screens and what lies over them. It paints
itself as rows and takes keys, clicks and snapshots; `app` gives it a terminal, `once` prints it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, Any

from trackerlite_tui import alarms, keys
from trackerlite_tui import state as states
from trackerlite_tui.actions import Actions
from trackerlite_tui.effects import Effects
from trackerlite_tui.look import Look, look
from trackerlite_tui.order import RunList
from trackerlite_tui.painting import harmless, message, tiny
from trackerlite_tui.rows import Row, asciify, fill, fit, paste, row_width
from trackerlite_tui.screens import ORDER, make
from trackerlite_tui.signs import Signs
from trackerlite_tui.snapshot import Job, Snapshot
from trackerlite_tui.state import State
from trackerlite_tui.text import safe
from trackerlite_tui.undo import Edits
from trackerlite_tui.widgets.bars import Tabs, footer, header
from trackerlite_tui.widgets.overlay import Overlay

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.graphics import Placed
    from trackerlite_tui.screens.base import Page
    from trackerlite_tui.terminal import Graphics

_AUTO_DRAWN = 6
_NOTICE_SECONDS = 5.0


class Desk:
    """See the module."""

    def __init__(
        self,
        state: State,
        effects: Effects,
        *,
        appearance: Look | None = None,
        clock: Callable[[], float] = time.time,
        strict: bool = False,
    ) -> None:
        self.state, self.effects, self.clock, self.strict = state, effects, clock, strict
        self.look = appearance or look(state.theme, background=state.background)
        self.snapshot = Snapshot()
        self.runs = RunList(self.snapshot, state)
        self.columns, self.rows = 80, 24
        self.frozen = False
        self.swift = self.unpainted = False  # of what is being painted: see `paint`
        self.graphics: Graphics | None = None  # how the terminal draws pictures, if it does
        self.cursor_run: int | None = None
        self.latest = self.snapshot  # also while the picture is held
        self._screens: dict[str, Page] = {}
        self._overlays: list[Overlay] = []
        self._notice: tuple[str, str, float] = ("", "", 0.0)
        self.signs = Signs(self)
        self._actions, self._edits = Actions(self), Edits(self)
        self._alerts_seen: int | None = None
        self._trail: list[str] = []
        self._tabs: Tabs = []
        self._marked: list[RunInfo] = []
        self._marked_of: object = None
        self._marked_as: list[str] = []
        self._drawn: list[RunInfo] = []
        self._drawn_of: tuple[object, ...] = (None, None, None)
        self._listed_as: tuple[Any, ...] = ()
        self._listed_of: tuple[Any, ...] = ()
        self.name = state.screen if state.screen in ORDER else "runs"

    # -- what there is -------------------------------------------------------------------

    @property
    def screen(self) -> Page:
        """The screen that is shown."""
        if self.name not in self._screens:
            self._screens[self.name] = make(self.name, self)
        return self._screens[self.name]

    @property
    def contexts(self) -> tuple[str, ...]:
        """Where keys go, the nearest first."""
        if self._overlays:
            return self._overlays[-1].contexts
        return (*self.screen.contexts, "global")

    def marked(self) -> list[RunInfo]:
        """The marked runs that are in the store, in the order they were marked."""
        runs, marks = self.snapshot.runs, self.state.marks
        if self._marked_of is not runs or self._marked_as != marks:
            by_id = {run.id: run for run in runs}
            self._marked_of, self._marked_as = runs, list(marks)
            self._marked = [by_id[run_id] for run_id in marks if run_id in by_id]
        return list(self._marked)

    def drawn(self) -> list[RunInfo]:
        """The runs that charts show: the marked ones, else the first few of the list."""
        chosen, marked = self.snapshot.matching, self.marked()
        parts = (self._marked, chosen, self.runs.runs)
        if not all(map(is_, parts, self._drawn_of)):
            self._drawn_of = parts
            passing = [r for r in marked if chosen is None or r.key in chosen]
            self._drawn = passing or self.runs.runs[:_AUTO_DRAWN]
        return list(self._drawn)

    def run(self) -> RunInfo | None:
        """The run under the cursor of the run table."""
        if self.cursor_run is not None and self.cursor_run in self.runs.by_key:
            return self.runs.by_key[self.cursor_run]
        return self.runs.runs[0] if self.runs.runs else None

    def color(self, run: RunInfo) -> str:
        """The run's colour, the same everywhere."""
        return self.signs.color(run)

    def state_of(self, run: RunInfo) -> tuple[str, str]:
        """The glyph and style of a run's state; a run that says nothing any more has its own."""
        return self.look.state("silent" if self.runs.silence(run) is not None else run.state)

    def targets(self) -> list[RunInfo]:
        """What an edit is for: the marked runs, else the one under the cursor."""
        one = self.run()
        return self.marked() or ([one] if one else [])

    # -- what comes in -------------------------------------------------------------------

    def take(self, snapshot: Snapshot) -> None:
        """A new snapshot from the feed."""
        if snapshot.behind and snapshot.behind != self.latest.behind:
            self.notify(snapshot.behind, "warn")
        self.latest = snapshot
        count = len(snapshot.alerts)
        if self._alerts_seen is not None and count > self._alerts_seen:
            newest = snapshot.alerts[-1]
            of = next((run for run in snapshot.runs if run.key == newest.run_key), None)
            self.effects.bell()
            self.notify(alarms.sentence(newest, of.name or of.id if of else "alert"), "warn")
        if not snapshot.loading:
            self._alerts_seen = count
        if not self.frozen:
            self._take_over(snapshot)

    def _take_over(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.relist()

    def relist(self) -> None:
        """Sort, filter and group anew, if anything that this depends on has changed."""
        now, state = self.snapshot, self.state
        form = (state.sort, state.reverse, state.group, tuple(state.pinned_runs))
        parts = (now.runs, now.matching, now.statistics, now.config, now.names, now.synced)
        same = form == self._listed_as and all(map(is_, parts, self._listed_of))
        if same:
            self.runs.snapshot = now
        else:
            self._listed_as, self._listed_of = form, parts
            self.runs = RunList(now, state)
        self.ask()

    def ask(self) -> None:
        """Tell the feed what is needed now."""
        self.effects.want(self.screen.wants())

    @property
    def problem(self) -> str:
        """Why what is seen is no longer read; what was never read says so in the middle."""
        return self.snapshot.problem if self.snapshot.runs else ""

    @property
    def notice(self) -> tuple[str, str] | None:
        """What the footer says at the moment, and in which role."""
        text, role, until = self._notice
        if text and self.clock() >= until:
            self._notice = ("", "", 0.0)
        return (text, role) if text and self.clock() < until else None

    @property
    def moving(self) -> bool:
        """Whether something on the screen depends on the time: a live run, a notice."""
        return bool(self._notice[0]) or bool(self.runs.running)

    def notify(self, text: str, role: str = "text") -> None:
        """Say something in the footer for a while."""
        self._notice = (safe(text), role, self.clock() + _NOTICE_SECONDS)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self.columns, self.rows = columns, rows
        self.ask()

    # -- keys ----------------------------------------------------------------------------

    def key(self, key: str, char: str | None = None) -> bool:
        """Take one key; False if it means nothing here."""
        if self._overlays and self._overlays[-1].type(key, char):
            return True
        entry = keys.find(self.contexts, key)
        if entry is not None:
            return self.act(entry.action)
        if self._overlays or not (char and char.isprintable()):
            return False
        self.notify(f"{keys.shown(key)} means nothing here: ? lists the keys")
        return True

    def act(self, action: str) -> bool:
        """Do an action of the key table, at the nearest that has it."""
        name, _, argument = action.partition(":")
        places: list[Any] = [self._overlays[-1]] if self._overlays else [self.screen, self._actions]
        for place in places:
            method = getattr(place, f"do_{name}", None)
            if method is not None:
                try:
                    method(argument)
                except Exception as trouble:  # as above
                    self.notify(self._fault("That did not work", trouble), "bad")
                if not self._overlays:
                    self.ask()
                return True
        return False

    def paste(self, text: str) -> None:
        """Pasted text goes where typing goes."""
        if self._overlays:
            self._overlays[-1].paste(text)

    def open(self, overlay: Overlay) -> None:
        """Put something over the screen."""
        self._overlays.append(overlay)

    def close(self, overlay: Overlay) -> None:
        """Take it away."""
        if overlay in self._overlays:
            self._overlays.remove(overlay)

    def show(self, name: str) -> None:
        """Show another screen."""
        if name != self.name:
            self._trail = [*self._trail[-9:], self.name]
            self.name = self.state.screen = name
            self._notice = ("", "", 0.0)  # it was about what one has left
        self.ask()

    def back(self) -> None:
        """Show the screen before this one."""
        if self._trail:
            self.name = self.state.screen = self._trail.pop()
            self.ask()

    def freeze(self) -> None:
        """Hold the picture, or let it live."""
        self.frozen = not self.frozen
        if not self.frozen:
            self._take_over(self.latest)
        self.notify(
            "frozen: the store is still followed, the picture is held" if self.frozen else "live"
        )

    def clear_runs(self) -> None:
        """No filter on runs."""
        if not self.state.filter:
            self.notify("there is no filter")
        self.state.filter = ""
        self.relist()

    def clear_names(self) -> None:
        """No filter on metrics and other names."""
        if not self.state.metric_filter:
            self.notify("there is no filter")
        self.state.metric_filter = ""

    def undo(self) -> None:
        """Take back the last edit."""
        self._edits.undo()

    def edit(self, what: str, job: Job, back: Job) -> None:
        """Do an edit that can be undone, in the feed's thread."""
        self._edits.do(what, job, back)

    def work(self, what: str, job: Job) -> None:
        """Do something that writes no run: an export."""
        self._edits.work(what, job)

    # -- the mouse -----------------------------------------------------------------------

    def click(self, x: int, y: int, double: bool = False) -> None:
        """The left button at a cell of the screen."""
        if self._overlays:
            rows, left, top = self._overlays[-1].paint(self.columns, self.rows)
            inside = top <= y < top + len(rows) and left <= x < left + row_width(
                rows[0] if rows else []
            )
            if inside:
                self._overlays[-1].click(x - left, y - top)
            else:
                self._overlays[-1].do_cancel("")
        elif self._framed and y == 0:
            spot = next((name for start, stop, name in self._tabs if start <= x < stop), None)
            if spot:
                self.show(spot)
        elif not self._framed or y < self.rows - 1:
            self.screen.click(x, y - self._framed, double)
        self.ask()

    def wheel(self, x: int, y: int, by: int) -> None:
        """The wheel: `by` is 1 downwards, -1 upwards."""
        if self._overlays:
            self._overlays[-1].wheel(by)
        else:
            self.screen.wheel(x, y - self._framed, by)
        self.ask()

    def drag(self, x: int, y: int, dx: int, dy: int) -> None:
        """The mouse moved with the button down."""
        if not self._overlays:
            self.screen.drag(x, y - self._framed, dx, dy)
            self.ask()

    # -- painting ------------------------------------------------------------------------

    @property
    def _framed(self) -> bool:
        """Whether there is room for a header and a footer."""
        return self.rows >= 8

    @property
    def inner(self) -> int:
        """Rows for the screen between header and footer."""
        return self.rows - 2 if self._framed else self.rows

    def paint(self, *, swift: bool = False) -> list[Row]:
        """The whole screen: `rows` rows of `columns` cells.

        swift: a screen may leave what takes its time as it was, and says so in `unpainted`.
        """
        self.swift, self.unpainted = swift, False
        columns, rows = self.columns, self.rows
        if columns < 20 or rows < 5:
            line = self.screen.tiny(columns) if columns >= 10 else ""
            return tiny(line, columns, rows, self.look)
        inner = self.inner
        body = [fit(row, columns) for row in self._body(columns, inner)]
        body += [fill(columns) for _ in range(inner - len(body))]
        out = body[:inner]
        if self._framed:
            head, self._tabs = header(self, columns)
            foot = footer(self, columns)
            out = [head, *out, fill(columns)]
            out[-len(foot) :] = foot
        for overlay in self._overlays:
            block, left, top = overlay.paint(columns, rows)
            paste(out, block, left, top)
        out = [harmless(row, columns) for row in out]
        return [asciify(row) for row in out] if self.look.ascii_only else out

    def picture(self) -> Placed | None:
        """A picture that goes over what was painted, where nothing lies over that."""
        if self._overlays or self.columns < 20 or self.rows < 5:
            return None
        placed = self.screen.picture()
        return replace(placed, y=placed.y + self._framed) if placed else None

    def _body(self, columns: int, rows: int) -> list[Row]:
        problem = self.snapshot.problem
        if problem and not self.snapshot.runs:
            return message(problem, columns, rows, self.look)
        try:
            return self.screen.paint(columns, rows)
        except Exception as trouble:  # one screen's must not end a session that is watching runs
            said = self._fault("This screen cannot be drawn", trouble)
            return message(said, columns, rows, self.look)

    def _fault(self, what: str, trouble: Exception) -> str:
        if self.strict:
            raise trouble
        kept = states.keep_fault(trouble)
        where = f" The details are in {kept}." if kept else ""
        return f"{what} ({type(trouble).__name__}: {trouble}). Nothing recorded is touched; other screens work.{where}"
