"""A run that goes on: which one, what it knew, and how it goes back to an earlier step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trackerlite.errors import BadInput, RunExists, RunNotFound, TrackerliteError
from trackerlite.journal import events
from trackerlite.recording import folders
from trackerlite.text import tell

if TYPE_CHECKING:
    from trackerlite.recording.run import Run
    from trackerlite.recording.settings import Settings


def earlier(wanted: Settings) -> folders.Earlier | None:
    """The run to continue, if `resume` allows or demands one."""
    found = folders.find(wanted.store, wanted.project, wanted.id) if wanted.given_id else None
    if wanted.rank:  # whether the run is new is for rank 0 to judge; this one joins it
        return found
    if wanted.resume == "auto" and not wanted.given_id:
        found = _unfinished(wanted)
        if found is not None:
            wanted.id = str(found.record["id"])
    if wanted.resume == "never" and found is not None:
        raise RunExists(
            f"The run {wanted.project}/{wanted.id} is already there and resume='never' was asked for. "
            "Nothing was changed. Choose another id, or resume='allow' to continue it."
        )
    if wanted.resume == "must" and not wanted.given_id:
        raise BadInput(
            "resume='must' needs to be told which run: give its id, or use resume='auto' for the latest unfinished one."
        )
    if wanted.resume == "must" and found is None:
        raise RunNotFound(
            f"There is no run {wanted.project}/{wanted.id} in {wanted.store} to resume. "
            "Check id, project and dir, or use resume='allow' to begin it."
        )
    return found


def _unfinished(wanted: Settings) -> folders.Earlier | None:
    """The latest run that did not finish and is ours to continue: of the same job, else of the same name."""
    job, task = os.environ.get("SLURM_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    namesake = None
    for candidate in folders.newest(wanted.store, wanted.project):
        record = candidate.record
        theirs = record.get("slurm") or {}
        same_job = job is not None and theirs.get("SLURM_JOB_ID") == job
        same_name = record.get("name") == wanted.name if wanted.named else job is None
        same_host = record.get("host") == os.uname().nodename
        # The tasks of an array share their script, and with it the name.
        same_task = theirs.get("SLURM_ARRAY_TASK_ID") == task
        like_ours = same_name and same_task and (wanted.named or same_host)
        if not (same_job or (like_ours and namesake is None)):
            continue
        if not candidate.is_finished() and not candidate.is_being_written():
            if same_job or job is None:
                return candidate
            namesake = candidate
    return namesake


def catch_up(run: Run) -> None:
    """Give a continued run what it knew: step, name, notes, group, tags, config, summary."""
    from trackerlite.store import past

    wanted = run.settings
    try:
        found = past.read(wanted.store, run.folder, wanted.lane)
    except (TrackerliteError, OSError, ValueError) as error:
        tell(
            f"the past of run {wanted.id} could not be read ({error}); it is continued all the same, "
            "without its earlier config and step in this process."
        )
        return
    run._continue(found)


def _forsake(run: Run, step: int) -> None:
    """`best` and the like are no longer what was made behind `step`."""
    from trackerlite.artifacts import Registry

    try:
        Registry(run.settings.store).abandon(run.project, run.id, step)
    except OSError as error:
        run._say(f"aliases of artifacts made behind step {step} could not be moved ({error}).")


def go_back(run: Run, step: int) -> None:
    """Continue behind `step`: what was logged later stays recorded, hidden.

    From here on the run knows what it knew at that step: its summary, and where its axes stand.
    """
    with run._writer.lock:
        run._step = step + 1
        run._record("rewind", events.session_start(), step=step)
    catch_up(run)
    _forsake(run, step)
    with run._writer.lock:
        run._step = step + 1
        run._axes.rewound(run.summary.latest)
