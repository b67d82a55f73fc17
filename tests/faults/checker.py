"""The judge: what was acknowledged against what is in the journals, in SQLite, and shown.

It knows nothing of how the recorder works. An acknowledged operation has to be there
once, unaltered and in order; the one that was under way at the kill may be there or not.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.nursery import Victim
from faults.operations import Operation, operation
from trackerlite.journal.events import Event
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder
from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo


@dataclass
class Verdict:
    """Sums over everything judged; the four that must be zero are checked as they are found."""

    runs: int = 0
    acknowledged: int = 0
    points: int = 0
    in_flight_kept: int = 0
    kills: int = 0
    faults: list[str] = field(default_factory=list)

    def expect(self, condition: object, message: str) -> None:
        if not condition:
            self.faults.append(message)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.runs} runs, {self.acknowledged} acknowledged operations, "
            f"{self.points} points compared, {self.in_flight_kept} unacknowledged ones kept, "
            f"{len(self.faults)} faults"
        )


def bits(value: float) -> bytes:
    """A float to the bit; every NaN alike."""
    return b"nan" if value != value else struct.pack("<d", value)


def events_of(folder: Path) -> list[Event]:
    """Every event of a run's journals, in order, straight from the files."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        reader, decoder = JournalReader(path), Decoder()
        found += [decoder.decode(payload) for _, payload in reader.read()]
        assert not reader.damage, f"damage in {path}: {reader.damage}"
    return found


def judge_run(
    verdict: Verdict, store: Path, reader: Reader, victims: list[Victim]
) -> RunInfo | None:
    """Check one run, written by victims one after another."""
    began = [v for v in victims if v.began]
    if not began:
        return None
    plan = victims[0].plan
    found = [i for i in reader.runs() if i.id == plan["id"]]
    verdict.expect(len(found) == 1, f"{plan['id']}: {len(found)} runs of that id")
    if len(found) != 1:
        return None
    info = found[0]
    verdict.runs += 1
    required = [operation(plan["seed"], n) for v in victims for n in v.acknowledged]
    verdict.acknowledged += len(required)
    allowed = {v.acknowledged[-1] + 1 if v.acknowledged else v.plan["first"] for v in victims}
    extra = [operation(plan["seed"], n) for n in sorted(allowed - {o.number for o in required})]
    where = f"{info.ref} ({info.folder.name})"
    _numbers(verdict, where, reader, info, required, extra)
    _journals(verdict, where, info, required, extra)
    _described(verdict, where, reader, info, required, extra)
    config = reader.params([info.key])[info.key]
    verdict.expect(
        config.get("seed") == plan["seed"], f"{where}: config of init is {config!r:.200}"
    )
    firsts = {v.plan["first"] for v in victims}
    verdict.expect(config.get("nested.first") in firsts, f"{where}: nested config {config!r:.200}")
    return info


def _sequence(
    verdict: Verdict, where: str, found: list[Any], required: list[Any], extra: list[Any], what: str
) -> None:
    """`found` is `required` in order, each once, with any of `extra` in their places."""
    optional = {repr(e) for e in extra}
    kept = [f for f in found if repr(f) not in optional]
    verdict.in_flight_kept += len(found) - len(kept)
    if kept == required and len(set(map(repr, found))) == len(found):
        return
    lost = [r for r in required if r not in kept]
    invented = [k for k in kept if k not in required]
    verdict.faults.append(
        f"{where}: {what}: {len(lost)} lost {lost[:3]}, {len(invented)} altered or invented {invented[:3]}, "
        f"{len(found) - len(set(map(repr, found)))} doubled, order {'kept' if sorted(kept) == kept else 'broken'}"
    )


def _rows(some: list[Operation], key: str) -> list[Any]:
    return [(o.number, bits(o.data[key])) for o in some if o.kind == "log"]


def _numbers(
    verdict: Verdict,
    where: str,
    reader: Reader,
    info: RunInfo,
    required: list[Operation],
    extra: list[Operation],
) -> None:
    series = {s.name: s for s in reader.series([info.key])}
    for key in ("loss", "count"):
        shown: list[Any] = []
        if key in series:
            points = reader.points(series[key].key)
            shown = [
                (s, bits(v))
                for s, v in zip(points.step.tolist(), points.value.tolist(), strict=True)
            ]
        verdict.points += len(shown)
        wanted = [
            (n, bits(float(o.data[key]))) for o in required if o.kind == "log" for n in (o.number,)
        ]
        maybe = [(o.number, bits(float(o.data[key]))) for o in extra if o.kind == "log"]
        _sequence(verdict, where, shown, wanted, maybe, f"shown points of {key}")
    texts = [(v.step, v.value) for v in reader.values(info.key, "note")]
    _sequence(
        verdict,
        where,
        texts,
        [(o.number, o.data["note"]) for o in required if o.kind == "text"],
        [(o.number, o.data["note"]) for o in extra if o.kind == "text"],
        "shown texts",
    )


def _journals(
    verdict: Verdict, where: str, info: RunInfo, required: list[Operation], extra: list[Operation]
) -> None:
    found = []
    for event in events_of(info.folder):
        if event.keys:
            found.append((event.step, *zip(event.keys, map(_exact, event.numbers), strict=True)))
    rows = [_journal_row(o) for o in required if o.kind == "log"]
    _sequence(
        verdict, where, found, rows, [_journal_row(o) for o in extra if o.kind == "log"], "journal"
    )


def _journal_row(wanted: Operation) -> Any:
    return (wanted.number, *((k, _exact(v)) for k, v in wanted.data.items()))


def _exact(value: float | int) -> Any:
    return value if isinstance(value, int) else bits(value)


def _described(
    verdict: Verdict,
    where: str,
    reader: Reader,
    info: RunInfo,
    required: list[Operation],
    extra: list[Operation],
) -> None:
    config = reader.params([info.key])[info.key]
    summary = reader.summaries([info.key])[info.key]
    for kind, shown in (("config", config), ("summary", summary)):
        for wanted in required:
            if wanted.kind == kind:
                ((key, value),) = wanted.data.items()
                verdict.expect(
                    shown.get(key) == value, f"{where}: {kind} {key} is {shown.get(key)!r}"
                )
        known = {k for o in (*required, *extra) if o.kind == kind for k in o.data}
        strange = {k for k in shown if k[0] == kind[0] and k[1:].isdigit()} - known
        verdict.expect(not strange, f"{where}: invented {kind} {strange}")
    tags = [o.data for o in required if o.kind == "tags"]
    verdict.expect(set(tags) <= set(info.tags), f"{where}: lost tags {set(tags) - set(info.tags)}")
    verdict.expect(len(info.tags) == len(set(info.tags)), f"{where}: doubled tags")


def integrity(database: Path) -> str:
    """What SQLite itself says of the database."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


VIEWS = ("runs", "metrics", "system_metrics", "params", "summary", "tags", "artifacts", "alerts")


def shown_by_views(database: Path) -> dict[str, list[str]]:
    """Everything the views show, each row as text, sorted: what a rebuild has to equal."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return {
            view: sorted(
                json.dumps(row) for row in connection.execute(f"SELECT * FROM {view}").fetchall()
            )
            for view in VIEWS
        }
    finally:
        connection.close()
