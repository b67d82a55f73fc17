"""A text being typed: one line or several."""

from __future__ import annotations

from trackerlite_tui.look import Look
from trackerlite_tui.rows import Row, fit, width
from trackerlite_tui.text import safe


class Editor:
    """Text, a cursor, and what keys do to them."""

    def __init__(self, text: str = "", lines: bool = False, limit: int = 20_000) -> None:
        self.text = text
        self.at = len(text)
        self.lines = lines
        self.limit = limit

    def insert(self, text: str) -> None:
        """Type or paste; a one-line text keeps no line ends, and no text keeps controls."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not self.lines:
            text = text.replace("\n", " ")
        text = "".join(c for c in text if c >= " " or (c in "\n\t" and self.lines))
        text = text[: max(0, self.limit - len(self.text))]
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.at += len(text)

    def key(self, key: str) -> bool:
        """Do what an editing key says; False if it is none."""
        action = {
            "left": self._left,
            "ctrl+b": self._left,
            "right": self._right,
            "ctrl+f": self._right,
            "home": self._home,
            "ctrl+a": self._home,
            "end": self._end,
            "ctrl+e": self._end,
            "backspace": self._backspace,
            "ctrl+h": self._backspace,
            "delete": self._delete,
            "ctrl+w": self._word,
            "ctrl+u": self._before,
            "ctrl+k": self._after,
        }.get(key)
        if action is not None:
            action()
            return True
        if self.lines and key in ("up", "down"):
            self._line(-1 if key == "up" else 1)
            return True
        return False

    def _left(self) -> None:
        self.at = max(0, self.at - 1)

    def _right(self) -> None:
        self.at = min(len(self.text), self.at + 1)

    def _home(self) -> None:
        self.at = self.text.rfind("\n", 0, self.at) + 1

    def _end(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _cut(self, start: int, stop: int) -> None:
        self.text = self.text[:start] + self.text[stop:]
        self.at = start

    def _backspace(self) -> None:
        self._cut(max(0, self.at - 1), self.at)

    def _delete(self) -> None:
        self._cut(self.at, self.at + 1)

    def _word(self) -> None:
        head = self.text[: self.at].rstrip()
        start = max(head.rfind(" "), head.rfind("\n")) + 1
        self._cut(start, self.at)

    def _before(self) -> None:
        self._cut(self.text.rfind("\n", 0, self.at) + 1, self.at)

    def _after(self) -> None:
        end = self.text.find("\n", self.at)
        self._cut(self.at, len(self.text) if end < 0 else end)

    def _line(self, by: int) -> None:
        lines = self.text.split("\n")
        row, column = self.place()
        row = max(0, min(row + by, len(lines) - 1))
        self.at = sum(len(line) + 1 for line in lines[:row]) + min(column, len(lines[row]))

    def place(self) -> tuple[int, int]:
        """The cursor's line and character."""
        before = self.text[: self.at]
        return before.count("\n"), len(before) - before.rfind("\n") - 1

    def paint(
        self, columns: int, rows: int, look: Look, error: tuple[int, int] | None = None
    ) -> list[Row]:
        """The visible part, with the cursor, and with `error` (start, end) marked."""
        cursor_row, cursor_at = self.place()
        lines = self.text.split("\n")
        top = max(0, cursor_row - rows + 1)
        out: list[Row] = []
        for number, line in enumerate(lines[top : top + rows], top):
            here = number == cursor_row
            left = max(0, cursor_at - columns + 2) if here else 0
            row: Row = []
            for i, char in enumerate(line[left:] + " ", left):
                style = look.text
                if error and error[0] <= i < error[1]:
                    style = f"underline {look.bad}".strip()
                if here and i == cursor_at:
                    style = f"reverse {style}".strip()
                shown = safe(char) or " "
                if sum(width(text) for text, _ in row) + width(shown) > columns:
                    break
                row.append((shown, style))
            out.append(fit(row, columns))
        out += [fit([], columns) for _ in range(rows - len(out))]
        return out
