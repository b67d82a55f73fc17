"""The records of a `.wandb` file, decoded by hand from W&B's protobuf messages."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from typing import Any

from trackerlite.importers.base import Item
from trackerlite.journal import protobuf as pb
from trackerlite.values import DEPTH_LIMIT, flatten

# Field numbers of wandb_internal.proto.
HISTORY, SUMMARY, CONFIG, STATS, ALERT, METRIC, OUTPUT_RAW, RUN, EXIT = (
    2,
    3,
    5,
    7,
    10,
    12,
    13,
    17,
    18,
)
ENVIRONMENT = 26
INTERNAL = {"_step", "_timestamp", "_runtime", "_wandb"}
_GOALS = {1: "min", 2: "max"}
_SUMMARIES = {1: "min", 2: "max", 3: "mean", 4: "best", 5: "last", 6: "none"}
_f64 = struct.Struct("<d")
# What a record raises that says something else than it should: it costs itself, not the log.
NONSENSE = (ValueError, TypeError, OverflowError, struct.error)


def aside(kind: int, body: bytes, time: float, step: int) -> Item:
    """What else than history a log holds, as an item; one without a record if it is nothing."""
    if kind in (CONFIG, SUMMARY):
        return _mapping(body, "config" if kind == CONFIG else "summary", time)
    if kind == STATS:
        return _stats(body, time)
    if kind == METRIC:
        return _define(body, time)
    if kind == ALERT:
        texts = _strings(body)
        alert = {"title": texts.get(1, ""), "text": texts.get(2, ""), "level": texts.get(3, "INFO")}
        return Item(time, step, record={"t": "alert", **alert})
    return Item(time)


def leaves(key: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """What was logged under `key`: dicts are opened, but for those that stand for media."""
    if isinstance(value, dict) and value and "_type" not in value and depth < DEPTH_LIMIT:
        for inner, deeper in value.items():
            yield from leaves(f"{key}.{inner}", deeper, depth + 1)
    else:
        yield key, value


def number_or(value: Any, otherwise: float) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return otherwise


def whole_or(value: Any, otherwise: int) -> int:
    return int(number_or(value, otherwise))


def kind_of(record: bytes) -> tuple[int, bytes]:
    """(field number, body) of what a Record holds; (0, b"") if nothing that we know."""
    try:
        for number, wire, value in pb.fields(record):
            if wire == pb.BYTES and 2 <= number <= 26 and number not in (16, 19):
                return number, value  # type: ignore[return-value]
    except pb.Malformed:
        pass
    return 0, b""


def fields(body: bytes) -> list[tuple[int, int, int | bytes]]:
    """The fields of a message; none if it is no message."""
    try:
        return list(pb.fields(body))
    except pb.Malformed:
        return []


def _strings(body: bytes) -> dict[int, str]:
    return {
        number: value.decode("utf-8", "backslashreplace")  # type: ignore[union-attr]
        for number, wire, value in pb.fields(body)
        if wire == pb.BYTES
    }


def run_fields(body: bytes) -> dict[int, Any]:
    """A RunRecord by field number: texts, tags as a list, config as a dict, start as seconds."""
    found: dict[int, Any] = {}
    for number, wire, value in pb.fields(body):
        if wire != pb.BYTES:
            continue
        assert isinstance(value, bytes)
        if number == 4:
            found[number] = _updates(value)[0]
        elif number == 10:
            found.setdefault(number, []).append(value.decode("utf-8", "backslashreplace"))
        elif number == 17:
            found[number] = _timestamp(value)
        elif number in (1, 2, 3, 6, 7, 8, 9, 13):
            found[number] = value.decode("utf-8", "backslashreplace")
    return found


def _timestamp(body: bytes) -> float:
    parts = {number: int(value) for number, wire, value in pb.fields(body) if wire == pb.VARINT}
    return parts.get(1, 0) + parts.get(2, 0) / 1e9


def _item(body: bytes) -> tuple[list[str], Any]:
    """(path of keys, value) of a HistoryItem, ConfigItem, SummaryItem or StatsItem."""
    keys: list[str] = []
    value: Any = None
    for number, _, raw in pb.fields(body):
        if number in (1, 2) and isinstance(raw, bytes):
            keys.append(raw.decode("utf-8", "backslashreplace"))
        elif number == 4:
            value = bool(raw)
        elif number == 5 and isinstance(raw, int):  # sint64, zigzag
            value = raw >> 1 ^ -(raw & 1)
        elif number == 6 and isinstance(raw, bytes):
            value = _f64.unpack(raw)[0]
        elif number == 7 and isinstance(raw, bytes):
            value = raw.decode("utf-8", "backslashreplace")
        elif number in (8, 16) and isinstance(raw, bytes):
            try:
                value = json.loads(raw)
            except (ValueError, RecursionError):
                value = raw.decode("utf-8", "backslashreplace")
    return list(filter(None, keys)), value


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    """Set `value` at a path of nested dicts."""
    for key in path[:-1]:
        inner = values.get(key)
        if not isinstance(inner, dict):
            inner = values[key] = {}
        values = inner
    values[path[-1]] = value


def history_row(body: bytes) -> tuple[dict[str, Any], int | None]:
    row: dict[str, Any] = {}
    step = None
    for number, wire, value in pb.fields(body):
        if number == 1 and wire == pb.BYTES:
            path, entry = _item(value)  # type: ignore[arg-type]
            if path:
                _put(row, path, entry)
        elif number == 2 and wire == pb.BYTES:
            # An empty HistoryStep is step 0: protobuf leaves zeros out.
            step = next((pb.signed(int(v)) for n, _, v in pb.fields(value) if n == 1), 0)  # type: ignore[arg-type]
    return row, step


def _updates(body: bytes) -> tuple[dict[str, Any], list[str]]:
    """(new values, removed keys) of a ConfigRecord or SummaryRecord, without W&B's own keys."""
    values: dict[str, Any] = {}
    removed: list[str] = []
    for number, wire, value in pb.fields(body):
        if wire != pb.BYTES or number not in (1, 2):
            continue
        path, entry = _item(value)  # type: ignore[arg-type]
        if not path or path[0] in INTERNAL:
            continue
        if number == 1:
            _put(values, path, entry)
        else:
            removed.append(".".join(path))
    return values, removed


