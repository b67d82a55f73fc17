"""The journal side of an import: how far it came, and what comes next."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from pathlib import Path
from typing import Any

from trackerlite.capture.redact import redact_config
from trackerlite.errors import RunExists, RunInUse
from trackerlite.importers.base import ForeignRun, Item
from trackerlite.journal import events
from trackerlite.journal.files import PATTERN
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder, Encoder
from trackerlite.journal.writer import JournalWriter
from trackerlite.values import INT64_MAX, INT64_MIN

_BOOKKEEPING = {"run", "finish", "import", "heartbeat", "dropped"}


class ImportJournal:
    """The journals of an imported run: what they hold, and one more to append to.

    Attributes:
        held: how many items of each part are in them.
        begun: whether they hold a run record at all.
        finished: whether they end in a finish record.
        last: the latest time in them, Unix seconds.

    Raises:
        RunInUse: somebody else is importing into that folder.
        RunExists: the journals there were not imported from the same place.
    """

    def __init__(self, run: ForeignRun, folder: Path):
        self._run = run
        self.folder = folder
        self.held: Counter[str] = Counter()
        self.begun = self.finished = False
        self.last = 0.0
        self._writer: JournalWriter | None = None
        self._part = ""
        self._encode = Encoder().encode
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._claim()
            self._read()
        except BaseException:
            os.close(self._lock)
            raise

    def _claim(self) -> None:
        """Two who count the same journal would both append what comes next."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunInUse(
                f"{self._run.source} is being imported by another `import` or `watch`; "
                "it was left to that."
            ) from None
        except OSError:
            pass  # a file system without locks

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
                "as it is. `--project` imports into another project, where the id is free."
            )

    def _append(self, time: float, step: int, *fields: bytes) -> None:
        self._write(frame(events.event(time, step, *fields)))

    def _write(self, framed: bytes) -> None:
        if self._writer is None:
            self._writer = JournalWriter(self.folder)
        if not self._writer.append(framed):
            raise OSError(f"The journal in {self.folder} takes no more; what is there is whole.")

    def record(self, time: float, fields: dict[str, Any], step: int = 0) -> None:
        """Append a record.

        Raises:
            OSError: it could not be written.
        """
        self.finished = fields["t"] == "finish"
        self._append(time, step, events.record(fields))

    def item(self, part: str, item: Item) -> None:
        """Append one item. Other programs do not take secrets out; here they stop."""
        if part != self._part:
            self.record(item.time, {"t": "import", "part": part})
            self._part = part
        self.last = max(self.last, item.time)
        self.held[part] += 1
        if item.record is not None:
            self.record(item.time, redact_config(item.record), item.step)
            return
        self.finished = False
        encoded = None if item.others else self._encode(item.numbers, item.step, item.time)
        if encoded is not None:
            self._write(encoded)
            return
        messages = []
        for key, number in item.numbers.items():
            big = isinstance(number, int) and not INT64_MIN <= number <= INT64_MAX
            message = events.json_value if big else events.number_value
            messages.append(message(key, number))
        others = redact_config(item.others)
        messages += [events.json_value(key, value) for key, value in others.items()]
        self._append(item.time, item.step, events.summary(*messages))

    def close(self) -> None:
        """Bring everything to disk, and let others import. Nothing can be appended after."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
