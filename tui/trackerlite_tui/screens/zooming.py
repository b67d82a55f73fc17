"""The visible part of a chart: zoom, pan, follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.strands import Strand

_DEEPEST = 1e6  # how many windows make the whole curve
Range = tuple[float | None, float | None]


class Zooming:
    """A window on the x axis and a range on the y axis of the full view."""

    desk: Desk
    stream: str
    focus: str

    window: tuple[float, float] | None = None
    y_range: Range = (None, None)
    following = False

    def strands(self) -> list[Strand]:
        """The lines that are drawn."""
        raise NotImplementedError

    def extent(self) -> tuple[float, float]:
        """Where the drawn curves of the focused metric, or its bands, begin and end."""
        bands = self.desk.snapshot.bands.get((self.stream, self.focus), ())
        ends = [float(end) for band in bands for end in band.whole]
        for one in self.strands():
            curve = self.desk.snapshot.curves.get(one.curve(self.stream, self.focus))
            if curve is not None and len(curve.x):
                ends += [float(curve.x[0]), float(curve.x[-1])]
        return (min(ends), max(ends)) if ends else (0.0, 1.0)

    def visible_window(self, name: str) -> tuple[float, float] | None:
        """The window of a chart; while following, it slides with the newest points."""
        if self.window is None or name != self.focus:
            return None
        if self.following:
            span = self.window[1] - self.window[0]
            end = self.extent()[1]
            if end != self.window[1]:
                self.window = (end - span, end)
        return self.window

    def _view(self) -> tuple[float, float]:
        return self.window or self.extent()

    def zoom_at(self, place: float, by: int) -> None:
        """Zoom in (by > 0) or out around a place on the x axis."""
        low, high = self._view()
        factor = 0.7**by
        span = (high - low) * factor
        whole = self.extent() if self.window is None else self._whole
        if span >= (whole[1] - whole[0]) * 0.999:
            if self.window is None:
                self.desk.notify("the whole curve is shown")
            self.window = None
            return
        if by > 0 and span < (whole[1] - whole[0]) / _DEEPEST:
            self.desk.notify("it goes no deeper")
            return
        if self.window is None:
            self._whole = whole
        share = (place - low) / (high - low) if high > low else 0.5
        self.window = (place - share * span, place + (1 - share) * span)

    _whole: tuple[float, float] = (0.0, 1.0)

    def pan_by(self, share: float) -> None:
        """Move the window by a share of its width."""
        if self.window is None:
            self.desk.notify("the whole curve is shown: ↑ zooms in, then ← and → move")
            return
        self.following = False
        low, high = self.window
        first, last = self._whole[0], max(self._whole[1], self.extent()[1])
        self._whole = first, last  # a live one goes on
        # The middle of what is seen stays on the curve: one never looks at nothing.
        by = min(max((high - low) * share, first - (low + high) / 2), last - (low + high) / 2)
        if not by:
            self.desk.notify("the curve ends here")
        self.window = (low + by, high + by)

    def do_zoom(self, by: str) -> None:
        """Zoom around the cursor, or the middle, or the end while following."""
        low, high = self._view()
        cursor = getattr(self, "cursor", None)
        self.zoom_at(
            high if self.following else cursor if cursor is not None else (low + high) / 2, int(by)
        )

    def do_pan(self, by: str) -> None:
        """Left or right by a quarter."""
        self.pan_by(0.25 * int(by))

    def do_zoom_y(self, by: str) -> None:
        """Zoom the y axis around its middle."""
        drawings = getattr(self, "_drawings", {})
        if self.focus not in drawings:
            return
        scale = drawings[self.focus].y
        share = (1 - 0.7 ** int(by)) / 2 if by == "1" else -(1 / 0.7 - 1) / 2
        low, high = scale.inverse(share), scale.inverse(1 - share)
        if high > low:
            self.y_range = (low, high)

    def do_reset(self, _: str) -> None:
        """The whole curve."""
        self.window, self.y_range, self.following = None, (None, None), False

    def do_follow(self, _: str) -> None:
        """Keep the newest points in sight."""
        self.following = not self.following
        if self.following and self.window is None:
            low, high = self.extent()
            self._whole = (low, high)
            self.window = (high - (high - low) * 0.25, high)
