"""Reads what the real wandb wrote offline: history, config and summary, from its `.wandb` file."""

from __future__ import annotations

import json
import struct
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OWN_ROW_KEYS = {"_step", "_timestamp", "_runtime"}
OWN_SUMMARY_KEYS = OWN_ROW_KEYS | {"_wandb"}


@dataclass
class WandbRun:
    """One offline run: rows in order, merged config and merged summary (W&B's own keys left out)."""

    id: str = ""
    project: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    alerts: list[tuple[str, str, str]] = field(default_factory=list)
    exit_code: int | None = None

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rows without W&B's own columns, nested keys dotted."""
        return [{k: v for k, v in row.items() if k not in OWN_ROW_KEYS} for row in self.rows]


def read_all(folder: Path) -> list[WandbRun]:
    """Every offline run below `folder`, in the order they were begun."""
    paths = folder.glob("**/offline-run-*/run-*.wandb")
    return [_whole(path) for path in sorted(paths)]


def _whole(path: Path) -> WandbRun:
    """The run, once its end is in the file: wandb's own process writes it after `finish` returned."""
    until = time.monotonic() + 30
    while (run := read(path)).exit_code is None:
        assert time.monotonic() < until, f"{path} has no end"
        time.sleep(0.05)
    return run


def read(path: Path) -> WandbRun:
    """What is in one `.wandb` file."""
    from wandb.proto import wandb_internal_pb2 as pb

    run = WandbRun()
    for body in _records(path.read_bytes()):
        record = pb.Record.FromString(body)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            seen = record.run
            run.id, run.project, run.name = seen.run_id, seen.project, seen.display_name
            run.group, run.job_type, run.notes = seen.run_group, seen.job_type, seen.notes
            run.tags = tuple(seen.tags)
            _merge(run.config, seen.config.update)
        elif kind == "config":
            _merge(run.config, record.config.update)
        elif kind == "history":
            row: dict[str, Any] = {}
            _merge(row, record.history.item)
            run.rows.append(_flat(row))
        elif kind == "summary":
            _merge(run.summary, record.summary.update)
            for gone in record.summary.remove:
                run.summary.pop(gone.key or ".".join(gone.nested_key), None)
        elif kind == "alert":
            run.alerts.append((record.alert.title, record.alert.text, record.alert.level))
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    run.config.pop("_wandb", None)
    run.config = _flat(run.config)
    run.summary = _flat({k: v for k, v in run.summary.items() if k not in OWN_SUMMARY_KEYS})
    return run


def _merge(into: dict[str, Any], items: Any) -> None:
    for item in items:
        path = list(item.nested_key) or [item.key]
        place = into
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = json.loads(item.value_json)


def _flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict) and value and "_type" not in value:
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _records(data: bytes) -> list[bytes]:
    """LevelDB's log framing with a seven-byte file header, read strictly."""
    found, pieces, at = [], [], 7
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        checksum, size, kind = struct.unpack_from("<IHB", data, at)
        if kind == 0:
            break
        if at + 7 + size > len(data):
            break
        body = data[at + 6 : at + 7 + size]
        assert zlib.crc32(body) == checksum, "the file is damaged"
        pieces.append(body[1:])
        at += 7 + size
        if kind in (1, 4):
            found.append(b"".join(pieces))
            pieces = []
    return found
