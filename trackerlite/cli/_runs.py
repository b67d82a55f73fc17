"""Runs as verbs show them: a table for people, the same fields as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackerlite.cli._human import ago, duration
from trackerlite.cli._table import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackerlite.readers import Reader, RunInfo

STATE_STYLES = {
    "running": "green",
    "finished": "dim",
    "failed": "red",
    "killed": "red",
    "dead": "magenta",
    "preempted": "yellow",
}

COLUMNS = [
    Column("STATE", style=STATE_STYLES.get),
    Column("ID", style="cyan"),
    Column("NAME", shrink=12, style="bold"),
    Column("PROJECT", shrink=8, drop=3),
    Column("STARTED", right=True, drop=1),
    Column("TOOK", right=True, drop=4),
    Column("STEPS", right=True, drop=2),
    Column("ALERTS", right=True, style="yellow"),
    Column("TAGS", shrink=8, drop=5),
]


def meant(
    reader: Reader, references: Sequence[str], filter_: str | None, sort: str | None = None
) -> list[RunInfo]:
    """The runs that are named, then those that a filter lets pass, sorted, each once."""
    found = [reader.run(reference) for reference in references]
    if filter_ is not None:
        from trackerlite.readers.select import select_runs

        found += select_runs(reader, filter_, sort)
    return list({run.key: run for run in found}.values())


def row(run: RunInfo, now: float, alerts: int = 0) -> list[object]:
    """The cells of one run under COLUMNS; who has no alerts needs no 0 to say so."""
    return [
        run.state,
        run.id,
        run.name,
        run.project,
        ago(run.started, now),
        duration(run.duration),
        "" if run.steps is None else run.steps,
        alerts or "",
        ", ".join(run.tags),
    ]


def as_dict(run: RunInfo) -> dict[str, Any]:
    """One run's fields for `--json`; times are Unix seconds, durations seconds."""
    return {
        "id": run.id,
        "name": run.name,
        "project": run.project,
        "state": run.state,
        "group": run.group,
        "job_type": run.job_type,
        "tags": list(run.tags),
        "notes": run.notes,
        "host": run.host,
        "pid": run.pid,
        "started": run.started,
        "ended": run.ended,
        "duration": run.duration,
        "steps": run.steps,
        "exit_code": run.exit_code,
        "reason": run.reason,
        "trashed": run.trashed,
        "folder": str(run.folder),
    }
