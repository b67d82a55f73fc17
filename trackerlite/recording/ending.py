"""How a run ends: by `finish`, an exception, a signal, or with its process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar, cast

from trackerlite.recording import lifecycle
from trackerlite.recording.companions import Companions
from trackerlite.recording.part import Part
from trackerlite.recording.recorder import Recorder

if TYPE_CHECKING:
    from trackerlite.recording.run import Run

Ended = TypeVar("Ended", bound="Ending")


class Ending(Part):
    """The part of `Run` that brings it to an end, once."""

    _recorder: Recorder | None
    _companions: Companions | None
    _describing: threading.Thread | None
    _ending: threading.Event
    _ended: bool
    _preempted: str | None
    _heeded: bool  # whether the script knows of it, and so ends because of it
    _pid: int

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
        run = cast("Run", self)
        lifecycle.forget(run)
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
                f"{self._writer.dropped} records of run {run.id} could not be written and are lost."
            )
        if self._companions is not None:
            self._companions.stop()
        from trackerlite.recording import current

        current.leave(run)

    def __enter__(self: Ended) -> Ended:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None or isinstance(error, GeneratorExit):  # who read a generator left off
            self.finish()
        elif self._preempted is not None:
            self.finish(1)
        elif isinstance(error, SystemExit) and lifecycle.exit_code(error) == 0:
            self.finish()
        else:
            code = lifecycle.exit_code(error) if isinstance(error, SystemExit) else 1
            self._end("failed", code, lifecycle.describe(error))
