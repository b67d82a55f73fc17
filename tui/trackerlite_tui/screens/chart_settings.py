"""How charts are drawn: axes, smoothing, bands, colours, density, which metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite_tui.snapshot import RELATIVE, STEP, WALL
from trackerlite_tui.widgets.menu import Choice, Menu
from trackerlite_tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.snapshot import MetricName

SMOOTHING = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
_Y_KINDS = ("linear", "log", "symlog")


class ChartSettings:
    """The keys that change how charts look; what they set is remembered."""

    desk: Desk
    stream: str
    focus: str

    @property
    def axis(self) -> str:
        """What is on the x axis."""
        raise NotImplementedError

    def runs(self) -> list[RunInfo]:
        """The runs that are drawn."""
        raise NotImplementedError

    def names(self) -> list[MetricName]:
        """The metrics of the drawn runs."""
        raise NotImplementedError

    def metrics(self) -> list[str]:
        """Those that are shown, in their order."""
        raise NotImplementedError

    def do_reset(self, _: str) -> None:
        """The whole curve."""
        raise NotImplementedError

    def stop_inspecting(self) -> None:
        """No cursor."""
        raise NotImplementedError

    def do_density(self, by: str) -> None:
        """More or fewer charts on a page."""
        before = self.desk.state.density
        self.desk.state.density = max(-3, min(4, before + int(by)))
        if self.desk.state.density == before:
            self.desk.notify("no larger charts" if int(by) < 0 else "no smaller charts")

    def do_pin(self, _: str) -> None:
        """This metric to the front, or back to its place."""
        pinned = self.desk.state.pinned_metrics
        if self.focus in pinned:
            pinned.remove(self.focus)
        elif self.focus:
            pinned.append(self.focus)

    def do_smooth(self, by: str) -> None:
        """Smoother or less so."""
        state = self.desk.state
        index = min(range(len(SMOOTHING)), key=lambda i: abs(SMOOTHING[i] - state.smoothing))
        state.smoothing = SMOOTHING[max(0, min(index + int(by), len(SMOOTHING) - 1))]
        self.desk.notify(f"smoothing {state.smoothing:g}" if state.smoothing else "no smoothing")

    def do_ranks(self, _: str) -> None:
        """Lines of rank 0, or of every process that recorded a run."""
        desk = self.desk
        if not any(len(desk.signs.ranks(run)) > 1 for run in self.runs()):
            desk.notify('no run here was recorded by several processes (ranks="all")')
            return
        desk.state.ranks = not desk.state.ranks
        if desk.signs.banded:
            drawn = "all ranks" if desk.state.ranks else "rank 0"
            desk.notify(f"lines of {drawn}; bands are of rank 0 (b draws lines)")

    def do_raw(self, _: str) -> None:
        """Show or hide the raw values behind smoothed ones."""
        state = self.desk.state
        state.raw = not state.raw
        if not state.smoothing:
            shown = "shown" if state.raw else "hidden"
            self.desk.notify(f"raw values behind smoothed ones: {shown} (s smooths)")

    def do_log_y(self, _: str) -> None:
        """The next kind of y axis, for this metric."""
        kinds = self.desk.state.y_kinds
        now = kinds.get(self.focus, "linear")
        kinds[self.focus] = _Y_KINDS[(_Y_KINDS.index(now) + 1) % 3] if now in _Y_KINDS else "linear"
        self.desk.notify(f"y axis of {self.focus}: {kinds[self.focus]}")

    def do_log_x(self, _: str) -> None:
        """Linear or logarithmic x."""
        state = self.desk.state
        state.x_kind = "log" if state.x_kind == "linear" else "linear"
        if self.axis in (RELATIVE, WALL):
            self.desk.notify(f"x axis: {state.x_kind}, but time is always linear (x chooses)")

    def do_axis(self, _: str) -> None:
        """Choose the x axis."""
        choices = [
            Choice(STEP, "step"),
            Choice(RELATIVE, "time since the run's start"),
            Choice(WALL, "wall clock"),
        ]
        choices += [Choice(m.name, m.name, "metric") for m in self.names()]

        def accept(values: list[str]) -> None:
            self.desk.state.axis = values[0]
            self.stop_inspecting()
            self.do_reset("")

        self.desk.open(
            Menu(self.desk, "X axis", choices, accept, search=True, start=self.desk.state.axis)
        )

    def do_apply(self, _: str) -> None:
        """This chart's y axis for all metrics."""
        state = self.desk.state
        kind = state.y_kinds.get(self.focus, "linear")
        state.y_kinds = {} if kind == "linear" else dict.fromkeys(self.metrics(), kind)
        self.desk.notify(f"y axis of all metrics: {kind}")

    def do_band(self, _: str) -> None:
        """Lines, or mean and spread."""
        self.desk.state.band = not self.desk.state.band

    def do_color_by(self, _: str) -> None:
        """Colour runs by a config key."""
        desk = self.desk
        config = sorted(
            {key for run in self.runs() for key in desk.snapshot.config.get(run.key, {})}
        )
        choices = [
            Choice("", "one colour for each run"),
            *(Choice(key, key, "config") for key in config),
        ]

        def accept(values: list[str]) -> None:
            desk.state.color_by = values[0]

        desk.open(Menu(desk, "Colour by", choices, accept, search=True, start=desk.state.color_by))

    def do_filter(self, _: str) -> None:
        """Filter the metrics by name."""

        def live(text: str) -> None:
            self.desk.state.metric_filter = text
            self.desk.ask()

        def verdict() -> tuple[str, tuple[int, int] | None]:
            from trackerlite.readers.filters import Filter, FilterError

            every = [m.name for m in self.names()]
            try:
                return (
                    f"{len(Filter(self.desk.state.metric_filter).names(every))} of {len(every)} metrics",
                    None,
                )
            except FilterError as problem:
                return problem.reason, (problem.start, max(problem.end, problem.start + 1))

        text = self.desk.state.metric_filter
        self.desk.open(Prompt(self.desk, "metrics", text, live, live=live, verdict=verdict))

    def do_clear(self, _: str) -> None:
        """No metric filter; without one, no run filter."""
        if self.desk.state.metric_filter:
            self.desk.state.metric_filter = ""
        else:
            self.desk.clear_runs()
