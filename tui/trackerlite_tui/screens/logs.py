"""What a run printed: followed, wrapped, searched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trackerlite_tui.details import Console, ConsoleLine
from trackerlite_tui.rows import Row, justify, width, words
from trackerlite_tui.screens.base import Page
from trackerlite_tui.snapshot import DetailKey, Wants
from trackerlite_tui.text import safe, show
from trackerlite_tui.widgets.listing import Listing, Scrolling, matches
from trackerlite_tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk

_STAMP = 9  # HH:MM:SS and a space


class Screen(Scrolling, Page):
    """See the module."""

    name = "logs"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.listing = Listing()
        self.listing.following = True
        self.search = ""
        self._run: RunInfo | None = None
        self._shown: list[tuple[ConsoleLine, str, bool]] = []  # line, text, whether it begins one
        self._form: object = None

    def run(self) -> RunInfo | None:
        """The run whose log is shown: the one under the run table's cursor."""
        return self.desk.run()

    def _key(self) -> DetailKey:
        run = self.run()
        return ("console", run.key if run else -1)

    def wants(self) -> Wants:
        """The run's console."""
        return Wants(filter=self.desk.state.filter, details=(self._key(),) if self.run() else ())

    # -- painting ------------------------------------------------------------------------

    def paint(self, columns: int, rows: int) -> list[Row]:
        """A status row and the lines."""
        look = self.desk.look
        run = self.run()
        if run is None:
            return self.say("no run", columns, rows)
        found = self.desk.snapshot.details.get(self._key())
        if isinstance(found, Exception):
            return self.say(f"the log cannot be read: {show(found)}", columns, rows)
        if not isinstance(found, Console):
            return self.say("reading …", columns, rows)
        stamps = columns >= 60
        self._lay_out(found, columns - (_STAMP if stamps else 0))
        self.listing.set_count(len(self._shown))
        hits = len(matches([text for _, text, _ in self._shown], self.search))
        glyph, style = self.desk.state_of(run)
        left: Row = [(f" {glyph} ", style), (safe(run.name or run.id), look.strong)]
        left.append(
            (
                f"  {_lines(len(found.lines))}" + (", the beginning left out" if found.cut else ""),
                look.dim,
            )
        )
        if self.search:
            left += [
                ("  search ", look.dim),
                (f"{safe(self.search, 40)} ", look.accent),
                (_lines(hits), look.dim),
            ]
        right: Row = [
            (
                "following " if self.listing.following else "",
                look.good if run.state == "running" else look.dim,
            )
        ]
        out = [justify(left, right, columns)]
        if not self._shown:
            return out + self.say(
                "nothing was printed, or printing was not recorded", columns, rows - 1
            )
        return out + self.listing.paint(
            columns,
            rows - 1,
            look,
            lambda i: self._line(i, stamps),
            cursor=not self.listing.following,
        )

    def _lay_out(self, found: Console, room: int) -> None:
        """Lines to rows: one each, or several where long lines are wrapped."""
        form = (id(found), room, self.desk.state.wrap)
        if form == self._form:
            return
        self._form = form
        if not self.desk.state.wrap:
            self._shown = [(line, line.text, True) for line in found.lines]
            return
        self._shown = []
        for line in found.lines:
            pieces = words(line.text, max(10, room)) if width(line.text) > room else [line.text]
            self._shown += [(line, piece, not i) for i, piece in enumerate(pieces)]

    def _line(self, index: int, stamps: bool) -> Row:
        look = self.desk.look
        line, text, first = self._shown[index]
        row: Row = []
        if stamps:
            clock = (
                time.strftime("%H:%M:%S ", time.localtime(line.at))
                if line.at and first
                else " " * _STAMP
            )
            row.append((clock, look.dim))
        style = look.warn if line.source.startswith("err") else look.text
        return row + self._highlighted(text, style)

    def _highlighted(self, text: str, style: str) -> Row:
        """A line with every hit of the search marked."""
        wanted = self.search.casefold()
        folded = text.casefold()
        if not wanted or wanted not in folded or len(folded) != len(text):
            return [(text, style)]
        out: Row = []
        at = 0
        while (hit := folded.find(wanted, at)) >= 0:
            out += [
                (text[at:hit], style),
                (text[hit : hit + len(wanted)], f"bold reverse {self.desk.look.ink.warn}".strip()),
            ]
            at = hit + len(wanted)
        return [*out, (text[at:], style)]

    # -- keys ----------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        """Its own keys, then a list's."""
        return ("logs", "list")

    def do_follow(self, _: str) -> None:
        """Follow the end, or stay."""
        self.listing.following = not self.listing.following

    def do_bottom(self, _: str) -> None:
        """The end, and follow it."""
        self.listing.following = True

    def do_wrap(self, _: str) -> None:
        """Wrap long lines, or cut them."""
        self.desk.state.wrap = not self.desk.state.wrap

    def do_run(self, by: str) -> None:
        """Another run's log."""
        runs = self.desk.runs.runs
        now = self.run()
        if not runs or now is None:
            return
        index = next((i for i, run in enumerate(runs) if run.key == now.key), 0)
        self.desk.cursor_run = runs[(index + int(by)) % len(runs)].key
        self.listing.following = True

    def do_filter(self, _: str) -> None:
        """Search."""

        def live(text: str) -> None:
            self.search = text
            if text:
                self._find(-1, here=True)

        def verdict() -> tuple[str, None]:
            hits = matches([text for _, text, _ in self._shown], self.search)
            return _lines(len(hits)), None

        self.desk.open(Prompt(self.desk, "search", self.search, live, live=live, verdict=verdict))

    def do_clear(self, _: str) -> None:
        """No search."""
        if not self.search:
            self.desk.notify("nothing is searched for")
        self.search = ""

    def do_next(self, by: str) -> None:
        """The next or previous hit."""
        if not self.search:
            self.desk.notify("nothing is searched for: / searches")
        self._find(int(by))

    def _find(self, by: int, here: bool = False) -> None:
        hits = matches([text for _, text, _ in self._shown], self.search)
        if not hits:
            return
        now = self.listing.index
        if by > 0:
            target = next((i for i in hits if i > now), hits[0])
        else:
            target = next((i for i in reversed(hits) if i < now or (here and i == now)), hits[-1])
        self.listing.following = False
        self.listing.index = target

    def do_jump(self, _: str) -> None:
        """The charts at the time of this line."""
        if not self._shown:
            return
        at = self._shown[self.listing.index][0].at
        run = self.run()
        if not at or run is None:
            self.desk.notify("it is not known when this line was printed")
            return
        self.desk.state.axis = "wall"
        if run.id not in self.desk.state.marks:
            self.desk.state.marks.append(run.id)
        self.desk.show("charts")
        self.desk.screen.jump_to(at)

    def click(self, x: int, y: int, double: bool) -> None:
        """Put the cursor on a line."""
        if y >= 1:
            self.listing.following = False
            self.listing.index = min(self.listing.top + y - 1, max(0, self.listing.count - 1))


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
