"""Tests on text: equal, contains, wildcard, and regular expressions with a time allowance.

Each is a small object called with a text. Words are compared by `str.casefold`, so
that `Loss` finds `loss` in any alphabet.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from trackerlite.readers.filters.problems import FilterError, FilterTimeout

#: Seconds that all regular expressions of one filter may take together, over all runs.
REGEX_SECONDS = 0.5
REGEX_LENGTH = 500


@dataclass(frozen=True)
class Contains:
    """`needle` (folded) somewhere in the text."""

    needle: str

    def __call__(self, text: str) -> bool:
        """Whether `text` has it."""
        return self.needle in text.casefold()


@dataclass(frozen=True)
class Whole:
    """The whole text is `word` (folded)."""

    word: str

    def __call__(self, text: str) -> bool:
        """Whether `text` is it."""
        return text.casefold() == self.word


@dataclass(frozen=True)
class Exact:
    """The text is `text` to the letter."""

    text: str

    def __call__(self, text: str) -> bool:
        """Whether `text` is it."""
        return text == self.text


@dataclass(frozen=True)
class Wildcard:
    """`pattern` (folded) over the whole text, `*` standing for anything, also nothing.

    Takes the leftmost place for each piece in turn, so its time is linear in the
    text for each piece; no pattern makes it explode.
    """

    pattern: str

    def __call__(self, text: str) -> bool:
        """Whether `text` fits."""
        text = text.casefold()
        first, *middle = self.pattern.split("*")
        if not middle:
            return text == first
        last = middle.pop()
        if len(text) < len(first) + len(last) or not (
            text.startswith(first) and text.endswith(last)
        ):
            return False
        position, stop = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, position, stop)
            if found < 0:
                return False
            position = found + len(piece)
        return True


@dataclass
class Allowance:
    """Seconds left for a filter's regular expressions; shared by all of them."""

    seconds: float = REGEX_SECONDS

    def renew(self) -> None:
        """Start over, for the next time that the filter is applied."""
        self.seconds = REGEX_SECONDS


@dataclass(frozen=True)
class Regex:
    """A regular expression found anywhere in the text, within `allowance`.

    Uses the `regex` package, the drop-in engine that can be told to stop; `re`
    cannot be stopped, and a filter is typed letter by letter into a live screen.
    """

    source: str
    flags: str
    filter: str
    start: int
    end: int
    allowance: Allowance = field(compare=False)
    compiled: Any = field(compare=False)

    def __call__(self, text: str) -> bool:
        """Whether `text` has it.

        Raises:
            FilterTimeout: the allowance is used up.
        """
        began = time.perf_counter()
        try:
            if self.allowance.seconds <= 0:
                raise TimeoutError
            return self.compiled.search(text, timeout=self.allowance.seconds) is not None
        except TimeoutError:
            raise FilterTimeout(
                f"This regular expression took longer than {REGEX_SECONDS:g} s, so it was stopped; "
                "make it simpler (nested repetitions are the usual reason).",
                self.filter,
                self.start,
                self.end,
            ) from None
        finally:
            self.allowance.seconds -= time.perf_counter() - began


TextTest = Contains | Whole | Exact | Wildcard | Regex


def compile_regex(
    source: str, flags: str, allowance: Allowance, text: str, start: int, end: int
) -> Regex:
    """The test for `/source/flags`, standing at `text[start:end]`.

    Raises:
        FilterError: it is too long, or not a regular expression.
    """
    if len(source) > REGEX_LENGTH:
        raise FilterError(
            f"A regular expression may have {REGEX_LENGTH} characters; this has {len(source):,}.",
            text,
            start,
            end,
        )
    import regex  # 20 ms that only filters with a /regex/ pay

    try:
        compiled = regex.compile(source, regex.IGNORECASE if flags else 0)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        place = getattr(error, "pos", None)
        where = start + 1 + place if isinstance(place, int) else start
        reason = getattr(error, "msg", None) or type(error).__name__
        raise FilterError(
            f"This is no regular expression: {reason}.", text, min(where, end - 1), end
        ) from None
    return Regex(source, flags, text, start, end, allowance, compiled)
