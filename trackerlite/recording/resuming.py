"""A run that goes on: what it knew, and how it goes back to an earlier step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite.errors import TrackerliteError
from trackerlite.journal import events
from trackerlite.text import tell

if TYPE_CHECKING:
    from trackerlite.recording.run import Run


def catch_up(run: Run) -> None:
    """Give a continued run what it knew: step, name, tags, config, summary."""
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
    run._continue(found.step, found.started, found.name, found.tags, found.config, found.summary)


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
