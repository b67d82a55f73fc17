"""Where a run goes: entity, project and id at the server."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass

from trackerlite.readers.info import RunInfo
from trackerlite.store.ledger import Confirmed, Ledger
from trackerlite.sync.outcome import Options

_FORBIDDEN = re.compile(r"[/\\#?%:\x00-\x1f]")


@dataclass(frozen=True)
class Destination:
    """`problem` is a sentence when the run cannot go there."""

    entity: str
    project: str
    run_id: str
    problem: str = ""


def choose(
    ledger: Ledger, target: str, run: RunInfo, options: Options, default_entity: str
) -> tuple[Destination, Confirmed]:
    """Where `run` goes, and what is known of it there (a blank record where nothing is).

    What was said now comes first, then where this run went before, so that it goes to one place, then the
    environment, then where its project went.
    """
    known = ledger.confirmed(target, run.ref)
    kept = ledger.destination(target, run.project)
    before = (known.entity, known.project) if known else kept or ("", "")
    usual = os.environ.get("WANDB_ENTITY")
    if known is None and usual:
        before = (usual, before[1])
    entity = options.entity or before[0] or default_entity
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
