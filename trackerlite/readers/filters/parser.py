"""From tokens to a checked tree: a small recursive descent, one method a rule.

or     := and ("OR" and)*
and    := not (["AND"] not)*
not    := ("NOT" | "-")* atom
atom   := "(" or ")" | regex | word | operand operator value
operand:= word | function "(" word ")"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trackerlite.readers.filters import conditions
from trackerlite.readers.filters.fields import AGGREGATES, field_of
from trackerlite.readers.filters.patterns import Allowance, Contains, Regex, compile_regex
from trackerlite.readers.filters.problems import FilterError
from trackerlite.readers.filters.syntax import (
    And,
    Environment,
    Expression,
    FieldOf,
    Not,
    Operand,
    Or,
    Param,
    Search,
    Series,
    Summary,
)
from trackerlite.readers.filters.tokens import Kind, Token, tokenize
from trackerlite.values import encodable

# Bounds that no person meets and SQLite's own limits (depth 1,000) never do.
LENGTH_LIMIT = 10_000
TERM_LIMIT = 250
DEPTH_LIMIT = 50

_PREFIXES: dict[str, Callable[[str], Operand]] = {
    "config": Param,
    "summary": Summary,
    "env": Environment,
    "git": lambda rest: Environment(f"git.{rest}"),
    "system": lambda rest: Series(f"system.{rest}", stream="system"),
}


@dataclass(frozen=True)
class Item:
    """One operand of a list for sorting, columns or grouping, as it was written."""

    operand: Operand
    text: str
    descending: bool = False


def parse(text: str) -> tuple[Expression, Allowance]:
    """The tree of a filter, and the time allowance that its regular expressions share.

    Raises:
        FilterError: it is no filter; the message points at the place.
    """
    parser = _Parser(_bounded(text))
    return parser.filter(), parser.allowance


def parse_items(text: str) -> list[Item]:
    """A comma-separated list of operands; a `-` before one means largest first.

    >>> [(item.text, item.descending) for item in parse_items("-best(val/f1), config.lr")]
    [('best(val/f1)', True), ('config.lr', False)]

    Raises:
        FilterError: it is no such list.
    """
    return _Parser(_bounded(text), separator=",").items()


def operand_named(key: str, quoted: bool = False) -> Operand:
    """What a key stands for: a field, a value under a prefix, or a metric.

    The prefixes are `config.`, `summary.`, `env.`, `git.` (short for `env.git.`) and `system.`.

    A quoted key is always a metric's, so that a metric called `name` can be meant.
    """
    if not quoted:
        prefix, dot, rest = key.partition(".")
        if dot and rest and prefix in _PREFIXES:
            return _PREFIXES[prefix](rest)
        field = field_of(key)
        if field is not None:
            return FieldOf(field)
    return Series(key, plain=True)


def _bounded(text: str) -> str:
    text = encodable(text)
    if len(text) > LENGTH_LIMIT:
        raise FilterError(
            f"A filter may have {LENGTH_LIMIT:,} characters; this has {len(text):,}.",
            text,
            LENGTH_LIMIT,
        )
    return text


class _Parser:
    def __init__(self, text: str, separator: str = "") -> None:
        self.text = text
        self.tokens = tokenize(text, separator)
        self.index = 0
        self.terms = 0
        self.depth = 0
        self.allowance = Allowance()

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.token
        self.index += token.kind is not Kind.END
        return token

    def error(self, reason: str, token: Token) -> FilterError:
        return FilterError(reason, self.text, token.start, token.end)

    def keyword(self, word: str) -> bool:
        token = self.token
        return token.kind is Kind.WORD and not token.quoted and token.text.upper() == word

    # --- filters

    def filter(self) -> Expression:
        if self.token.kind is Kind.END:
            return And(())
        expression = self.either()
        rest = self.take()
        if rest.kind is not Kind.END:
            raise self.error("There is no ( for this ).", rest)
        return expression

    def either(self) -> Expression:
        terms = [self.both()]
        while self.keyword("OR"):
            self.take()
            terms.append(self.both())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def both(self) -> Expression:
        terms = [self.negation()]
        while True:
            if self.keyword("AND"):
                self.take()
            elif self.token.kind in (Kind.END, Kind.CLOSE) or self.keyword("OR"):
                return terms[0] if len(terms) == 1 else And(tuple(terms))
            terms.append(self.negation())

    def negation(self) -> Expression:
        negated = False
        while self.token.kind is Kind.MINUS or self.keyword("NOT"):
            self.take()
            negated = not negated
        term = self.atom()
        return Not(term) if negated else term

    def atom(self) -> Expression:
        token = self.take()
        self.terms += 1
        if self.terms > TERM_LIMIT:
            raise self.error(f"A filter may have {TERM_LIMIT} conditions; this is one more.", token)
        if token.kind is Kind.OPEN:
            return self.group(token)
        if token.kind is Kind.REGEX:
            return Search(self.regex(token))
        if token.kind is Kind.WORD and not (
            not token.quoted and token.text.upper() in ("AND", "OR", "NOT")
        ):
            if self.token.kind is Kind.OPEN and self.token.start == token.end and not token.quoted:
                return self.condition(self.function(token), token)
            if self.token.kind is Kind.OPERATOR:
                return self.condition(None, token)
            return Search(Contains(token.text.casefold()))
        raise self.error(self.surprise(token), token)

    def surprise(self, token: Token) -> str:
        # `take` has gone past the token, unless it was the end, which it stays at.
        at = self.index - (1 if token.kind is Kind.END else 2)
        before = self.tokens[at] if at >= 0 else None
        if token.kind is Kind.OPERATOR:
            return f"What should {token.text} compare? Put a field or a metric before it."
        if token.kind is Kind.END:
            return (
                f"Something is missing after {before.text}."
                if before
                else "Something is missing here."
            )
        if token.kind is Kind.CLOSE:
            empty = before is not None and before.kind is Kind.OPEN
            return (
                "There is nothing between these parentheses."
                if empty
                else "A condition is missing here."
            )
        return f"A condition is missing before {token.text}; to search for the word, quote it."

    def group(self, opening: Token) -> Expression:
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise self.error(
                f"Parentheses may be nested {DEPTH_LIMIT} deep; this is one more.", opening
            )
        expression = self.either()
        if self.token.kind is not Kind.CLOSE:
            raise self.error("This ( is never closed.", opening)
        self.take()
        self.depth -= 1
        return expression

    def regex(self, token: Token) -> Regex:
        return compile_regex(
            token.text, token.flags, self.allowance, self.text, token.start, token.end
        )

    def function(self, name: Token) -> Series:
        """`best(key)`; the tokens stand at the opening parenthesis."""
        if name.text.lower() not in AGGREGATES:
            known = ", ".join(AGGREGATES)
            raise self.error(f"There is no function called {name.text}; there are {known}.", name)
        self.take()
        key = self.take()
        if key.kind is not Kind.WORD:
            raise self.error(
                f"{name.text}() needs the name of a metric between its parentheses.", key
            )
        operand: Operand = Series(key.text) if key.quoted else operand_named(key.text)
        if isinstance(operand, FieldOf):  # best(name): a function makes it a metric's name
            operand = Series(key.text)
        if not isinstance(operand, Series):
            raise self.error(
                f"{name.text}() takes a metric; this is one value, so compare it as it is.", key
            )
        closing = self.take()
        if closing.kind is not Kind.CLOSE:
            raise self.error(f"{name.text}( is not closed after the metric's name.", closing)
        return Series(operand.key, name.text.lower(), operand.stream)

    def condition(self, operand: Operand | None, key: Token) -> Expression:
        operator = self.take()
        if operator.kind is not Kind.OPERATOR:
            raise self.error(
                f"A comparison is missing after {key.text}(…), such as >0.9.", operator
            )
        value = self.take()
        if value.kind not in (Kind.WORD, Kind.REGEX):
            raise FilterError(f"A value is missing after {operator.text}.", self.text, operator.end)
        regex = self.regex(value) if value.kind is Kind.REGEX else None
        written = conditions.Written(
            text=value.text,
            quoted=value.quoted,
            regex=regex,
            filter=self.text,
            token=value,
            key=key,
        )
        sign = "=" if operator.text == "==" else operator.text
        if key.text == "has" and operand is None and not key.quoted:
            if sign != ":" or regex is not None:
                raise self.error("Write has: and a name, such as has:val/f1.", operator)
            return conditions.has(operand_named(value.text, value.quoted))
        return conditions.condition(
            operand if operand is not None else operand_named(key.text, key.quoted), sign, written
        )

    # --- lists of operands

    def items(self) -> list[Item]:
        items: list[Item] = []
        while self.token.kind is not Kind.END:
            descending = False
            if self.token.kind is Kind.MINUS:
                self.take()
                descending = True
            key = self.take()
            if key.kind is not Kind.WORD:
                raise self.error("A field, config key or metric is missing here.", key)
            if self.token.kind is Kind.OPEN and self.token.start == key.end and not key.quoted:
                operand: Operand = self.function(key)
            else:
                operand = operand_named(key.text, key.quoted)
            end = self.tokens[self.index - 1].end
            items.append(Item(operand, self.text[key.start : end], descending))
            separator = self.take()
            if separator.kind not in (Kind.COMMA, Kind.END):
                raise self.error(
                    "A comma is missing here; quote names that have spaces.", separator
                )
        return items
