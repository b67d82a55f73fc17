"""The current run: `init`, and the module-level functions that act on it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trackerlite import values
from trackerlite.errors import (
    BadInput,
    JournalError,
    NoRun,
    RunExists,
    RunInUse,
    RunNotFound,
)
from trackerlite.journal import events
from trackerlite.journal.files import is_being_written
from trackerlite.journal.writer import JournalWriter
from trackerlite.recording import again, folders, launch, resuming, settings
from trackerlite.recording.harmless import told
from trackerlite.recording.run import Run
from trackerlite.text import tell

_stack: list[Run] = []


def init(
    project: str | None = None,
    name: str | None = None,
    config: Any = None,
    *,
    tags: Any = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    id: str | None = None,
    resume: str | bool | None = None,
    resume_from: str | None = None,
    dir: str | os.PathLike[str] | None = None,
    mode: str | None = None,
    durable: bool = False,
    strict: bool = False,
    ranks: str | None = None,
    reinit: str | bool | None = None,
    **like_wandb: Any,
) -> Run:
    """Begin (or continue) a run and make it the current one.

    While a run is being recorded, `init` returns that one, and says so: `finish()` it first, or
    ask for something else with `reinit`.

    Args:
        project, name, group, job_type, notes, tags: how people find it again.
        config: hyperparameters: a dict (nested or not), dataclass, namespace, or a JSON or YAML file.
        id: its id, unique in the project; default: eight random characters.
        resume: what to do if a run of that id is there: "never" (refuse), "allow"
            (continue it, or begin it), "must" (continue or refuse), "auto" (continue the
            latest unfinished run of this name or job). Default: continue it.
        resume_from: "<id>?_step=<n>": continue that run behind step n; what was logged
            later stays recorded, hidden.
        dir: where the store is or goes. Default: `$TRACKERLITE_DIR`, the nearest
            `.trackerlite` here or above, else a new one here.
        mode: "offline" (default), "online" (sync beside the training), "disabled".
        durable: sync every call to disk (survives a power cut), not once a second.
        strict: raise on bad input instead of warning.
        ranks: of several processes that train together (torchrun, srun, mpirun), "zero"
            (default): only rank 0 records; "all": each does, into one run, readable apart.
        reinit: what to do while another run is being recorded: "return_previous" (what scripts
            get by default), "finish_previous" (or True; what notebooks get by default), or
            "create_new" (record both; the new one does not become the current one).
        like_wandb: what else `wandb.init` takes (settings, config_exclude_keys, …).

    Raises:
        BadInput: an argument cannot be used.
        RunExists, RunNotFound, RunInUse: `resume` asked for what is not so.

    >>> import trackerlite as tl
    >>> with tl.init(project="demo", config={"lr": 2e-4}, mode="disabled") as run:
    ...     for step in range(3):
    ...         _ = run.log({"loss": 1 / (step + 1)})
    >>> run.config.lr
    0.0002
    """
    if like_wandb or isinstance(config, (str, os.PathLike)):
        from trackerlite.integrations import wandb_api

        ours = {
            "project": project, "name": name, "config": config, "tags": tags, "notes": notes, "group": group,
            "job_type": job_type, "id": id, "resume": resume, "resume_from": resume_from, "dir": dir,
            "mode": mode, "durable": durable, "strict": strict, "ranks": ranks, "reinit": reinit,
        }  # fmt: skip
        return wandb_api.init(ours, like_wandb)
    wanted = settings.resolve(
        project=project, name=name, config=config, tags=tags, notes=notes, group=group, job_type=job_type,
        id=id, resume=resume, resume_from=resume_from, dir=dir, mode=mode, durable=durable, strict=strict, ranks=ranks,
    )  # fmt: skip
    if wanted.mode == "disabled":
        return _enter(_disabled(wanted))
    how = again.named(reinit)
    running = again.settle(current(), how, wanted)
    if running is not None:
        return running
    if not launch.join(wanted):
        return _enter(_disabled(wanted))
    try:
        run = _begin(wanted)
        return run if how == "create_new" else _enter(run)
    except (OSError, JournalError) as error:
        if strict:
            raise
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        tell(
            f"nothing can be recorded in {wanted.store} ({cause.strerror or cause}). The training goes on unrecorded; "
            "choose another place with dir= or $TRACKERLITE_DIR."
        )
        return _enter(_disabled(wanted))


def _begin(wanted: settings.Settings) -> Run:
    folders.prepare(wanted.store)
    earlier = _earlier(wanted)
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


def _announce(run: Run, wanted: settings.Settings, *, resumed: bool) -> None:
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


def _earlier(wanted: settings.Settings) -> folders.Earlier | None:
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


def _unfinished(wanted: settings.Settings) -> folders.Earlier | None:
    """The latest run that did not finish and is ours to continue: same job, or same name."""
    job = os.environ.get("SLURM_JOB_ID")
    for candidate in folders.newest(wanted.store, wanted.project):
        record = candidate.record
        same_job = job is not None and (record.get("slurm") or {}).get("SLURM_JOB_ID") == job
        same_name = record.get("name") == wanted.name if wanted.named else job is None
        same_host = record.get("host") == os.uname().nodename
        if not (same_job or (same_name and (wanted.named or same_host))):
            continue
        if not candidate.is_finished() and not candidate.is_being_written():
            return candidate
    return None


def _claim(folder: Path, wanted: settings.Settings) -> JournalWriter:
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


def _disabled(wanted: settings.Settings) -> Run:
    wanted.mode = "disabled"
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / "trackerlite-disabled"  # noqa: S108 - never made
    return Run(wanted, _Nowhere(), folder=folder, config=wanted.config)  # type: ignore[arg-type]


def _enter(run: Run) -> Run:
    _stack.append(run)
    for name in ("config", "summary"):  # a script's `wandb.config = {…}` must not hide this run's
        vars(sys.modules["trackerlite"]).pop(name, None)
    return run


def leave(run: Run) -> None:
    """`run` is finished: the one before it, if it still runs, is current again."""
    if run in _stack:
        _stack.remove(run)


def current() -> Run | None:
    """The run that the module-level functions act on, or None."""
    return _stack[-1] if _stack else None


def _require(what: str) -> Run:
    run = current()
    if run is None:
        raise NoRun(f"trackerlite.{what} needs a run; call trackerlite.init() first.")
    return run


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> bool:
    """`Run.log` on the current run."""
    return _require("log()").log(data, step, commit)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """`Run.finish` on the current run, if there is one."""
    run = current()
    if run is not None:
        run.finish(exit_code, quiet)


def define_metric(name: str, step_metric: str | None = None, **how: Any) -> None:
    """`Run.define_metric` on the current run."""
    _require("define_metric()").define_metric(name, step_metric, **how)


def alert(title: str, text: str = "", level: str = "INFO", **more: Any) -> None:
    """`Run.alert` on the current run."""
    _require("alert()").alert(title, text, level, **more)


def mark_preempting(reason: str = "preempted") -> None:
    """`Run.mark_preempting` on the current run."""
    _require("mark_preempting()").mark_preempting(reason)


def attribute(name: str) -> Any:
    """`config` or `summary` of the current run; `run` is the run itself, or None."""
    if name == "run":
        return current()
    return getattr(_require(name), name)
