"""A git patch in colours: the language's own, the sides', and the words that changed.

Pygments, which Rich and Textual bring along, tells a language's words apart. A hunk is read when
its first line is seen, so a patch of a thousand files opens at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from trackerlite_tui.curves.palette import blend, contrast
from trackerlite_tui.look import Look
from trackerlite_tui.rows import Row
from trackerlite_tui.text import block

_WORD = re.compile(r"\d+\.\d+\w*|\w+|\s+|.")
_MOST_LINES = 400  # of a hunk that is coloured; a longer one is generated text
_WIDEST = 400  # characters of a line whose words are compared
_ALIKE = 0.4  # two lines less alike than this share no words worth pointing at
_HEADS = ("diff ", "index ", "old mode", "new mode", "similarity", "rename ", "copy ", "GIT binary")
Pieces = list[tuple[str, str]]  # text, a role of `_style`


def words(text: str) -> list[str]:
    """Words, spaces and signs, which together are the text."""
    return _WORD.findall(text)


def changed(old: str, new: str) -> list[tuple[int, int]]:
    """The characters (start, stop) of `new` that are not in `old`, by whole words."""
    a, b = words(old), words(new)
    places = [0]
    for word in b:
        places.append(places[-1] + len(word))
    matcher = SequenceMatcher(a=a, b=b, autojunk=False)
    return [
        (places[start], places[stop])
        for tag, _, _, start, stop in matcher.get_opcodes()
        if tag != "equal" and start < stop
    ]


class Patch:
    """A patch as lines; `row(i, look)` is the i-th one, painted."""

    def __init__(self, text: str) -> None:
        self.lines = block(text.rstrip("\n"))
        self._hunk_of: list[tuple[int, int, str] | None] = []  # first line, line after, file
        self._read: dict[int, list[Pieces]] = {}
        self._find_hunks()

    def __len__(self) -> int:
        return len(self.lines)

    def _find_hunks(self) -> None:
        name, at = "", 0
        count = len(self.lines)
        while at < count:
            line = self.lines[at]
            if line.startswith("+++ "):
                name = line[4:].split("\t")[0].removeprefix("b/")
            self._hunk_of.append(None)
            at += 1
            if not line.startswith("@@"):
                continue
            start = at
            old, new = _sizes(line)
            while at < count and (old > 0 or new > 0):
                sign = self.lines[at][:1]
                if sign not in ("", *"+- \\"):
                    break
                old -= sign != "+" and sign != "\\"
                new -= sign != "-" and sign != "\\"
                at += 1
            at += at < count and self.lines[at].startswith("\\")
            self._hunk_of += [(start, at, name)] * (at - start)

    def row(self, index: int, look: Look) -> Row:
        """One line in the look's colours."""
        line, hunk = self.lines[index], self._hunk_of[index]
        if hunk is None:
            style = look.accent if line.startswith("@@") else look.dim
            return [(f"  {line}", look.strong if line.startswith(("+++", "---")) else style)]
        if hunk[0] not in self._read:
            self._read[hunk[0]] = list(self._colored(*hunk))
        sign = line[:1] or " "
        side = {"+": "good", "-": "bad"}.get(sign, "")
        row: Row = [(f"  {sign}", _style("bold sign", side, look))]
        return row + [
            (text, _style(role, side, look)) for text, role in self._read[hunk[0]][index - hunk[0]]
        ]

    def _colored(self, start: int, stop: int, name: str) -> Iterator[Pieces]:
        """A hunk's lines as pieces, each with what it is in the language and whether it changed."""
        lines = self.lines[start:stop]
        bodies = [line[1:] for line in lines]
        if len(lines) > _MOST_LINES:
            yield from ([(body, "")] for body in bodies)
            return
        roles: list[list[str]] = [[""] * len(body) for body in bodies]
        for other in "+-":  # the new text and the old one are read apart: each is whole
            mine = [i for i, line in enumerate(lines) if line[:1] not in (other, "\\")]
            for i, found in zip(mine, _spoken([bodies[i] for i in mine], name), strict=True):
                roles[i] = found
        for old, new in _pairs(lines):
            a, b = bodies[old], bodies[new]
            if max(len(a), len(b)) > _WIDEST or _likeness(a, b) < _ALIKE:
                continue
            for place, spans in ((new, changed(a, b)), (old, changed(b, a))):
                for low, high in spans:
                    roles[place][low:high] = [f"changed {r}" for r in roles[place][low:high]]
        for body, kinds in zip(bodies, roles, strict=True):
            yield _joined(body, kinds)


