"""The doctor: journals, database and artifacts held against each other.

What it checks is what the tests check after every kill.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackerlite import paths
from trackerlite.journal.files import is_being_written
from trackerlite.journal.reader import End, JournalReader
from trackerlite.store import connect, rebuild
from trackerlite.store.filesystem import database_path, is_network
from trackerlite.store.journals import journals_of, run_folders


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        kind: "damage" (bytes were lost), "database" (can be rebuilt), or "note" (harmless).
        path: the file it is about.
        start, stop: the range of bytes, where it has one.
    """

    kind: str
    path: Path
    text: str
    start: int | None = None
    stop: int | None = None


@dataclass
class Report:
    """What an examination found. `ok` is the verdict."""

    store: Path
    runs: int = 0
    journals: int = 0
    records: int = 0
    sqlite: str = connect.SQLITE
    repaired: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged and the database shows what the journals say."""
        return all(f.kind == "note" for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "store": str(self.store),
            "ok": self.ok,
            "runs": self.runs,
            "journals": self.journals,
            "records": self.records,
            "sqlite": self.sqlite,
            "repaired": self.repaired,
            "findings": [
                {
                    "kind": f.kind,
                    "path": str(f.path),
                    "start": f.start,
                    "stop": f.stop,
                    "text": f.text,
                }
                for f in self.findings
            ],
        }


def examine(dir: Any = None, *, repair: bool = False) -> Report:
    """Examine a store; with `repair`, rebuild its database from the journals first.

    A damaged journal cannot be made whole: what is readable in it, before and behind the
    damage, is kept and shown; the range that is lost is named, and the old database, which
    may still hold its rows, is kept beside the new one.

    Raises:
        StoreNotFound: there is no store.
        StoreTooNew: a newer trackerlite wrote it; nothing was changed.
    """
    store = paths.existing_store(dir)
    report = Report(store)
    living = _journals(report)
    database = database_path(store)
    if repair:
        damaged = any(f.kind == "damage" for f in report.findings)
        rebuild.rebuild(store, database, keep_old=damaged)
        report.repaired = True
    _database(report, database, living)
    _artifacts(report)
    _surroundings(report)
    return report


def _journals(report: Report) -> set[str]:
    """Read every journal from end to end; return the folders of runs being written."""
    living: set[str] = set()
    for folder in run_folders(report.store):
        journals = journals_of(folder)
        if not journals:
            text = "is a run's folder without a journal: there is nothing in it that could be shown"
            report.findings.append(Finding("note", folder, text))
            continue
        report.runs += 1
        for journal in journals:
            report.journals += 1
            alive = is_being_written(journal.path)
            if alive:
                living.add(folder.relative_to(report.store).as_posix())
            _journal(report, journal.path, alive)
    return living


def _journal(report: Report, path: Path, alive: bool) -> None:
    reader = JournalReader(path)
    try:
        for _ in reader.read():
            report.records += 1
    except OSError as error:
        report.findings.append(
            Finding("damage", path, f"cannot be read: {error.strerror or error}")
        )
        return
    for damage in reader.damage:
        text = f"bytes {damage.start:,} to {damage.stop:,} are damaged: {damage.reason}"
        report.findings.append(Finding("damage", path, text, damage.start, damage.stop))
    if reader.end is End.TORN and not alive:
        text = (
            f"ends in the middle of a record, at byte {reader.offset:,}: its writer was killed there, "
            "before that record was acknowledged; nothing acknowledged is missing"
        )
        report.findings.append(Finding("note", path, text, reader.offset, path.stat().st_size))


def _database(report: Report, database: Path, living: set[str]) -> None:
    """Is the file sound, and do its views show what the journals say?"""
    if not database.exists():
        if report.runs:
            text = "is not there (yet): the next reader makes it from the journals"
            report.findings.append(Finding("note", database, text))
        return
    wrong = rebuild.check(report.store, database)
    if wrong is not None:
        advice = "`trackerlite doctor --repair` rebuilds it."
        if "disk is full" in wrong:
            advice = "The journals have every row: free some space, and the next reader adds them."
        said = wrong if "doctor --repair" in wrong else f"{wrong.rstrip('.')}. {advice}"
        report.findings.append(Finding("database", database, said))
        return
    with tempfile.TemporaryDirectory(prefix="trackerlite-doctor-") as scratch:
        fresh = Path(scratch) / "fresh.db"
        rebuild.project_into(report.store, fresh)
        for text in rebuild.differences(database, fresh, living):
            report.findings.append(Finding("database", database, text))


def _artifacts(report: Report) -> None:
    """Are the artifacts' files there, and are they what their names say?"""
    if not (report.store / "objects").is_dir():
        return
    from trackerlite.artifacts import verify

    for path, text in verify(report.store):
        report.findings.append(Finding("damage", path, text))


def _surroundings(report: Report) -> None:
    if is_network(report.store):
        report.findings.append(
            Finding(
                "note",
                report.store,
                "is on a network file system: its database is kept in a local cache, journals stay here",
            )
        )
    if connect.HAS_WAL_RACE:
        report.findings.append(
            Finding(
                "note",
                report.store,
                f"SQLite {report.sqlite} has the WAL-reset race of 3.7.0 to 3.51.2; trackerlite writes under one "
                "lock and so never meets it, but other programs that write this database could",
            )
        )
