"""A list to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackerlite_tui.rows import Row, fill, fit, width
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.editor import Editor
from trackerlite_tui.widgets.overlay import Overlay, Placed, box, centred

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk


@dataclass(frozen=True)
class Choice:
    """One line of a menu."""

    value: str
    label: str
    about: str = ""


class Menu(Overlay):
    """A list to choose from, narrowed by typing when `search` is set."""

    def __init__(
        self,
        desk: Desk,
        title: str,
        choices: Sequence[Choice],
        accept: Callable[[list[str]], None],
        *,
        chosen: Sequence[str] = (),
        several: bool = False,
        search: bool = False,
        start: str = "",
    ) -> None:
        super().__init__(desk)
        self._title, self._choices, self._accept = title, list(choices), accept
        self._chosen, self._several, self._search = list(chosen), several, search
        self.editor = Editor()
        self._index = next((i for i, c in enumerate(choices) if c.value == start), 0)
        self._top, self._height = 0, 1

    def _listed(self) -> list[Choice]:
        wanted = self.editor.text.casefold().split()
        return [
            c for c in self._choices if all(w in f"{c.label} {c.about}".casefold() for w in wanted)
        ]

    def type(self, key: str, char: str | None) -> bool:
        """Narrow the list."""
        if (
            not self._search
            or key in ("up", "down", "home", "end")
            or (key == "space" and self._several)
        ):
            return False
        before = self.editor.text
        if key in ("backspace", "ctrl+w") or (key == "ctrl+u" and before):
            self.editor.key(key)
        elif char and char.isprintable() and len(char) == 1:
            self.editor.insert(char)
        else:
            return False
        if before != self.editor.text:
            self._index = 0
        return True

    def paste(self, text: str) -> None:
        """Narrow the list by what was pasted."""
        if self._search:
            self.editor.insert(text)

    def do_move(self, by: str) -> None:
        """Another line."""
        self._index = max(0, min(self._index + int(by), len(self._listed()) - 1))

    def do_half(self, by: str) -> None:
        """Half a page."""
        self.do_move(str(int(by) * max(1, self._height // 2)))

    def do_top(self, _: str) -> None:
        """The first line."""
        self._index = 0

    def do_bottom(self, _: str) -> None:
        """The last line."""
        self._index = max(0, len(self._listed()) - 1)

    def do_mark(self, _: str) -> None:
        """Choose one of several."""
        listed = self._listed()
        if not listed:
            return
        if not self._several:
            self.do_accept("")
            return
        value = listed[self._index].value
        if value in self._chosen:
            self._chosen.remove(value)
        else:
            self._chosen.append(value)
        self.do_move("1")

    def do_accept(self, _: str) -> None:
        """Take the choice."""
        listed = self._listed()
        self.close()
        if self._several:
            self._accept(self._chosen)
        elif listed:
            self._accept([listed[self._index].value])

    def click(self, x: int, y: int) -> None:
        """Choose by mouse."""
        index = self._top + y - 1 - self._search
        if 0 <= index < len(self._listed()):
            self._index = index
            self.do_mark("")

    def wheel(self, by: int) -> None:
        """Move by wheel."""
        self.do_move(str(by))

    def paint(self, columns: int, rows: int) -> Placed:
        """A framed list in the middle."""
        look, listed = self.desk.look, self._listed()
        self._index = max(0, min(self._index, len(listed) - 1))
        wide = max(
            [
                30,
                width(self._title) + 6,
                *(width(safe(c.label)) + width(safe(c.about)) + 9 for c in self._choices),
            ]
        )
        wide = max(4, min(wide, columns - 2, 100))
        inner = wide - 2
        self._height = high = max(1, min(len(self._choices) or 1, rows - 6 - self._search))
        if self._index < self._top:
            self._top = self._index
        self._top = max(self._top, self._index - high + 1, 0)
        body: list[Row] = []
        if self._search:
            body.append([(" > ", look.accent), *self.editor.paint(max(1, inner - 4), 1, look)[0]])
        for index, choice in enumerate(listed[self._top : self._top + high], self._top):
            here = index == self._index
            tick = ""
            if self._several:
                tick = (
                    look.pick("◉ ", "[x] ")
                    if choice.value in self._chosen
                    else look.pick("○ ", "[ ] ")
                )
            label = f" {tick}{safe(choice.label)}"
            about = safe(choice.about)
            gap = max(1, inner - width(label) - width(about) - 1)
            row: Row = [
                (label + " " * gap, look.on(look.text, "select") if here else look.text),
                (about + " ", look.on(look.dim, "select") if here else look.dim),
            ]
            body.append(fit(row, inner, look.on("", "select") if here else ""))
        body += [fill(inner) for _ in range(high + self._search - len(body))]
        foot = f"{len(listed)} of {len(self._choices)}" + (
            " · space marks, enter takes" if self._several else ""
        )
        framed = box(self.desk, body, self._title, wide, foot)
        return centred(framed, wide, columns, rows)
