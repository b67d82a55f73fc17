"""One run on its way to a server: what is known, what is planned, what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trackerlite.backends.base import Cursor
from trackerlite.backends.wandb_remote import WandbRemote
from trackerlite.store.ledger import Confirmed, Ledger
from trackerlite.sync import attachments
from trackerlite.sync.destination import Destination
from trackerlite.sync.labels import Labels
from trackerlite.sync.lock import RunLock
from trackerlite.sync.outcome import Outcome, Status
from trackerlite.sync.plan import Plan
from trackerlite.sync.source import LocalRun
from trackerlite.sync.write import Segment

Progress = Callable[[str, str, int, int], None]  # run, stage, rows, rows in all


def _silent(*_: object) -> None:
    pass


@dataclass
class Job:
    """One run on its way."""

    local: LocalRun
    ref: str
    where: Destination
    remote: WandbRemote
    lock: RunLock
    known: Confirmed
    heard_of: bool = True  # the ledger knows of this run there, or of an attempt
    told: Progress = _silent
    taken_over: bool = False  # it is there, and this ledger does not know how it came there
    cursor: Cursor = field(default_factory=lambda: Cursor(False))
    plan: Plan | None = None
    segment: Segment | None = None
    labels: Labels | None = None
    attempt: int = 0
    sent: int = 0
    outcome: Outcome | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """(entity, project, id) at the server."""
        return self.where.entity, self.where.project, self.where.run_id

    @property
    def goes_whole(self) -> bool:
        """Whether nothing is left to send, so far, when this segment has arrived."""
        assert self.segment is not None
        return self.segment.final or self.local.running

    def end(
        self,
        status: Status,
        message: str = "",
        rows: int = 0,
        sent: int | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Say what became of it."""
        self.outcome = Outcome(
            self.ref, self.local.info.name, status, rows or self.cursor.rows,
            self.sent if sent is None else sent, self.local.running, message,
            self.remote.url(self.where.run_id), dict(details or {}),
        )  # fmt: skip
        self.told(self.ref, status, rows, rows)


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
        "alerts": max(0, len(local.alerts()) - job.known.alerts),
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
        or len(local.alerts()) > known.alerts
        or next(local.console(known.console_lines), None) is not None
    )
