"""The terminal's own picture over the surface: drawn once, again only where text was painted over it.

The surface holds the same picture in half blocks. So what is taken away, or lies under a menu,
leaves no hole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Region

from trackerlite_tui.graphics import KITTY_AWAY, Placed

if TYPE_CHECKING:
    from trackerlite_tui.app import TrackerApp
    from trackerlite_tui.widgets.surface import Surface


class Pictures:
    """Keeps what the terminal draws in step with the desk."""

    def __init__(self, app: TrackerApp, surface: Surface) -> None:
        self._app, self._surface = app, surface
        self._drawn: Placed | None = None
        self._due: Placed | None = None

    def show(self, picture: Placed | None) -> None:
        """After the surface was shown: draw, draw again, or take away."""
        before = self._drawn
        if picture is None and before is None:
            return
        if before is not None and (picture is None or picture != before):
            self._take_away(before)
        elif picture is not None and not self._painted_over(picture):
            return
        self._drawn = self._due = picture
        if picture is not None:
            self._app.call_after_refresh(self._draw)  # the text below it goes first

    def _draw(self) -> None:
        picture, self._due = self._due, None
        if picture is not None and picture is self._drawn:
            self._write(picture.sequence)

    def _painted_over(self, picture: Placed) -> bool:
        """Whether text was painted where it is; Kitty's pictures lie above text and stay."""
        if picture is not self._drawn and picture != self._drawn:
            return True
        graphics = self._app.desk.graphics
        place = _region(picture)
        whole = any(region == self._surface.region for region in self._surface.painted)
        return whole or (
            graphics is not None
            and graphics.way != "kitty"
            and any(place.overlaps(region) for region in self._surface.painted)
        )

    def _take_away(self, picture: Placed) -> None:
        graphics = self._app.desk.graphics
        if graphics is not None and graphics.way == "kitty":
            self._write(KITTY_AWAY)
        else:
            self._surface.refresh(_region(picture))  # the half blocks, painted over it

    def _write(self, data: str) -> None:
        driver = self._app._driver
        if driver is not None and not self._app.is_headless:
            driver.write(data)


def _region(picture: Placed) -> Region:
    return Region(picture.x, picture.y, picture.columns, picture.rows)
