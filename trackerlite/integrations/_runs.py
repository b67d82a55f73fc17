"""What the integrations share: which run they write to, and how an earlier one goes on."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from trackerlite.errors import RunExists, RunInUse, RunNotFound
from trackerlite.recording import current, resuming
from trackerlite.recording.run import Run
from trackerlite.text import tell

_begun: weakref.WeakSet[Run] = weakref.WeakSet()  # by an integration, not by the script itself
_over: weakref.WeakSet[Run] = weakref.WeakSet()  # of these, whose training is over


def begin(**init: Any) -> Run:
    """The current run, or one that is begun for a training.

    What another training began, and is over, ends first if this is to be another run: of
    another id, name or project. A run that the script began itself stays the one.
    """
    make_room(init)
    before = current.current()
    run = current.init(**init)
    if run is not before:
        _begun.add(run)
    _over.discard(run)
    return run


def over(run: Run | None) -> None:
    """A training is over. Its run stays open, for tests and for what the script logs."""
    if run is not None and run in _begun:
        _over.add(run)


def make_room(wanted: Mapping[str, Any]) -> None:
    """End the current run if a training that is over began it, and another one is wanted."""
    active = current.current()
    if active is None or active not in _over:
        return
    asked = {key: wanted.get(key) for key in ("project", "name", "id")}
    if any(value is not None and value != getattr(active, key) for key, value in asked.items()):
        active.finish()


def go_on(project: str, run_id: str, step: int, /, **init: Any) -> Run:
    """Continue the run a checkpoint belongs to, behind `step`; what it logged later is hidden.

    Where that run is not in this store (another machine, a store that was moved), or a
    living process still writes it, a new run is begun, and the person is told. A run that is
    being recorded already is the one, rewound if the checkpoint is its own.
    """
    make_room({"project": project, "id": run_id})
    active = current.current()
    if active is not None and (active.project, active.id) == (project, run_id):
        resuming.go_back(active, step)
    if active is not None:
        return active
    init = {key: value for key, value in init.items() if key not in ("project", "id", "resume")}
    try:
        return begin(project=project, resume_from=f"{run_id}?_step={step}", **init)
    except RunNotFound:
        tell(
            f"The checkpoint was recorded as {project}/{run_id}, which is not in this store; a run of that id begins here."
        )
        return begin(project=project, id=run_id, **init)
    except (RunInUse, RunExists):
        tell(
            f"The checkpoint's run {project}/{run_id} is still being written by another process; a new run begins."
        )
        return begin(project=project, **init)
