"""Editing runs from the run table: notes, tags, names, the trash. All of it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite_tui.text import safe
from trackerlite_tui.widgets.prompt import Prompt, Writer

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk

_NO_RUN = "there is no run here"


class RunEdits:
    """The keys that change runs. They write through `trackerlite.edits`, in the feed's thread."""

    desk: Desk
    _trash = False

    def do_notes(self, _: str) -> None:
        """Edit the notes of the run under the cursor."""
        run = self.desk.run()
        if run is None:
            self.desk.notify(_NO_RUN)
            return
        before = run.notes or ""

        def accept(text: str) -> None:
            from trackerlite import edits

            if text != before:
                self.desk.edit(
                    f"notes of {run.name} changed",
                    lambda _: edits.set_notes(run, text or None),
                    lambda _: edits.set_notes(run, before or None),
                )

        self.desk.open(Writer(self.desk, f"Notes · {safe(run.name, 40)}", before, accept))

    def do_tags(self, _: str) -> None:
        """Edit tags: of one run as a list, of several what is added or taken away."""
        runs = self.desk.targets()
        if not runs:
            self.desk.notify(_NO_RUN)
            return
        one = runs[0] if len(runs) == 1 else None
        before = " ".join(one.tags) if one else ""
        label = (
            f"tags of {safe(one.name, 24)}" if one else f"tags of {len(runs)} runs (-tag removes)"
        )
        self.desk.open(Prompt(self.desk, label, before, lambda text: self._tag(runs, text)))

    def _tag(self, runs: list[RunInfo], text: str) -> None:
        words = text.replace(",", " ").split()
        changes: list[tuple[RunInfo, list[str], list[str]]] = []
        for run in runs:
            if len(runs) == 1:
                add, remove = (
                    [w for w in words if w not in run.tags],
                    [t for t in run.tags if t not in words],
                )
            else:
                add = [w for w in words if not w.startswith("-") and w not in run.tags]
                remove = [w[1:] for w in words if w.startswith("-") and w[1:] in run.tags]
            if add or remove:
                changes.append((run, add, remove))
        if not changes:
            return

        def apply(forward: bool) -> None:
            from trackerlite import edits

            for run, add, remove in changes:
                plus, minus = (add, remove) if forward else (remove, add)
                if plus:
                    edits.add_tags(run, plus)
                if minus:
                    edits.remove_tags(run, minus)

        what = (
            f"tags of {changes[0][0].name} changed"
            if len(changes) == 1
            else f"tags of {len(changes)} runs changed"
        )
        self.desk.edit(what, lambda _: apply(True), lambda _: apply(False))

    def do_rename(self, _: str) -> None:
        """Give the run under the cursor another name."""
        run = self.desk.run()
        if run is None:
            self.desk.notify(_NO_RUN)
            return

        def accept(text: str) -> None:
            from trackerlite import edits

            if text.strip() and text != run.name:
                self.desk.edit(
                    f"{run.name} is now {text}",
                    lambda _: edits.rename(run, text),
                    lambda _: edits.rename(run, run.name),
                )

        self.desk.open(Prompt(self.desk, "name", run.name, accept))

    def do_trash(self, _: str) -> None:
        """To the trash, or out of it while it is shown."""
        runs = self.desk.targets()
        if not runs:
            self.desk.notify(_NO_RUN)
            return

        def apply(inside: bool) -> None:
            from trackerlite import edits

            for run in runs:
                (edits.trash if inside else edits.restore)(run)

        names = runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
        where = "restored" if self._trash else "moved to the trash"
        inside = not self._trash
        self.desk.edit(f"{names} {where}", lambda _: apply(inside), lambda _: apply(not inside))

    def do_trashed(self, _: str) -> None:
        """Show the trash, or the runs."""
        self._trash = not self._trash

    def do_copy(self, _: str) -> None:
        """Copy the run's id."""
        run = self.desk.run()
        if run is not None:
            self.desk.effects.copy(run.id)
            self.desk.notify(f"copied {run.id}")