def _mapping(body: bytes, kind: str, time: float) -> Item:
    values, removed = _updates(body)
    if kind == "summary":
        values = dict(leaf for key, value in values.items() for leaf in leaves(key, value))
    else:
        values = flatten(values)
    record: dict[str, Any] = {"t": kind, "values": values}
    if removed and kind == "summary":
        record["removed"] = removed
    return Item(time, record=record if values or removed else None)


def _stats(body: bytes, time: float) -> Item:
    values: dict[str, Any] = {}
    for number, wire, value in pb.fields(body):
        if number == 2 and wire == pb.BYTES:
            time = _timestamp(value)  # type: ignore[arg-type]
        elif number == 3 and wire == pb.BYTES:
            path, entry = _item(value)  # type: ignore[arg-type]
            if path and isinstance(entry, (int, float)):
                values[".".join(path)] = entry
    return Item(time, record={"t": "system", "values": values} if values else None)


def _define(body: bytes, time: float) -> Item:
    record: dict[str, Any] = {"t": "define"}
    for number, _, value in pb.fields(body):
        if number in (1, 2, 4) and isinstance(value, bytes):
            name = "step_metric" if number == 4 else "pattern"
            record[name] = value.decode("utf-8", "backslashreplace")
        elif number == 7 and isinstance(value, bytes):
            wanted = [_SUMMARIES[n] for n, _, flag in pb.fields(value) if n in _SUMMARIES and flag]
            record |= {"summary": wanted} if wanted else {}
        elif number == 8 and value in _GOALS:
            record["goal"] = _GOALS[int(value)]
    return Item(time, record=record if record.get("pattern") else None)


def environment(body: bytes) -> dict[str, Any]:
    texts = _strings(body)
    names = {
        1: "os",
        2: "python",
        6: "program",
        13: "username",
        14: "executable",
        18: "gpu",
        25: "cuda",
    }
    found: dict[str, Any] = {
        name: texts[number] for number, name in names.items() if texts.get(number)
    }
    for number, wire, value in pb.fields(body):
        if number == 9 and wire == pb.BYTES:
            git = _strings(value)  # type: ignore[arg-type]
            found["git"] = {"remote": git.get(1), "commit": git.get(2)}
    return found
