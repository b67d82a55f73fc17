"""Edits done in the feed's thread, what came of them, and how the last one is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite_tui.snapshot import Job

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk


class Edits:
    """The edits of this session, the last one first to be undone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._backs: list[tuple[str, Job]] = []

    def do(self, what: str, job: Job, back: Job) -> None:
        """Do one; once it is done it can be undone."""

        def done(problem: Exception | None) -> None:
            if problem is None:
                self._backs.append((what, back))
            self._desk.notify(*_outcome(problem, f"{what} (u takes it back)"))

        self._desk.effects.do(job, done)

    def work(self, what: str, job: Job) -> None:
        """Do something that writes no run: an export."""
        self._desk.effects.do(job, lambda problem: self._desk.notify(*_outcome(problem, what)))

    def undo(self) -> None:
        """Take back the last one."""
        if not self._backs:
            self._desk.notify("nothing to undo")
            return
        what, back = self._backs.pop()
        self.work(f"undone: {what}", back)


def _outcome(problem: Exception | None, success: str) -> tuple[str, str]:
    if problem is None:
        return success, "text"
    if isinstance(problem, OSError) and problem.filename:
        return f"{problem.filename} could not be written: {problem.strerror}", "bad"
    return str(problem), "bad"
