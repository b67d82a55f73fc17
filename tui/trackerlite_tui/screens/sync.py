"""What is where: for each run what the server has confirmed, what is only here, what went wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trackerlite_tui.order import ago
from trackerlite_tui.rows import Row, justify, pad, width, words
from trackerlite_tui.screens.base import Page
from trackerlite_tui.snapshot import Wants
from trackerlite_tui.syncing import Account
from trackerlite_tui.text import safe, show
from trackerlite_tui.widgets.listing import Listing, Scrolling
from trackerlite_tui.widgets.pages import Pages

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite.sync.state import Standing
    from trackerlite_tui.desk import Desk

_ROLES = {
    "synced": "good",
    "pending": "warn",
    "running": "accent",
    "conflict": "bad",
    "failed": "bad",
    "never sent": "dim",
}

_ROOMY = 60  # columns from which all of a run's numbers have room


class Screen(Scrolling, Page):
    """See the module."""

    name = "sync"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.listing = Listing()

    def wants(self) -> Wants:
        """The standings."""
        return Wants(filter=self.desk.state.filter, details=(("sync",),))

    def _found(self) -> Account | None:
        found = self.desk.snapshot.details.get(("sync",))
        return found if isinstance(found, Account) else None

    def _listed(self) -> list[tuple[RunInfo, Standing]]:
        found = self._found()
        if found is None:
            return []
        return [
            (run, found.standings[run.key])
            for run in self.desk.runs.runs
            if run.key in found.standings
        ]

    # -- painting ------------------------------------------------------------------------

    def paint(self, columns: int, rows: int) -> list[Row]:
        """A summary, then a row for each run."""
        look = self.desk.look
        trouble = self.desk.snapshot.details.get(("sync",))
        if isinstance(trouble, Exception):
            return self.say(f"what was sent cannot be read: {show(trouble)}", columns, rows)
        found, listed = self._found(), self._listed()
        if found is None:
            return self.say("reading …", columns, rows)
        if not listed:
            return self.say("no runs", columns, rows)
        counts: dict[str, int] = {}
        for _, standing in listed:
            counts[standing.state] = counts.get(standing.state, 0) + 1
        left: Row = [(" ", "")]
        for state, role in _ROLES.items():
            if counts.get(state):
                left += [(f"{counts[state]} {state}", look.role(role)), ("  ", "")]
        key = f"key from {found.key_from} " if found.key_from else "no key: trackerlite login "
        out = [
            justify(left, [(f"{safe(found.server)}  ", look.dim), (safe(key), look.dim)], columns)
        ]
        wide = max(12, min(40, columns - 44))
        heading = f" {pad('state', 11)} {pad('name', wide)}"
        sent = [f" {'sent':>9}"] if columns >= _ROOMY else []
        for word in [*sent, f" {'only here':>10}", f" {'checked':>8}", "  where"]:
            heading += word if width(heading + word) <= columns else ""
        out.append([(heading, f"bold {look.dim}")])
        self.listing.set_count(len(listed))
        note = 1 if found.left_out else 0
        out += self.listing.paint(
            columns, rows - len(out) - note, look, lambda i: self._line(*listed[i], wide)
        )
        if note:
            out.append(
                [
                    (
                        f" {found.left_out} older runs are not counted here: trackerlite status",
                        look.dim,
                    )
                ]
            )
        return out

    def _line(self, run: RunInfo, standing: Standing, wide: int) -> Row:
        look = self.desk.look
        pending = f"{standing.pending:,}" if standing.pending else ""
        checked = ago(time.time() - standing.verified) if standing.verified else ""
        row: Row = [(f" {pad(standing.state, 11)} ", look.role(_ROLES.get(standing.state, "text")))]
        row.append((pad(safe(run.name or run.id), wide, look.ascii_only), look.text))
        if self.desk.columns >= _ROOMY:
            row.append((f" {standing.sent:>9,}", look.dim))
        row.append((f" {pending:>10}", look.warn if pending else look.dim))
        row.append((f" {checked:>8}  ", look.dim))
        if standing.error:
            row.append((show(standing.error, 120), look.bad))
        else:
            row.append((safe(standing.where), look.dim))
        return row

    # -- keys ----------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        """Its own keys, then a list's."""
        return ("sync", "list")

    def _current(self) -> tuple[RunInfo, Standing] | None:
        listed = self._listed()
        return listed[min(self.listing.index, len(listed) - 1)] if listed else None

    def do_open(self, _: str) -> None:
        """All that is known of one run."""
        current = self._current()
        if current is None:
            return
        run, standing = current
        look = self.desk.look
        facts = {
            "run": run.ref,
            "state": standing.state,
            "rows confirmed": f"{standing.sent:,}",
            "rows only here": f"{standing.pending:,}",
            "where": standing.where or "nowhere yet",
            "checked": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(standing.verified))
            if standing.verified
            else "never",
            "last error": standing.error or "none",
            "to send it": f"trackerlite sync {run.id}",
        }
        rows: list[Row] = []
        for word, value in facts.items():
            lines = words(show(value, 2000), 54)
            rows.append([(pad(word, 16), look.dim), (lines[0], look.text)])
            rows += [[(" " * 16, ""), (line, look.text)] for line in lines[1:]]
        self.desk.open(Pages(self.desk, safe(run.name or run.id, 50), rows))

    def do_copy(self, _: str) -> None:
        """Copy the command that sends this run."""
        current = self._current()
        if current:
            self.desk.effects.copy(f"trackerlite sync {current[0].id}")
            self.desk.notify(f"copied: trackerlite sync {current[0].id}")

    def click(self, x: int, y: int, double: bool) -> None:
        """Choose by mouse; a double click opens."""
        if y >= 2:
            self.listing.index = min(self.listing.top + y - 2, max(0, self.listing.count - 1))
            if double:
                self.do_open("")
