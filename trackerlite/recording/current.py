"""The current run: `init`, and the module-level functions that act on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from trackerlite.errors import JournalError, NoRun
from trackerlite.recording import again, beginning, launch, settings
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
        return _enter(beginning.disabled(wanted))
    how = again.named(reinit)
    running = again.settle(current(), how, wanted)
    if running is not None:
        return running
    if not launch.join(wanted):
        return _enter(beginning.disabled(wanted))
    try:
        run = beginning.begin(wanted)
        return run if how == "create_new" else _enter(run)
    except (OSError, JournalError) as error:
        if strict:
            raise
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        tell(
            f"nothing can be recorded in {wanted.store} ({cause.strerror or cause}). The training goes on unrecorded; "
            "choose another place with dir= or $TRACKERLITE_DIR."
        )
        return _enter(beginning.disabled(wanted))


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
