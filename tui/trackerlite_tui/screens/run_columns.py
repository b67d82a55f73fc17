"""The columns of the run table: which there are, and by which it is sorted and grouped."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import TYPE_CHECKING

from trackerlite_tui.snapshot import MetricName
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.menu import Choice, Menu
from trackerlite_tui.widgets.table import Column, Table

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk

SPARK = 12
_AUTO_METRICS = 3
_AUTO_CONFIG = 3
_BUILT_IN = {
    "project": "project",
    "state": "state",
    "age": "age",
    "time": "time",
    "step": "step",
    "pace": "pace",
    "left": "left",
    "group": "group",
    "job_type": "job type",
    "host": "host",
    "tags": "tags",
    "notes": "notes",
    "sync": "synced",
    "id": "id",
    "reason": "end",
}
_RIGHT = {"age", "time", "step", "pace", "left"}


def main_metrics(names: Sequence[MetricName], pinned: Sequence[str], count: int) -> list[str]:
    """The metrics that matter most: pinned, then those with a direction, evaluation first."""
    history = [m for m in names if m.stream == "history"]

    def weight(metric: MetricName) -> tuple[bool, bool, bool, int, str]:
        head = metric.name.split("/")[0].lower()
        judged = head.startswith(("val", "eval", "test", "dev"))
        return (
            metric.name not in pinned,
            metric.goal is None,
            not judged,
            -metric.runs,
            metric.name,
        )

    return [m.name for m in sorted(history, key=weight)[:count]]


class RunColumns:
    """What the run table shows of a run."""

    desk: Desk
    table: Table
    _keys: list[str]
    _differing_in: object = None
    _differing_keys: list[str]
    _suggested: list[str]
    _suggested_as: object = None
    _suggested_of: tuple[object, ...] = (None,) * 4

    def do_top(self, _: str) -> None:
        """The first run."""
        raise NotImplementedError

    def column_keys(self) -> list[str]:
        """The columns, as the person chose them or as the data suggests."""
        chosen = self.desk.state.columns
        if chosen is not None:
            return chosen
        snapshot, pinned = self.desk.snapshot, list(self.desk.state.pinned_metrics)
        parts = (self.desk.runs, snapshot.names, snapshot.config, snapshot.synced)
        if pinned != self._suggested_as or not all(map(is_, parts, self._suggested_of)):
            self._suggested = self._suggest()
            self._suggested_as, self._suggested_of = pinned, parts
        return self._suggested

    def _suggest(self) -> list[str]:
        snapshot = self.desk.snapshot
        runs = self.desk.runs.runs
        out = ["project"] if len({run.project for run in snapshot.runs}) > 1 else []
        out += ["age", "time", "step"]
        if any(run.state == "running" for run in runs):
            out += ["pace", "left"]
        metrics = main_metrics(snapshot.names, self.desk.state.pinned_metrics, _AUTO_METRICS)
        for index, name in enumerate(metrics):
            out.append(f"m:{name}")
            if not index:
                out += [f"best:{name}", f"spark:{name}"]
        out += [f"c:{key}" for key in self._differing()[:_AUTO_CONFIG]]
        if any(run.tags for run in runs):
            out.append("tags")
        if snapshot.synced is not None:
            out.append("sync")
        return out

    def _differing(self) -> list[str]:
        """Config keys whose values differ between the newest runs, the most telling first."""
        config = self.desk.snapshot.config
        if self._differing_in is config:
            return self._differing_keys
        values: dict[str, set[str]] = {}
        runs = self.desk.snapshot.runs[:100]
        for run in runs:
            for key, value in config.get(run.key, {}).items():
                values.setdefault(key, set()).add(repr(value)[:80])
        several = [key for key, seen in values.items() if len(seen) > 1]
        found = sorted(
            several, key=lambda key: (len(values[key]) >= len(runs) > 3, key.count("."), key)
        )
        self._differing_in, self._differing_keys = config, found
        return found

    def _columns(self) -> None:
        keys = self.column_keys()
        made = [
            Column("mark", "", least=1, most=1, stays=True),
            Column("st", "", least=1, most=1, stays=True),
        ]
        made.append(Column("name", "name", least=10, most=32, stays=True))
        for key in keys:
            kind, _, name = key.partition(":")
            if kind == "spark":
                made.append(Column(key, "", least=SPARK, most=SPARK))
            elif kind in ("m", "best"):
                title = safe(name, 18) if kind == "m" else self._best_word(name)
                made.append(Column(key, title, right=True, least=6, most=18))
            elif kind == "c":
                made.append(
                    Column(key, safe(name, 18), right=self._numeric(name), least=4, most=18)
                )
            else:
                made.append(
                    Column(
                        key, _BUILT_IN.get(key, safe(key)), right=key in _RIGHT, least=3, most=24
                    )
                )
        self.table.set_columns(made)

    def _numeric(self, name: str) -> bool:
        values = (c.get(name) for c in list(self.desk.snapshot.config.values())[:20])
        return all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in values if v is not None
        )

    def _best_word(self, name: str) -> str:
        """What a metric's best value is: of one that has no direction, the lowest."""
        return "best" if self.desk.runs.goal(name) else "lowest"

    def do_sort(self, by: str) -> None:
        """Sort by the next column; after the last one, by age again."""
        keys = ["", "name", *(key for key in self._keys if not key.startswith("spark:"))]
        state = self.desk.state
        now = keys.index(state.sort) if state.sort in keys else 0
        self._sort_by(keys[(now + int(by)) % len(keys)])

    def do_sort_by(self, _: str) -> None:
        """Choose the column to sort by, of those that are shown."""
        choices = [Choice("", "age", "the newest first")]
        for key in dict.fromkeys(["name", *self._keys]):
            kind, _, name = key.partition(":")
            if kind in ("spark", "mark", "st") or key == "age":
                continue
            goal = self.desk.runs.goal(name) if kind in ("m", "best") else None
            about = {"m": "last", "best": self._best_word(name), "c": "config"}.get(kind, "")
            order = {"min": ", the lowest first", "max": ", the highest first"}.get(goal or "", "")
            choices.append(Choice(key, _BUILT_IN.get(key, name or key), about + order))
        now = self.desk.state.sort
        self.desk.open(
            Menu(
                self.desk, "Sort by", choices, lambda v: self._sort_by(v[0]), search=True, start=now
            )
        )

    def _sort_by(self, key: str) -> None:
        state = self.desk.state
        state.sort = key
        kind, _, name = key.partition(":")
        # The best first, by the metric's own direction; the newest and the furthest first.
        state.reverse = (
            self.desk.runs.goal(name) == "max" if kind in ("m", "best") else key in ("step", "pace")
        )
        self._reorder()

    def _reorder(self) -> None:
        """In the new order one begins at its first run, which is what one sorted for."""
        self.desk.relist()
        self.table.set_items(self.desk.runs.items)
        self.do_top("")

    def do_reverse(self, _: str) -> None:
        """The other way round."""
        self.desk.state.reverse = not self.desk.state.reverse
        if not self.desk.state.sort:
            self.desk.state.sort = "age"
        self._reorder()

    def do_columns(self, _: str) -> None:
        """Choose the columns."""
        snapshot = self.desk.snapshot
        choices = [Choice(key, title) for key, title in _BUILT_IN.items()]
        for metric in snapshot.names:
            if metric.stream == "history":
                about = {"min": "lower is better", "max": "higher is better"}.get(
                    metric.goal or "", ""
                )
                best = self._best_word(metric.name)
                choices += [
                    Choice(f"m:{metric.name}", metric.name, f"last  {about}"),
                    Choice(f"best:{metric.name}", f"{best} {metric.name}", best),
                    Choice(f"spark:{metric.name}", f"curve {metric.name}", "sparkline"),
                ]
        config = sorted({key for values in snapshot.config.values() for key in values})
        choices += [Choice(f"c:{key}", key, "config") for key in config]
        chosen = self.column_keys()
        choices.sort(key=lambda choice: choice.value not in chosen)

        def accept(values: list[str]) -> None:
            self.desk.state.columns = values or None
            self.desk.relist()

        self.desk.open(
            Menu(self.desk, "Columns", choices, accept, chosen=chosen, several=True, search=True)
        )

    def do_group(self, _: str) -> None:
        """Group by a config key."""
        config = sorted({key for values in self.desk.snapshot.config.values() for key in values})
        differing = self._differing()
        config.sort(key=lambda key: key not in differing)
        choices = [
            Choice("", "no groups"),
            Choice("group:", "group"),
            Choice("state:", "state"),
            Choice("job_type:", "job type"),
        ]
        choices += [Choice(f"c:{key}", key, "config") for key in config]

        def accept(values: list[str]) -> None:
            self.desk.state.group = values[0].rstrip(":")
            self.desk.relist()

        self.desk.open(
            Menu(self.desk, "Group by", choices, accept, search=True, start=self.desk.state.group)
        )
