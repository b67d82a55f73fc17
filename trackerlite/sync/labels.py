"""A run's name, notes and tags: what was changed here goes there, what was changed there stays.

Without the memory of what was sent last, every sync of a run that goes on would write the name and tags of
here over those that somebody gave it on the web page meanwhile.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from trackerlite.backends.base import Cursor
from trackerlite.backends.wandb_remote import WandbRemote
from trackerlite.capture.redact import redact_text
from trackerlite.store.ledger import Ledger
from trackerlite.sync.source import LocalRun

_KIND = "label"


@dataclass(frozen=True)
class Labels:
    """What people call a run by."""

    name: str
    notes: str
    tags: tuple[str, ...]

    def as_texts(self) -> dict[str, str]:
        return {"name": self.name, "notes": self.notes, "tags": json.dumps(sorted(self.tags))}


def here(local: LocalRun, run_id: str) -> Labels:
    """As the store has them, cleaned."""
    tags = tuple(redact_text(tag) for tag in local.info.tags)
    return Labels(redact_text(local.info.name or run_id), local.notes or "", tags)


def wanted(
    ledger: Ledger, target: str, ref: str, run_id: str, local: LocalRun, cursor: Cursor
) -> Labels:
    """What the server shall have: of here what was changed here since it was sent, else its own.

    What is empty here takes nothing away unless it was sent from here.
    """
    ours = here(local, run_id)
    if not cursor.exists:
        return ours
    sent, now = ledger.sent(target, ref, run_id, _KIND), ours.as_texts()
    theirs = Labels(cursor.name or "", cursor.notes or "", cursor.tags)
    kept = {name for name in now if sent.get(name) == now[name]}
    if not sent:
        kept = {name for name in now if not getattr(ours, name)}
    return Labels(
        theirs.name if "name" in kept and theirs.name else ours.name,
        theirs.notes if "notes" in kept else ours.notes,
        theirs.tags if "tags" in kept else ours.tags,
    )


def settle(remote: WandbRemote, cursor: Cursor, labels: Labels) -> None:
    """Set what an upload did not: it leaves alone what a run has no more.

    Raises:
        RemoteError: the server cannot be told.
    """
    there = Labels(cursor.name or "", cursor.notes or "", cursor.tags).as_texts()
    if there != labels.as_texts():
        remote.set_labels(cursor, labels.name, labels.notes, labels.tags)


def note(ledger: Ledger, target: str, ref: str, run_id: str, local: LocalRun) -> None:
    """Write into the ledger what was here when it was sent."""
    ledger.note_sent(target, ref, run_id, _KIND, here(local, run_id).as_texts().items())
