"""How a run begins: its folder, its journal, and what it says of itself."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from trackerlite import values
from trackerlite.errors import RunInUse
from trackerlite.journal import events
from trackerlite.journal.files import is_being_written
from trackerlite.journal.writer import JournalWriter
from trackerlite.recording import folders, resuming
from trackerlite.recording.harmless import told
from trackerlite.recording.run import Run
from trackerlite.recording.settings import Settings


def begin(wanted: Settings) -> Run:
    """The run that `wanted` asks for, new or continued, with its work beside the training.

    Raises:
        JournalError, OSError: nothing can be written.
        RunExists, RunNotFound, RunInUse, BadInput: it may not be this one.
    """
    folders.prepare(wanted.store)
    earlier = resuming.earlier(wanted)
    if earlier is None:
        folder = folders.run_folder(wanted.store, wanted.project, wanted.name, wanted.id)
    else:
        folder = earlier.folder
        if wanted.rank and not folders.lane_journals(folder / wanted.lane):
            earlier = None  # rank 0 was quicker; this rank itself is new
    writer = _claim(folder / wanted.lane, wanted)
    run = Run(
        wanted,
        writer,
        folder=folder,
        config=wanted.config,
        resumed=earlier is not None,
    )
    if earlier is not None:
        resuming.catch_up(run)
    _announce(run, wanted, resumed=earlier is not None)
    if wanted.rewind is not None:
        resuming.go_back(run, wanted.rewind)
    run._start()
    if wanted.rank:
        return run
    verb = "continuing" if earlier is not None else "recording"
    behind = "" if wanted.rewind is None else f" behind step {wanted.rewind}"
    run._say(f"{verb} {run.name} ({run.project}/{run.id}){behind} in {wanted.store}")
    if wanted.mode == "online":
        from trackerlite.recording import beside

        if beside.start(wanted.store, f"{run.project}/{run.id}", folder) is None:
            run._say(
                "the syncing beside it could not start; `trackerlite sync` sends the run later."
            )
        else:
            run._say(f"syncing beside it; what that has to say is in {folder / beside.LOG}")
    return run


def _announce(run: Run, wanted: Settings, *, resumed: bool) -> None:
    """Write the run record: who and what this is, with what TensorBoard can show of it."""
    from trackerlite.capture import environment
    from trackerlite.capture.redact import redact_config, redact_text

    try:
        found = environment.quick()
    except Exception as error:  # a machine unlike any that we know: the training goes on
        run._say(f"this machine could not be described ({told(error)}).")
        found = {}
    config = redact_config(run._sized(values.flatten(wanted.config)))
    shown: list[bytes] = []
    if config and not resumed:
        shown.append(events.summary(events.hparams(config, wanted.name, run.started)))
    about = {
        "id": wanted.id,
        "project": wanted.project,
        "name": None if resumed and not wanted.named else wanted.name,
        "group": wanted.group,
        "job_type": wanted.job_type,
        "notes": redact_text(wanted.notes or ""),
        "tags": [redact_text(tag) for tag in wanted.tags],
        "config": config,
        "started": run.started,
        "resumed": resumed,
        "mode": wanted.mode,
        **({"rank": wanted.rank, "world_size": wanted.world_size} if wanted.world_size > 1 else {}),
    }
    run._record(
        "run",
        *shown,
        **{**found, **{k: v for k, v in about.items() if v not in (None, "", [], {})}},
    )


def _claim(folder: Path, wanted: Settings) -> JournalWriter:
    """A journal in `folder`, for one living process at a time.

    Two that begin at the same instant each see the other's lock; both step back,
    and try again after different pauses.
    """
    for attempt in range(4):
        if not any(is_being_written(path) for path in folders.lane_journals(folder)):
            writer = JournalWriter(folder, durable=wanted.durable)
            others = (p for p in folders.lane_journals(folder) if p != writer.path)
            if not any(is_being_written(path) for path in others):
                return writer
            writer.close()
            with suppress(OSError):
                writer.path.unlink()
        if attempt < 3:
            time.sleep(0.01 + os.urandom(1)[0] / 2560)  # up to 0.1 s, to take turns
    raise RunInUse(
        f"The run {wanted.project}/{wanted.id} is being written by another living process. Nothing was changed. "
        "Wait for it to end, or begin a run with another id."
    )


class _Nowhere:
    """A writer for runs that record nothing."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.dropped = self.written = 0
        self.path = Path(os.devnull)

    def append(self, record: bytes) -> bool:  # noqa: ARG002
        return True

    append_locked = append

    def close(self) -> None:
        pass


def disabled(wanted: Settings) -> Run:
    """A run that records nothing."""
    wanted.mode = "disabled"
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / "trackerlite-disabled"  # noqa: S108 - never made
    return Run(wanted, _Nowhere(), folder=folder, config=wanted.config)  # type: ignore[arg-type]
