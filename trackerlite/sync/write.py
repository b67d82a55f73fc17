"""Writes one new segment: a `.wandb` file with what the server lacks, and the files it refers to."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackerlite.backends.base import Cursor
from trackerlite.readers.history_rows import from_the_start
from trackerlite.sync import records
from trackerlite.sync.labels import Labels, here
from trackerlite.sync.plan import Plan
from trackerlite.sync.proto import Wandb
from trackerlite.sync.segment import SegmentWriter
from trackerlite.sync.source import LocalRun, MediaFile

SAMPLE = 100  # rows of one block that is read back
Sample = list[tuple[int, float, dict[str, Any]]]


@dataclass
class Segment:
    """What a segment holds, and what the server must show once it has arrived."""

    folder: Path
    run_id: str
    from_row: int
    rows: int = 0
    first_step: int | None = None
    last_step: int | None = None
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)
    final: bool = True
    exit_code: int | None = None
    resume: bool = False
    system_rows: int = 0
    console_lines: int = 0
    files: list[MediaFile] = field(default_factory=list)
    artifacts: list[tuple[str, str]] = field(default_factory=list)  # (key here, digest there)
    inputs: list[tuple[str, str, str]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    oversized: list[tuple[int, str]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    bytes: int = 0

    @property
    def total_rows(self) -> int:
        return self.from_row + self.rows


class CannotSend(Exception):
    """Rows that W&B could not take as they are; the message is the reason."""


class NeverSends(CannotSend):
    """Rows that W&B could not take under another id either."""


def write_segment(
    wandb: Wandb,
    local: LocalRun,
    plan: Plan,
    cursor: Cursor,
    folder: Path,
    *,
    entity: str,
    project: str,
    run_id: str,
    labels: Labels | None = None,
    media: Sequence[MediaFile] = (),
    artifacts: Iterable[tuple[str, Any]] = (),
    max_rows: int = 1_000_000,
) -> Segment:
    """Write `folder` (made here) with everything after the plan's cursor.

    labels: what the run is called, as the store has it if not given.
    artifacts: (key, record) to log; max_rows bounds the segment:
    with more to come it leaves the run open and `final` is False.

    Raises:
        OSError: no space, no permission; the folder may be left half written.
    """

    def written() -> Segment:
        segment = Segment(folder, run_id, plan.from_row)
        if folder.exists():
            shutil.rmtree(folder)
        (folder / "files").mkdir(parents=True, mode=0o700)
        with SegmentWriter(folder / f"run-{run_id}.wandb") as writer:
            _fill(
                writer, wandb, local, labels or here(local, run_id), plan, cursor, segment,
                entity, project, media, artifacts, max_rows,
            )  # fmt: skip
        segment.bytes = writer.size
        return segment

    return from_the_start(written)


def _fill(
    writer: SegmentWriter,
    wandb: Wandb,
    local: LocalRun,
    labels: Labels,
    plan: Plan,
    cursor: Cursor,
    segment: Segment,
    entity: str,
    project: str,
    media: Sequence[MediaFile],
    artifacts: Iterable[tuple[str, Any]],
    max_rows: int,
) -> None:
    def put(record: Any) -> None:
        if record.WhichOneof("record_type") is None:
            return  # an empty record ends wandb's core, and with it the upload of every other run
        record.num = writer.records + 1
        writer.write(record.SerializeToString())

    segment.resume = _resumes(local, plan, cursor, max_rows)
    put(records.header(wandb))
    put(
        records.run(
            wandb,
            local,
            labels,
            entity=entity,
            project=project,
            run_id=segment.run_id,
            resume=segment.resume,
        )
    )
    machine = records.environment(wandb, local, segment.run_id)
    if machine is not None:
        put(machine)
    for pattern, body in local.definitions:
        put(records.metric(wandb, pattern, body))
    last_time = _rows(writer, wandb, local, plan, segment, max_rows)
    _system(put, wandb, local, cursor, segment)
    _console(put, wandb, local, cursor, segment)
    for file in media:
        _place(file, segment.folder / "files" / file.name)
        segment.files.append(file)
    if segment.files:
        put(records.files(wandb, [file.name for file in segment.files]))
    for key, record in artifacts:
        record.run_id, record.project, record.entity = segment.run_id, project, entity
        whole = wandb.pb.Record()
        whole.artifact.CopyFrom(record)
        put(whole)
        segment.artifacts.append((key, record.digest))
    segment.config = local.config
    segment.summary = _summary(local, segment, cursor, last_time)
    put(records.summary(wandb, segment.summary))
    segment.exit_code = local.exit_code() if segment.final else None
    if segment.final and local.info.state == "preempted":
        put(records.preempting(wandb))
    ended = local.info.ended or local.info.heartbeat or last_time or local.started
    put(records.end(wandb, segment.exit_code, ended - local.started))


def _resumes(local: LocalRun, plan: Plan, cursor: Cursor, max_rows: int) -> bool:
    """Whether the segment goes on behind the server's system rows and console lines.

    One that does not writes them from the start, over what is there: harmless, and it makes the
    console's file whole, so the last segment does.
    """
    if not (cursor.exists and (cursor.rows or cursor.system_rows or cursor.console_lines)):
        return False
    return local.running or local.rows.total - plan.from_row > max_rows


def _rows(
    writer: SegmentWriter,
    wandb: Wandb,
    local: LocalRun,
    plan: Plan,
    segment: Segment,
    max_rows: int,
) -> float | None:
    encoder = records.HistoryEncoder(wandb, local.started)
    rows = local.rows
    keeper = _Samples()
    last_time: float | None = None
    encode, write, keep = encoder.encode, writer.write, keeper.add
    for row in rows.iterate(plan.after, local.before, plan.start, max_rows):
        step, moment, values = row
        if segment.rows == 0:
            _refuse(rows.late if plan.start is not None else 0, plan.after, step)
            segment.first_step = step
        write(encode(writer.records + 1, step, moment, values))
        keep(row)
        segment.rows += 1
        segment.last_step = step
        last_time = moment
    if segment.rows == 0 and plan.start is not None:
        _refuse(rows.late, plan.after, 0)
    segment.final = not (local.running or rows.more)
    if rows.in_order:
        segment.marks = rows.marks()
    segment.samples = keeper.blocks()
    segment.oversized = encoder.oversized
    if segment.last_step is None:
        segment.last_step = plan.after
    return last_time


def _refuse(late: int, after: int | None, first: int) -> None:
    if late:
        many = f"{late:,} row{'' if late == 1 else 's'}"
        raise CannotSend(
            f"{many} came after step {after} had been sent, but belong at or before it, and W&B only "
            "takes rows in order"
        )
    if first < 0:
        raise NeverSends(
            f"there are rows with negative steps ({first} is the first), which W&B cannot hold"
        )


def samples_upto(local: LocalRun, step: int) -> list[Sample]:
    """Blocks of the rows up to a step: the first, the last, and one from anywhere between."""

    def sampled() -> list[Sample]:
        keeper = _Samples()
        for row in local.rows.iterate(before=step + 1):
            keeper.add(row)
        return keeper.blocks()

    return from_the_start(sampled)


class _Samples:
    """The first rows, the last rows, and one block from anywhere between."""

    def __init__(self) -> None:
        self._first: Sample = []
        self._last: deque[Any] = deque(maxlen=SAMPLE)
        self._some: Sample = []
        self._taking = False
        self._seen = 0
        self._blocks = 0

    def add(self, row: Any) -> None:
        self._seen += 1
        if len(self._first) < SAMPLE:
            self._first.append(row)
            return
        self._last.append(row)
        if self._seen % SAMPLE == 1:
            self._blocks += 1
            self._taking = random.random() < 1 / self._blocks  # noqa: S311 - a sample, no secret
            if self._taking:
                self._some = []
        if self._taking:
            self._some.append(row)

    def blocks(self) -> list[Sample]:
        return [block for block in (self._first, self._some, list(self._last)) if block]


def _system(put: Any, wandb: Wandb, local: LocalRun, cursor: Cursor, segment: Segment) -> None:
    skip = cursor.system_rows if segment.resume else 0
    count = 0
    for _, moment, values in local.system.iterate():
        count += 1
        if count > skip:
            put(records.stats(wandb, moment, values))
    segment.system_rows = max(count, skip)


def _console(put: Any, wandb: Wandb, local: LocalRun, cursor: Cursor, segment: Segment) -> None:
    start = cursor.console_lines if segment.resume else 0
    count = start
    for is_error, line in local.console(start):
        put(records.console(wandb, line, is_error))
        count += 1
    segment.console_lines = count


def _summary(
    local: LocalRun, segment: Segment, cursor: Cursor, last_time: float | None
) -> dict[str, Any]:
    values = dict(local.summary)
    if segment.last_step is not None:
        values["_step"] = segment.last_step
    if last_time is None and cursor.last_row:
        found = cursor.last_row.get("_timestamp")
        last_time = float(found) if isinstance(found, (int, float)) else None
    if last_time is not None:
        values["_timestamp"] = last_time
        values["_runtime"] = max(0.0, last_time - local.started)
        values["_wandb"] = {"runtime": int(max(0.0, last_time - local.started))}
    return values


def _place(file: MediaFile, target: Path) -> None:
    """Put a media file where the segment expects it: a link where that is possible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file.path, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(file.path, target)


def folder_name(run_id: str, moment: float | None = None) -> str:
    """The name that `wandb sync` wants a run's folder to have."""
    stamp = time.strftime("%Y%m%d_%H%M%S", time.gmtime(moment or time.time()))
    return f"offline-run-{stamp}-{run_id}"
