"""Foreign runs into journals: everything once, however often it is imported.

Each item of a part becomes one event of the journal, in order. So the journal itself says how
far an import came: as many items of a part as it holds are passed over. An import that was
killed, or whose log has grown since, goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from trackerlite.capture.redact import redact_config, redact_text
from trackerlite.errors import RunExists
from trackerlite.importers.base import ForeignRun, Item, Media
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder
from trackerlite.journal.writer import PATTERN, JournalWriter
from trackerlite.paths import check_id, safe_name
from trackerlite.recording.folders import prepare, run_folder
from trackerlite.values import INT64_MAX, INT64_MIN, flatten

_BOOKKEEPING = {"run", "finish", "import", "heartbeat", "dropped"}


@dataclass
class Imported:
    """What an import did.

    Attributes:
        run: the foreign run.
        folder: the run's folder in the store.
        new: items written now.
        known: items that were there from before.
    """

    run: ForeignRun
    folder: Path
    new: int = 0
    known: int = 0


class _Journal:
    """The journals of an imported run: what they hold, and one more to append to."""

    def __init__(self, run: ForeignRun, folder: Path):
        self._run = run
        self.folder = folder
        self.held: Counter[str] = Counter()
        self.finished = False
        self._writer: JournalWriter | None = None
        self._part = ""
        self.last = 0.0
        self._read()

    def _read(self) -> None:
        source = str(self._run.source)
        decode = Decoder().decode
        part, sources = "", set()
        for path in sorted(self.folder.glob(PATTERN)):
            for _, payload in JournalReader(path).read():
                event = decode(payload)
                kind = event.record["t"] if event.record else None
                if kind == "run":
                    imported = event.record.get("imported", {})  # type: ignore[union-attr]
                    sources.add(imported.get("source"))
                if kind == "import":
                    part = event.record["part"]  # type: ignore[index]
                self.finished = kind == "finish" or (self.finished and kind in _BOOKKEEPING)
                self.last = max(self.last, event.time)
                if kind not in _BOOKKEEPING and (event.record or event.keys or event.others):
                    self.held[part] += 1
        self.begun = bool(sources)
        if sources - {source}:
            raise RunExists(
                f"{self.folder} is there already and was not imported from {source}; it was left "
                "as it is. Import with another --name or --project."
            )

    def append(self, time: float, step: int, *fields: bytes) -> None:
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._writer = JournalWriter(self.folder)
        if not self._writer.append(frame(events.event(time, step, *fields))):
            raise OSError(f"The journal in {self.folder} takes no more; what is there is whole.")

    def record(self, time: float, fields: dict[str, Any], step: int = 0) -> None:
        self.append(time, step, events.record(fields))

    def item(self, part: str, item: Item) -> None:
        """Append one item. Other programs do not take secrets out; here they stop."""
        if part != self._part:
            self.record(item.time, {"t": "import", "part": part})
            self._part = part
        self.last = max(self.last, item.time)
        if item.record is not None:
            record = dict(item.record)
            if "values" in record:
                record["values"] = redact_config(record["values"])
            self.record(item.time, record, item.step)
            return
        messages = []
        for key, number in item.numbers.items():
            big = isinstance(number, int) and not INT64_MIN <= number <= INT64_MAX
            message = events.json_value if big else events.number_value
            messages.append(message(key, number))
        others = redact_config(item.others)
        messages += [events.json_value(key, value) for key, value in others.items()]
        self.append(item.time, item.step, events.summary(*messages))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def take_in(
    run: ForeignRun,
    store: Path,
    *,
    project: str | None = None,
    name: str | None = None,
    live: bool = False,
) -> Imported:
    """Write what is new in `run` into its journal in `store`.

    Args:
        project, name: instead of the log's own.
        live: the log may go on growing: leave the run open unless the log says that it ended.

    Raises:
        RunExists: a run of that id is in the store and came from elsewhere.
        OSError: the journal could not be written; what is in it is whole.
    """
    project, name = project or run.project, name or run.name
    run_id = check_id(run.id)
    folder = run_folder(store, project, name, run_id)
    prepare(store)
    journal = _Journal(run, folder)
    result = Imported(run, folder)
    begun = journal.begun
    try:
        for part in run.parts():
            known = journal.held[part.name]
            result.known += known
            for item in islice(part.items(keeper(folder)), known, None):
                if result.new == 0:
                    _begin(journal, run, project, name, run_id, item, begun)
                journal.item(part.name, item)
                result.new += 1
        if result.new == 0 and not begun:
            _begin(journal, run, project, name, run_id, None, begun)
            begun = False
        ending = run.ending() or (None if live else {"state": "finished", "exit_code": None})
        if ending and (result.new or not journal.finished):
            ended = ending.pop("ended", None) or journal.last
            journal.record(ended, {"t": "finish", **ending})
    finally:
        journal.close()
    if result.new or not begun:
        _keep_console(folder, run)
    return result


def _begin(
    journal: _Journal,
    run: ForeignRun,
    project: str,
    name: str,
    run_id: str,
    first: Item | None,
    resumed: bool,
) -> None:
    header = redact_config(run.header())
    fallback = first.time if first else run.source.stat().st_mtime
    started = header.setdefault("started", fallback)
    config = flatten(header.pop("config", {}))
    imported = {"format": run.format, "source": str(run.source)}
    journal.last = max(journal.last, started)
    journal.record(
        min(started, fallback),
        {"t": "run", "id": run_id, "project": project, "name": name, "resumed": resumed}
        | ({"config": config} if config else {})
        | header
        | {"imported": imported},
    )


def keeper(folder: Path) -> Media:
    """A `Media` that keeps files below `folder`/media, named as W&B names them."""

    def keep(kind: str, key: str, step: int, content: bytes, extension: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        shelf = {"image-file": "images", "audio-file": "audio", "video-file": "videos"}.get(
            kind, "files"
        )
        relative = (
            Path("media") / shelf / f"{safe_name(key)}_{step}_{digest[:20]}.{safe_name(extension)}"
        )
        _replace(folder / relative, iter([content]))
        return {
            "_type": kind,
            "path": relative.as_posix(),
            "sha256": digest,
            "size": len(content),
            "format": extension,
        }

    return keep


def _keep_console(folder: Path, run: ForeignRun) -> None:
    pieces = run.console()
    first = next(pieces, None)
    if first is not None:
        _replace(folder / "console.log", map(_redacted, chain([first], pieces)))


def _redacted(piece: bytes) -> bytes:
    return redact_text(piece.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _replace(path: Path, content: Iterator[bytes]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns()}")
    try:
        with open(temporary, "xb") as file:
            file.writelines(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
