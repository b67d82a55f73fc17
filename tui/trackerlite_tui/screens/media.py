"""Media and tables of one run: a list of what there is, and one of them with a step scrubber."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite.readers.kinds import kind_of
from trackerlite_tui.graphics import Placed
from trackerlite_tui.rows import Row, fill, fit, justify, pad, row_width
from trackerlite_tui.screens.base import Page
from trackerlite_tui.screens.media_shown import Shown
from trackerlite_tui.snapshot import DetailKey, Wants
from trackerlite_tui.text import safe, show
from trackerlite_tui.widgets import exhibit
from trackerlite_tui.widgets.chartgrid import beside
from trackerlite_tui.widgets.listing import Listing, Scrolling
from trackerlite_tui.widgets.pages import Pages

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo, ValueRow
    from trackerlite_tui.desk import Desk


class Screen(Shown, Scrolling, Page):
    """See the module."""

    name = "media"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.listing = Listing()
        self._steps: dict[str, int] = {}  # name -> index of the step shown; absent is the last
        self._side = 30
        self._corner = (0, 0)  # where a picture begins

    # -- what there is -------------------------------------------------------------------

    def _key(self) -> DetailKey:
        run = self.desk.run()
        return ("values", run.key if run else -1)

    def _values(self) -> dict[str, list[ValueRow]]:
        found = self.desk.snapshot.details.get(self._key())
        return found if isinstance(found, dict) else {}

    def _names(self) -> list[str]:
        text = self.desk.state.metric_filter.casefold()
        return [name for name in sorted(self._values()) if text in name.casefold()]

    def _current(self) -> tuple[str, list[ValueRow], int] | None:
        names = self._names()
        if not names:
            return None
        name = names[min(self.listing.index, len(names) - 1)]
        history = self._values()[name]
        index = self._steps.get(name, len(history) - 1)
        return name, history, max(0, min(index, len(history) - 1))

    def wants(self) -> Wants:
        """The run's values, and the file of the one that is shown."""
        run = self.desk.run()
        details: list[DetailKey] = [self._key()] if run else []
        current = self._current()
        if run and current:
            file = self._file(run, current[1][current[2]].value)
            if file:
                details += [file, *self._graphic(file)]
        return Wants(filter=self.desk.state.filter, details=tuple(details))

    # -- painting ------------------------------------------------------------------------

    def picture(self) -> Placed | None:
        """The picture over the half blocks that stand for it."""
        run, current = self.desk.run(), self._current()
        file = self._file(run, current[1][current[2]].value) if run and current else None
        for key in self._graphic(file) if file else ():
            found = self.desk.snapshot.details.get(key)
            if isinstance(found, tuple) and file in self.desk.snapshot.details:
                columns, rows, data = found
                return Placed(*self._corner, columns, rows, data)
        return None

    def paint(self, columns: int, rows: int) -> list[Row]:
        """The list at the left, the exhibit at the right; on a narrow screen below each other."""
        look, run = self.desk.look, self.desk.run()
        if run is None:
            return self.say("no run", columns, rows)
        found = self.desk.snapshot.details.get(self._key())
        if isinstance(found, Exception):
            return self.say(f"the media cannot be read: {show(found)}", columns, rows)
        if found is None:
            return self.say("reading …", columns, rows)
        glyph, style = self.desk.state_of(run)
        names = self._names()
        left: Row = [
            (f" {glyph} ", style),
            (safe(run.name or run.id), look.strong),
            (
                f"  {len(names)} of {len(found)} shown"
                if len(names) != len(found)
                else f"  {len(names)} besides numbers",
                look.dim,
            ),
        ]
        head = [justify(left, [], columns)]
        if not names:
            hint = "no name passes the filter" if found else "this run logged numbers only"
            return head + self.say(hint, columns, rows - 1)
        self.listing.set_count(len(names))
        self._side = min(34, max(18, columns // 4)) if columns >= 60 else 0
        if self._side:
            self._room = (columns - self._side - 1, rows - 1)
            self._corner = (self._side + 1, 2)
            side = self.listing.paint(self._side, rows - 1, look, lambda i: self._line(names[i]))
            return head + beside([side, self._exhibit(run)], [self._side, self._room[0]], rows - 1)
        short = max(1, min(len(names), rows // 4))
        self._room = (columns, rows - 1 - short)
        self._corner = (0, short + 2)
        top = self.listing.paint(columns, short, look, lambda i: self._line(names[i]))
        return head + top + self._exhibit(run)

    def _line(self, name: str) -> Row:
        look = self.desk.look
        history = self._values()[name]
        kind = kind_of(history[-1].value)
        room = (self._side or self.desk.columns) - len(kind) - 3
        return [
            (" " + pad(safe(name), max(1, room), look.ascii_only) + " ", look.text),
            (kind, look.dim),
        ]

    def _exhibit(self, run: RunInfo) -> list[Row]:
        columns, rows = self._room
        current = self._current()
        if current is None:
            return []
        name, history, index = current
        body = self._body(run, name, history, index, columns, rows - 2)
        out = [self._scrubber(name, history, index, columns), *exhibit.framed(body, columns)]
        return out[:rows] + [fill(columns)] * (rows - len(out))

    def _scrubber(self, name: str, history: list[ValueRow], index: int, columns: int) -> Row:
        look = self.desk.look
        left: Row = [
            (f"{safe(name)}  ", look.strong),
            ("step ", look.dim),
            (f"{history[index].step}", look.accent),
        ]
        if len(history) == 1:
            return fit(left, columns)
        count = f" {index + 1} of {len(history)} "
        wide = min(30, columns - row_width(left) - len(count) - 2)
        if wide < 4:
            return justify(left, [(count, look.dim)], columns)
        place = round(index / (len(history) - 1) * (wide - 1))
        track, knob = look.pick("─", "-"), look.pick("●", "o")
        bar: Row = [
            (track * place, look.faint),
            (knob, look.accent),
            (track * (wide - 1 - place), look.faint),
        ]
        return justify(left, [*bar, (count, look.dim)], columns)

    # -- keys ----------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        """Its own keys, then a list's."""
        return ("media", "list")

    def do_scrub(self, by: str) -> None:
        """An earlier or later step."""
        current = self._current()
        if current:
            name, history, index = current
            if not 0 <= index + int(by) < len(history):
                self.desk.notify(f"this is the {'newest' if int(by) > 0 else 'first'} step")
            self._steps[name] = max(0, min(index + int(by), len(history) - 1))
            if self._steps[name] == len(history) - 1:
                del self._steps[name]  # the newest stays the newest

    def do_open(self, _: str) -> None:
        """What is shown, in full."""
        run, current = self.desk.run(), self._current()
        if run is None or current is None:
            self.desk.notify("there is nothing to read here")
            return
        name, history, index = current
        wide = max(20, min(116, self.desk.columns - 6))
        rows = self._in_full(run, history[index].value, wide)
        if rows is None:
            self.desk.notify("a picture has no more to read; w saves it")
            return
        title = f"{safe(name, 60)} · step {history[index].step}"
        self.desk.open(Pages(self.desk, title, rows, wide + 4))

    def do_pane(self, by: str) -> None:
        """The next of several pictures."""
        current = self._current()
        value = current[1][current[2]].value if current else None
        if not (isinstance(value, dict) and value.get("filenames")):
            self.desk.notify("there is one picture, or none, in this step")
        self._place = max(0, self._place + int(by))

    def do_bands(self, _: str) -> None:
        """Histograms as bands, or as a heat map."""
        self.bands = not self.bands
        current = self._current()
        if not current or kind_of(current[1][current[2]].value) != "histogram":
            self.desk.notify(f"histograms are drawn as {'bands' if self.bands else 'heat maps'}")

    def do_run(self, by: str) -> None:
        """Another run."""
        runs = self.desk.runs.runs
        now = self.desk.run()
        if runs and now is not None:
            index = next((i for i, run in enumerate(runs) if run.key == now.key), 0)
            self.desk.cursor_run = runs[(index + int(by)) % len(runs)].key

    def do_filter(self, _: str) -> None:
        """Only names that hold a text."""
        from trackerlite_tui.widgets.prompt import Prompt

        def live(text: str) -> None:
            self.desk.state.metric_filter = text
            self.listing.index = 0

        self.desk.open(Prompt(self.desk, "names", self.desk.state.metric_filter, live, live=live))

    def do_clear(self, _: str) -> None:
        """No filter."""
        self.desk.clear_names()

    def do_export(self, _: str) -> None:
        """Ask for the form, then save what is shown as a picture."""
        from trackerlite.paths import safe_name
        from trackerlite_tui.screens.exporting import save_picture
        from trackerlite_tui.widgets.menu import Choice, Menu

        run, current = self.desk.run(), self._current()
        if run is None or current is None:
            return
        name = current[0]
        stem = safe_name(name.replace("/", "-"))
        choices = [
            Choice(form, f"{form.upper()} picture", f"{stem}.{form}") for form in ("svg", "png")
        ]

        def accept(forms: list[str]) -> None:
            save_picture(self.desk, f"{stem}.{forms[0]}", self._exhibit(run))

        self.desk.open(Menu(self.desk, f"Save {name}", choices, accept))

    def click(self, x: int, y: int, double: bool) -> None:
        """Choose by mouse."""
        if y >= 1 and (not self._side or x < self._side):
            self.listing.index = min(self.listing.top + y - 1, max(0, self.listing.count - 1))
