"""The judge of a run: reads its journal from where it stopped, and raises what is wrong once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trackerlite import values
from trackerlite.alarms.rule import Rule
from trackerlite.alarms.trends import Pace, Trend, should_fall
from trackerlite.errors import BadInput
from trackerlite.journal.events import Event
from trackerlite.journal.reader import Damage, JournalReader
from trackerlite.journal.scalars import Decoder
from trackerlite.journal.stretches import Stretch, follow

MOST_PER_KEY = 5  # alarms of one rule on one metric; a metric that flickers says no more
EVERY = 1.0  # seconds between two looks
BYTES_A_LOOK = 4 << 20
STALL_AT_LEAST = 120.0  # seconds; below it nobody is helped by a bell
STALL_FACTOR = 10.0  # times the usual pace

Tell = Callable[..., object]


class Alarms:
    """Looks at what was written since the last look.

    Args:
        journal: where this process writes now (it may begin a new file).
        alert: called as alert(title, text, level, key=…, rule=…).
    """

    def __init__(self, journal: Callable[[], Path], alert: Tell) -> None:
        self._journal, self._alert = journal, alert
        self._reader: JournalReader | None = None
        self._path: Path | None = None
        self._decoder = Decoder()
        self._rules: list[tuple[str, str, Rule]] = []
        self._raised: dict[tuple[str, str], int] = {}
        self._lasting: set[tuple[str, str]] = set()
        self._losses: dict[str, Trend] = {}
        self._watched: dict[tuple[str, ...], bool] = {}
        self._pace = Pace()
        self._looked = 0.0

    def look(self, now: float | None = None, *, at_once: bool = False) -> None:
        """Judge what is new; cheap when called more often than once a second."""
        now = time.time() if now is None else now
        if 0 <= now - self._looked < EVERY and not at_once:
            return
        self._looked = now
        path = self._journal()
        if path != self._path or self._reader is None:
            self._path, self._reader = path, JournalReader(path)
        start = self._reader.offset
        try:
            for _, said in follow(self._reader, self._decoder):
                if not isinstance(said, Damage):
                    self._take(said)
                if self._reader.offset - start > BYTES_A_LOOK:
                    break
        except OSError:
            pass  # on a full disk a journal is given up before it holds anything
        self._stall(now)

    def hear(self, path: Path, offset: int, said: Event | Stretch) -> None:
        """Judge what somebody else has decoded, so that it is not read again here."""
        if path == self._path and self._reader is not None and offset > self._reader.offset:
            self._take(said.behind(self._reader.offset) if isinstance(said, Stretch) else said)
            self._reader.offset = offset

    def _take(self, said: Event | Stretch) -> None:
        if isinstance(said, Stretch):
            self._take_stretch(said)
            return
        if said.record is not None:
            self._learn(said.record)
        if said.keys:
            self._pace.add(said.time)
            if self._deserves_a_look(said.keys, said.numbers):
                for key, value in zip(said.keys, said.numbers, strict=True):
                    self._judge(key, value, said.step)

    def _take_stretch(self, stretch: Stretch) -> None:
        """The same for many rows; columns that nobody watches are only asked for NaN and Inf."""
        self._pace.add_all(stretch.times)
        columns = [
            column
            for column in zip(stretch.keys, stretch.columns, strict=True)
            if self._lasting or self._deserves_a_look((column[0],), column[1])
        ]
        if columns:
            names = [key for key, _ in columns]
            for step, *row in zip(stretch.steps, *(column for _, column in columns), strict=True):
                for key, value in zip(names, row, strict=True):
                    self._judge(key, value, step)

    def _deserves_a_look(self, keys: tuple[str, ...], numbers: tuple[float, ...]) -> bool:
        watched = self._watched.get(keys)
        if watched is None:
            watched = self._watch(keys)
        return watched or bool(self._lasting) or not -math.inf < sum(numbers) < math.inf

    def _watch(self, keys: tuple[str, ...]) -> bool:
        """Whether a key among these needs a look at every value, not only at NaN and Inf."""
        if len(self._watched) > 1000:
            self._watched.clear()
        found = any(map(should_fall, keys)) or any(
            values.means(pattern, key) for key in keys for pattern, _, _ in self._rules
        )
        self._watched[keys] = found
        return found

    def _learn(self, record: dict[str, Any]) -> None:
        """Rules come as records, those of an earlier process of this run too."""
        if record["t"] == "define" and record.get("alarm"):
            pattern, text = str(record.get("pattern", "")), str(record["alarm"])
            try:
                self._rules.append((pattern, text, Rule(text)))
                self._watched.clear()
            except BadInput as error:
                self._raise("alarm not understood", str(error), "WARN", pattern, text)

    def _judge(self, key: str, value: float, step: int) -> None:
        finite = -math.inf < value < math.inf
        if not finite or (key, "nan") in self._lasting:
            word = "NaN" if value != value else "Inf" if value > 0 else "-Inf"
            text = f"{key} is {word} at step {step}."
            self._edge(not finite, f"{word} in {key}", text, "ERROR", key, "nan", step)
        for pattern, rule, holds in self._rules:
            if values.means(pattern, key):
                text = f"{key} = {value:.6g} at step {step}."
                self._edge(holds(value, step), f"{key}: {rule}", text, "WARN", key, rule, step)
        if finite:
            trend = self._losses.get(key)
            if trend is None:
                if len(self._losses) >= 256 or not should_fall(key):
                    return
                trend = self._losses[key] = Trend()
            if trend.diverges(value) or (key, "divergence") in self._lasting:
                text = f"{key} averages {trend.slow:.4g} at step {step}; its best was {trend.best:.4g}."
                self._edge(trend.leaving, f"{key} diverges", text, "WARN", key, "divergence", step)

    def _stall(self, now: float) -> None:
        quiet, usual = self._pace.quiet(now)
        stalled = usual > 0 and quiet > max(STALL_AT_LEAST, STALL_FACTOR * usual)
        text = f"No step for {quiet:.0f} s; usually there is one every {usual:.3g} s."
        self._edge(stalled, "the run stalls", text, "WARN", None, "stall")

    def _edge(
        self, holds: bool, title: str, text: str, level: str, key: str | None, rule: str,
        step: int | None = None,
    ) -> None:  # fmt: skip
        state = (key or "", rule)
        if not holds:
            self._lasting.discard(state)
        elif state not in self._lasting:
            self._lasting.add(state)
            self._raise(title, text, level, key, rule, step)

    def _raise(
        self, title: str, text: str, level: str, key: str | None, rule: str, step: int | None = None
    ) -> None:
        count = self._raised.get((key or "", rule), 0)
        if count < MOST_PER_KEY:
            self._raised[key or "", rule] = count + 1
            self._alert(title, text, level, key=key, rule=rule, step=step)
