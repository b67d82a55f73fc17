"""The x of a metric that is logged without it: the last one logged, as W&B fills it in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trackerlite import values


class Axes:
    """Which metrics have an x axis of their own (`define_metric(step_metric=…)`), and where each
    axis stands. `wanted` says whether any has.

    >>> axes = Axes()
    >>> axes.define("val/*", "epoch", {"epoch": 3})
    >>> axes.filled({"val/loss": 0.5}, step=10)
    {'val/loss': 0.5, 'epoch': 3}
    >>> axes.filled({"val/loss": 0.4, "epoch": 4}, step=11)
    {'val/loss': 0.4, 'epoch': 4}
    """

    def __init__(self) -> None:
        self.wanted = False
        self._rules: dict[str, str | None] = {}  # pattern → axis; None: not to be filled in
        self._axis: dict[str, str | None] = {}  # metric → axis, as they are asked for
        self._last: dict[str, Any] = {}  # axis → its last number
        self._seen: dict[str, int] = {}  # axis → the step at which it was last recorded

    def define(self, pattern: str, axis: str | None, latest: Mapping[str, Any]) -> None:
        """`pattern` has this axis, or (None) keeps what it had. `latest`: what was logged so far."""
        self._rules[pattern] = axis or self._rules.get(pattern)
        self._axis.clear()
        if axis is not None:
            self.wanted = True
            self._last.setdefault(axis, _standing(latest, axis))

    def filled(self, data: Any, step: int) -> Any:
        """`data`, a dict, with each x that it needs and lacks."""
        if not isinstance(data, dict):
            return data
        present = dict(flat(data))
        for axis in self._last.keys() & present.keys():
            self._seen[axis] = step
            value = values.scalar(present[axis])
            if _is_number(value):
                self._last[axis] = value
        missing = {}
        for axis in filter(None, map(self._axis_of, present)):
            if axis not in present and self._seen.get(axis) != step:
                missing[axis] = self._last[axis]
        self._seen.update(dict.fromkeys(missing, step))
        return {**data, **missing} if missing else data

    def rewound(self, latest: Mapping[str, Any]) -> None:
        """What was recorded later is there no longer: each axis stands where `latest` has it."""
        self._seen.clear()
        self._last = {axis: _standing(latest, axis) for axis in self._last}

    def _axis_of(self, name: str) -> str | None:
        """The exact definition counts, else the first pattern, as in W&B."""
        try:
            return self._axis[name]
        except KeyError:
            pass
        found = [pattern for pattern in self._rules if values.means(pattern, name)]
        axis = self._rules[name if name in found else found[0]] if found else None
        if len(self._axis) < 100_000:
            self._axis[name] = axis
        return axis


def flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The items of a row, those of nested dicts under dotted names."""
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _standing(latest: Mapping[str, Any], axis: str) -> Any:
    """An axis's last number; what was never logged stands at 0, as in W&B."""
    before = values.scalar(latest.get(axis, 0))
    return before if _is_number(before) else 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
