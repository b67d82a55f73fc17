"""What `define_metric(summary=…)` asks for, as a script reads it in `run.summary` while it records.

The store keeps the same of all that was ever logged; a run that goes on begins with that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trackerlite import values
from trackerlite.recording.axes import flat


class Statistics:
    """The least, greatest, … value of the metrics that have a rule. `wanted` says whether any has.

    >>> some, summary = Statistics(), {"val/loss": 0.5, "lr": 0.1}
    >>> some.define("val/*", ["min"], None)
    >>> some.note({"val/loss": 0.5}, summary)
    >>> summary
    {'lr': 0.1, 'val/loss.min': 0.5}
    """

    def __init__(self) -> None:
        self.wanted = False
        self._rules: dict[str, tuple[list[str], str | None]] = {}
        self._of: dict[str, tuple[list[str], str | None]] = {}  # metric → its rule, as asked for
        self._sums: dict[str, tuple[float, int]] = {}

    def define(self, pattern: str, parts: list[str], goal: str | None) -> None:
        """`pattern` keeps these; an empty list changes nothing but the goal."""
        before, aim = self._rules.pop(pattern, ([], None))
        self._rules[pattern] = parts or before, goal or aim
        self._of.clear()
        self.wanted = self.wanted or bool(parts)

    def note(self, data: Any, latest: dict[str, Any]) -> None:
        """Take in a row that `latest` already has, and write there what is kept of it."""
        for name in [key for key, _ in flat(data)] if isinstance(data, Mapping) else ():
            parts, goal = self._rule(name)
            value = values.scalar(latest.get(name))
            if not parts or isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if math.isfinite(value):
                for part in parts:
                    self._keep(
                        name,
                        "max" if part == "best" and goal == "max" else part,
                        part,
                        value,
                        latest,
                    )
            if "last" not in parts:
                del latest[name]

    def _keep(self, name: str, how: str, part: str, value: float, latest: dict[str, Any]) -> None:
        key = f"{name}.{part}"
        before = latest.get(key)
        if not isinstance(before, (int, float)):  # nothing yet, or a script's own words
            before = None
        if how in ("min", "best", "max"):
            choose = max if how == "max" else min
            latest[key] = value if before is None else choose(before, value)
        elif how == "first":
            latest.setdefault(key, value)
        elif how == "mean":
            if before is not None and name not in self._sums:
                self._sums[name] = math.nan, 0  # of an earlier process: of how many is not known
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + value, count + 1
            latest[key] = (total + value) / (count + 1)
            if math.isnan(total):
                del latest[key]

    def _rule(self, name: str) -> tuple[list[str], str | None]:
        """All definitions that mean this metric, the later ones on top, as the store has it."""
        found = self._of.get(name)
        if found is None:
            parts: list[str] = []
            goal: str | None = None
            for pattern, (more, aim) in self._rules.items():
                if values.means(pattern, name):
                    parts, goal = more or parts, aim or goal
            found = parts, goal
            if len(self._of) < 100_000:
                self._of[name] = found
        return found
