"""What a run should show, by the plainest reading of the contract: a list of what was said."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from stories.teller import heard
from trackerlite.values import flatten, means

Point = tuple[str, int, Any]  # metric, step, value


@dataclass
class Model:
    """One run. `points` are those that no rewind hid, in the order they were logged."""

    points: list[Point] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    by_hand: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    notes: str | None = None
    name: str | None = None
    state: str = "running"
    trashed: bool = False
    next_step: int = 0  # where the session that begins has to go on

    @property
    def last_step(self) -> int:
        """The greatest step that is visible; -1 before the first."""
        return max((step for _, step, _ in self.points), default=-1)

    def rewind(self, step: int) -> None:
        """What lies behind a step is not shown any more."""
        self.points = [point for point in self.points if point[1] <= step]

    def hear(self, said: dict[str, Any]) -> None:
        """Take in what a session told."""
        kind = said["kind"]
        if kind == "log":
            self.points += [(key, said["step"], heard(v)) for key, v in said["data"].items()]
        elif kind == "init":
            self.config.update(flatten(said["config"]))
            assert flatten(said["knows"]) == self.config
            assert said["step"] == self.next_step
        elif kind == "config":
            self.config.update(flatten(said["data"]))
        elif kind == "summary":
            self.by_hand.update(said["data"])
        elif kind == "define":
            self.patterns.append(said["pattern"])
        else:
            setattr(self, said["what"], said["to"])

    @property
    def curves(self) -> dict[str, list[tuple[int, Any]]]:
        """(step, value as SQL shows it) by metric, in order."""
        found: dict[str, list[tuple[int, Any]]] = {}
        for key, step, value in self.points:
            if not isinstance(value, str):
                found.setdefault(key, []).append((step, shown(value)))
        return found

    @property
    def rows(self) -> dict[int, dict[str, Any]]:
        """Values by step, the last of each metric."""
        found: dict[int, dict[str, Any]] = {}
        for key, step, value in self.points:
            found.setdefault(step, {})[key] = value
        return dict(sorted(found.items()))

    @property
    def summary(self) -> dict[str, Any]:
        """The last of each metric, what a definition keeps, and what was set by hand."""
        found = {key: shown(value) for key, _, value in self.points}
        for key in list(found):
            numbers = [float(v) for k, _, v in self.points if k == key and is_finite(v)]
            if numbers and any(means(pattern, key) for pattern in self.patterns):
                found |= {f"{key}.min": min(numbers), f"{key}.max": max(numbers)}
        return found | self.by_hand


def is_finite(value: Any) -> bool:
    """Whether a value counts in statistics."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def shown(value: Any) -> Any:
    """A value as the SQL views have it: NaN is NULL, a truth value 0 or 1."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return int(value) if isinstance(value, bool) else value
