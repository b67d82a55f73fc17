"""Curves as a vector or pixel picture, with matplotlib."""

from __future__ import annotations

import itertools
import logging
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite.errors import BadInput
from trackerlite.paths import whole
from trackerlite.text import plain

if TYPE_CHECKING:
    from trackerlite.cli._lines import Drawn

FORMATS = (".png", ".svg", ".pdf")
_AXIS_NAMES = {"step": "step", "time": "seconds since start", "wall": "time"}


def save(lines: Sequence[Drawn], x: str, log_x: bool, log_y: bool, path: Path) -> None:
    """Write one picture, a panel a metric, a line a run.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        BadInput: the file's ending is no format of a picture.
    """
    if path.suffix.lower() not in FORMATS:
        raise BadInput(
            f"{path.name} should end in one of {', '.join(FORMATS)}; nothing was written."
        )
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it cannot keep its cache
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from trackerlite_tui.curves.palette import LIGHT

    panels = [list(group) for _, group in itertools.groupby(lines, key=lambda one: one.metric)]
    order = {run: index for index, run in enumerate(dict.fromkeys(one.run.key for one in lines))}
    # A figure of its own, not pyplot's: no global state, no window system. Names may hold `$`.
    with rc_context({"text.parse_math": False, "svg.hashsalt": "trackerlite"}):
        figure = Figure(figsize=(8, 3.6 * len(panels)), layout="constrained", dpi=160)
        for axes, members in zip(
            figure.subplots(len(panels), 1, squeeze=False).flat, panels, strict=True
        ):
            for one in members:
                color = LIGHT[order[one.run.key] % len(LIGHT)]
                xs = _dates(one.x) if x == "wall" else one.x
                if one.raw is not None:
                    axes.plot(xs, _finite(one.raw), color=color, alpha=0.25, linewidth=0.8)
                axes.plot(xs, _finite(one.y), color=color, linewidth=1.4, label=plain(one.name, 60))
            unit = f" ({plain(members[0].unit, 16)})" if members[0].unit else ""
            axes.set_title(plain(members[0].metric) + unit, loc="left", fontsize=10)
            axes.set_xlabel(_AXIS_NAMES.get(x, plain(x)))
            if log_x and x != "wall":
                _logarithmic(axes.set_xscale, axes.xaxis)
            if log_y:
                _logarithmic(axes.set_yscale, axes.yaxis)
            axes.grid(alpha=0.25, linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            if len(order) > 1:
                axes.legend(frameon=False, fontsize=8)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # a box in its place tells as much
            with whole(path) as beside:
                figure.savefig(beside, format=path.suffix[1:].lower())


def _logarithmic(set_scale: Callable[..., None], axis: Any) -> None:
    """A logarithmic axis: what is not above 0 is a gap, and powers are written as plain numbers."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):  # matplotlib's own labels are formulas
        def __call__(self, value: float, place: int | None = None) -> str:
            return f"{value:g}" if super().__call__(value, place) else ""

    set_scale("log", nonpositive="mask")
    axis.set_major_formatter(Plain())
    axis.set_minor_formatter(Plain(labelOnlyBase=False, minor_thresholds=(1, 0.4)))


def _finite(values: Any) -> Any:
    import numpy as np

    return np.where(np.isfinite(values), values, np.nan)


def _dates(seconds: Any) -> Any:
    """Unix times as local ones, as everything else here shows them."""
    import numpy as np

    seconds = np.asarray(seconds)
    there = seconds[np.isfinite(seconds)]
    offset = time.localtime(there[-1]).tm_gmtoff if len(there) else 0
    return ((seconds + offset) * 1e6).astype("datetime64[us]")
