"""Foreign runs into journals: everything once, however often it is imported.

Each item of a part becomes one event of the journal, in order. So the journal itself says how
far an import came: as many items of a part as it holds are passed over. An import that was
killed, or whose log has grown since, goes on where it stopped.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from trackerlite.capture.redact import redact_config, redact_name, redact_text
from trackerlite.importers.base import ForeignRun, Item
from trackerlite.importers.files import keep_console, keeper
from trackerlite.importers.journal import ImportJournal
from trackerlite.paths import check_id
from trackerlite.recording import folders
from trackerlite.store.states import SILENT, boot_id
from trackerlite.values import flatten

_CUT_OFF = {"state": "killed", "exit_code": None, "reason": "its log does not say how it ended"}


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


class Intake:
    """A foreign run on its way into `store`; call `take` again when the log has grown.

    Args:
        project, name: instead of the log's own.
        live: the log is followed: while it is, its run counts as running here.

    Raises:
        RunExists: a run of that id is in the store and came from elsewhere.
        RunInUse: another process is importing it.
    """

    def __init__(
        self,
        run: ForeignRun,
        store: Path,
        *,
        project: str | None = None,
        name: str | None = None,
        live: bool = False,
    ):
        self.run = run
        self.project = redact_name(project or run.project)
        self.name = redact_name(name or run.name)
        self.live = live
        run_id = check_id(run.id)
        folders.prepare(store)
        earlier = folders.find(store, self.project, run_id)
        self.folder = (
            earlier.folder
            if earlier is not None
            else folders.run_folder(store, self.project, self.name, run_id)
        )
        self._journal = ImportJournal(run, self.folder)
        self._open = False

    def take(self) -> Imported:
        """Write what is new.

        Raises:
            OSError: the journal could not be written; what is in it is whole.
        """
        done = Imported(self.run, self.folder)
        keep = keeper(self.folder)
        for part in self.run.parts():
            known = self._journal.held[part.name]
            done.known += known
            for item in islice(part.items(keep), known, None):
                self._begin(item)
                self._journal.item(part.name, item)
                done.new += 1
        if not self._journal.begun:
            self._begin(None)
        if self._open:
            ending = self.run.ending()
            if ending:
                self._finish(ending)
            keep_console(self.folder, self.run)
        return done

    def finish(self) -> None:
        """Say that the run has ended, if the log did not, and bring everything to disk.

        One whose log does not, and was written to a moment ago, is taken to go on; when it
        has been silent for a minute it counts as killed.
        """
        try:
            cut_off = self.run.tells_end and not self.live
            silent = time.time() - self._journal.last > SILENT
            if not self._journal.finished and (silent or not cut_off):
                self._begin(None)
                self._finish(
                    dict(_CUT_OFF) if cut_off else {"state": "finished", "exit_code": None}
                )
        finally:
            self.close()

    def close(self) -> None:
        """Bring everything to disk."""
        self._journal.close()

    def _begin(self, first: Item | None) -> None:
        """Write the run record, once each time that there is something to add."""
        if self._open:
            return
        header = redact_config(self.run.header())
        fallback = first.time if first else self._journal.last or self.run.source.stat().st_mtime
        started = header.setdefault("started", fallback)
        config = flatten(header.pop("config", {}))
        if self.live:
            # The journal's lock and this process tell that somebody still follows it.
            header |= {"host": socket.gethostname(), "pid": os.getpid(), "boot_id": boot_id()}
        record: dict[str, Any] = {
            "t": "run",
            "id": self.run.id,
            "project": self.project,
            "name": self.name,
            "resumed": self._journal.begun,
            **({"config": config} if config else {}),
            **header,
            "imported": {"format": self.run.format, "source": redact_text(str(self.run.source))},
        }
        self._journal.last = max(self._journal.last, started)
        self._journal.record(min(started, fallback), record)
        self._journal.begun = self._open = True

    def _finish(self, ending: dict[str, Any]) -> None:
        ended = ending.pop("ended", None) or self._journal.last
        self._journal.record(ended, {"t": "finish", **ending})
        self._open = False


def take_in(
    run: ForeignRun, store: Path, *, project: str | None = None, name: str | None = None
) -> Imported:
    """Write what is new in a log that nobody writes any more into `store`.

    Raises:
        RunExists: a run of that id is in the store and came from elsewhere.
        RunInUse: another process is importing it.
        OSError: the journal could not be written; what is in it is whole.
    """
    intake = Intake(run, store, project=project, name=name)
    try:
        done = intake.take()
        intake.finish()
    finally:
        intake.close()
    return done
