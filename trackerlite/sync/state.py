"""What is where, from the ledger and the store alone: nothing is asked of a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo
from trackerlite.readers.replay import fingerprints
from trackerlite.readers.series_points import OutOfOrder
from trackerlite.store.ledger import Confirmed, Ledger
from trackerlite.sync.source import LocalRun


@dataclass(frozen=True)
class Standing:
    """One run. `sent` rows were verified there, `pending` ones are only here."""

    run: str
    name: str
    state: str  # synced, pending, never sent, running, conflict, failed
    sent: int
    pending: int
    where: str
    verified: float | None
    error: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def standings(reader: Reader, runs: Sequence[RunInfo], target: str) -> list[Standing]:
    """How each run stands with the server at `target`."""
    ledger = Ledger(reader.path, looking=True)
    known = ledger.all_confirmed(target)
    ledger.close()
    prints = fingerprints(reader.connection, [run.key for run in runs])
    return [_standing(LocalRun(reader, run, prints[run.key]), known.get(run.ref)) for run in runs]


def _standing(local: LocalRun, known: Confirmed | None) -> Standing:
    info = local.info
    where = f"{known.entity}/{known.project}/{known.remote_id}" if known else ""
    sent = known.rows if known else 0
    pending = _pending(local, known)
    if known and known.error:
        state = "conflict" if known.conflict else "failed"
    elif info.state == "running":
        state = "running"
    elif known and known.verified and known.fingerprint == local.fingerprint:
        state = "synced"
    elif known and known.verified:
        state = "pending"
    else:
        state = "never sent"
    return Standing(
        info.ref, info.name, state, sent, pending, where,
        known.verified if known else None, known.error if known else None,
    )  # fmt: skip


def _pending(local: LocalRun, known: Confirmed | None) -> int:
    """Rows that are only here; exact, and quick where the ledger knows how far it was read."""
    if known and known.verified and known.fingerprint == local.fingerprint:
        return 0
    if known and known.verified and known.marks:
        try:
            return sum(1 for _ in local.rows.iterate(known.last_step, None, known.marks))
        except OutOfOrder:
            pass
    return max(0, local.rows.tally()[0] - (known.rows if known else 0))


def synced(reader: Reader, run: RunInfo, ledger: Ledger) -> bool:
    """True when all of a run was verified at some remote and nothing was recorded since.

    What may be freed asks this.
    """
    prints = fingerprints(reader.connection, [run.key])
    local = LocalRun(reader, run, prints[run.key])
    known = ledger.all_confirmed().get(run.ref)
    return bool(
        known
        and known.verified
        and not known.error
        and not local.running
        and known.fingerprint == local.fingerprint
    )
