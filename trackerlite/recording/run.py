"""A run: what a training script holds while it records."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from trackerlite import values
from trackerlite.capture.redact import redact_config
from trackerlite.errors import BadInput
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.scalars import Encoder
from trackerlite.journal.writer import JournalWriter
from trackerlite.recording import lifecycle, rows
from trackerlite.recording.axes import Axes
from trackerlite.recording.companions import Companions
from trackerlite.recording.config import Config, Summary
from trackerlite.recording.familiar import Familiar
from trackerlite.recording.harmless import harmless, told
from trackerlite.recording.identity import Identity
from trackerlite.recording.keeping import Keeping
from trackerlite.recording.recorder import FIRST, Recorder
from trackerlite.recording.settings import NOTES_LIMIT, Settings
from trackerlite.recording.statistics import Statistics

#: records that hold words of people and programs
_WORDS = {"alert", "define", "finish", "name", "notes", "summary", "tags"}
_FAR = 2**62  # steps stay below it, so that the next one always fits 64 bits
_GOALS = {"min": "min", "minimize": "min", "max": "max", "maximize": "max"}


class Run(Keeping, Familiar, Identity):
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
        self._heeded = False  # whether the script knows of it, and so ends because of it
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
        self._refuse(
            f"step={values.brief(step)} is no whole number below 2**62; "
            f"the row was recorded at step {self._step}."
        )
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
            try:
                print(f"trackerlite: {message:.2000}", file=sys.stderr)
            except (OSError, ValueError):
                pass

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

    def _config_changed(self, flat: dict[str, Any]) -> None:
        flat = self._sized(flat)
        if flat:
            self._record("config", values=redact_config(flat))

    def _summary_changed(self, changed: dict[str, Any]) -> None:
        if "values" in changed:
            changed = {"values": self._sized(changed["values"])}
        self._record("summary", **changed)

    @harmless("define_metric()")
    def define_metric(
        self,
        name: str,
        step_metric: str | None = None,
        *,
        step_sync: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        unit: str | None = None,
        alarm: str | None = None,
        hidden: bool | None = None,
        **_: Any,
    ) -> None:
        """Say how a metric is to be read; `name` may hold `*`.

        Args:
            step_metric: the metric that is its x axis. A row that holds the metric without it gets
                its last value (0 before the first), unless `step_sync=False`.
            summary: any of "min,max,mean,first,last,best", comma-separated: what the summary keeps.
            goal: "min" or "max": which way is better.
            unit: what it is measured in, for axes.
            alarm: a rule such as "isnan(x) or x > 10".

        >>> import trackerlite as tl
        >>> run = tl.init(mode="disabled")
        >>> run.define_metric("val/*", step_metric="epoch", summary="min", goal="min")
        """
        parts = [p.strip() for p in str(summary or "").split(",") if p.strip()]
        unknown = set(parts) - {"min", "max", "mean", "first", "last", "best", "copy", "none"}
        if unknown:
            self._refuse(
                f"define_metric({values.brief(name)}): summary={values.brief(summary)} is not known."
            )
            parts = []
        if goal is not None and goal not in _GOALS:
            self._refuse(
                f"define_metric({values.brief(name)}): goal={values.brief(goal)} has to be 'min' or 'max'."
            )
            goal = None
        fields: dict[str, Any] = {
            "step_metric": step_metric,
            "summary": parts or None,
            "goal": _GOALS.get(goal or ""),
            "unit": unit,
            "alarm": alarm,
            "hidden": hidden,
        }
        try:
            pattern = values.check_key(name)
        except BadInput as error:
            self._refuse(str(error))
            return
        self._record(
            "define", pattern=pattern, **{k: v for k, v in fields.items() if v is not None}
        )
        with self._writer.lock:
            axis = None if step_sync is False else step_metric
            self._axes.define(pattern, axis, self.summary.latest)
            self._statistics.define(pattern, parts, fields["goal"])

    @harmless("alert()")
    def alert(self, title: str, text: str = "", level: str = "INFO", **_: Any) -> None:
        """Record an alert: shown in the terminal, and sent to W&B by `sync`."""
        level = str(getattr(level, "value", level)).upper()
        title, text = str(title)[:4096], str(text)[:NOTES_LIMIT]
        self._record("alert", title=title, text=text, level=level[:40])

    def mark_preempting(self, reason: str = "preempted") -> None:
        """Say that this process is about to be stopped: the run ends as preempted."""
        self._preempted, self._heeded = reason, True

    def _preempt(self, reason: str, heeded: bool) -> None:
        """Written down at once, as the end may be a SIGKILL; what is logged after it counts.

        A script that does not listen and comes to its end in the time that was left has
        done what it was to do: then the run is finished, and not continued by a requeue.
        """
        if self._preempted is None and os.getpid() == self._pid:
            self._record("finish", state="preempted", exit_code=0, reason=reason)
        self._preempted, self._heeded = reason, self._heeded or heeded

    # -- the end ----------------------------------------------------------------------

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:  # noqa: ARG002
        """End the run; further calls do nothing.

        Args:
            exit_code: 0 or None: finished; anything else: failed.
        """
        code = lifecycle.whole(exit_code)
        if self._preempted is not None and (self._heeded or code):
            self._end("preempted", code, self._preempted)
        else:
            self._end("failed" if code else "finished", code)

    def _end(
        self, state: str, exit_code: int, reason: str | None = None, patience: float = 30.0
    ) -> None:
        if self._ended or os.getpid() != self._pid:
            return  # a forked child leaves the end to its parent
        lifecycle.forget(self)
        self._ending.set()
        if self._describing is not None:
            self._describing.join(min(patience, 2.0))  # a short run has its commit, too
        if self._companions is not None:
            self._companions.settle(patience)
        self._ended = True
        fields = {"reason": reason} if reason else {}
        self._record("finish", state=state, exit_code=exit_code, **fields)
        self._writer.close()
        if self._recorder is not None:
            self._recorder.stop(patience)
        if self._writer.dropped:
            self._say(
                f"{self._writer.dropped} records of run {self.id} could not be written and are lost."
            )
        if self._companions is not None:
            self._companions.stop()
        from trackerlite.recording import current

        current.leave(self)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()
        elif self._preempted is not None:
            self.finish(1)
        elif isinstance(error, SystemExit) and lifecycle.exit_code(error) == 0:
            self.finish()
        else:
            code = lifecycle.exit_code(error) if isinstance(error, SystemExit) else 1
            self._end("failed", code, lifecycle.describe(error))

    def __repr__(self) -> str:
        return f"<Run {self.project}/{self.id} {self.name!r}>"

    def _continue(
        self,
        step: int,
        started: float | None,
        name: str | None,
        tags: tuple[str, ...],
        config: Mapping[str, Any],
        summary: Mapping[str, Any],
    ) -> None:
        """Go on from what the run already knows; what `init` was given comes on top."""
        self._step = step
        self.started = started or self.started
        if not self.settings.named:
            self._name = name or self._name
        self._tags = tuple(dict.fromkeys((*tags, *self._tags)))
        both = {**values.flatten(config), **values.flatten(self.config._values)}
        self.config._values.update(values.nest(both))
        self.summary.latest.clear()
        self.summary.latest.update(summary)

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
        from trackerlite.capture import environment

        found = environment.slow()
        if found and not self._ended:  # a run may be over before this is known
            self._record("environment", **found)
        if self._companions is not None:
            self._companions.measure()
