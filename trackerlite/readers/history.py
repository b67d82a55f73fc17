"""One or several metrics of a run as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AXES = ("_step", "_time", "_runtime")


class History(dict[str, Any]):
    """Columns by name, as arrays of one length: `_step`, `_time`, `_runtime` and the metrics; of one
    metric alone `step`, `time` and `value`.
    """

    def rows(self) -> Iterator[dict[str, Any]]:
        """Row by row, as dicts of Python numbers."""
        names = list(self)
        for row in zip(*(column.tolist() for column in self.values()), strict=True):
            yield dict(zip(names, row, strict=True))

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`, where pandas is installed."""
        import pandas

        return pandas.DataFrame(dict(self))

    def to_polars(self) -> Any:
        """A `polars.DataFrame`, where polars is installed."""
        import polars

        return polars.DataFrame(dict(self))


def merged(metrics: Mapping[str, Mapping[str, NDArray[Any]]], started: float, x: str) -> History:
    """Metrics (each `step`, `time` and `value`) by step: a row each, in the order of column `x`.

    Of several points at one step the last logged stays; a row's time is that of its latest point.
    """
    import numpy as np

    steps = _union([metric["step"] for metric in metrics.values()])
    times = np.full(len(steps), np.nan)
    table: dict[str, NDArray[Any]] = {"_step": steps, "_time": times}
    for key, metric in metrics.items():
        value, at = metric["value"], np.searchsorted(steps, metric["step"])
        column = np.full(len(steps), np.nan)
        if value.dtype != column.dtype and len(np.unique(at)) == len(steps):
            # Whole numbers have no NaN for a step without one: here each has.
            column = np.empty(len(steps), value.dtype)
        column[at] = value
        table[key] = column
        np.fmax.at(times, at, metric["time"])
    table["_runtime"] = times - started
    order = np.argsort(table[x], kind="stable")
    return History({name: column[order] for name, column in table.items()})


def _union(steps: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The different values of all arrays, rising; quick where one array holds them so already."""
    import numpy as np

    if not steps:
        return np.empty(0, np.int64)
    first = steps[0]
    if all(np.array_equal(first, other) for other in steps[1:]) and (np.diff(first) > 0).all():
        return first
    joined = np.sort(np.concatenate(steps), kind="stable")
    return joined[np.r_[True, joined[1:] != joined[:-1]]] if len(joined) else joined
