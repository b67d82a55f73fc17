"""A second `init` while a run is being recorded: what W&B does, which scripts count on."""

from __future__ import annotations

import os

from trackerlite import values
from trackerlite.capture import shell
from trackerlite.errors import BadInput, RunInUse
from trackerlite.recording import lifecycle
from trackerlite.recording.run import Run
from trackerlite.recording.settings import Settings
from trackerlite.text import tell

REINITS = ("default", "return_previous", "finish_previous", "create_new")
Reinit = str | bool | None


def named(reinit: Reinit) -> str:
    """W&B's word for what was asked for; its older True and False included.

    Raises:
        BadInput: it is none of them.
    """
    if reinit is None or reinit is False:
        return "default"
    if reinit is True:
        return "finish_previous"
    if not isinstance(reinit, str) or reinit not in REINITS:
        raise BadInput(
            f"reinit={values.brief(reinit)} is not known; use one of {', '.join(REINITS)}."
        )
    return reinit


def settle(active: Run | None, reinit: str, wanted: Settings) -> Run | None:
    """The run to return instead of beginning the wanted one; None: begin it.

    Raises:
        RunInUse: a certain run is to be continued while another is recorded.
    """
    if active is None or not _is_recording(active) or reinit == "create_new":
        return None
    # A cell that is run again means a new run, as W&B has it.
    if reinit == "finish_previous" or (reinit == "default" and shell.in_notebook()):
        lifecycle.leave(active)
        return None
    if wanted.resume == "must":
        raise RunInUse(
            f"The run {wanted.project}/{wanted.id} cannot be continued while {active.project}/{active.id} is being "
            "recorded. Nothing was changed. Finish that one first with finish() or "
            'init(reinit="finish_previous"), or record both with init(reinit="create_new").'
        )
    if not wanted.silent:
        tell(
            f"{active.name} ({active.project}/{active.id}) is still being recorded, so init() returned it "
            'and used none of its arguments. For a new run call finish() first, or init(reinit="finish_previous").'
        )
    return active


def _is_recording(run: Run) -> bool:
    """Whether it is this process's and goes on, also where another rank does the writing."""
    recorded = run.settings.mode != "disabled" or run.settings.world_size > 1
    return recorded and not run._ended and run._pid == os.getpid()
