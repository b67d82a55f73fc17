"""Stores made of generated runs, and what a filter should see of them, worked out apart.

The runs go through real journals and the real projector. The `Subject`s are computed
here from the same records in plain Python, so that the two share no code.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.writer import JournalWriter
from trackerlite.readers.filters import Subject
from trackerlite.store.projector import Projector

NOW = 1_800_000_000.0

TEXTS = [
    "lora", "Lora", "LORA-r8", "baseline", "straße", "STRASSE", "İstanbul", "run 7", "a'b", 'x"y',
    "back\\slash", "Robert'); DROP TABLE run;--", "1 OR 1=1", "' OR ''='", "100%", "a_b", "a*b",
    "*", "[a-z]", "🙂 ok", "ünï\u0301code", "new\nline", "tab\tbed", "[/red]", "\x1b[31mred",
    "nul\x00byte", "true", "null", "3", "1e-3", "nan", "-x", "(paren)", "config.lr>3", "/slash/",
    "and", "x" * 300,
]  # fmt: skip
TAGS = ["lora", "LoRA", "baseline", "smoke test", "v1.2", "a'b", "100%", "🙂", "OR"]
STATES = ["finished", "failed", "preempted"]
METRICS = [
    "train/loss", "val/f1", "val/loss", "lr", "score", "acc@0.5:0.95", "name", "my metric",
    "weird'\"key", "grad norm (L2)",
]  # fmt: skip
SYSTEM = ["cpu", "gpu.0.gpu", "memory"]
CONFIG = [
    "lr",
    "bs",
    "optimizer.name",
    "my key",
    "layers",
    "fp16",
    "seed",
    "it's",
    "nothing",
    "big",
]
SUMMARY = ["best", "verdict", "val/f1", "only_summary", "val/loss.min", "table", "note", "flag"]
NUMBERS: list[int | float] = [
    0, 1, -1, 2, 3, 32, 100, 0.5, 1e-3, 0.001, 1e-4, -0.0, 0.1 + 0.2, 0.3, 1e300, 5e-324,
    2**53 + 1, 2**63 - 1,
    math.nan, math.inf, -math.inf,
]  # fmt: skip


@dataclass
class Facts:
    """The numbers of one series."""

    count: int
    goal: str | None
    first: float
    last: float
    minimum: float
    maximum: float
    mean: float


@dataclass
class Entry:
    """One record of a run's journal: a `log()` call, or anything else."""

    time: float
    step: int = 0
    logged: dict[str, Any] | None = None
    record: dict[str, Any] | None = None

    def encode(self) -> bytes:
        """The framed event."""
        if self.record is not None:
            return frame(events.event(self.time, self.step, events.record(self.record)))
        messages = [
            events.number_value(key, value)
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else events.json_value(key, value)
            for key, value in (self.logged or {}).items()
        ]
        return frame(events.event(self.time, self.step, events.summary(*messages)))


@dataclass
class GeneratedRun:
    """A run as its script would have recorded it."""

    id: str
    project: str
    entries: list[Entry]

    def write(self, store: Path) -> Path:
        """Its journal, below `store`; returns the run's folder."""
        folder = store / "runs" / self.project / self.id
        folder.mkdir(parents=True)
        writer = JournalWriter(folder)
        for entry in self.entries:
            writer.append(entry.encode())
        writer.close()
        return folder


