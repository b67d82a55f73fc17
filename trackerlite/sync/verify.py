"""Reads back what the server holds and compares it: the only thing that makes a run "synced"."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from trackerlite.backends.base import Cursor, Verdict
from trackerlite.backends.sameness import same_value
from trackerlite.backends.wandb_remote import WandbRemote
from trackerlite.readers.history_rows import from_the_start
from trackerlite.sync.source import LocalRun
from trackerlite.sync.write import SAMPLE, Sample, Segment, samples_upto

_PAGE = 1000
DIFFERENT = "came back different"
_SERVERS_OWN = {"_wandb"}


def await_counts(
    remote: WandbRemote, segment: Segment, patience: float, first: Cursor | None = None
) -> Cursor:
    """The cursor (`first`, if it was asked for), again while rows seem to be still on their way."""
    until, pause = time.monotonic() + patience, 0.1
    while True:
        cursor, first = first or remote.cursor(segment.run_id), None
        if cursor.rows >= segment.total_rows and cursor.system_rows >= segment.system_rows:
            return _with_step(remote, segment, cursor)
        if time.monotonic() + pause > until:
            return cursor
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _with_step(remote: WandbRemote, segment: Segment, cursor: Cursor) -> Cursor:
    """A segment without rows costs the summary its `_step`: the uploader takes that from rows."""
    if segment.rows or segment.last_step is None or "_step" in cursor.summary:
        return cursor
    remote.set_summary(cursor, {"_step": segment.last_step})
    return remote.cursor(segment.run_id)


def check_counts(segment: Segment, cursor: Cursor) -> list[str]:
    """What the server's own counts contradict, as sentences."""
    problems = []
    if not cursor.exists:
        return ["the server has no such run"]
    want, have = segment.total_rows, cursor.rows
    if have < want:
        problems.append(f"{want - have:,} of {want:,} rows are missing at the server")
    elif have > want:
        problems.append(
            f"the server has {have:,} rows, {have - want:,} more than the {want:,} that exist"
        )
    elif want and cursor.last_step != segment.last_step:
        problems.append(
            f"the server's last row is step {cursor.last_step}, it should be {segment.last_step}"
        )
    if cursor.system_rows != segment.system_rows:
        problems.append(
            f"the server has {cursor.system_rows:,} rows of system metrics instead of {segment.system_rows:,}"
        )
    if segment.console_lines > cursor.console_lines:
        problems.append(
            f"{segment.console_lines - cursor.console_lines:,} console lines are missing at the server"
        )
    for key, value in segment.config.items():
        if key not in cursor.config:
            problems.append(f"the config value {key!r} is missing at the server")
        elif not key.startswith("_") and not same_value(_jsonable(value), cursor.config[key]):
            problems.append(f"the config value {key!r} is another at the server")
    missing = [
        key
        for key, value in segment.summary.items()
        if key != "_wandb" and not isinstance(value, dict) and key not in cursor.summary
    ]
    if missing and cursor.summary:
        problems.append(
            f"{len(missing)} summary values are missing at the server, {missing[0]!r} first"
        )
    return problems


def check_samples(remote: WandbRemote, segment: Segment, started: float) -> Verdict:
    """Compare blocks of the rows just sent with what the server gives back."""
    problems: list[str] = []
    compared = 0
    for block in _apart(segment.samples):
        problems += _compare_block(remote, segment, block, started)
        compared += len(block)
    return Verdict(segment.total_rows, compared, tuple(problems[:5]))


def _apart(blocks: Iterable[Sample]) -> Iterator[Sample]:
    """The blocks without the rows that one before has."""
    covered = -1
    for block in blocks:
        rest = [row for row in block if row[0] > covered]
        if rest:
            covered = rest[-1][0]
            yield rest


