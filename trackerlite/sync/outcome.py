"""What is asked of a sync, and what became of each run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal[
    "synced",      # sent and read back
    "up to date",  # nothing to send; the server's counts are the ones confirmed before
    "would send",  # --dry-run
    "conflict",    # what is there and what is here cannot be put together; nothing was sent
    "failed",      # it did not arrive, or did not verify
    "busy",        # another process syncs this run
    "waiting",     # the installed wandb can only send runs that have ended
]  # fmt: skip

GOOD = ("synced", "up to date", "would send", "busy", "waiting")


@dataclass(frozen=True)
class Options:
    """How to sync. Times in seconds.

    patience: how long to wait for a busy or failing server; read_back: for rows to show up;
    settle: between two looks at the server after an attempt whose end nobody saw.
    """

    entity: str | None = None
    project: str | None = None
    new_run: bool = False
    verify_full: bool = False
    dry_run: bool = False
    patience: float = 300.0
    read_back: float = 60.0
    settle: float = 2.0
    max_rows: int = 1_000_000
    batch: int = 100
    python: str | None = None


@dataclass
class Outcome:
    """What became of one run."""

    run: str
    name: str
    status: Status
    rows: int = 0
    sent: int = 0
    running: bool = False
    message: str = ""
    url: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return self.status in GOOD

    def as_dict(self) -> dict[str, Any]:
        found = asdict(self)
        found.pop("details")
        return {**found, **self.details}
