"""One run on its way to a server: what is known, what is planned, what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from trackerlite.backends.base import Cursor
from trackerlite.backends.wandb_remote import WandbRemote
from trackerlite.store.ledger import Confirmed, Ledger
from trackerlite.sync import attachments
from trackerlite.sync.destination import Destination
from trackerlite.sync.lock import RunLock
from trackerlite.sync.outcome import Outcome
from trackerlite.sync.plan import Plan
from trackerlite.sync.source import LocalRun
from trackerlite.sync.write import Segment


@dataclass
class Job:
    """One run on its way."""

    local: LocalRun
    ref: str
    where: Destination
    remote: WandbRemote
    lock: RunLock
    known: Confirmed
    cursor: Cursor = field(default_factory=lambda: Cursor(False))
    plan: Plan | None = None
    segment: Segment | None = None
    attempt: int = 0
    sent: int = 0
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Pending:
    """What a sync would send. `total` rows would then be there."""

    rows: int
    total: int
    details: dict[str, int]


def would_send(job: Job, ledger: Ledger, target: str) -> Pending:
    """Count what is missing at the server; nothing is written anywhere."""
    assert job.plan is not None
    local, plan, run_id = job.local, job.plan, job.where.run_id
    rows = local.rows.rest(plan.after, local.before, plan.start)
    media = attachments.missing_media(ledger, target, job.ref, run_id, local)
    artifacts = attachments.missing_artifacts(ledger, target, job.ref, run_id, local)
    details = {
        "system_rows": max(0, local.system.rest() - job.cursor.system_rows),
        "console_lines": max(0, sum(1 for _ in local.console()) - job.cursor.console_lines),
        "files": len(media),
        "file_bytes": sum(file.size for file in media),
        "artifacts": len(artifacts),
    }
    return Pending(rows, plan.from_row + rows, details)


def grew(job: Job) -> bool:
    """Whether a run that goes on has anything new but its heartbeat."""
    local, plan, known = job.local, job.plan, job.known
    assert plan is not None
    return (
        local.rows.rest(plan.after, local.before, plan.start, 1) > 0
        or local.rows.late > 0
        or local.system.total > known.system_points
        or next(local.console(known.console_lines), None) is not None
    )