def is_ours(remote: WandbRemote, local: LocalRun, run_id: str, upto: int, patience: float) -> bool:
    """Whether the rows at the server, up to step `upto`, are this run's in their times and values.

    Blocks of them are compared, the last one among them: where anything was rewound after it had been
    sent, the last row is another. Runtimes may differ: a log of another program need not say when
    its run began. Rows that the server counts but does not show yet are waited for.

    Raises:
        RemoteError: the server cannot be asked.
    """
    segment = Segment(folder=local.info.folder, run_id=run_id, from_row=0)
    ignored = frozenset({"_runtime"})
    until = time.monotonic() + patience
    for block in _apart(samples_upto(local, upto)):
        while problems := _compare_block(remote, segment, block, local.started, ignored=ignored):
            if any(DIFFERENT in problem for problem in problems) or time.monotonic() > until:
                return False
            time.sleep(1.0)
    return True


def check_all(remote: WandbRemote, local: LocalRun, run_id: str, upto: int | None) -> Verdict:
    """Compare every row up to step `upto`."""
    return from_the_start(lambda: _check_all(remote, local, run_id, upto))


def _check_all(remote: WandbRemote, local: LocalRun, run_id: str, upto: int | None) -> Verdict:
    segment = Segment(folder=local.info.folder, run_id=run_id, from_row=0)
    before = None if upto is None else upto + 1
    rows: Iterator[Any] = iter(local.rows.iterate(before=before))
    problems: list[str] = []
    compared = 0
    low = 0
    while block := list(islice(rows, _PAGE)):
        # From the row before to this page's last, so that a row in between would be seen.
        problems += _compare_block(remote, segment, block, local.started, low)
        low = block[-1][0] + 1
        compared += len(block)
        if len(problems) > 5:
            break
    return Verdict(compared, compared, tuple(problems[:5]))


def _compare_block(
    remote: WandbRemote,
    segment: Segment,
    block: Sample,
    started: float,
    low: int | None = None,
    ignored: frozenset[str] = frozenset(),
) -> list[str]:
    left_out = set(segment.oversized)
    first = block[0][0] if low is None else low
    theirs: list[dict[str, Any]] = []
    for start, stop in _windows(block, first):
        theirs += remote.rows(segment.run_id, start, stop, 2 * _PAGE)
    if len(theirs) != len(block):
        return [
            f"between steps {first} and {block[-1][0]} the server gives {len(theirs):,} rows "
            f"instead of {len(block):,}"
        ]
    problems = []
    for (step, moment, values), there in zip(block, theirs, strict=True):
        ours = {
            **{k: v for k, v in values.items() if (step, k) not in left_out},
            "_step": step,
            "_timestamp": moment,
            "_runtime": max(0.0, moment - started),
        }
        there = {k: v for k, v in there.items() if k not in _SERVERS_OWN and k not in ignored}
        ours = {k: v for k, v in ours.items() if k not in ignored}
        if ours.keys() == there.keys() and all(
            same_value(_jsonable(v), there[k]) for k, v in ours.items()
        ):
            continue
        wrong = sorted(
            k
            for k in ours.keys() | there.keys()
            if k not in ours or k not in there or not same_value(_jsonable(ours[k]), there[k])
        )
        problems.append(f"step {step} {DIFFERENT} in {', '.join(map(repr, wrong[:3]))}")
        if len(problems) == 3:
            break
    return problems


def _windows(block: Sample, first: int) -> Iterable[tuple[int, int]]:
    """Step ranges that cover a block; one request unless its steps lie far apart."""
    last = block[-1][0] + 1
    if last - first <= 50 * _PAGE:
        return [(first, last)]
    return _split(block, first)


def _split(block: Sample, first: int) -> list[tuple[int, int]]:
    windows, start = [], first
    for index in range(0, len(block), SAMPLE):
        stop = block[min(index + SAMPLE, len(block)) - 1][0] + 1
        windows.append((start, stop))
        start = stop
    return windows


def _jsonable(value: Any) -> Any:
    """A tuple or other container as JSON would carry it."""
    return list(value) if isinstance(value, tuple) else value
