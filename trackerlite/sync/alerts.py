"""A run's alerts, told to the server once each.

wandb's uploader would tell them without saying whether they arrived, and again after every upload that
was cut off. So they are posted here, one by one, after the rows were read back, and each is noted in the
ledger before and after. The server cannot be asked which it has; where the answer to one was never seen,
it is told with W&B's own waiting time, in which the server drops a second alert of the same title.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from trackerlite.backends.errors import RemoteError
from trackerlite.capture.redact import redact_text
from trackerlite.readers.info import AlertInfo
from trackerlite.store.ledger import Ledger
from trackerlite.sync.job import Job

_LEVELS = {"INFO": "INFO", "WARN": "WARN", "WARNING": "WARN", "ERROR": "ERROR"}
_TOLD, _UNDER_WAY = "told", "under way"


def post(ledger: Ledger, job: Job) -> Iterator[str]:
    """Tell the server what it was not told yet; a sentence for each alert that it refuses.

    Raises:
        RemoteError: trouble that may pass; what was not told is told at the next sync.
    """
    target, ref, run_id = job.known.target, job.ref, job.where.run_id
    found = job.local.alerts()
    if len(found) <= job.known.alerts:
        return
    seen = ledger.sent(target, ref, run_id, "alert")
    for number, alert in enumerate(found):
        name = str(number)
        if number < job.known.alerts or seen.get(name) == _TOLD:
            continue
        # Nobody here knows whether it was told: its answer was lost, or the ledger was.
        unsure = name in seen or job.taken_over
        ledger.note_sent(target, ref, run_id, "alert", [(name, _UNDER_WAY)])
        try:
            _tell(job, alert, unsure)
        except RemoteError as error:
            if error.passing:
                raise
            yield f"{ref}: the server refused the alert {alert.title!r:.80}. {error}"
        ledger.note_sent(target, ref, run_id, "alert", [(name, _TOLD)])
    job.known.alerts = len(found)


def _tell(job: Job, alert: AlertInfo, unsure: bool) -> None:
    title, text = redact_text(alert.title), redact_text(alert.text or "")
    level = _LEVELS.get((alert.level or "INFO").upper(), "INFO")
    if not unsure:
        try:
            job.remote.alert(job.where.run_id, title, text, level)
            return
        except RemoteError as error:
            if not error.passing:
                raise
    lately = max(60.0, time.time() - job.local.started)
    job.remote.alert(job.where.run_id, title, text, level, lately)