def generate(rng: random.Random, number: int) -> GeneratedRun:
    """One run with anything in it that a filter can ask about, or without."""
    started = NOW - rng.choice([30.0, 3600.0, 86400.0, 3 * 86400.0, 30 * 86400.0]) + rng.random()
    clock = started
    entries: list[Entry] = []

    def add(
        logged: dict[str, Any] | None = None, record: dict[str, Any] | None = None, step: int = 0
    ) -> None:
        nonlocal clock
        clock += rng.choice([0.5, 1.0, 60.0])
        entries.append(Entry(clock, step, logged, record))

    run_id, project = f"r{number:03}", rng.choice(["alpha", "beta"])
    start: dict[str, Any] = {"t": "run", "id": run_id, "project": project, "started": started}
    start |= {
        "name": rng.choice(TEXTS),
        "python": rng.choice(["3.10.4", "3.12.1"]),
        "host": rng.choice(["gpu01", "gpu02"]),
    }
    for key, choices in (("notes", TEXTS), ("group", TEXTS[:6]), ("job_type", ["train", "eval"])):
        if rng.random() < 0.5:
            start[key] = rng.choice(choices)
    if rng.random() < 0.5:
        start["git"] = {"commit": rng.choice(["abc123", "def456"]), "dirty": rng.random() < 0.5}
    start["tags"] = rng.sample(TAGS, rng.randint(0, 4))
    start["config"] = {key: config_value(rng) for key in CONFIG if rng.random() < 0.6}
    add(record=start)
    for pattern, goal in (("val/*", rng.choice(["min", "max"])), ("score", "max")):
        if rng.random() < 0.3:
            kept = rng.sample(["min", "max", "mean", "first", "best", "last"], rng.randint(0, 3))
            add(record={"t": "define", "pattern": pattern, "goal": goal, "summary": kept})
    metrics = rng.sample(METRICS, rng.randint(0, len(METRICS)))
    for step in range(rng.randint(0, 5)):
        add(
            {key: rng.choice(NUMBERS) for key in metrics if rng.random() < 0.8} or {"lr": 1.0},
            step=step,
        )
        if rng.random() < 0.3:
            add({"note": rng.choice(TEXTS), "flag": rng.random() < 0.5}, step=step)
        if rng.random() < 0.15:
            add(record={"t": "rewind", "step": rng.randint(0, step)})
        if rng.random() < 0.2:
            add(record={"t": "system", "values": {key: rng.random() * 100 for key in SYSTEM}})
        if rng.random() < 0.3:
            add(record={"t": "summary", "values": {rng.choice(SUMMARY): config_value(rng)}})
        if rng.random() < 0.1:
            add(record={"t": "summary", "values": {}, "removed": [rng.choice(SUMMARY)]})
    if rng.random() < 0.1:
        add(record={"t": "notes", "text": rng.choice(["", "edited"])})
    if rng.random() < 0.3:
        add(
            record={
                "t": "artifact",
                "name": rng.choice(["model", "data set"]),
                "type": "model",
                "use": "output",
            }
        )
    if rng.random() < 0.3:
        add(
            record={
                "t": "alert",
                "title": rng.choice(["NaN in train/loss", "stalled"]),
                "text": "…",
            }
        )
    if rng.random() < 0.3:
        add(record={"t": "tags", "add": [rng.choice(TAGS)], "remove": [rng.choice(TAGS)]})
    if rng.random() < 0.8:
        add(
            record={
                "t": "finish",
                "state": rng.choice(STATES),
                "exit_code": rng.choice([0, 1, None]),
            }
        )
    return GeneratedRun(run_id, project, entries)


def config_value(rng: random.Random) -> Any:
    """Any JSON value, NaN, infinities and integers beyond 64 bits included."""
    leaf = rng.choice([*NUMBERS, *TEXTS, *TEXTS, True, False, None, 2**70, -(2**65)])
    if rng.random() < 0.15:
        return [leaf, rng.choice(TEXTS), rng.choice([1, True, None, [0.5]])][: rng.randint(0, 3)]
    return leaf


