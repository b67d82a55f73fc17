"""What the screen remembers about a store, kept with the person and not with the store."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import traceback
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from trackerlite import paths

_KEPT_HISTORY = 50


@dataclass
class State:
    """Remembered per store: filter, marks, sort, zoom, theme and the like. Run ids, not keys."""

    theme: str = "auto"
    background: str = ""  # light or dark, as the terminal told the last time
    screen: str = "runs"
    filter: str = ""
    metric_filter: str = ""
    history: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    pinned_runs: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # what enter marked by itself
    pinned_metrics: list[str] = field(default_factory=list)
    columns: list[str] | None = None  # None: chosen by the data
    sort: str = ""
    reverse: bool = False
    group: str = ""
    color_by: str = ""
    colors: dict[str, int] = field(default_factory=dict)
    smoothing: float = 0.0
    raw: bool = True
    axis: str = "step"
    band: bool = False
    ranks: bool = False
    density: int = 0
    y_kinds: dict[str, str] = field(default_factory=dict)
    x_kind: str = "linear"
    split: float = 0.55
    baseline: str = ""
    wrap: bool = False

    def remember(self, text: str) -> None:
        """Add a filter to the history, the newest last, none twice."""
        if text.strip():
            self.history = [*(h for h in self.history if h != text), text][-_KEPT_HISTORY:]

    def color(self, run_id: str) -> int:
        """The run's place in the palette: the same for as long as the store is looked at."""
        if run_id not in self.colors:
            taken = set(self.colors.values())
            self.colors[run_id] = next(i for i in range(len(taken) + 1) if i not in taken)
        return self.colors[run_id]


def folder() -> Path:
    """Where states are kept."""
    base = os.environ.get("XDG_STATE_HOME") or str(paths.home() / ".local" / "state")
    return Path(base) / "trackerlite" / "tui"


def _file(store: str) -> Path:
    return (
        folder()
        / f"{hashlib.sha256(store.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.json"
    )


def load(store: str) -> State:
    """The state kept for a store; a fresh one when there is none that can be read."""
    try:
        raw = json.loads(_file(store).read_text("utf-8"))
    except (OSError, ValueError):
        return State()
    fresh = State()
    if not isinstance(raw, dict):
        return fresh
    for one in fields(State):
        value = raw.get(one.name)
        default = getattr(fresh, one.name)
        if one.name == "columns":
            if value is None or _strings(value):
                fresh.columns = value
        elif type(value) is type(default) and (not isinstance(value, list) or _strings(value)):
            setattr(fresh, one.name, value)
    fresh.colors = {k: v for k, v in fresh.colors.items() if isinstance(v, int)}
    return fresh


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def save(store: str, state: State) -> None:
    """Keep a state; where it cannot be written it is forgotten, silently: it is a comfort."""
    path = _file(store)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump({**asdict(state), "store": store}, out)
        Path(temporary).replace(path)
    except OSError:
        return


def keep_fault(trouble: Exception) -> Path | None:
    """Write down a fault of ours for a report; None where that is not possible."""
    path = folder() / "fault.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(trouble)), "utf-8", "backslashreplace")
    except OSError:
        return None
    return path
