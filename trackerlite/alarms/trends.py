"""How a loss and the pace of steps usually go, and when they no longer do."""

from __future__ import annotations

import math
import re
from collections import deque
from functools import lru_cache

_SETTLED = 100  # values before a loss can be said to diverge
_GAPS = 64  # of the latest steps, that say what pace is usual
#: losses that rise in a healthy training, as a player's does whose opponent learns
_MAY_RISE = {
    "g", "d", "gen", "disc", "generator", "discriminator", "adv", "adversarial", "fake", "real",
    "actor", "critic", "policy", "pi", "kl", "kld", "commit", "commitment", "aux", "auxiliary",
    "balance", "balancing", "reg", "regularization", "penalty",
}  # fmt: skip


@lru_cache(maxsize=1024)
def should_fall(key: str) -> bool:
    """Whether a metric is a loss that does not rise but in trouble.

    >>> [key for key in ("train/loss", "val_ce_loss", "kl_loss", "loss_G", "entropy_loss", "acc")
    ...  if should_fall(key)]
    ['train/loss', 'val_ce_loss']
    """
    if "loss" not in key.lower():
        return False
    words = set(re.findall("[a-z]+", key.lower()))
    bonus = "entropy" in words and "cross" not in words
    return not bonus and words.isdisjoint(_MAY_RISE)


class Trend:
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


class Pace:
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
