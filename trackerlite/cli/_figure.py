"""Curves as a vector or pixel picture, with matplotlib."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite.errors import BadInput
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
                    axes.plot(xs, one.raw, color=color, alpha=0.25, linewidth=0.8)
                axes.plot(xs, one.y, color=color, linewidth=1.4, label=plain(one.name, 60))
            unit = f" ({plain(members[0].unit, 16)})" if members[0].unit else ""
            axes.set_title(plain(members[0].metric) + unit, loc="left", fontsize=10)
            axes.set_xlabel(_AXIS_NAMES.get(x, plain(x)))
            axes.set_xscale("log" if log_x else "linear")
            axes.set_yscale("log" if log_y else "linear")
            axes.grid(alpha=0.25, linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            if len(members) > 1:
                axes.legend(frameon=False, fontsize=8)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # a box in its place tells as much
            figure.savefig(path)


def _dates(seconds: Any) -> Any:
    import numpy as np

    return (np.asarray(seconds) * 1e6).astype("datetime64[us]")
