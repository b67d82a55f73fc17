"""What is typed over a screen: one line with a verdict, or several in a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from trackerlite_tui.rows import Row, clip, fit, width
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.editor import Editor
from trackerlite_tui.widgets.overlay import Overlay, Placed, box, centred

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk


class Prompt(Overlay):
    """One line at the bottom, with a live verdict on what is typed."""

    contexts = ("prompt",)

    def __init__(
        self,
        desk: Desk,
        label: str,
        text: str,
        accept: Callable[[str], None],
        *,
        live: Callable[[str], None] | None = None,
        verdict: Callable[[], tuple[str, tuple[int, int] | None]] | None = None,
        history: Sequence[str] = (),
    ) -> None:
        super().__init__(desk)
        self.editor = Editor(text)
        self._label, self._accept, self._live, self._verdict = label, accept, live, verdict
        self._before = text
        # What is typed is the last entry, so that down comes back to it.
        self._history = [*(entry for entry in history if entry != text), text]
        self._place = len(self._history) - 1

    def type(self, key: str, char: str | None) -> bool:
        """Edit the line."""
        if self.editor.key(key):
            pass
        elif char and char.isprintable() and len(char) == 1:
            self.editor.insert(char)
        else:
            return False
        self._changed()
        return True

    def paste(self, text: str) -> None:
        """Insert what was pasted."""
        self.editor.insert(text)
        self._changed()

    def _changed(self) -> None:
        if self._live:
            self._live(self.editor.text)

    def do_accept(self, _: str) -> None:
        """Take the line."""
        self.close()
        self._accept(self.editor.text)

    def do_cancel(self, _: str) -> None:
        """Leave it as it was."""
        self.close()
        if self._live:
            self._live(self._before)

    def do_history(self, by: str) -> None:
        """An earlier or later entry."""
        if self._place == len(self._history) - 1:
            self._history[-1] = self.editor.text
        self._place = max(0, min(self._place + int(by), len(self._history) - 1))
        self.editor = Editor(self._history[self._place])
        self._changed()

    def paint(self, columns: int, rows: int) -> Placed:
        """The prompt on the last row but one, its verdict at the right."""
        look = self.desk.look
        says, error = self._verdict() if self._verdict else ("", None)
        says = clip(safe(says), max(0, columns // 2), look.ascii_only)
        label = clip(safe(self._label), max(1, columns // 3)) + " "
        room = max(1, columns - width(label) - width(says) - 1)
        line = self.editor.paint(room, 1, look, error)[0]
        row: Row = [(label, look.accent), *line, (" " + says, look.bad if error else look.dim)]
        return [fit(row, columns)], 0, max(0, rows - 2)


class Writer(Overlay):
    """Several lines of text in a frame; ctrl+s saves."""

    contexts = ("prompt",)

    def __init__(self, desk: Desk, title: str, text: str, accept: Callable[[str], None]) -> None:
        super().__init__(desk)
        self._title, self._accept = title, accept
        self.editor = Editor(text, lines=True)

    def type(self, key: str, char: str | None) -> bool:
        """Edit the text."""
        if key == "ctrl+s":
            self.close()
            self._accept(self.editor.text)
        elif key == "enter":
            self.editor.insert("\n")
        elif self.editor.key(key):
            pass
        elif char and char.isprintable() and len(char) == 1:
            self.editor.insert(char)
        else:
            return False
        return True

    def paste(self, text: str) -> None:
        """Insert what was pasted."""
        self.editor.insert(text)

    def paint(self, columns: int, rows: int) -> Placed:
        """The framed text in the middle."""
        wide, high = max(6, min(80, columns - 2)), max(1, min(16, rows - 4))
        body = [[(" ", ""), *row] for row in self.editor.paint(wide - 4, high, self.desk.look)]
        framed = box(self.desk, body, self._title, wide, "ctrl+s saves, esc leaves it as it was")
        return centred(framed, wide, columns, rows)
