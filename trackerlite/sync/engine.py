"""Reconcile, append, read back: brings runs to W&B so that every row is there exactly once.

Per run: take its lock; ask the server how far it has come; write a new segment with only what is
missing; let wandb's own uploader send it; read back; write what was confirmed into the ledger.
A segment is never sent twice: after anything that goes wrong the next one starts from the server's
own count. Rows have one order, so a count is a place in them.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from trackerlite.backends import credentials as keys
from trackerlite.backends.errors import NotLoggedIn, RemoteError
from trackerlite.backends.wandb_http import WandbHttp
from trackerlite.backends.wandb_remote import WandbRemote, viewer
from trackerlite.errors import TrackerliteError
from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo
from trackerlite.readers.replay import fingerprints
from trackerlite.store.ledger import Ledger
from trackerlite.sync import attachments, verify
from trackerlite.sync.destination import choose
from trackerlite.sync.job import Job, grew, would_send
from trackerlite.sync.lock import RunLock, sync_folder
from trackerlite.sync.order import generations
from trackerlite.sync.outcome import Options, Outcome
from trackerlite.sync.plan import Known, Plan, make_plan
from trackerlite.sync.proto import Wandb, wandb_records
from trackerlite.sync.settle import settle
from trackerlite.sync.source import LocalRun
from trackerlite.sync.upload import Uploaded, upload
from trackerlite.sync.words import failure_words
from trackerlite.sync.write import CannotSend, folder_name, write_segment

Notice = Callable[[str], None]
Progress = Callable[[str, str, int, int], None]  # run, stage, rows, rows in all


def reached(stage: str) -> None:
    """Called at every step of the ledger; tests die here."""


class Syncer:
    """Syncs runs of one store to one server. One per process and thread."""

    def __init__(
        self,
        reader: Reader,
        options: Options | None = None,
        credentials: keys.Credentials | None = None,
        notice: Notice | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.reader, self.options = reader, options or Options()
        self.credentials = credentials or keys.find()
        self.notice = notice or (lambda _: None)
        self.progress = progress or (lambda *_: None)
        self.http = WandbHttp(
            self.credentials.url,
            self.credentials.key,
            patience=min(self.options.patience, 60.0),
            notice=self.notice,
        )
        self.target = self.http.base_url
        self.ledger = Ledger(reader.path)
        self._entity: str | None = None

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Syncer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sync(self, runs: Sequence[RunInfo]) -> list[Outcome]:
        """Bring these runs up to date; the outcomes in their order.

        Raises:
            RemoteError: the server cannot be spoken to at all, or does not know the key.
            WandbMissing: the wandb package is not installed.
        """
        wandb = wandb_records()
        self._preflight()
        outcomes: dict[str, Outcome] = {}
        for generation in generations(self.reader, runs):
            for start in range(0, len(generation), self.options.batch):
                part = generation[start : start + self.options.batch]
                outcomes.update(self._sync_some(part, wandb))
        return [outcomes[run.ref] for run in runs]

    def _preflight(self) -> None:
        if self.credentials.key is None:
            raise NotLoggedIn(
                f"There is no API key for {self.http.host}. Run `trackerlite login`, or set "
                "WANDB_API_KEY. Nothing was sent; everything recorded is safe here."
            )
        who = viewer(self.http)
        if who is None:
            raise NotLoggedIn(
                f"{self.http.host} does not know this API key (from {self.credentials.source}). "
                "Run `trackerlite login` with a new one. Everything recorded is safe here."
            )
        self._entity = who.entity or who.username

    # -- a batch ---------------------------------------------------------------------------------

    def _sync_some(self, runs: Sequence[RunInfo], wandb: Wandb) -> dict[str, Outcome]:
        prints = fingerprints(self.reader.connection, [run.key for run in runs])
        jobs: list[Job] = []
        outcomes: dict[str, Outcome] = {}
        try:
            for run in runs:
                job = self._job(LocalRun(self.reader, run, prints[run.key]))
                if job.outcome is None:
                    jobs.append(job)
                else:
                    job.lock.release()
                    outcomes[job.ref] = job.outcome
                    self._note_failure(job)
            with ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(self._look, [job for job in jobs if job.outcome is None]))
            turn = [job for job in jobs if job.outcome is None]
            while turn:
                for job in turn:
                    self._plan(job, wandb)
                turn = [job for job in turn if job.outcome is None]
                if turn:
                    turn = self._send(turn, wandb)
        finally:
            for job in jobs:
                job.lock.release()
        for job in jobs:
            assert job.outcome is not None
            outcomes[job.ref] = job.outcome
            self._note_failure(job)
        return outcomes

    def _note_failure(self, job: Job) -> None:
        assert job.outcome is not None
        status = job.outcome.status
        if status in ("conflict", "failed") and not self.options.dry_run:
            self.ledger.fail(job.known, job.outcome.message, status == "conflict")

    def _job(self, local: LocalRun) -> Job:
        ref = local.info.ref
        where, known = choose(
            self.ledger, self.target, local.info, self.options, self._entity or ""
        )
        remote = WandbRemote(self.http, where.entity, where.project)
        job = Job(local, ref, where, remote, RunLock(self.reader.path, self.target, ref), known)
        if where.problem:
            self._end(job, "conflict", where.problem)
        elif not job.lock.acquire():
            holder = job.lock.holder()
            self._end(job, "busy", f"process {holder or '?'} is syncing this run")
        elif not self.options.dry_run:
            self._settle(job)
        return job

    def _settle(self, job: Job) -> None:
        """Wait until nothing of an interrupted attempt is left, here or on its way."""
        left = self.ledger.open_attempts(self.target, job.ref)
        if not left:
            return
        try:
            gone = settle(left, job.remote, job.where.run_id, self.options.settle)
        except RemoteError as error:
            self._end(job, "failed", str(error))
            return
        if gone:
            self.ledger.end(attempt.key for attempt in left)
        else:
            self._end(job, "busy", "an upload that was cut off still lives; try again in a minute")

    def _look(self, job: Job) -> None:
        try:
            job.cursor = job.remote.cursor(job.where.run_id)
        except RemoteError as error:
            self._end(job, "failed", str(error))

    # -- one run's plan --------------------------------------------------------------------------

    def _plan(self, job: Job, wandb: Wandb) -> None:
        local, cursor, known = job.local, job.cursor, job.known
        if (
            known.verified
            and known.fingerprint == local.fingerprint
            and cursor.exists
            and (cursor.rows, cursor.last_step) == (known.rows, known.last_step)
            and cursor.system_rows == known.system_rows
        ):
            if self.options.verify_full and not self._verify_whole(job):
                return
            self._end(job, "synced" if job.sent else "up to date", rows=cursor.rows)
            return
        if local.behind and not local.running:
            self._end(
                job,
                "failed",
                "the database has not taken in all of the run's journal yet, so nothing was sent; sync "
                "again in a moment (`trackerlite doctor` tells more if it stays so)",
            )
            return
        if local.running and not (wandb.resume and wandb.open_end):
            self._end(
                job,
                "waiting",
                "the installed wandb cannot extend a run later; it goes when it ends",
            )
            return
        trusted = Known(known.rows, known.last_step, known.marks) if known.verified else None
        plan = make_plan(local.rows, cursor, trusted)
        if plan.conflict:
            self._end(job, "conflict", _advice(plan.conflict, job.ref))
            return
        if not wandb.resume:
            plan = Plan(0)  # an old wandb writes from row 0 on, over what is there
        job.plan = plan
        if self.options.dry_run:
            self._would_send(job)
        elif local.running and known.verified and not grew(job):
            self._end(job, "synced" if job.sent else "up to date", rows=cursor.rows)

    def _would_send(self, job: Job) -> None:
        found = would_send(job, self.ledger, self.target)
        self._end(job, "would send", rows=found.total, sent=found.rows, details=found.details)

    # -- sending ---------------------------------------------------------------------------------

    def _send(self, jobs: list[Job], wandb: Wandb) -> list[Job]:
        """Write, upload and read back; returns the jobs that have more rows to send."""
        reached("planned")
        with self._workplace(jobs) as (work, lock):
            for job in jobs:
                self._write(job, wandb, work)
            ready = [job for job in jobs if job.outcome is None]
            if not ready:
                return []
            self._stage(ready, "written")
            segments = [job.segment for job in ready if job.segment]
            self._stage(ready, "sending")
            result = upload(
                [segment.folder for segment in segments],
                work,
                self.credentials,
                lock,
                patience=self.options.patience,
                notice=self.notice,
                python=self.options.python,
            )
            self._stage(ready, "sent")
            with ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(lambda job: self._read_back(job, result), ready))
        self._stage(ready, "read back")
        if result.code and not result.gave_up and len(ready) > 1:
            # wandb's core fell over something in one run and took the others with it.
            return self._one_by_one([job for job in ready if job.outcome is not None], wandb) + [
                job for job in ready if job.outcome is None and self._confirm(job)
            ]
        again = []
        for job in ready:
            if job.outcome is None and self._confirm(job):
                again.append(job)
        return again

    def _one_by_one(self, jobs: list[Job], wandb: Wandb) -> list[Job]:
        again = []
        for job in jobs:
            job.outcome = None
            self._look(job)
            if job.outcome is None:
                self._plan(job, wandb)
            if job.outcome is None:
                again += self._send([job], wandb)
        return again

    @contextmanager
    def _workplace(self, jobs: list[Job]) -> Iterator[tuple[Path, Path]]:
        """A folder for the segments, noted in the ledger before anything is in it."""
        name = uuid.uuid4().hex[:12]
        work = sync_folder(self.reader.path) / f"work-{name}"
        lock = sync_folder(self.reader.path) / f"upload-{name}.lock"
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

    def _write(self, job: Job, wandb: Wandb, work: Path) -> None:
        assert job.plan is not None
        local, run_id = job.local, job.where.run_id
        self.progress(job.ref, "reading", 0, local.rows.total)
        try:
            kept = attachments.collect(
                wandb, self.ledger, self.target, job.ref, job.remote, run_id, local
            )
            job.segment = write_segment(
                wandb, local, job.plan, job.cursor, work / folder_name(run_id, local.started or None),
                entity=job.where.entity, project=job.where.project, run_id=run_id,
                media=kept.media, artifacts=kept.artifacts,
                alerts_from=job.known.alerts, max_rows=self.options.max_rows,
            )  # fmt: skip
            job.segment.inputs = kept.inputs
            for name in kept.absent:
                self.notice(f"{job.ref} used {name}, which is not at the server: no lineage there.")
            self.progress(job.ref, "sending", job.segment.rows, job.segment.rows)
        except CannotSend as error:
            self._end(job, "conflict", _advice(str(error), job.ref))
        except TrackerliteError as error:
            self._end(job, "failed", str(error))
        except OSError as error:
            self._end(
                job,
                "failed",
                f"no room or right to write the upload to {work.parent} ({error.strerror or error}). "
                "Nothing was sent; free some space and sync again.",
            )
        if job.outcome is not None:
            self.ledger.end([job.attempt])
            shutil.rmtree(work / folder_name(run_id, local.started or None), ignore_errors=True)

    def _read_back(self, job: Job, result: Uploaded) -> None:
        segment = job.segment
        assert segment is not None
        troubles = result.problems.get(segment.folder.name, [])
        doomed = result.gave_up or any(p.what in ("rows", "run") for p in troubles)
        try:
            patience = min(self.options.read_back, 1.0 if doomed else self.options.read_back)
            job.cursor = verify.await_counts(job.remote, segment, patience)
            problems = verify.check_counts(segment, job.cursor)
            if not problems:
                problems += verify.check_samples(job.remote, segment, job.local.started).problems
            if not problems:
                problems += attachments.check(job.remote, segment)
            if not problems:
                attachments.link(job.remote, segment)
        except RemoteError as error:
            problems = [str(error)]
        if problems:
            message = failure_words(problems, troubles, result, self.http.host, job.ref)
            self._end(job, "failed", message, rows=job.cursor.rows)

    def _confirm(self, job: Job) -> bool:
        """Note what was confirmed; True when there is more to send."""
        segment, known = job.segment, job.known
        assert segment is not None
        job.sent += segment.rows
        whole = segment.final or job.local.running
        # Rows that once came back wrong may still be wrong: then nothing less than all will do.
        suspect = known.error is not None and verify.DIFFERENT in known.error
        if whole and (self.options.verify_full or suspect) and not self._verify_whole(job):
            return False
        known.rows, known.last_step = segment.total_rows, segment.last_step
        known.system_rows, known.console_lines = segment.system_rows, segment.console_lines
        known.alerts, known.marks = segment.alerts, segment.marks
        known.system_points = job.local.system.total
        known.fingerprint = job.local.fingerprint if whole else ""
        known.state = "running" if job.local.running else job.local.info.state
        known.verified, known.error, known.error_at, known.conflict = time.time(), None, None, False
        reached("verified")
        attachments.note(self.ledger, self.target, job.ref, job.where.run_id, segment)
        self.ledger.confirm(known)
        self.ledger.remember(
            self.target, job.local.info.project, job.where.entity, job.where.project
        )
        reached("confirmed")
        if not whole:
            return True
        if segment.oversized:
            step, key = segment.oversized[0]
            self._end(
                job,
                "failed",
                f"{len(segment.oversized)} values were too large for W&B and are not there ({key!r} of step "
                f"{step} first); all else is. Log such values as tables or artifacts.",
            )
            return False
        self._end(job, "synced", rows=segment.total_rows)
        return False

    def _verify_whole(self, job: Job) -> bool:
        """--verify full: every row, read back."""
        last = job.segment.last_step if job.segment else job.known.last_step
        try:
            verdict = verify.check_all(job.remote, job.local, job.where.run_id, last)
            problems = list(verdict.problems)
        except RemoteError as error:
            problems = [str(error)]
        if problems:
            message = failure_words(problems, [], None, self.http.host, job.ref)
            self._end(job, "failed", message)
        return not problems

    def _stage(self, jobs: list[Job], stage: str) -> None:
        self.ledger.stage([job.attempt for job in jobs], stage)
        reached(stage)

    def _end(
        self,
        job: Job,
        status: str,
        message: str = "",
        rows: int = 0,
        sent: int | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        url = job.remote.url(job.where.run_id)
        job.outcome = Outcome(
            job.ref, job.local.info.name, status, rows or job.cursor.rows,  # type: ignore[arg-type]
            job.sent if sent is None else sent, job.local.running, message, url, dict(details or {}),
        )  # fmt: skip
        self.progress(job.ref, status, rows, rows)


def _advice(reason: str, ref: str) -> str:
    return (
        f"{reason}. Nothing was sent, nothing is lost. `trackerlite sync --new-run {ref}` uploads the "
        "run whole under a new id; delete the other at the server if it is not wanted."
    )
