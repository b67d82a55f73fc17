"""W&B's own offline logs, read without the wandb package."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackerlite.importers.base import ForeignRun, Item, Media, Part, below, id_of
from trackerlite.importers.wandb_log import is_log, records
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
_INTERNAL = {"_step", "_timestamp", "_runtime", "_wandb"}
_GOALS = {1: "min", 2: "max"}
_SUMMARIES = {1: "min", 2: "max", 3: "mean", 4: "best", 5: "last", 6: "none"}
_f64 = struct.Struct("<d")


class WandbRun(ForeignRun):
    """One `.wandb` file with the `files` folder beside it."""

    format = "wandb"

    def __init__(self, path: Path):
        self.source = path.resolve()
        self._run: dict[int, Any] = {}
        self._environment: dict[str, Any] = {}
        for record in records(self.source):
            kind, body = _kind(record)
            if kind == RUN:
                self._run = _texts(body)
            elif kind == ENVIRONMENT:
                self._environment = _environment(body)
            if kind == HISTORY:
                break
        self.id = self._run.get(1) or path.stem.removeprefix("run-") or id_of("wandb", self.source)
        self.project = self._run.get(3) or "uncategorized"
        self.name = self._run.get(8) or self.id

    def header(self) -> dict[str, Any]:
        """What the run and environment records say."""
        run = self._run
        names = {4: "config", 6: "group", 7: "job_type", 9: "notes", 10: "tags", 13: "host"}
        names[17] = "started"
        found = {name: run[number] for number, name in names.items() if run.get(number)}
        return found | self._environment

    def parts(self) -> list[Part]:
        """One: the file."""
        return [Part("log", self._items)]

    def ending(self) -> dict[str, Any] | None:
        """The exit record's word, if there is one."""
        for record in records(self.source):
            kind, body = _kind(record)
            if kind == EXIT:
                exit_fields = {number: value for number, _, value in pb.fields(body)}
                if exit_fields.get(3):
                    return None  # marked as not complete: more is to come
                code = pb.signed(int(exit_fields.get(1, 0)))
                return {"exit_code": code, "state": "failed" if code else "finished"}
        return None

    def console(self) -> Iterator[bytes]:
        """Console output, as it was captured."""
        for record in records(self.source):
            kind, body = _kind(record)
            if kind == OUTPUT_RAW:
                yield from (value for number, _, value in pb.fields(body) if number == 3)  # type: ignore[misc]

    def _items(self, keep: Media) -> Iterator[Item]:
        time, step = self._run.get(17) or self.source.stat().st_mtime, -1
        for record in records(self.source):
            kind, body = _kind(record)
            item: Item | None = None
            if kind == HISTORY:
                row, number = _history(body)
                time = _number(row.get("_timestamp"), time)
                step = _whole(row.get("_step"), step + 1 if number is None else number)
                item = self._row(row, time, step, keep)
            elif kind in (CONFIG, SUMMARY):
                item = _mapping(body, "config" if kind == CONFIG else "summary", time)
            elif kind == STATS:
                item = _stats(body, time)
            elif kind == METRIC:
                item = _define(body, time)
            elif kind == ALERT:
                alert = _strings(body)
                fields = {
                    "title": alert.get(1, ""),
                    "text": alert.get(2, ""),
                    "level": alert.get(3, "INFO"),
                }
                item = Item(time, max(step, 0), record={"t": "alert", **fields})
            if item is not None:
                yield item

    def _row(self, row: dict[str, Any], time: float, step: int, keep: Media) -> Item | None:
        item = Item(time, step)
        for key, value in row.items():
            if key in _INTERNAL:
                continue
            for name, leaf in _leaves(key, value):
                if isinstance(leaf, (int, float)) and not isinstance(leaf, bool):
                    item.numbers[name] = leaf
                else:
                    item.others[name] = self._with_files(name, leaf, step, keep)
        return item if item.numbers or item.others else None

    def _with_files(self, key: str, value: Any, step: int, keep: Media) -> Any:
        """A media value, its files copied from the log's `files` folder where they are there."""
        if not isinstance(value, dict):
            return value

        def kept(name: Any) -> dict[str, Any]:
            files = self.source.parent / "files"
            path = files / str(name)
            try:
                if path.resolve().is_relative_to(files.resolve()):
                    kind = "image-file" if "filenames" in value else str(value["_type"])
                    return keep(kind, key, step, path.read_bytes(), path.suffix[1:] or "bin")
            except (OSError, ValueError):
                pass
            return {}

        if isinstance(value.get("filenames"), list):
            return value | {"filenames": [kept(n).get("path", n) for n in value["filenames"]]}
        return value | {
            k: v for k, v in kept(value.get("path")).items() if k not in ("_type", "format")
        }


