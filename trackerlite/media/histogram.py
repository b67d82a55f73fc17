"""How numbers are spread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trackerlite.errors import BadInput
from trackerlite.media import tensorboard
from trackerlite.media.base import Later, Media, Written, array

MAX_BINS = 512


class Histogram(Media):
    """Counts per interval.

    Args:
        sequence: numbers, of any shape; NaN and infinities are counted in `invalid` alone.
        np_histogram: (counts, edges) where that was done already, edges one longer.
        num_bins: 1…512, default 64.

    >>> import trackerlite as tl
    >>> h = tl.Histogram([1, 2, 2, 3], num_bins=2)
    >>> list(h.histogram), list(h.bins)
    ([1, 3], [1.0, 2.0, 3.0])
    """

    def __init__(
        self, sequence: Any = None, np_histogram: tuple[Any, Any] | None = None, num_bins: int = 64
    ) -> None:
        import numpy as np

        self.invalid = 0
        self._total: float | None = None
        self._squares: float | None = None
        if np_histogram is not None:
            if len(np_histogram) != 2 or len(np_histogram[0]) + 1 != len(np_histogram[1]):
                raise BadInput(
                    "np_histogram= takes (counts, edges), with one edge more than counts."
                )
            counts, edges = (array(part) for part in np_histogram)
        else:
            numbers = array(sequence).ravel()
            numbers = numbers.astype(np.float64 if numbers.dtype.kind != "f" else numbers.dtype)
            finite = numbers if np.isfinite(numbers).all() else numbers[np.isfinite(numbers)]
            self.invalid = int(numbers.size - finite.size)
            if finite.size:
                counts, edges = _count(finite, max(1, min(int(num_bins), MAX_BINS)))
                with np.errstate(over="ignore", invalid="ignore"):
                    self._total = float(finite.sum(dtype=np.float64))
                    self._squares = float(np.square(finite, dtype=np.float64).sum())
            else:
                counts, edges = np.zeros(1, np.int64), np.array([0.0, 1.0])
        if not 1 <= len(counts) <= MAX_BINS:
            raise BadInput(f"A histogram has 1 to {MAX_BINS} bins, not {len(counts)}.")
        self.histogram: list[int | float] = counts.tolist()
        self.bins: list[float] = edges.astype(np.float64).tolist()

    def _trackerlite_media(
        self,
        folder: Path,  # noqa: ARG002 - it has no file
        key: str,  # noqa: ARG002
        step: int,  # noqa: ARG002
        later: Later | None = None,  # noqa: ARG002
    ) -> Written:
        body: dict[str, Any] = {
            "_type": "histogram", "values": self.histogram, "bins": self.bins,
        }  # fmt: skip
        if self.invalid:
            body["invalid"] = self.invalid
        shown = tensorboard.histogram(self.histogram, self.bins, self._total, self._squares)
        return body, shown


def _count(numbers: Any, bins: int) -> tuple[Any, Any]:
    """NumPy's histogram, also where the range is beyond float64 or below its resolution."""
    import numpy as np

    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.histogram(numbers, bins=bins)
    except ValueError:
        low, high = float(numbers.min()) / 2, float(numbers.max()) / 2
        edges = np.unique(np.linspace(low, high, bins + 1))
        edges = edges if len(edges) > 1 else np.array([low, np.nextafter(high, np.inf)])
        return np.histogram(numbers / 2, bins=edges)[0], edges * 2
