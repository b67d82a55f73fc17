"""Debiased exponential moving average, in one pass and incrementally."""

from __future__ import annotations

import numpy as np

from trackerlite_tui.curves.line import Floats

_BLOCK = 256


class Ema:
    """The average so far, so that new points cost only themselves.

    `weight` in [0, 1) is how much of the past is kept per point; 0 changes nothing.
    Debiased: the first point counts as itself, not as a step up from zero.
    Values that are not finite pass through and leave the average as it was.
    """

    def __init__(self, weight: float) -> None:
        if not 0 <= weight < 1:
            raise ValueError(f"a smoothing weight lies in [0, 1), not {weight}")
        self.weight = weight
        self._total = 0.0
        self._norm = 0.0
        self._kernel: Floats | None = None

    def extend(self, values: Floats) -> Floats:
        """The smoothed values of the next points, same shape as `values`."""
        out = np.array(values, dtype=np.float64)
        if self.weight == 0 or not out.size:
            return out
        good = np.flatnonzero(np.isfinite(out))
        for start in range(0, good.size, _BLOCK):
            where = good[start : start + _BLOCK]
            out[where] = self._block(out[where])
        return out

    def _block(self, values: Floats) -> Floats:
        """A block in closed form: y[i] = Σ w^(i-j) v[j] (1-w), plus what was before."""
        w, n = self.weight, values.size
        powers = np.power(w, np.arange(n + 1, dtype=np.float64))
        if self._kernel is None or len(self._kernel) < n:
            self._kernel = _lower(powers, n)
        kernel = self._kernel[:n, :n]
        with np.errstate(all="ignore"):
            totals = (1 - w) * (kernel @ values) + powers[1:] * self._total
            norms = 1 - powers[1:] * (1 - self._norm)
            result = totals / norms
        self._total, self._norm = float(totals[-1]), float(norms[-1])
        return np.asarray(result)


def _lower(powers: Floats, n: int) -> Floats:
    """The lower triangular matrix of w^(row - column)."""
    index = np.arange(n)
    lag = index[:, None] - index[None, :]
    return np.where(lag >= 0, powers[np.maximum(lag, 0)], 0.0)


def ema(values: Floats, weight: float) -> Floats:
    """All of `values` smoothed at once."""
    return Ema(weight).extend(values)
