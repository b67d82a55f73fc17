"""Alarms: something in a run deserves a look before morning.

Judged from the run's own journal, by the thread beside the training: NaN and Inf, rules
given with `define_metric(alarm=…)`, a loss that diverges, a run that stalls. Each is raised
when it begins, not again while it lasts.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from trackerlite import values
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
_SETTLED = 100  # values before a loss can be said to diverge
_GAPS = 64  # of the latest steps, that say what pace is usual
#: losses that rise in a healthy training, as a player's does whose opponent learns
_MAY_RISE = {
    "g", "d", "gen", "disc", "generator", "discriminator", "adv", "adversarial", "fake", "real",
    "actor", "critic", "policy", "pi", "kl", "kld", "commit", "commitment", "aux", "auxiliary",
    "balance", "balancing", "reg", "regularization", "penalty",
}  # fmt: skip

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
        self._losses: dict[str, _Trend] = {}
        self._watched: dict[tuple[str, ...], bool] = {}
        self._pace = _Pace()
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
        found = any(map(_should_fall, keys)) or any(
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
                if len(self._losses) >= 256 or not _should_fall(key):
                    return
                trend = self._losses[key] = _Trend()
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


@lru_cache(maxsize=1024)
def _should_fall(key: str) -> bool:
    """Whether a metric is a loss that does not rise but in trouble.

    >>> [key for key in ("train/loss", "val_ce_loss", "kl_loss", "loss_G", "entropy_loss", "acc")
    ...  if _should_fall(key)]
    ['train/loss', 'val_ce_loss']
    """
    if "loss" not in key.lower():
        return False
    words = set(re.findall("[a-z]+", key.lower()))
    bonus = "entropy" in words and "cross" not in words
    return not bonus and words.isdisjoint(_MAY_RISE)


class _Trend:
    """Whether a loss leaves for good: its slow mean far above the best it ever had."""

    def __init__(self) -> None:
        self.count = 0
        self.slow = self.spread = 0.0
        self.best = math.inf
        self.leaving = False

    def diverges(self, value: float) -> bool:
        """Take in one value."""
        self.count += 1
        weight = max(0.02, 1 / self.count)
        gap = value - self.slow
        self.slow += weight * gap
        if self.count > 1:
            self.spread += weight * (abs(gap) - self.spread)
        if self.count < _SETTLED:
            return False
        self.best = min(self.best, self.slow)
        above = self.slow - self.best
        self.leaving = above > abs(self.best) and above > 4 * self.spread
        return self.leaving


class _Pace:
    """How far apart steps usually are, and how long ago the last one was."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._last = 0.0

    def add(self, when: float) -> None:
        if self._last and when >= self._last:
            self._gaps.append(when - self._last)
        self._last = when

    def add_all(self, times: list[float]) -> None:
        """As `add`, many at once: of those only the latest count."""
        if len(times) > _GAPS:
            times, self._last = times[-_GAPS - 1 :], 0.0
        for when in times:
            self.add(when)

    def quiet(self, now: float) -> tuple[float, float]:
        """(seconds since the last step, the usual gap; 0 while unknown). A slow evaluation every
        now and then belongs to the usual, so the usual is close to the longest."""
        if len(self._gaps) < 5:
            return 0.0, 0.0
        usual = sorted(self._gaps)[int(len(self._gaps) * 0.95)]
        return max(0.0, now - self._last), max(usual, 1e-3)


_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_CALLS: dict[str, Callable[..., Any]] = {
    "isnan": math.isnan, "isinf": math.isinf, "isfinite": math.isfinite, "abs": abs,
}  # fmt: skip


class Rule:
    """A condition on `x` (the value) and `step`, as text: `isnan(x) or x > 10`.

    Numbers, + − * /, comparisons, and/or/not, isnan, isinf, isfinite, abs. Nothing else is
    accepted, so a rule that comes from a file can do nothing but be true or false.

    Raises:
        BadInput: it is something else.

    >>> Rule("isnan(x) or x > 10")(12.0, 0)
    True
    """

    def __init__(self, text: str) -> None:
        if len(text) > 1000:
            raise BadInput(f"The alarm {text[:40]!r}… is longer than 1,000 characters.")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadInput(
                f"The alarm {text[:80]!r} is no condition on x, such as 'x > 10'."
            ) from None
        self._run = _build(tree, text)

    def __call__(self, x: float, step: int) -> bool:
        try:
            return bool(self._run(x, step))
        except (ArithmeticError, ValueError):  # 1/x at 0
            return False


_Node = Callable[[float, int], Any]


def _given(index: int) -> _Node:
    return lambda *given: given[index]


def _build(node: ast.AST, text: str) -> _Node:
    """The tree as functions in functions; refuses what it does not know."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        value = float(node.value)  # type: ignore[arg-type]
        return lambda *_: value
    if isinstance(node, ast.Name) and node.id in ("x", "step"):
        return _given(0 if node.id == "x" else 1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        inner = _build(node.operand, text)
        if isinstance(node.op, ast.Not):
            return lambda x, step: not inner(x, step)
        return lambda x, step: -inner(x, step)
    if isinstance(node, ast.BoolOp):
        parts = [_build(part, text) for part in node.values]
        together = any if isinstance(node.op, ast.Or) else all
        return lambda x, step: together(part(x, step) for part in parts)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        act, a, b = _BINARY[type(node.op)], _build(node.left, text), _build(node.right, text)
        return lambda x, step: act(a(x, step), b(x, step))
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
        sides = [_build(side, text) for side in (node.left, *node.comparators)]
        acts = [_COMPARE[type(op)] for op in node.ops]

        def compare(x: float, step: int) -> bool:
            found = [side(x, step) for side in sides]
            return all(act(found[i], found[i + 1]) for i, act in enumerate(acts))

        return compare
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = _CALLS.get(node.func.id)
        if function is not None and len(node.args) == 1:
            argument = _build(node.args[0], text)
            return lambda x, step: function(argument(x, step))
    raise BadInput(
        f"The alarm {text[:80]!r} is not understood: use x, step, numbers, comparisons, "
        "and, or, not, isnan(x), isinf(x), isfinite(x), abs(x)."
    )
