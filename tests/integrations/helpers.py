"""What several integration tests read and compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import trackerlite as tl
from trackerlite.readers.api import ApiRun


def only_run(project: str | None = None) -> ApiRun:
    """The one run that is in the store."""
    runs = tl.Api().runs(project)
    assert len(runs) == 1, runs
    return runs[0]


def rows(run: ApiRun) -> list[dict[str, Any]]:
    """A run's history as rows: `_step` and the values that are there."""
    found = []
    for row in run.history().rows():
        values = {k: v for k, v in row.items() if v == v and k not in ("_time", "_runtime")}
        found.append(values)
    return found


def by_step(run: ApiRun, axis: str = "_step") -> dict[int, dict[str, Any]]:
    """A run's rows by step."""
    return {int(row[axis]): {k: v for k, v in row.items() if k != "_step"} for row in rows(run)}


def merged(history: list[dict[str, Any]], axis: str) -> dict[int, dict[str, Any]]:
    """W&B's rows merged by the value of `axis`; a row without it goes with the one before."""
    found: dict[int, dict[str, Any]] = {}
    at = 0
    for row in history:
        at = int(row.get(axis, at))
        found.setdefault(at, {}).update(row)
    return found


def tensorboard_scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """TensorBoard's own reading of a log folder: tag → (step, value), tensors of one number included."""
    log = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    log.Reload()
    return {tag: [(e.step, e.value) for e in log.Scalars(tag)] for tag in log.Tags()["scalars"]}
