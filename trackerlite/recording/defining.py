"""How a run's metrics are to be read: what `define_metric` says of them."""

from __future__ import annotations

from typing import Any

from trackerlite import values
from trackerlite.errors import BadInput
from trackerlite.recording.axes import Axes
from trackerlite.recording.config import Summary
from trackerlite.recording.harmless import harmless
from trackerlite.recording.part import Part
from trackerlite.recording.statistics import Statistics

_GOALS = {"min": "min", "minimize": "min", "max": "max", "maximize": "max"}
_SUMMARIES = {"min", "max", "mean", "first", "last", "best", "copy", "none"}


class Defining(Part):
    """The part of `Run` that is about what its metrics mean."""

    summary: Summary
    _axes: Axes
    _statistics: Statistics

    @harmless("define_metric()")
    def define_metric(
        self,
        name: str,
        step_metric: str | None = None,
        *,
        step_sync: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        unit: str | None = None,
        alarm: str | None = None,
        hidden: bool | None = None,
        **_: Any,
    ) -> None:
        """Say how a metric is to be read; `name` may hold `*`.

        Args:
            step_metric: the metric that is its x axis. A row that holds the metric without it gets
                its last value (0 before the first), unless `step_sync=False`.
            summary: any of "min,max,mean,first,last,best", comma-separated: what the summary keeps.
            goal: "min" or "max": which way is better.
            unit: what it is measured in, for axes.
            alarm: a rule such as "isnan(x) or x > 10".

        >>> import trackerlite as tl
        >>> run = tl.init(mode="disabled")
        >>> run.define_metric("val/*", step_metric="epoch", summary="min", goal="min")
        """
        parts = [p.strip() for p in str(summary or "").split(",") if p.strip()]
        unknown = set(parts) - _SUMMARIES
        if unknown:
            self._refuse(
                f"define_metric({values.brief(name)}): summary={values.brief(summary)} is not known."
            )
            parts = []
        if goal is not None and goal not in _GOALS:
            self._refuse(
                f"define_metric({values.brief(name)}): goal={values.brief(goal)} has to be 'min' or 'max'."
            )
            goal = None
        fields: dict[str, Any] = {
            "step_metric": step_metric,
            "summary": parts or None,
            "goal": _GOALS.get(goal or ""),
            "unit": unit,
            "alarm": alarm,
            "hidden": hidden,
        }
        try:
            pattern = values.check_key(name)
        except BadInput as error:
            self._refuse(str(error))
            return
        self._record(
            "define", pattern=pattern, **{k: v for k, v in fields.items() if v is not None}
        )
        with self._writer.lock:
            axis = None if step_sync is False else step_metric
            self._axes.define(pattern, axis, self.summary.latest)
            self._statistics.define(pattern, parts, fields["goal"])
