"""One recorded run, as a replay reads it: everything W&B shows, without what must not leave."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from trackerlite.capture.redact import redact_argv, redact_config, redact_text
from trackerlite.journal.files import is_being_written
from trackerlite.readers import Reader
from trackerlite.readers.history_rows import HistoryRows
from trackerlite.readers.info import AlertInfo, ArtifactInfo, RunInfo, SeriesInfo
from trackerlite.readers.replay import (
    behind,
    console_size,
    definitions,
    open_lanes,
    unfinished_media,
)
from trackerlite.store.summary import parsed
from trackerlite.sync import charts
from trackerlite.values import means

_START_UP = 60.0  # seconds in which the ranks of a launch begin, where several record
_NOTHING_YET = -(2**63)
OURS = ("_step", "_timestamp", "_runtime")  # columns that the replay itself writes
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINE_LIMIT = 65_536
_SHOWN = (
    "os", "platform", "python", "program", "executable", "user", "command", "args", "git",
    "cpu_count", "gpus", "world_size", "entity",
)  # fmt: skip
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (out|err) ?")  # as the console log begins a line


@dataclass(frozen=True, order=True)
class MediaFile:
    """A file of a run as W&B will call it; what a value refers to is in `media/…`."""

    name: str
    path: Path
    size: int


class LocalRun:
    """A view of one run in the store. Cheap to make; what is asked for is read then."""

    def __init__(self, reader: Reader, info: RunInfo, fingerprint: str) -> None:
        self.reader, self.info = reader, info
        self.fingerprint = f"{fingerprint}-{console_size(info.folder)}-{info.state}"

    @cached_property
    def running(self) -> bool:
        """Still being written, as far as anybody can tell; a rank may outlive rank 0."""
        if self.info.state in ("running", "dead"):
            return True
        lanes = open_lanes(self.reader.connection, self.info.key)
        return any(is_being_written(self.reader.path / path) for path in lanes.values())

    @property
    def started(self) -> float:
        return self.info.started or 0.0

    @cached_property
    def rows(self) -> HistoryRows:
        """History rows; rank 0's under their own names, other writers' under a prefix."""
        return HistoryRows(
            self.reader.connection, self.info.key, "history", _shown, charts.without_chart
        )

    @cached_property
    def system(self) -> HistoryRows:
        """System metrics, one row per sample."""
        return HistoryRows(self.reader.connection, self.info.key, "system", _shown)

    @cached_property
    def before(self) -> int | None:
        """While the run goes on, rows below this step are complete.

        Its last step may still grow, also in a rank that is slower than the others, and a medium that
        is being written gets its checksum later.
        """
        if not self.running:
            return None
        lanes = open_lanes(self.reader.connection, self.info.key) or {"": ""}
        ranks = sum(lane == "" or lane.startswith("rank-") for lane in lanes)
        expected = self.environment.get("world_size", 1)
        last = self.rows.complete_below(lanes)
        missing = isinstance(expected, int) and ranks < expected
        starting = ranks > 1 or time.time() - self.started < _START_UP
        if last is None or (missing and starting):
            return _NOTHING_YET  # a rank that records, too, may not have begun
        media = unfinished_media(self.reader.connection, self.info.key)
        return last if media is None else min(last, media)

    @property
    def behind(self) -> bool:
        """Whether the database lacks rows that are in the journals."""
        return behind(self.reader.connection, self.info.key, self.reader.path)

    @cached_property
    def _metrics(self) -> list[SeriesInfo]:
        return self.reader.series([self.info.key])

    @cached_property
    def _values(self) -> list[SeriesInfo]:
        """What is no number."""
        return self.reader.series([self.info.key], stream="value")

    @cached_property
    def config(self) -> dict[str, Any]:
        """Config, nested as it was given."""
        flat = self.reader.params([self.info.key]).get(self.info.key, {})
        return nest(redact_config(flat))

    @cached_property
    def charts(self) -> dict[str, dict[str, Any]]:
        """W&B's description of each custom chart, by its key."""
        found = {}
        for series in self._values:
            described = charts.describe(series.name, series.last)
            if described is not None:
                found[series.name] = described
        return found

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Summary: rank 0's, and the last values of other writers, called as in rows.

        Flat, but for the values that `define_metric` asked for: they lie under their metric.
        """
        found = self.reader.summaries([self.info.key]).get(self.info.key, {})
        return self._others_last() | {
            charts.table_key(k, v): charts.without_chart(v)
            for k, v in redact_config(self._under_metrics(found)).items()
            if k not in OURS
        }

    def _under_metrics(self, flat: dict[str, Any]) -> dict[str, Any]:
        """{"loss.min": 0.1} of a metric that was defined so as W&B has it: {"loss": {"min": 0.1}}."""
        if not any(body.get("summary") for _, body in self.definitions):
            return flat
        nested = dict(flat)
        for series in self._metrics:
            words: list[str] = []
            for pattern, body in self.definitions:
                if means(pattern, series.name):
                    words = body.get("summary") or words
            keys = {word: f"{series.name}.{word}" for word in words if word != "last"}
            if "last" in words:
                keys["last"] = series.name
            elif series.name in flat:
                continue  # set by hand
            found = {word: nested.pop(key) for word, key in keys.items() if key in nested}
            if found:
                nested[series.name] = found
        return nested

    def _others_last(self) -> dict[str, Any]:
        series = [one for one in (*self._metrics, *self._values) if one.lane]
        series.sort(key=lambda one: one.last_time or 0.0)
        shown = {_shown(one.name, one.lane, one.rank, one.last): one.last for one in series}
        found = redact_config({name: parsed(last) for name, last in shown.items() if name})
        return {name: charts.without_chart(value) for name, value in found.items()}

    @cached_property
    def definitions(self) -> list[tuple[str, dict[str, Any]]]:
        return definitions(self.reader.connection, self.info.key)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """What W&B shows of the captured environment, command line and URLs cleaned once more."""
        captured = self.reader.environment(self.info.key)
        found = redact_config({name: captured[name] for name in _SHOWN if name in captured})
        for name in ("command", "args"):
            words = found.get(name)
            if isinstance(words, list):
                found[name] = redact_argv([str(word) for word in words])
            elif isinstance(words, str):
                found[name] = redact_text(words)
        return found

    @property
    def notes(self) -> str | None:
        return redact_text(self.info.notes) if self.info.notes else None

    def alerts(self) -> list[AlertInfo]:
        return self.reader.alerts(self.info.key)

    def artifacts(self) -> list[ArtifactInfo]:
        return self.reader.artifacts(self.info.key)

    def console(self, start: int = 0) -> Iterator[tuple[bool, str]]:
        """(standard error?, line) from number `start`, each as a screen would show it.

        An unfinished last line is left out while the run goes on.
        """
        try:
            file = (self.info.folder / "console.log").open(
                "r", encoding="utf-8", errors="replace", newline="\n"
            )
        except OSError:
            return
        with file:
            for number, line in enumerate(file):
                whole = line.endswith("\n")
                if number >= start and (whole or not self.running):
                    stamp = _STAMP.match(line)
                    text = line[stamp.end() :] if stamp else line
                    yield bool(stamp and stamp.group(1) == "err"), screen_line(text)

    def media(self) -> list[MediaFile]:
        """Every file that logged values refer to, and those that `save` kept."""
        folder = self.info.folder
        return sorted(
            [*_files(folder / "media", folder), *_files(folder / "files", folder / "files")]
        )

    def exit_code(self) -> int | None:
        """What the run ended with, None while it goes on."""
        if self.running:
            return None
        if self.info.state == "finished":
            return 0
        code = self.info.exit_code
        return code if code else (137 if self.info.state == "killed" else 1)


def _files(root: Path, base: Path) -> Iterator[MediaFile]:
    for folder, _, names in os.walk(root, followlinks=False):
        for name in names:
            path = Path(folder, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            yield MediaFile(path.relative_to(base).as_posix(), path, path.stat().st_size)


def _shown(name: str, lane: str, rank: int, last: Any) -> str | None:
    if name in OURS:
        return None
    name = charts.table_key(name, last)
    if rank:
        return f"rank{rank}/{name}"
    return f"{lane}/{name}" if lane else name


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys as nested dicts; a key that is in the way of another stays dotted.

    >>> nest({"lora.r": 8, "lr": 0.1})
    {'lora': {'r': 8}, 'lr': 0.1}
    """
    nested: dict[str, Any] = {}
    for key in sorted(flat):
        parts = key.split(".")
        if not all(parts):
            nested[key] = flat[key]
            continue
        at: Any = nested
        for part in parts[:-1]:
            at = at.setdefault(part, {}) if isinstance(at, dict) else None
        if isinstance(at, dict) and not isinstance(at.get(parts[-1]), dict):
            at[parts[-1]] = flat[key]
        else:
            nested[key] = flat[key]
    return nested


def screen_line(line: str) -> str:
    """One line as a terminal would leave it: after carriage returns, colours kept, no other control.

    >>> screen_line("10%\\r20%\\x1b[2K done\\n")
    '20% done'
    """
    text = line.rstrip("\r\n")
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part), "")
    if "\x1b" in text:
        text = _ESCAPE.sub(lambda m: m.group() if _SGR.fullmatch(m.group()) else "", text)
    text = "".join(
        part if i % 2 else _CONTROL.sub("", part) for i, part in enumerate(_split_sgr(text))
    )
    return redact_text(text[:_LINE_LIMIT])


def _split_sgr(text: str) -> list[str]:
    """Alternately plain text and colour sequences."""
    parts, at = [], 0
    for found in _SGR.finditer(text):
        parts += [text[at : found.start()], found.group()]
        at = found.end()
    return [*parts, text[at:]]


def finite_timestamp(seconds: float | None) -> float:
    """A time that a protobuf timestamp can hold."""
    if seconds is None or not math.isfinite(seconds):
        return 0.0
    return min(max(seconds, 0.0), 253402300799.0)
