"""What is known of where each run was sent: from the ledger beside the store, never from a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo
    from trackerlite.sync.state import Standing

_MOST = 200  # counting what is pending reads a run's rows


@dataclass(frozen=True)
class Account:
    """Which server `trackerlite sync` would speak to, and the standing of each run there."""

    server: str
    key_from: str  # empty: no key
    standings: Mapping[int, Standing]
    left_out: int


def load(reader: Reader, runs: Mapping[int, RunInfo], cache: dict[Any, Any]) -> Account:
    """The standings of the newest runs; those that have not changed are remembered."""
    from trackerlite.backends import credentials
    from trackerlite.store.ledger import NAME
    from trackerlite.sync.state import standings

    account = credentials.find()
    ledger = reader.path / NAME
    written = ledger.stat().st_mtime_ns if ledger.exists() else 0
    newest = list(runs.values())[:_MOST]
    stamps = {
        run.key: (written, run.state, run.steps, run.heartbeat, account.url) for run in newest
    }
    kept: dict[int, tuple[Any, Standing]] = cache.setdefault(("sync", "kept"), {})
    due = [run for run in newest if kept.get(run.key, (None,))[0] != stamps[run.key]]
    for run, standing in zip(due, standings(reader, due, account.url), strict=True):
        kept[run.key] = stamps[run.key], standing
    found = {run.key: kept[run.key][1] for run in newest}
    return Account(
        account.url, account.source if account.key else "", found, max(0, len(runs) - _MOST)
    )


def words(reader: Reader, runs: Sequence[RunInfo]) -> dict[int, str] | None:
    """One word a run for the run table; None where nothing was ever sent from this store."""
    from trackerlite.store.ledger import NAME

    if not (reader.path / NAME).exists():
        return None
    from trackerlite.readers.replay import fingerprints
    from trackerlite.store.ledger import Ledger

    ledger = Ledger(reader.path)
    try:
        known = ledger.all_confirmed()
    finally:
        ledger.close()
    sent = [run for run in runs if run.ref in known]
    prints = fingerprints(reader.connection, [run.key for run in sent])
    out: dict[int, str] = {}
    for run in sent:
        confirmed = known[run.ref]
        if confirmed.error:
            out[run.key] = "conflict" if confirmed.conflict else "failed"
        else:
            same = confirmed.verified and confirmed.fingerprint == prints[run.key]
            out[run.key] = "synced" if same else "pending"
    return out
