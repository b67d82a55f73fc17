"""What wandb's uploader says of itself in its debug log."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

_STATUS = re.compile(r"(?:failed to upload: (?:status: )?|returned error )(\d{3})")
_FATAL_RETRY = {409}  # wandb's core repeats these for many minutes, but a deleted run stays deleted
_QUIET = 150.0  # seconds: more than a request may take and wait that fails again


@dataclass
class Problem:
    """Something the uploader's log tells. `status` is HTTP's, 0 for none."""

    status: int
    what: str  # "rows", "run", "file", "artifact" or ""
    text: str


class UploaderLog:
    """wandb's debug log of a sync, followed while it grows: JSON lines."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[Path, int] = {}
        self.problems: dict[str, list[Problem]] = {}
        self.trouble = ""  # the last that was not told yet
        self.fatal = False
        self.found = False  # whether there is one
        self._failing: dict[tuple[str, bool], tuple[float, float]] = {}

    def failing_for(self, now: float) -> float:
        """Seconds that requests of one kind, for one run, have failed again and again.

        When rows are taken again the log says so; of all else only that errors came no more.
        """
        spans = [
            (now if rows else last) - since for (_, rows), (since, last) in self._failing.items()
        ]
        return max(spans, default=0.0)

    def read(self) -> None:
        """Take in what was written since the last time."""
        try:
            paths = sorted(self._folder.glob("debug-sync*.log"))
        except OSError:
            return
        self.found = bool(paths)
        for path in paths:
            at = self._offsets.get(path, 0)
            try:
                with path.open("rb") as file:
                    file.seek(at)
                    data = file.read(8 << 20)
            except OSError:
                continue
            whole = data.rfind(b"\n") + 1
            self._offsets[path] = at + whole
            for line in data[:whole].splitlines():
                self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if not isinstance(entry, dict):
            return
        message, level = str(entry.get("msg", "")), str(entry.get("level", ""))
        folder = Path(str(entry.get("sync_path", ""))).parent.name
        status = entry.get("status") if isinstance(entry.get("status"), int) else 0
        if "retrying" in message:
            self._fails(folder, "/file_stream" in f"{entry.get('url')} {entry.get('error')}")
            self.trouble = _trouble(status or 0, str(entry.get("error") or entry.get("body") or ""))
            if status in _FATAL_RETRY and "graphql" in str(entry.get("url", "")):
                self.fatal = True
                self._add(folder, status or 0, "run", str(entry.get("body", "")))
            return
        if message == "filestream: request sent":
            self._failing.pop((folder, True), None)
        if not level.startswith("ERROR"):
            return
        text = f"{message} {entry.get('error', '')}"
        found = _STATUS.search(text)
        number = int(found.group(1)) if found else 0
        said = text.partition('"message":')[2].strip(' "}]\\\n') or text
        if "filestream" in message:
            self._add(folder, number, "rows", said)
        elif "upserter" in message:
            self._add(folder, number, "run", said)
        elif "file transfer" in message:
            self._add(folder, number, "file", said)
        elif "artifact" in message.lower():
            self._add(folder, number, "artifact", said)

    def _fails(self, folder: str, rows: bool) -> None:
        now = time.monotonic()
        since, last = self._failing.get((folder, rows), (now, now))
        over = not rows and now - last > _QUIET
        self._failing[folder, rows] = (now if over else since, now)

    def _add(self, folder: str, status: int, what: str, text: str) -> None:
        known = self.problems.setdefault(folder, [])
        if len(known) < 20:
            known.append(Problem(status, what, text[:500]))


def _trouble(status: int, text: str) -> str:
    if status == 429:
        return "The server asks to slow down (429); waiting as it says."
    if status >= 500:
        return f"The server has trouble of its own ({status}); trying again."
    if status:
        return f"The server answered {status}; trying again."
    return f"The connection broke ({text[:120]}); trying again."
