"""After an upload whose end nobody saw: wait until nothing of it can arrive any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from trackerlite.backends.wandb_remote import WandbRemote
from trackerlite.store.ledger import Attempt
from trackerlite.sync.upload import wait_until_free


def settle(attempts: Sequence[Attempt], remote: WandbRemote, run_id: str, pause: float) -> bool:
    """True once the uploaders are gone and the server's count holds still; what they left is removed.

    A request that was on its way when they died may still be taken in by the server: rows that it adds
    between our look at the count and our upload would be there twice.

    Raises:
        RemoteError: the server cannot be asked.
    """
    for attempt in attempts:
        if not wait_until_free(Path(attempt.lock), 30.0):
            return False
        shutil.rmtree(attempt.folder, ignore_errors=True)
        Path(attempt.lock).unlink(missing_ok=True)
    before = remote.cursor(run_id)
    for _ in range(10):
        time.sleep(pause)
        now = remote.cursor(run_id)
        if (now.rows, now.system_rows) == (before.rows, before.system_rows):
            break
        before = now
    return True
