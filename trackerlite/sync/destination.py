"""Where a run goes: entity, project and id at the server."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass

from trackerlite.store.ledger import Confirmed, Ledger
from trackerlite.sync.outcome import Options
from trackerlite.sync.source import LocalRun

_FORBIDDEN = re.compile(r"[/\\#?%:\x00-\x1f]")


@dataclass(frozen=True)
class Destination:
    """`problem` is a sentence when the run cannot go there."""

    entity: str
    project: str
    run_id: str
    problem: str = ""


def choose(
    ledger: Ledger, target: str, local: LocalRun, options: Options, default_entity: str
) -> tuple[Destination, Confirmed]:
    """Where a run goes, and what is known of it there (a blank record where nothing is).

    What is said now comes first, then where this run went before, so that it goes to one place, then what
    was said of its project once. A team may also be the script's, the environment's, or the key's own.
    """
    run = local.info
    known = ledger.confirmed(target, run.ref)
    said = ledger.destination(target, run.project) or ("", "")
    before = (known.entity, known.project) if known else said
    entity = options.entity or before[0] or _usual_entity(local) or default_entity
    project = options.project or before[1] or remote_project(run.project)
    moved = known is not None and (known.entity, known.project) != (entity, project)
    if known is not None and not moved and not options.new_run:
        return Destination(entity, project, known.remote_id), known
    run_id = remote_id(run.id)
    if options.new_run and not options.dry_run:
        run_id = f"{run_id[:57]}-{secrets.token_hex(3)}"
    problem = ""
    for other in ledger.all_confirmed(target).values():
        same = (other.entity, other.project, other.remote_id) == (entity, project, run_id)
        if same and other.run_id != run.ref:
            problem = (
                f"{entity}/{project}/{run_id} already holds another run of this store, {other.run_id}. Nothing was "
                "sent. Choose another --project, or give this one a new id with --new-run."
            )
    fresh = Confirmed(target, run.ref, entity, project, run_id)
    return Destination(entity, project, run_id, problem), fresh


def _usual_entity(local: LocalRun) -> str | None:
    return local.environment.get("entity") or os.environ.get("WANDB_ENTITY")


def remote_project(project: str) -> str:
    """A project's name as W&B takes it.

    >>> remote_project("nlp/llama: run")
    'nlp-llama- run'
    """
    return _FORBIDDEN.sub("-", project)[:128] or "uncategorized"


def remote_id(run_id: str) -> str:
    """A run's id as W&B takes it: at most 64 characters."""
    if len(run_id) <= 64:
        return run_id
    return f"{run_id[:51]}-{hashlib.sha256(run_id.encode()).hexdigest()[:12]}"
