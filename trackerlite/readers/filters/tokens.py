"""A filter's text as tokens, each with its place.

What a character means depends on where it stands: after an operator everything up
to the next space or parenthesis is the value (`started>2026-01-01T12:30`, `id:-x`),
elsewhere `:`, `=`, `<`, `>` and `!=` end a word, a leading `-` negates, and a leading
`/` opens a regular expression.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trackerlite.readers.filters.problems import FilterError

OPERATORS = ("<=", ">=", "!=", "==", "<", ">", "=", ":")
_QUOTES = "\"'"


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    REGEX = "regex"
    OPERATOR = "operator"
    MINUS = "-"
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    END = "end"


@dataclass(frozen=True)
class Token:
    """One token: what it says with quotes and escapes resolved, and where it stood.

    `quoted` is true where the whole word stood in quotes, so that it is taken as it
    is: never a keyword, a field's name, a number or a wildcard.
    """

    kind: Kind
    text: str
    start: int
    end: int
    quoted: bool = False
    flags: str = ""


def tokenize(text: str, separator: str = "") -> list[Token]:
    """The tokens of `text`, ending in one of kind `END`.

    Args:
        text: a filter, or a list of operands.
        separator: `","` where commas part the items of a list.

    Raises:
        FilterError: a quote or a regular expression is left open.
    """
    return _Scanner(text, separator).run()


class _Scanner:
    def __init__(self, text: str, separator: str) -> None:
        self.text = text
        self.separator = separator
        self.tokens: list[Token] = []

    def run(self) -> list[Token]:
        position = 0
        while True:
            while position < len(self.text) and self.text[position].isspace():
                position += 1
            if position == len(self.text):
                self.tokens.append(Token(Kind.END, "", position, position))
                return self.tokens
            token = self._token(position)
            self.tokens.append(token)
            position = token.end

    def _token(self, at: int) -> Token:
        char = self.text[at]
        last = self.tokens[-1] if self.tokens else None
        if char in "()":
            return Token(Kind.OPEN if char == "(" else Kind.CLOSE, char, at, at + 1)
        if char == self.separator:
            return Token(Kind.COMMA, char, at, at + 1)
        if last is not None and last.kind is Kind.OPERATOR:
            return self._value(at, regex_allowed=last.text == ":")
        for operator in OPERATORS:
            if self.text.startswith(operator, at):
                return Token(Kind.OPERATOR, operator, at, at + len(operator))
        if char == "-":
            if at + 1 == len(self.text) or self.text[at + 1].isspace():
                raise FilterError(
                    "There is nothing to negate after this `-`; to search for it, quote it.",
                    self.text,
                    at,
                )
            return Token(Kind.MINUS, "-", at, at + 1)
        if char == "/":
            return self._regex(at)
        return self._word(at)

    def _word(self, at: int) -> Token:
        """A key or a bare word; parts of it may stand in double quotes (`config."my key"`)."""
        if self.text[at] in _QUOTES:
            content, end = self._quoted(at)
            if end == len(self.text) or self._ends_word(end):
                return Token(Kind.WORD, content, at, end, quoted=True)
        pieces: list[str] = []
        position = at
        while position < len(self.text) and not self._ends_word(position):
            if self.text[position] == '"':
                content, position = self._quoted(position)
                pieces.append(content)
            else:
                pieces.append(self.text[position])
                position += 1
        return Token(Kind.WORD, "".join(pieces), at, position)

    def _value(self, at: int, regex_allowed: bool) -> Token:
        if self.text[at] in _QUOTES:
            content, end = self._quoted(at)
            if end < len(self.text) and not self._ends_value(end):
                raise FilterError("A space is missing after the closing quote.", self.text, end)
            return Token(Kind.WORD, content, at, end, quoted=True)
        if self.text[at] == "/" and regex_allowed:
            return self._regex(at)
        end = at
        while end < len(self.text) and not self._ends_value(end):
            end += 1
        return Token(Kind.WORD, self.text[at:end], at, end)

    def _quoted(self, at: int) -> tuple[str, int]:
        """The text between the quote at `at` and its partner, and the place after it."""
        quote, position = self.text[at], at + 1
        pieces: list[str] = []
        while position < len(self.text):
            char = self.text[position]
            if char == quote:
                return "".join(pieces), position + 1
            if char == "\\" and self.text[position + 1 : position + 2] in (quote, "\\"):
                position += 1
                char = self.text[position]
            pieces.append(char)
            position += 1
        raise FilterError(f"This {quote} is never closed.", self.text, at)

    def _regex(self, at: int) -> Token:
        position = at + 1
        pieces: list[str] = []
        while position < len(self.text) and self.text[position] != "/":
            char = self.text[position]
            if char == "\\" and position + 1 < len(self.text):
                position += 1
                # Only `\/` is ours; every other escape belongs to the expression.
                char = "/" if self.text[position] == "/" else char + self.text[position]
            pieces.append(char)
            position += 1
        if position == len(self.text):
            raise FilterError(
                "This / opens a regular expression that is never closed; quote a path.",
                self.text,
                at,
            )
        end = position + 1
        while end < len(self.text) and not self._ends_value(end):
            end += 1
        flags = self.text[position + 1 : end]
        if flags not in ("", "i"):
            raise FilterError(
                "Only the flag i may follow a /regular expression/; quote a path.",
                self.text,
                position + 1,
                end,
            )
        return Token(Kind.REGEX, "".join(pieces), at, end, flags=flags)

    def _ends_value(self, at: int) -> bool:
        char = self.text[at]
        return char.isspace() or char in "()" or char == self.separator

    def _ends_word(self, at: int) -> bool:
        char = self.text[at]
        return (
            self._ends_value(at)
            or char in ":=<>"
            or (char == "!" and self.text.startswith("!=", at))
        )
