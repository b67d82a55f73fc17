"""What the integrations share: which run they write to, and how an earlier one goes on."""

from __future__ import annotations

import sys
from typing import Any

from trackerlite.errors import RunExists, RunInUse, RunNotFound
from trackerlite.recording import current, resuming
from trackerlite.recording.run import Run


def go_on(project: str, run_id: str, step: int, /, **init: Any) -> Run:
    """Continue the run a checkpoint belongs to, behind `step`; what it logged later is hidden.

    Where that run is not in this store (another machine, a store that was moved), or a
    living process still writes it, a new run is begun, and the person is told. A run that is
    being recorded already is the one, rewound if the checkpoint is its own.
    """
    active = current.current()
    if active is not None and (active.project, active.id) == (project, run_id):
        resuming.go_back(active, step)
    if active is not None:
        return active
    init = {key: value for key, value in init.items() if key not in ("project", "id", "resume")}
    try:
        return current.init(project=project, resume_from=f"{run_id}?_step={step}", **init)
    except RunNotFound:
        _say(
            f"The checkpoint was recorded as {project}/{run_id}, which is not in this store; a run of that id begins here."
        )
        return current.init(project=project, id=run_id, **init)
    except (RunInUse, RunExists):
        _say(
            f"The checkpoint's run {project}/{run_id} is still being written by another process; a new run begins."
        )
        return current.init(project=project, **init)


def _say(message: str) -> None:
    print(f"trackerlite: {message}", file=sys.stderr)
