"""Reconcile, append, read back: brings runs to W&B so that every row is there exactly once.

Per run: take its lock; ask the server how far it has come; plan what is missing. A `Delivery` then writes
that into a new segment, has it uploaded, reads it back and notes in the ledger what was confirmed. Rows
have one order, so a count is a place in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from trackerlite.backends import credentials as keys
from trackerlite.backends.errors import NotLoggedIn, RemoteError
from trackerlite.backends.wandb_http import WandbHttp
from trackerlite.backends.wandb_remote import PAGE, WandbRemote, cursors, viewer
from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo
from trackerlite.readers.replay import fingerprints
from trackerlite.store.ledger import Ledger
from trackerlite.sync import attachments
from trackerlite.sync.delivery import AT_ONCE, Delivery
from trackerlite.sync.destination import choose
from trackerlite.sync.job import Job, Progress, grew, would_send
from trackerlite.sync.lock import RunLock
from trackerlite.sync.order import generations
from trackerlite.sync.outcome import Options, Outcome
from trackerlite.sync.plan import Known, Plan, make_plan
from trackerlite.sync.proto import require_wandb, wandb_records
from trackerlite.sync.settle import await_stillness, is_over
from trackerlite.sync.source import LocalRun
from trackerlite.sync.verify import is_ours
from trackerlite.sync.words import advice

Notice = Callable[[str], None]


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
        self.ledger = Ledger(reader.path, looking=self.options.dry_run)
        self._delivery = Delivery(
            reader.path, self.ledger, self.http, self.credentials, self.options, self.notice
        )
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
        require_wandb()
        self._preflight()
        outcomes: dict[str, Outcome] = {}
        for generation in generations(self.reader, runs):
            for start in range(0, len(generation), self.options.batch):
                part = generation[start : start + self.options.batch]
                outcomes.update(self._sync_some(part))
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

    def _sync_some(self, runs: Sequence[RunInfo]) -> dict[str, Outcome]:
        prints = fingerprints(self.reader.connection, [run.key for run in runs])
        jobs: list[Job] = []
        try:
            for run in runs:
                jobs.append(self._job(LocalRun(self.reader, run, prints[run.key])))
            if not self.options.dry_run:
                self._settle([job for job in jobs if job.outcome is None])
            turn = [job for job in jobs if job.outcome is None]
            self._look(turn)
            while turn := self._plan_all(turn):
                for job in self._delivery.send(turn):
                    self._alone(job)
                turn = [job for job in turn if job.outcome is None]
        finally:
            for job in jobs:
                job.lock.release()
        if not self.options.dry_run:
            self._note_failures(jobs)
        return {job.ref: job.outcome for job in jobs if job.outcome is not None}

    def _plan_all(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of `jobs` that have something to send."""
        for job in jobs:
            if job.outcome is None:
                self._plan(job)
        return [job for job in jobs if job.outcome is None]

    def _alone(self, job: Job) -> None:
        """Send one that another may have taken with it when it felled wandb's core."""
        job.outcome = None
        self._look([job])
        if self._plan_all([job]):
            self._delivery.send([job])

    def _note_failures(self, jobs: Sequence[Job]) -> None:
        with self.ledger.transaction():
            for job in jobs:
                assert job.outcome is not None
                status = job.outcome.status
                if status in ("conflict", "failed"):
                    self.ledger.fail(job.known, job.outcome.message, status == "conflict")

    def _job(self, local: LocalRun) -> Job:
        ref = local.info.ref
        where, known = choose(self.ledger, self.target, local, self.options, self._entity or "")
        remote = WandbRemote(self.http, where.entity, where.project)
        lock = RunLock(self.reader.path, self.target, ref)
        job = Job(
            local,
            ref,
            where,
            remote,
            lock,
            known,
            self.ledger.heard_of(self.target, ref),
            self.progress,
        )
        if where.problem:
            job.end("conflict", where.problem)
        elif not self.options.dry_run and not job.lock.acquire():
            holder = job.lock.holder()
            job.end("busy", f"process {holder or '?'} is syncing this run")
        return job

    def _settle(self, jobs: Sequence[Job]) -> None:
        """Wait until nothing of interrupted attempts is left, here or on its way."""
        left = [(job, self.ledger.open_attempts(self.target, job.ref)) for job in jobs]
        left = [(job, attempts) for job, attempts in left if attempts]
        for job, attempts in left:
            if not is_over(attempts):
                job.end("busy", "an upload that was cut off still lives; try again in a minute")
        await_stillness(
            [job for job, _ in left if job.outcome is None], self._look, self.options.settle
        )
        self.ledger.end(
            attempt.key for job, attempts in left if job.outcome is None for attempt in attempts
        )

    def _look(self, jobs: Sequence[Job]) -> None:
        """Ask the server how far it has come with each."""
        parts = [jobs[start : start + PAGE] for start in range(0, len(jobs), PAGE)]
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(self._look_together, parts))

    def _look_together(self, jobs: Sequence[Job]) -> None:
        try:
            found = cursors(self.http, [job.place for job in jobs])
        except RemoteError as error:
            if len(jobs) == 1 or error.passing:
                for job in jobs:
                    job.end("failed", str(error))
            else:  # something is wrong with one of them
                for job in jobs:
                    self._look_together([job])
            return
        for job in jobs:
            job.cursor = found[job.place]
            job.taken_over = job.cursor.exists and not job.heard_of

    # -- one run's plan --------------------------------------------------------------------------

    def _plan(self, job: Job) -> None:
        local, cursor, known = job.local, job.cursor, job.known
        if (
            known.verified
            and known.fingerprint == local.fingerprint
            and cursor.exists
            and (cursor.rows, cursor.last_step) == (known.rows, known.last_step)
            and cursor.system_rows == known.system_rows
        ):
            if self.options.verify_full and not self._delivery.verify_whole(job):
                return
            if not self.options.dry_run and not self._link_late(job):
                return
            job.end("synced" if job.sent else "up to date", rows=cursor.rows)
            return
        if local.behind and not local.running:
            job.end(
                "failed",
                "the database has not taken in all of the run's journal yet, so nothing was sent; sync "
                "again in a moment (`trackerlite doctor` tells more if it stays so)",
            )
            return
        wandb = wandb_records()
        if local.running and not (wandb.resume and wandb.open_end):
            job.end(
                "waiting",
                "the installed wandb cannot extend a run later; it goes when it ends",
            )
            return
        trusted = Known(known.rows, known.last_step, known.marks) if known.verified else None
        plan = make_plan(local.rows, cursor, trusted)
        if plan.conflict:
            job.end("conflict", advice(plan.conflict, job.ref))
            return
        if plan.from_row and plan.start is None and not self._is_ours(job):
            return
        if not wandb.resume:
            plan = Plan(0)  # an old wandb writes from row 0 on, over what is there
        job.plan = plan
        if self.options.dry_run:
            self._would_send(job)
        elif local.running and known.verified and not grew(job):
            job.end("synced" if job.sent else "up to date", rows=cursor.rows)

    def _link_late(self, job: Job) -> bool:
        """Lineage for which an artifact was missing; a run for which that fails is ended."""
        try:
            attachments.link_late(
                self.ledger, self.target, job.ref, job.remote, job.where.run_id, job.local
            )
        except RemoteError as error:
            job.end("failed", str(error))
            return False
        return True

    def _is_ours(self, job: Job) -> bool:
        """Whether the rows at the server, which nobody here confirmed as they are, are this run's.

        Before anything is sent: a row behind others than its own could not be taken back. A run with
        other rows is ended.
        """
        step = job.cursor.last_step
        assert step is not None
        try:
            patience = min(self.options.read_back, 10.0)
            if is_ours(job.remote, job.local, job.where.run_id, step, patience):
                return True
        except RemoteError as error:
            job.end("failed", str(error))
            return False
        if job.taken_over:
            reason = (
                "the run of that id at the server holds other data: its rows differ from those here"
            )
        else:
            reason = (
                f"the server's rows up to step {step} are not those here: the run was rewound after they had "
                "been sent, or they were changed there"
            )
        job.end("conflict", advice(reason, job.ref))
        return False

    def _would_send(self, job: Job) -> None:
        found = would_send(job, self.ledger, self.target)
        job.end("would send", rows=found.total, sent=found.rows, details=found.details)