def find(root: Path) -> Iterator[WandbRun]:
    """Every run at or below `root`, which may also be one `.wandb` file."""
    paths = [root] if root.is_file() else below(root, "*.wandb")
    for path in paths:
        if is_log(path):
            yield WandbRun(path)


def _leaves(key: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """What was logged under `key`: dicts are opened, but for those that stand for media."""
    if isinstance(value, dict) and value and "_type" not in value and depth < DEPTH_LIMIT:
        for inner, deeper in value.items():
            yield from _leaves(f"{key}.{inner}", deeper, depth + 1)
    else:
        yield key, value


def _number(value: Any, otherwise: float) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return otherwise


def _whole(value: Any, otherwise: int) -> int:
    return int(_number(value, otherwise))


def _kind(record: bytes) -> tuple[int, bytes]:
    """(field number, body) of what a Record holds; (0, b"") if nothing that we know."""
    try:
        for number, wire, value in pb.fields(record):
            if wire == pb.BYTES and 2 <= number <= 26 and number not in (16, 19):
                return number, value  # type: ignore[return-value]
    except pb.Malformed:
        pass
    return 0, b""


def _strings(body: bytes) -> dict[int, str]:
    return {
        number: value.decode("utf-8", "backslashreplace")  # type: ignore[union-attr]
        for number, wire, value in pb.fields(body)
        if wire == pb.BYTES
    }


def _texts(body: bytes) -> dict[int, Any]:
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
        elif number == 5:  # sfixed64
            value = int.from_bytes(raw, "little", signed=True)  # type: ignore[arg-type]
        elif number == 6:
            value = _f64.unpack(raw)[0]  # type: ignore[arg-type]
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


def _history(body: bytes) -> tuple[dict[str, Any], int | None]:
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
        if not path or path[0] in _INTERNAL:
            continue
        if number == 1:
            _put(values, path, entry)
        else:
            removed.append(".".join(path))
    return values, removed


def _mapping(body: bytes, kind: str, time: float) -> Item | None:
    values, removed = _updates(body)
    if kind == "summary":
        values = dict(leaf for key, value in values.items() for leaf in _leaves(key, value))
    else:
        values = flatten(values)
    record: dict[str, Any] = {"t": kind, "values": values}
    if removed and kind == "summary":
        record["removed"] = removed
    return Item(time, record=record) if values or removed else None


def _stats(body: bytes, time: float) -> Item | None:
    values: dict[str, Any] = {}
    for number, wire, value in pb.fields(body):
        if number == 2 and wire == pb.BYTES:
            time = _timestamp(value)  # type: ignore[arg-type]
        elif number == 3 and wire == pb.BYTES:
            path, entry = _item(value)  # type: ignore[arg-type]
            if path and isinstance(entry, (int, float)):
                values[".".join(path)] = entry
    return Item(time, record={"t": "system", "values": values}) if values else None


def _define(body: bytes, time: float) -> Item | None:
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
    return Item(time, record=record) if record.get("pattern") else None


def _environment(body: bytes) -> dict[str, Any]:
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
