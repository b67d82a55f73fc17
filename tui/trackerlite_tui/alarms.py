"""Alerts in words: the one that has just rung, and all of them to read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trackerlite_tui.rows import Row, words
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.pages import Pages

if TYPE_CHECKING:
    from trackerlite.readers import AlertInfo
    from trackerlite_tui.desk import Desk

_WIDE = 70


def sentence(alert: AlertInfo, name: str) -> str:
    """What rang, of which run."""
    return f"{name}: {alert.title}" + (f" – {alert.text}" if alert.text else "")


def pages(desk: Desk) -> Pages:
    """All alerts, the newest first, to scroll through."""
    look = desk.look
    rows: list[Row] = []
    for alert in reversed(desk.snapshot.alerts):
        run = desk.runs.by_key.get(alert.run_key)
        when = time.strftime("%d %b %H:%M:%S", time.localtime(alert.time))
        step = "" if alert.step is None else f"  step {alert.step}"
        level = look.bad if alert.level == "ERROR" else look.warn
        rows.append([(when + step, look.dim), ("  " + safe(alert.level or ""), level)])
        said = safe(sentence(alert, (run.name or run.id) if run else "a run in the trash"), 1000)
        rows += [[("  " + line, look.text)] for line in words(said, _WIDE - 2)]
    return Pages(desk, "Alerts", rows or [[("none has rung", look.dim)]])
