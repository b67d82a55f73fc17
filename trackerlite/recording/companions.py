"""What a run records without being asked: console, system metrics, alarms; and its media.

All of it happens beside the training: in a relay process, in the recorder's thread, in the
media thread. Whatever fails there is said once and costs nothing else.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from trackerlite.capture.redact import redact_config
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.scalars import encode_slowly
from trackerlite.recording import settings

if TYPE_CHECKING:
    from pathlib import Path

    from trackerlite.alarms import Alarms
    from trackerlite.capture.console import Console
    from trackerlite.capture.system import Sampler
    from trackerlite.journal.events import Event
    from trackerlite.journal.stretches import Stretch
    from trackerlite.media.base import Later, Written
    from trackerlite.media.queue import MediaQueue
    from trackerlite.recording.run import Run

#: W&B's words for the ways to capture a console, and ours
_CONSOLES = {"wrap": "stream", "redirect": "fd", "wrap_raw": "stream", "wrap_emu": "stream"}
LOW_BYTES, LOW_INODES = 1 << 30, 10_000  # below either, the disk is about to be full


class Companions:
    """Belongs to one run; `start` and `stop` by the training's thread, the rest by others."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._console: Console | None = None
        self._sampler: Sampler | None = None
        self._alarms: Alarms | None = None
        self._media: MediaQueue | None = None
        self._warned_disk = False
        self._media_lost = 0
        self._judging = threading.Lock()

    def start(self) -> None:
        """Capture the console, unless `TRACKERLITE_CONSOLE=off`."""
        from trackerlite.capture.console import Console

        chosen = (settings.environment("CONSOLE") or "auto").lower()
        mode = _CONSOLES.get(chosen, chosen)
        if mode not in ("fd", "stream", "off"):
            mode = "auto"
        self._console = Console(
            self._run.folder / self._run.settings.lane / "console.log", mode=mode
        ).start()

    def measure(self) -> None:
        """System metrics of this moment, as a record; from the recorder's thread."""
        from trackerlite.capture.system import Sampler, free_space

        if self._sampler is None:
            self._sampler = Sampler(self._run.folder, say=self._run._say)
        values = self._sampler.sample()
        if values and not self._run._ended:
            self._run._record("system", values=values)
        if not self._warned_disk:
            try:
                free, inodes = free_space(self._run.folder)
            except OSError:
                return
            if free < LOW_BYTES or 0 <= inodes < LOW_INODES:
                self._warned_disk = True
                room = [f"{free / (1 << 20):,.0f} MiB"] if free < LOW_BYTES else []
                room += [f"{inodes:,} files"] if 0 <= inodes < LOW_INODES else []
                text = (
                    f"There is room for {' and '.join(room)} more where the run is recorded "
                    f"({self._run.folder})."
                )
                self._alert("the disk is almost full", text, "WARN", rule="disk")

    def look(self) -> None:
        """Raise the alarms that are due; from the recorder's thread."""
        with self._judging:
            self._judge().look()

    def hear(self, path: Path, offset: int, said: Event | Stretch) -> None:
        """Judge what is on its way into the database; from the recorder's thread."""
        with self._judging:
            self._judge().hear(path, offset, said)

    def _judge(self) -> Alarms:
        if self._alarms is None:
            from trackerlite.alarms import Alarms

            self._alarms = Alarms(lambda: self._run._writer.path, self._alert)
            self._alarms.look()
        return self._alarms

    def later(self, key: str, step: int, now: float) -> Later:
        """What a media value gets to have its file written beside the training."""
        from trackerlite.media.queue import MediaQueue

        if self._media is None:
            self._media = MediaQueue(self._media_failed)

        def done(written: Written) -> None:
            body, tensorboard = redact_config(written[0]), written[1]
            value = events.json_value(key, body, tensorboard)
            self._run._writer.append(frame(encode_slowly({}, [value], step, now)))
            self._run.summary.latest[key] = body

        return self._media.door(done)

    def media_lost(self, key: str, error: OSError) -> None:
        """Count a media file that there was no room for; said once a reason, not at every step."""
        self._media_lost += 1
        why = error.strerror or error
        self._run._refuse(f"The file of {key!r:.80} could not be written ({why}); it was left out.")

    def _media_failed(self, error: Exception) -> None:
        self._media_lost += 1
        why = (isinstance(error, OSError) and error.strerror) or f"{type(error).__name__}: {error}"
        self._run._say_once(f"A media file could not be written ({why}); it was left out.")

    def settle(self, patience: float) -> None:
        """Before the run ends: let the media be written, and judge the last values."""
        if self._sampler is not None:
            self._sampler.close()  # nobody waits any more for a driver that hangs
        if self._judging.acquire(timeout=min(patience, 0.2)):
            try:
                self._judge().look(at_once=True)
            except Exception as error:  # the training ends well, whatever becomes of an alarm
                self._run._say(f"The last values of run {self._run.id} were not judged ({error}).")
            finally:
                self._judging.release()
        if self._media is not None:
            left = self._media.close(patience)
            if left:
                self._run._say(
                    f"{left} media files of run {self._run.id} were not written in time."
                )
        if self._media_lost > 1:
            self._run._say(
                f"{self._media_lost} media files of run {self._run.id} could not be written."
            )

    def stop(self) -> None:
        """After the run has ended: give the console back."""
        if self._sampler is not None:
            self._sampler.close()
        if self._console is not None:
            self._console.stop()

    def _alert(self, title: str, text: str, level: str, **more: Any) -> None:
        more = {name: value for name, value in more.items() if value is not None}
        if self._run._ended:
            return
        if self._run._record("alert", title=title, text=text, level=level, **more):
            clock = time.strftime("%H:%M:%S")
            self._run._say(f"{clock} ALARM {title}. {text}")
