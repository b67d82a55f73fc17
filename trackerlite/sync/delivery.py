"""Brings runs that are planned to the server: write, upload, read back, note what was confirmed.

A segment is never sent twice: after anything that goes wrong the next one starts from the server's
own count.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from trackerlite.backends.base import Cursor
from trackerlite.backends.credentials import Credentials
from trackerlite.backends.errors import RemoteError
from trackerlite.backends.wandb_http import WandbHttp
from trackerlite.backends.wandb_remote import cursors
from trackerlite.errors import TrackerliteError
from trackerlite.store.ledger import Ledger
from trackerlite.sync import alerts, attachments, labels, verify
from trackerlite.sync.job import Job
from trackerlite.sync.lock import sync_folder
from trackerlite.sync.outcome import Options
from trackerlite.sync.proto import wandb_records
from trackerlite.sync.upload import Uploaded, Uploader
from trackerlite.sync.words import advice, failure_words
from trackerlite.sync.write import CannotSend, NeverSends, folder_name, write_segment

Notice = Callable[[str], None]
AT_ONCE = 8  # requests on their way at a time


def reached(stage: str) -> None:
    """Called at every step of the ledger; tests die here."""


class Delivery:
    """Takes runs of one store to one server, a batch at a time."""

    def __init__(
        self,
        store: Path,
        ledger: Ledger,
        http: WandbHttp,
        credentials: Credentials,
        options: Options,
        notice: Notice,
    ) -> None:
        self.store, self.ledger, self.http = store, ledger, http
        self.credentials, self.options, self.notice = credentials, options, notice
        self.target = http.base_url

    def send(self, jobs: Sequence[Job]) -> list[Job]:
        """Send each job's plan; a job without an outcome afterwards has more to send.

        Returns those that did not arrive because wandb's core fell over something in one of them: each
        may be tried alone.
        """
        reached("planned")
        python = self.options.python
        with (
            self._workplace(jobs) as (work, lock),
            Uploader(work, self.credentials, lock, python=python) as uploader,
        ):
            for job in jobs:
                self._write(job, work)
            ready = [job for job in jobs if job.outcome is None]
            if not ready:
                return []
            self._stage(ready, "written")
            segments = [job.segment for job in ready if job.segment]
            self._stage(ready, "sending")
            self._tell(ready, "sending")
            result = uploader.send(
                [segment.folder for segment in segments],
                patience=self.options.patience,
                notice=self.notice,
            )
            self._stage(ready, "sent")
            self._tell(ready, "checking")
            there, until = self._look(ready), time.monotonic() + self.options.read_back
            with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                list(pool.map(lambda job: self._read_back(job, result, there, until), ready))
        self._stage(ready, "read back")
        arrived = [job for job in ready if job.outcome is None and self._accept(job)]
        reached("verified")
        with self.ledger.transaction():
            for job in arrived:
                self._confirm(job)
        reached("confirmed")
        if result.code and result.began and not result.gave_up and len(ready) > 1:
            return [job for job in ready if job not in arrived]
        return []

    def _tell(self, jobs: Sequence[Job], stage: str) -> None:
        rows = sum(job.segment.rows for job in jobs if job.segment)
        who = jobs[0].ref if len(jobs) == 1 else f"{len(jobs)} runs"
        jobs[0].told(who, stage, rows, rows)

    @contextmanager
    def _workplace(self, jobs: Sequence[Job]) -> Iterator[tuple[Path, Path]]:
        """A folder for the segments, noted in the ledger before anything is in it."""
        name = uuid.uuid4().hex[:12]
        work = sync_folder(self.store) / f"work-{name}"
        lock = sync_folder(self.store) / f"upload-{name}.lock"
        with self.ledger.transaction():
            for job in jobs:
                assert job.plan is not None
                job.attempt = self.ledger.begin(
                    self.target, job.ref, str(work), str(lock), job.plan.from_row
                )
        work.mkdir(mode=0o700)
        reached("begun")
        try:
            yield work, lock
        finally:
            shutil.rmtree(work, ignore_errors=True)
            lock.unlink(missing_ok=True)

    def _write(self, job: Job, work: Path) -> None:
        assert job.plan is not None
        local, run_id, wandb = job.local, job.where.run_id, wandb_records()
        # The attempt's number tells apart runs of one id in two projects that began in one second.
        folder = work / folder_name(f"{run_id}-{job.attempt}", local.started or None)
        job.told(job.ref, "reading", 0, local.rows.total)
        try:
            kept = attachments.collect(
                wandb, self.ledger, self.target, job.ref, job.remote, run_id, local
            )
            job.labels = labels.wanted(self.ledger, self.target, job.ref, run_id, local, job.cursor)
            job.segment = write_segment(
                wandb, local, job.plan, job.cursor, folder,
                entity=job.where.entity, project=job.where.project, run_id=run_id,
                labels=job.labels, media=kept.media, artifacts=kept.artifacts, max_rows=self.options.max_rows,
            )  # fmt: skip
            job.segment.inputs = kept.inputs
            for name in kept.absent:
                self.notice(
                    f"{job.ref} used {name}, which is not at the server: no lineage there, "
                    "until a sync after it has come there."
                )
        except NeverSends as error:
            job.end("conflict", f"{error}. Nothing was sent, nothing is lost.")
        except CannotSend as error:
            job.end("conflict", advice(str(error), job.ref))
        except TrackerliteError as error:
            job.end("failed", str(error))
        except OSError as error:
            job.end(
                "failed",
                f"no room or right to write the upload to {work.parent} ({error.strerror or error}). "
                "Nothing was sent; free some space and sync again.",
            )
        if job.outcome is not None:
            self.ledger.end([job.attempt])
            shutil.rmtree(folder, ignore_errors=True)

    def _look(self, jobs: Sequence[Job]) -> Mapping[tuple[str, str, str], Cursor]:
        """What the server says of all of them at first sight; what is not there yet is asked for again."""
        try:
            return cursors(self.http, [job.place for job in jobs])
        except RemoteError:
            return {}

    def _read_back(
        self,
        job: Job,
        result: Uploaded,
        there: Mapping[tuple[str, str, str], Cursor],
        until: float,
    ) -> None:
        segment = job.segment
        assert segment is not None
        troubles = result.problems.get(segment.folder.name, [])
        doomed = (
            result.gave_up or not result.began or any(p.what in ("rows", "run") for p in troubles)
        )
        try:
            left = max(0.0, until - time.monotonic())
            patience = min(left, 1.0) if doomed else left
            job.cursor = verify.await_counts(job.remote, segment, patience, there.get(job.place))
            problems = verify.check_counts(segment, job.cursor)
            if not problems:
                problems += verify.check_samples(job.remote, segment, job.local.started).problems
            if not problems:
                problems += attachments.check(job.remote, segment)
            if not problems:
                attachments.link(job.remote, segment)
                assert job.labels is not None
                labels.settle(job.remote, job.cursor, job.labels)
        except RemoteError as error:
            problems = [str(error)]
        if problems:
            message = failure_words(problems, troubles, result, self.http.host, job.ref)
            job.end("failed", message, rows=job.cursor.rows)

    def _accept(self, job: Job) -> bool:
        """True when nothing speaks against what was read back, and the run's alerts are told."""
        segment = job.segment
        assert segment is not None
        # Rows that once came back wrong may still be wrong: then nothing less than all will do.
        suspect = job.known.error is not None and verify.DIFFERENT in job.known.error
        if job.goes_whole and (self.options.verify_full or suspect) and not self.verify_whole(job):
            return False
        try:
            for refused in alerts.post(self.ledger, job):
                self.notice(refused)
        except RemoteError as error:
            job.end("failed", f"All rows arrived, but not all alerts: {error}", segment.total_rows)
            return False
        return True

    def _confirm(self, job: Job) -> None:
        """Note what was confirmed."""
        segment, known = job.segment, job.known
        assert segment is not None
        job.sent += segment.rows
        known.rows, known.last_step = segment.total_rows, segment.last_step
        known.system_rows, known.console_lines = segment.system_rows, segment.console_lines
        known.marks = segment.marks
        known.system_points = job.local.system.total
        known.fingerprint = job.local.fingerprint if job.goes_whole else ""
        known.state = "running" if job.local.running else job.local.info.state
        known.verified, known.error, known.error_at, known.conflict = time.time(), None, None, False
        attachments.note(self.ledger, self.target, job.ref, job.where.run_id, segment)
        labels.note(self.ledger, self.target, job.ref, job.where.run_id, job.local)
        self.ledger.confirm(known)
        self.ledger.remember(
            self.target, job.local.info.project, self.options.entity, self.options.project
        )
        if not job.goes_whole:
            return
        if segment.oversized:
            step, key = segment.oversized[0]
            job.end(
                "failed",
                f"{len(segment.oversized)} values were too large for W&B and are not there ({key!r} of step "
                f"{step} first); all else is. Log such values as tables or artifacts.",
            )
            return
        job.end("synced", rows=segment.total_rows)

    def verify_whole(self, job: Job) -> bool:
        """--verify full: every row, read back."""
        last = job.segment.last_step if job.segment else job.known.last_step
        try:
            verdict = verify.check_all(job.remote, job.local, job.where.run_id, last)
            problems = list(verdict.problems)
        except RemoteError as error:
            problems = [str(error)]
        if problems:
            message = failure_words(problems, [], None, self.http.host, job.ref)
            job.end("failed", message)
        return not problems

    def _stage(self, jobs: Sequence[Job], stage: str) -> None:
        self.ledger.stage([job.attempt for job in jobs], stage)
        reached(stage)
