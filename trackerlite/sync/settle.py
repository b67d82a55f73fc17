"""After an upload whose end nobody saw: wait until nothing of it can arrive any more.

A request that was on its way when the uploader died may still be taken in by the server: rows that
it adds between our look at the count and our upload would be there twice.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from trackerlite.store.ledger import Attempt
from trackerlite.sync.job import Job
from trackerlite.sync.upload import wait_until_free

_LOOKS = 10


def is_over(attempts: Sequence[Attempt]) -> bool:
    """True once the uploaders of these attempts are gone; what they left is removed."""
    for attempt in attempts:
        if not wait_until_free(Path(attempt.lock), 30.0):
            return False
        shutil.rmtree(attempt.folder, ignore_errors=True)
        Path(attempt.lock).unlink(missing_ok=True)
    return True


def await_stillness(
    jobs: Sequence[Job], look: Callable[[Sequence[Job]], object], pause: float
) -> None:
    """Return once the server's counts hold still: for all runs of a batch in the same few seconds.

    Args:
        look: sets `job.cursor` of each, or ends it.
    """
    look(jobs)
    for _ in range(_LOOKS):
        jobs = [job for job in jobs if job.outcome is None]
        if not jobs:
            return
        before = [_counts(job) for job in jobs]
        time.sleep(pause)
        look(jobs)
        jobs = [job for job, counts in zip(jobs, before, strict=True) if _counts(job) != counts]


def _counts(job: Job) -> tuple[int, int]:
    return job.cursor.rows, job.cursor.system_rows
