"""Is a difference between groups of runs larger than the noise between their seeds?

The test is Welch's t-test, two-sided: the standard one for the means of two groups of
independent runs whose spread may differ. Where several metrics or groups are looked
at, the p-values are adjusted for that by the Benjamini-Hochberg procedure, and a
difference is called one at an adjusted p below 0.05. Both come from SciPy, which is
an extra (`pip install trackerlite[stats]`): without it means and standard deviations
are shown and no verdict is given.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

SIGNIFICANCE = 0.05
CONFIDENCE = 0.95
_ROUNDING = 1e-12  # a learning rate that every seed ends with, to a few of its last bits

Verdict = Literal["different", "within noise", "too few runs", "no spread", "needs scipy"]


@dataclass(frozen=True)
class Sample:
    """One number from each run of a group.

    Attributes:
        values: the finite ones.
        lost: how many runs had none, or one that is not finite (diverged).
        mean, sd: sd is the sample's (n - 1); NaN where there are too few values.
    """

    values: tuple[float, ...]
    lost: int
    mean: float
    sd: float

    @property
    def n(self) -> int:
        """How many values there are."""
        return len(self.values)


@dataclass(frozen=True)
class Difference:
    """The mean of a group minus that of the baseline, and what the test says of it.

    Attributes:
        delta: the difference.
        low, high: its 95 % confidence interval, NaN where it cannot be had.
        p: Welch's two-sided p. adjusted: the same, allowing for the other comparisons.
    """

    delta: float
    low: float
    high: float
    p: float
    adjusted: float
    verdict: Verdict


def sample(values: Sequence[float | None]) -> Sample:
    """The sample of one value per run; None or a value that is not finite is counted as lost.

    >>> sample([1.0, 3.0, None])
    Sample(values=(1.0, 3.0), lost=1, mean=2.0, sd=1.4142135623730951)
    """
    finite = tuple(float(v) for v in values if v is not None and math.isfinite(v))
    return Sample(
        finite,
        len(values) - len(finite),
        float(np.mean(finite)) if finite else math.nan,
        _deviation(finite),
    )


def _deviation(values: Sequence[float]) -> float:
    """The sample's standard deviation; 0 where all that differs is how sums were rounded."""
    if len(values) < 2:
        return math.nan
    low, high = min(values), max(values)
    if high - low <= _ROUNDING * max(abs(low), abs(high)):
        return 0.0
    return float(np.std(values, ddof=1))


def scipy_installed() -> bool:
    """Whether differences can be tested."""
    from importlib.util import find_spec

    return find_spec("scipy") is not None


def compare_samples(baseline: Sample, other: Sample) -> Difference:
    """Welch's t-test of two samples, not adjusted for other comparisons."""
    delta = other.mean - baseline.mean
    untested = Difference(delta, math.nan, math.nan, math.nan, math.nan, "too few runs")
    if baseline.n < 2 or other.n < 2:
        return untested
    if baseline.sd == 0 and other.sd == 0:
        return replace(untested, verdict="no spread")
    if not scipy_installed():
        return replace(untested, verdict="needs scipy")
    from scipy import stats

    with warnings.catch_warnings():
        # "Precision loss": said of a group whose values are all the same, which is no loss here.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.ttest_ind(other.values, baseline.values, equal_var=False)
    interval = result.confidence_interval(CONFIDENCE)
    p = float(result.pvalue)
    return Difference(delta, float(interval.low), float(interval.high), p, p, _verdict(p))


def adjust(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences, their p-values adjusted for being looked at together."""
    tested = [d for d in differences if not math.isnan(d.p)]
    if not tested:
        return list(differences)
    from scipy import stats

    adjusted = iter(stats.false_discovery_control([d.p for d in tested], method="bh"))
    result = []
    for difference in differences:
        if math.isnan(difference.p):
            result.append(difference)
        else:
            p = float(next(adjusted))
            result.append(replace(difference, adjusted=p, verdict=_verdict(p)))
    return result


def _verdict(p: float) -> Verdict:
    return "different" if p < SIGNIFICANCE else "within noise"
