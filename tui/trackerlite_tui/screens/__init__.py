"""The seven screens, made when they are first shown."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.screens.base import Page

ORDER = ("runs", "charts", "compare", "logs", "system", "media", "sync")
TITLES = {
    "runs": "Runs",
    "charts": "Charts",
    "compare": "Compare",
    "logs": "Logs",
    "system": "System",
    "media": "Media",
    "sync": "Sync",
}


def make(name: str, desk: Desk) -> Page:
    """A screen by its name; its module is loaded now and not before."""
    page: Page = import_module(f"trackerlite_tui.screens.{name}").Screen(desk)
    return page