def _sizes(head: str) -> tuple[int, int]:
    """How many lines of the old and the new text follow a hunk's head."""
    found = re.match(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", head)
    return (int(found[1] or 1), int(found[2] or 1)) if found else (0, 0)


def _likeness(a: str, b: str) -> float:
    return SequenceMatcher(a=words(a.strip()), b=words(b.strip()), autojunk=False).ratio()


def _pairs(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Lines taken out with those put in for them, where as many came as went."""
    at = 0
    while at < len(lines):
        first = at
        while at < len(lines) and lines[at][:1] == "-":
            at += 1
        second = at
        while at < len(lines) and lines[at][:1] == "+":
            at += 1
        yield from zip(range(first, second), range(second, at), strict=False)
        if at == first:
            at += 1


def _joined(text: str, roles: list[str]) -> Pieces:
    out: Pieces = []
    for char, role in zip(text, roles, strict=True):
        if out and out[-1][1] == role:
            out[-1] = (out[-1][0] + char, role)
        else:
            out.append((char, role))
    return out


def _spoken(lines: list[str], name: str) -> list[list[str]]:
    """For each character its role in the language that the file's name speaks of."""
    out = [[""] * len(line) for line in lines]
    lexer = _lexer(name)
    if lexer is None:
        return out
    row = column = 0
    for kind, text in lexer.get_tokens("\n".join(lines)):
        role = _role(kind)
        for char in text:
            if char == "\n":
                row, column = row + 1, 0
            elif row < len(out) and column < len(out[row]):
                out[row][column] = role
                column += 1
    return out


_LEXERS: dict[str, Any] = {}


def _lexer(name: str) -> Any:
    """Pygments' reader for a file of that name; None for what it does not know."""
    suffix = name.rpartition("/")[2]
    if suffix not in _LEXERS:
        try:
            from pygments.lexers import get_lexer_for_filename

            _LEXERS[suffix] = get_lexer_for_filename(suffix, stripnl=False, ensurenl=False)
        except Exception:  # no Pygments, or no such language: the sides' colours are enough
            _LEXERS[suffix] = None
    return _LEXERS[suffix]


def _role(kind: Any) -> str:
    text = str(kind)
    for part, role in (
        ("Comment", "comment"),
        ("Doc", "comment"),
        ("String", "string"),
        ("Number", "number"),
        ("Keyword", "keyword"),
        ("Operator.Word", "keyword"),
        ("Function", "name"),
        ("Class", "name"),
        ("Decorator", "name"),
        ("Name.Tag", "name"),
        ("Builtin", "builtin"),
    ):
        if part in text:
            return role
    return ""


def _style(role: str, side: str, look: Look) -> str:
    """A style for a role on a side; the background says the side, and louder what changed."""
    ink = look.ink
    loud = role.startswith("changed")
    kind = role.removeprefix("changed").strip()
    if not ink.colored:
        return "bold" if loud or kind in ("bold sign", "keyword") else "dim" if not side else ""
    sign = getattr(ink, side) if side else ink.dim
    color = {
        "comment": ink.dim,
        "string": ink.line(2),
        "number": ink.line(1),
        "keyword": ink.accent,
        "name": ink.line(4),
        "builtin": ink.line(8),
        "bold sign": sign,
    }.get(kind, ink.text)
    weight = "bold " if kind == "bold sign" or loud else ""
    back = blend(sign, ink.background, 0.8 if loud else 0.9) if side else ""
    if back and contrast(color, back) < 4.5:
        color = ink.text
    return f"{weight}{color}" + (f" on {back}" if back else "")
