"""Moments: when some rows were logged, shared by all the series that the rows hold."""

from __future__ import annotations

from itertools import chain
from typing import TypeVar

GROUP = 16  # points in a bucket of an envelope's first level

T = TypeVar("T")
Span = tuple[int, int, float, float]


class Moments:
    """Steps and times, one of each per row; never changed once they were handed on."""

    __slots__ = ("_spans", "steps", "times")

    def __init__(self, steps: list[int], times: list[float]) -> None:
        self.steps, self.times = steps, times
        self._spans: dict[int, list[Span]] = {}

    @classmethod
    def joined(cls, several: list[Moments]) -> Moments:
        """Several, one behind the other."""
        return cls(
            list(chain.from_iterable(each.steps for each in several)),
            list(chain.from_iterable(each.times for each in several)),
        )

    def spans(self, first: int) -> list[Span]:
        """(least step, greatest step, least time, greatest time) of each full sixteen rows
        from `first` on. Series that are logged together all ask the same."""
        found = self._spans.get(first)
        if found is None:
            steps, times = groups(self.steps, first), groups(self.times, first)
            found = self._spans[first] = list(
                zip(map(min, steps), map(max, steps), map(min, times), map(max, times), strict=True)
            )
        return found


def groups(column: list[T], first: int) -> list[tuple[T, ...]]:
    """Sixteen after sixteen from `first` on, as far as they are full.

    >>> [len(group) for group in groups(list(range(40)), 5)]
    [16, 16]
    """
    return list(zip(*[iter(column[first:])] * GROUP, strict=False))
