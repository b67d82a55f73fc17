"""Tables of numbers: CSV and TSV files, and JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from trackerlite.importers.base import ForeignRun, Item, Media, Part, below, id_of, number_or_text
from trackerlite.values import KEY_LIMIT, flatten

_JSON = {".jsonl", ".ndjson"}
SUFFIXES = {".csv", ".tsv"} | _JSON
_STEPS = ("_step", "step", "global_step", "iteration", "iter", "epoch")
_TIMES = ("_timestamp", "time", "timestamp", "wall_time", "_time", "date", "datetime")


class TableRun(ForeignRun):
    """One file: a row is a step, a column a metric.

    The step is a column called step, global_step, iteration or epoch, else the row's number; the
    time one called time or timestamp (Unix seconds or ISO 8601), else the file's own time.
    """

    def __init__(self, path: Path):
        self.source = path.resolve()
        self.format = path.suffix[1:].lower()
        self.id = id_of(self.format, self.source)
        generic = path.stem in ("metrics", "log", "logs", "history", "progress", "results")
        self.name = self.source.parent.name if generic else path.stem
        self.project = self.source.parent.parent.name if generic else self.source.parent.name

    def header(self) -> dict[str, Any]:
        """Nothing more is known."""
        return {}

    def parts(self) -> list[Part]:
        """One: the file."""
        return [Part(self.source.name, self._items)]

    def _items(self, keep: Media) -> Iterator[Item]:  # noqa: ARG002 - a part's signature
        time = self.source.stat().st_mtime
        for count, row in enumerate(_rows(self.source)):
            values = {
                str(key)[:KEY_LIMIT]: value
                for key, value in row.items()
                if key and value is not None
            }
            step_key = next((k for k in _STEPS if _is_whole(values.get(k))), None)
            step = int(values[step_key]) if step_key else count
            if step_key and step_key != "epoch":
                del values[step_key]
            time_key = next((k for k in _TIMES if k in values), None)
            when = moment(values[time_key]) if time_key else None
            if time_key and when is not None:
                del values[time_key]
                time = when
            item = Item(time, step)
            for key, value in values.items():
                is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
                (item.numbers if is_number else item.others)[key] = value
            if item.numbers or item.others:
                yield item


def find(root: Path) -> Iterator[TableRun]:
    """The file `root`, or every table below it that has a step in it: data sets have none."""
    if root.is_file():
        if root.suffix.lower() in SUFFIXES:
            yield TableRun(root)
        return
    for path in below(root, "*"):
        if path.suffix.lower() in SUFFIXES and _has_steps(path):
            yield TableRun(path)


def _has_steps(path: Path) -> bool:
    """Whether the first row has a step column with a whole number in it."""
    try:
        first = next(_rows(path), {})
    except OSError:
        return False
    return any(_is_whole(first.get(key)) for key in _STEPS)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    return _json_rows(path) if path.suffix.lower() in _JSON else csv_rows(path)


def _whole_lines(path: Path) -> Iterator[str]:
    """Lines that are ended: a last one without its end is still being written."""
    with open(path, encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        for line in file:
            if line.endswith(("\n", "\r")):
                yield line


def csv_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The whole rows of a CSV or (by its name) TSV file, numbers as numbers, gaps left out."""
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(_whole_lines(path), delimiter=delimiter)
    for row in reader:
        yield {
            key.strip(): number_or_text(value.strip())
            for key, value in row.items()
            if isinstance(key, str) and isinstance(value, str) and value.strip()
        }


def _json_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    for line in _whole_lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield flatten(row)


def _is_whole(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and float(value).is_integer()
    )


def moment(value: Any) -> float | None:
    """A time as Unix seconds, from seconds, milliseconds or ISO 8601; None if it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # Milliseconds are what JavaScript and MLflow count in.
        return value / 1000 if value > 1e11 else float(value)
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