def subject(run: GeneratedRun) -> Subject:
    """What a filter should see of `run`."""
    start = run.entries[0].record or {}
    fields: dict[str, Any] = {
        "id": run.id,
        "project": run.project,
        "state": "running",
        "started": start["started"],
    }
    fields |= {key: start.get(key) for key in ("name", "notes", "group", "job_type", "host")}
    fields |= {"ended": None, "exit_code": None}
    tags, artifacts, alerts = set(start["tags"]), [], []
    given: dict[str, tuple[float, Any]] = {}
    system: dict[str, list[float]] = {}
    numbers: dict[str, list[tuple[int, float, Any]]] = {}
    values: dict[str, list[tuple[int, float, Any]]] = {}
    definitions: list[dict[str, Any]] = []
    for entry in run.entries[1:]:
        for key, value in (entry.logged or {}).items():
            kind = values if isinstance(value, str) else numbers
            kind.setdefault(key, []).append((entry.step, entry.time, value))
        record = entry.record or {"t": ""}
        if record["t"] == "rewind":
            for rows in (*numbers.values(), *values.values()):
                rows[:] = [row for row in rows if row[0] <= record["step"]]
        elif record["t"] == "system":
            for key, value in record["values"].items():
                system.setdefault(f"system.{key}", []).append(value)
        elif record["t"] == "summary":
            given |= {key: (entry.time, value) for key, value in record["values"].items()}
            given |= dict.fromkeys(record.get("removed", ()), (entry.time, _REMOVED))
        elif record["t"] == "artifact":
            artifacts.append(record["name"])
        elif record["t"] == "alert":
            alerts.append(record["title"])
        elif record["t"] == "tags":
            tags = (tags | set(record["add"])) - set(record["remove"])
        elif record["t"] == "notes":
            fields["notes"] = record["text"]
        elif record["t"] == "define":
            definitions.append(record)
        elif record["t"] == "finish":
            fields |= {
                "state": record["state"],
                "exit_code": record["exit_code"],
                "ended": entry.time,
            }
    steps = [row[0] for rows in (*numbers.values(), *values.values()) for row in rows]
    fields |= {"tag": tuple(tags), "artifact": tuple(artifacts), "alert": tuple(alerts)}
    fields |= {
        "duration": run.entries[-1].time - start["started"],
        "steps": max(steps, default=None),
    }
    history = {
        key: _facts(rows, _defined(definitions, key)) for key, rows in numbers.items() if rows
    }
    environment = {key: start[key] for key in ("python", "host") if key in start}
    environment |= {f"git.{key}": value for key, value in start.get("git", {}).items()}
    return Subject(
        fields,
        config=start["config"],
        summary=_summary(given, numbers, values, definitions),
        environment=environment,
        history=history,
        system={key: _facts([(0, 0.0, v) for v in rows], {}) for key, rows in system.items()},
    )


_REMOVED = object()


def _defined(definitions: list[dict[str, Any]], key: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for definition in definitions:
        pattern = definition["pattern"]
        if key == pattern or (pattern.endswith("*") and key.startswith(pattern[:-1])):
            merged |= definition
    return merged


def _facts(rows: list[tuple[int, float, Any]], defined: dict[str, Any]) -> Facts:
    numbers = [int(value) if isinstance(value, bool) else value for _, _, value in rows]
    finite = [float(n) for n in numbers if math.isfinite(n)]
    return Facts(
        count=len(numbers),
        goal=defined.get("goal"),
        first=numbers[0],
        last=numbers[-1],
        minimum=min(finite, default=math.nan),
        maximum=max(finite, default=math.nan),
        mean=sum(finite) / len(finite) if finite else math.nan,
    )


def _summary(
    given: dict[str, tuple[float, Any]],
    numbers: dict[str, list[tuple[int, float, Any]]],
    values: dict[str, list[tuple[int, float, Any]]],
    definitions: list[dict[str, Any]],
) -> dict[str, Any]:
    """What the script set, and what was logged later than that."""
    found: dict[str, tuple[float, Any]] = {}
    for key, rows in numbers.items():
        if not rows:
            continue
        defined, at = _defined(definitions, key), rows[-1][1]
        facts = _facts(rows, defined)
        kept = defined.get("summary") or ["last"]
        if "last" in kept:
            found[key] = (at, rows[-1][2])
        best = facts.maximum if facts.goal == "max" else facts.minimum
        for which, value in (
            ("min", facts.minimum),
            ("max", facts.maximum),
            ("mean", facts.mean),
            ("best", best),
        ):
            if which in kept and not math.isnan(value):
                found[f"{key}.{which}"] = (at, value)
        if "first" in kept and not math.isnan(facts.first):
            found[f"{key}.first"] = (at, facts.first)
    for key, rows in values.items():
        if rows:
            found[key] = (rows[-1][1], rows[-1][2])
    for key, (at, value) in given.items():
        if key not in found or at >= found[key][0]:
            found[key] = (at, value)
    return {key: value for key, (_, value) in found.items() if value is not _REMOVED}


def build(store: Path, count: int, seed: int) -> dict[str, Subject]:
    """A store at `store` with `count` generated runs; the subjects by run id."""
    rng = random.Random(seed)
    projector = Projector(store)
    subjects = {}
    for number in range(count):
        run = generate(rng, number)
        projector.project_run(run.write(store))
        subjects[run.id] = subject(run)
    projector.close()
    return subjects
