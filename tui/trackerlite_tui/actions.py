"""The actions that every screen has: another screen, help, filters, undo, the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite.text import counted
from trackerlite_tui import alarms, keys
from trackerlite_tui.look import look
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.menu import Choice, Menu
from trackerlite_tui.widgets.pages import Pages, help_rows
from trackerlite_tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk

THEMES = ("dark", "light", "plain")


class Actions:
    """The `do_…` methods of the desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def do_screen(self, name: str) -> None:
        """Show another screen."""
        self.desk.show(name)

    def do_back(self, _: str) -> None:
        """The screen before this one."""
        self.desk.back()

    def do_pane(self, _: str) -> None:
        """Screens with panes have their own."""
        self.desk.notify("this screen has one pane")

    def do_help(self, _: str) -> None:
        """The keys of this place, from the table."""
        contexts = (*self.desk.screen.contexts, "global")
        self.desk.open(
            Pages(self.desk, f"Keys · {self.desk.screen.title}", help_rows(self.desk, contexts, 70))
        )

    def do_alerts(self, _: str) -> None:
        """What rang."""
        self.desk.open(alarms.pages(self.desk))

    def do_palette(self, _: str) -> None:
        """Every command by name."""
        entries = keys.commands((*self.desk.screen.contexts, "global"))
        choices = [Choice(e.action, e.help, " ".join(map(keys.shown, e.keys))) for e in entries]
        self.desk.open(
            Menu(self.desk, "Commands", choices, lambda v: void(self.desk.act(v[0])), search=True)
        )

    def do_filter(self, _: str) -> None:
        """Screens say what their filter is; by default the runs'."""
        self.do_filter_runs("")

    def do_filter_runs(self, _: str) -> None:
        """Filter the runs, with the verdict while typing."""
        desk, state = self.desk, self.desk.state

        def live(text: str) -> None:
            state.filter = text
            desk.relist()

        def accept(text: str) -> None:
            live(text)
            state.remember(text)

        text, history = state.filter, state.history
        desk.open(
            Prompt(desk, "runs", text, accept, live=live, verdict=self._verdict, history=history)
        )

    def _verdict(self) -> tuple[str, tuple[int, int] | None]:
        """How many runs pass the filter, or what is wrong with it and where."""
        found = self.desk.latest
        if found.filtered_by != self.desk.state.filter:
            return "…", None
        if found.filter_error:
            reason, start, end = found.filter_error
            return safe(reason), (start, end)
        passing = found.runs if found.matching is None else found.matching
        return safe(found.filter_hint) or counted(len(passing), "run"), None

    def do_clear(self, _: str) -> None:
        """No filter."""
        self.desk.clear_runs()

    def do_next(self, _: str) -> None:
        """Screens that search have their own."""
        self.desk.notify("there is nothing to find here")

    def do_refresh(self, _: str) -> None:
        """Read the store again."""
        self.desk.effects.refresh()
        self.desk.notify("reading the store again")

    def do_freeze(self, _: str) -> None:
        """Hold the picture, or let it live."""
        self.desk.freeze()

    def do_theme(self, _: str) -> None:
        """The next theme."""
        state, ink = self.desk.state, self.desk.look.ink
        now = "plain" if not ink.colored else "dark" if ink.dark else "light"
        state.theme = THEMES[(THEMES.index(now) + 1) % len(THEMES)]
        self.desk.look = look(state.theme, background=state.background)
        self.desk.notify(f"theme: {state.theme}")

    def do_quit(self, _: str) -> None:
        """Leave."""
        self.desk.effects.quit()

    def do_undo(self, _: str) -> None:
        """Take back the last edit."""
        self.desk.undo()


def void(_: object) -> None:
    """Drop a result, where a callback has none."""
