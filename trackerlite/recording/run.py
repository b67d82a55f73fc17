"""A run: what a training script holds while it records."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite import values
from trackerlite.capture.redact import redact_config
from trackerlite.errors import BadInput
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.scalars import Encoder
from trackerlite.journal.writer import JournalWriter
from trackerlite.recording import imports, lifecycle, rows
from trackerlite.recording.axes import Axes
from trackerlite.recording.companions import Companions
from trackerlite.recording.config import Config, Summary
from trackerlite.recording.defining import Defining
from trackerlite.recording.ending import Ending
from trackerlite.recording.familiar import Familiar
from trackerlite.recording.harmless import harmless, told
from trackerlite.recording.identity import Identity
from trackerlite.recording.keeping import Keeping
from trackerlite.recording.recorder import FIRST, Recorder
from trackerlite.recording.settings import NOTES_LIMIT, Settings
from trackerlite.recording.statistics import Statistics
from trackerlite.text import tell

if TYPE_CHECKING:
    from trackerlite.store.past import Past

#: records that hold words of people and programs
_WORDS = {"alert", "define", "finish", "name", "notes", "summary", "tags"}
_FAR = 2**62  # steps stay below it, so that the next one always fits 64 bits


class Run(Defining, Ending, Keeping, Familiar, Identity):
    """One run being recorded. Made by `trackerlite.init`.

    Attributes:
        id, name, project: its identity.
        config: hyperparameters; every change is recorded at once.
        summary: last values, and what is set by hand.
        folder: where its journal, console log and media are.
    """

    def __init__(
        self,
        settings: Settings,
        writer: JournalWriter,
        *,
        folder: Path,
        step: int = 0,
        started: float | None = None,
        config: Mapping[str, Any] | None = None,
        resumed: bool = False,
    ):
        self.settings = settings
        self.folder = folder
        self.resumed = resumed
        self.started = started or time.time()
        self._writer = writer
        self._encoder = Encoder()
        self._step = step
        self._name = settings.name
        self._notes = settings.notes
        self._tags: tuple[str, ...] = settings.tags
        self._axes = Axes()
        self._statistics = Statistics()
        self._told: set[str] = set()
        self._ended = False
        self._preempted: str | None = None
        self._heeded = False
        self._pid = os.getpid()
        self._recorder: Recorder | None = None
        self._companions: Companions | None = None
        self._describing: threading.Thread | None = None
        self._ending = threading.Event()
        self.config = Config(self._config_changed, config, self._refuse)
        self.summary = Summary(self._summary_changed, self._refuse)

    # -- logging ----------------------------------------------------------------------

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None
    ) -> bool:
        """Record a dict of values at a step, atomically; True once it cannot be lost.

        Args:
            data: name → number, text, media or nested dict of them. Python, NumPy and
                torch scalars are kept to the bit (float64, int64, NaN, ±Inf, −0.0).
            step: default: the next one. May repeat (calls merge on read) or go back.
            commit: whether the next call without `step` gets the next step. Default:
                yes without `step`, no with it.

        Bad input is left out with a warning, the rest recorded; with
        `init(strict=True)` it raises `BadInput`.

        >>> import trackerlite as tl
        >>> with tl.init(mode="disabled") as run:
        ...     run.log({"train/loss": 0.31, "lr": 2e-4}, step=10)
        True
        """
        now = time.time()
        if self._ended:
            return self._refuse(f"The run {self.id} is finished; what log() was given is lost.")
        with self._writer.lock:  # the writer's of now: a forked child has a new one
            at = self._step
            if step is None:
                if commit is None or commit:
                    self._step = at + 1
            else:
                if type(step) is not int or not -_FAR < step < _FAR:
                    step = self._checked_step(step)
                at = step
                self._step = step + 1 if commit else step
            try:
                if self._axes.wanted:
                    data = self._axes.filled(data, at)
                record = self._encoder.encode(data, at, now)  # type: ignore[arg-type]
                if record is not None:
                    self.summary.latest.update(data)
                else:
                    record = rows.encode(self, data, at, now)
                if self._statistics.wanted:
                    self._statistics.note(data, self.summary.latest)
            except BadInput as error:
                return self._refuse(str(error))
            except Exception as error:  # data that is no dict, a foreign object's own error
                return self._refuse(
                    f"log() takes a dict of names and values; {values.brief(data)} was left out ({told(error)})."
                )
            return record is None or self._writer.append_locked(record)

    def _checked_step(self, step: Any) -> int:
        number = values.scalar(step)
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, int) and -_FAR < number < _FAR:
            return int(number)
        became = "is lost" if self.settings.strict else f"was recorded at step {self._step}"
        self._refuse(f"step={values.brief(step)} is no whole number below 2**62; the row {became}.")
        return self._step

    def _refuse(self, message: str) -> bool:
        """Bad input: raise if asked to, else say it once and go on."""
        if self.settings.strict:
            raise BadInput(message)
        self._say_once(message)
        return False

    def _say_once(self, message: str) -> None:
        if len(self._told) < 100 and message not in self._told:
            self._told.add(message)
            self._say(message)

    def _say(self, message: str) -> None:
        if not self.settings.silent:
            tell(message)

    # -- records ----------------------------------------------------------------------

    def _record(self, kind: str, /, *extra: bytes, **fields: Any) -> bool:
        """Append a record of `kind`; `extra` are further fields of the event for TensorBoard."""
        if self._ended and kind != "finish":
            return self._refuse(f"The run {self.id} is finished; {kind} was not recorded.")
        try:
            fields = values.jsonable(fields)
            if kind in _WORDS:
                fields = redact_config(fields)
            body = events.record({"t": kind, **fields})
            return self._writer.append(frame(events.event(time.time(), self._step, *extra, body)))
        except Exception as error:  # the training must go on
            return self._refuse(f"{kind} could not be recorded: {told(error)}")

    def _sized(self, flat: dict[str, Any]) -> dict[str, Any]:
        """What is small enough to be recorded; the rest is told."""
        fits = {}
        for key, value in flat.items():
            try:
                values.check_size(key, value)
                fits[key] = value
            except BadInput as error:
                self._refuse(str(error))
        return fits

    def _config_changed(self, changed: dict[str, Any]) -> None:
        changed["values"] = redact_config(self._sized(changed["values"]))
        if any(changed.values()):
            self._record("config", **changed)

    def _summary_changed(self, changed: dict[str, Any]) -> None:
        if "values" in changed:
            changed = {"values": self._sized(changed["values"])}
        self._record("summary", **changed)

    @harmless("alert()")
    def alert(self, title: str, text: str = "", level: str = "INFO", **_: Any) -> None:
        """Record an alert: shown in the terminal, and sent to W&B by `sync`."""
        level = str(getattr(level, "value", level)).upper()
        title, text = str(title)[:4096], str(text)[:NOTES_LIMIT]
        self._record("alert", title=title, text=text, level=level[:40])

    def __repr__(self) -> str:
        return f"<Run {self.project}/{self.id} {self.name!r}>"

    def _continue(self, past: Past) -> None:
        """Go on from what the run already knows; what `init` was given comes on top."""
        self._step = past.step
        self.started = past.started or self.started
        if not self.settings.named:
            self._name = past.name or self._name
        self._notes = self._notes or past.notes
        self.settings.group = self.settings.group or past.group
        self.settings.job_type = self.settings.job_type or past.job_type
        self._tags = tuple(dict.fromkeys((*past.tags, *self._tags)))
        both = {**values.flatten(past.config), **values.flatten(self.config._values)}
        self.config._values.update(values.nest(both))
        self.summary.latest.clear()
        self.summary.latest.update(past.summary)

    def _start(self) -> None:
        """Begin the background work."""
        lifecycle.watch(self)
        self._companions = Companions(self)
        try:
            self._companions.start()
        except Exception as error:  # no thread, no process: the training goes on
            self._say(f"the console is not recorded ({told(error)}).")
        self._recorder = Recorder(
            self.settings.store,
            self.folder,
            self._beat,
            self._progress,
            self._companions.look,
            self._companions.hear,
        )
        # In a thread of its own: a slow git or a driver that hangs must not hold up the curves.
        describing = threading.Thread(
            target=self._describe, name="trackerlite-environment", daemon=True
        )
        try:
            describing.start()
            self._describing = describing
        except RuntimeError:  # the process may have no more threads; the recorder has said so
            pass

    def _progress(self) -> int:
        """A number that changes whenever there may be something new to project."""
        if self.settings.world_size == 1 or self.settings.ranks == "zero":
            return self._writer.written
        if self.settings.rank:
            return 0  # rank 0 projects the run, with all its lanes
        from trackerlite.store.journals import journals_of

        sizes = (j.path.stat().st_size for j in journals_of(self.folder) if j.lane)
        return self._writer.written + sum(sizes)

    def _beat(self) -> None:
        self._record("heartbeat")
        if self._companions is not None:
            self._companions.measure()

    def _describe(self) -> None:
        """The slow part of the environment, recorded from the background thread."""
        self._ending.wait(FIRST)
        imports.load()  # a fork waits for it
        from trackerlite.capture import environment

        for found in environment.slow():
            if self._ended:  # a run may be over before this is known
                return
            self._record("environment", **found)
        if self._companions is not None:
            self._companions.measure()
