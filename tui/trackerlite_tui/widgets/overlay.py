"""What lies over a screen: a prompt, a list to choose from, an editor, the help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackerlite_tui import keys
from trackerlite_tui.rows import Row, clip, fill, fit, pad, width, words
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.editor import Editor

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk

Placed = tuple[list[Row], int, int]  # rows, left, top


def box(desk: Desk, body: Sequence[Row], title: str, columns: int, foot: str = "") -> list[Row]:
    """Rows in a frame of `columns` cells."""
    look = desk.look
    h, v = look.pick("─", "-"), look.pick("│", "|")
    tl, tr, bl, br = tuple(look.pick("╭╮╰╯", "++++"))
    inner = columns - 2
    head = clip(f" {safe(title)} ", inner - 1, look.ascii_only)
    foot = clip(f" {foot} ", inner - 1, look.ascii_only) if foot else ""
    out: list[Row] = [
        [
            (tl + h, look.accent),
            (head, look.strong),
            (h * (inner - 1 - width(head)) + tr, look.accent),
        ]
    ]
    out += [[(v, look.accent), *fit(row, inner), (v, look.accent)] for row in body]
    out.append(
        [(bl + h, look.accent), (foot, look.dim), (h * (inner - 1 - width(foot)) + br, look.accent)]
    )
    return out


class Overlay:
    """Something on top of the screen that takes the keys until it closes."""

    contexts: tuple[str, ...] = ("overlay",)

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def close(self) -> None:
        """Take it away."""
        self.desk.close(self)

    def type(self, key: str, char: str | None) -> bool:
        """Take a key as text; False if it is not for this overlay's text."""
        return False

    def paste(self, text: str) -> None:
        """Take pasted text."""

    def paint(self, columns: int, rows: int) -> Placed:
        """What is seen, and where."""
        raise NotImplementedError

    def click(self, x: int, y: int) -> None:
        """A click at a cell of what `paint` gave."""

    def wheel(self, by: int) -> None:
        """The wheel."""

    def do_cancel(self, _: str) -> None:
        """Close it and change nothing."""
        self.close()


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

    @property
    def contexts(self) -> tuple[str, ...]:  # type: ignore[override]
        """While typing narrows the list, letters are text."""
        return ("overlay",)

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
        return framed, max(0, (columns - wide) // 2), max(0, (rows - len(framed)) // 2)


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
        return framed, max(0, (columns - wide) // 2), max(0, (rows - len(framed)) // 2)


class Pages(Overlay):
    """Text to read and scroll: the help, or the details of something."""

    contexts = ("pages",)

    def __init__(self, desk: Desk, title: str, rows: Sequence[Row], wide: int = 76) -> None:
        super().__init__(desk)
        self._title, self._rows, self._wide = title, list(rows), wide
        self._top, self._height = 0, 1

    def do_move(self, by: str) -> None:
        """Scroll."""
        self._top = max(0, min(self._top + int(by), len(self._rows) - self._height))

    def do_half(self, by: str) -> None:
        """Scroll by half a page."""
        self.do_move(str(int(by) * max(1, self._height // 2)))

    def do_top(self, _: str) -> None:
        """The beginning."""
        self._top = 0

    def do_bottom(self, _: str) -> None:
        """The end."""
        self._top = max(0, len(self._rows) - self._height)

    def wheel(self, by: int) -> None:
        """Scroll by wheel."""
        self.do_move(str(3 * by))

    def paint(self, columns: int, rows: int) -> Placed:
        """The framed text in the middle."""
        wide = max(4, min(self._wide, columns - 2))
        self._height = high = max(1, min(len(self._rows), rows - 4))
        self._top = max(0, min(self._top, len(self._rows) - high))
        body = [[(" ", ""), *row] for row in self._rows[self._top : self._top + high]]
        more = (
            f"{self._top + high} of {len(self._rows)} lines"
            if high < len(self._rows)
            else "esc closes"
        )
        framed = box(self.desk, body, self._title, wide, more)
        return framed, max(0, (columns - wide) // 2), max(0, (rows - len(framed)) // 2)


def help_rows(desk: Desk, contexts: Sequence[str], columns: int) -> list[Row]:
    """The help for where one is, from the key table."""
    look = desk.look
    out: list[Row] = []
    for title, entries in keys.sections(contexts):
        if out:
            out.append([])
        out.append([(title, look.strong)])
        for names, about in entries:
            lines = words(about, max(10, columns - 18))
            out.append([(pad(f"  {names}", 16), look.accent), (lines[0], look.text)])
            out += [[(" " * 16, ""), (line, look.text)] for line in lines[1:]]
    return out
