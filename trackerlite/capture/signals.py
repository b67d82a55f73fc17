"""What is said before we are stopped: SIGTERM, the SIGHUP of a terminal that went away (ssh; not
under nohup), and the SIGUSR1 of `sbatch --signal`.

    forget = signals.watch(lambda name, fate: …)

The callback learns what becomes of the process: it "dies" of the signal, the script "listens"
with a handler of its own, or it "goes on" as if nothing had been said. It runs first, then whatever handler stood there before; where none stood, the
signal does what it would have done without us. SIGUSR1 is the exception: by itself it
would kill the process, and under SLURM it is a warning, so there it only warns.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Literal

from trackerlite.capture import deaf

Fate = Literal["dies", "listens", "goes on"]
Callback = Callable[[str, Fate], None]

_callbacks: list[Callback] = []
_earlier: dict[int, Any] = {}
_heard: dict[int, float] = {}  # when the handler ran last
_turn = threading.RLock()  # who acts on a signal: the handler, or the thread that waited for it


def watch(callback: Callback, names: tuple[str, ...] | None = None) -> Callable[[], None]:
    """Call `callback("SIGTERM", fate)` when a signal arrives; returns a function that undoes it.

    Only the main thread may set handlers: elsewhere nothing is set, and nothing raised.
    A handler that was not set from Python, and a signal that is ignored, are left alone.
    """
    _callbacks.append(callback)
    if threading.current_thread() is threading.main_thread():
        for name in names or _wanted():
            _install(getattr(signal, name, None))
        deaf.listen(_unheard)

    def forget() -> None:
        if callback in _callbacks:
            _callbacks.remove(callback)
        if not _callbacks:
            restore()

    return forget


def restore() -> None:
    """Give every signal back to who had it, unless somebody took it over since."""
    if threading.current_thread() is not threading.main_thread():
        return
    deaf.stop()
    for number, handler in list(_earlier.items()):
        if signal.getsignal(number) is _on_signal:
            signal.signal(number, handler)
        del _earlier[number]


def _wanted() -> tuple[str, ...]:
    """SIGUSR1 belongs to the user, except in a SLURM job, where it is the usual warning."""
    always = ("SIGTERM", "SIGHUP")
    return (*always, "SIGUSR1") if "SLURM_JOB_ID" in os.environ else always


def _install(number: int | None) -> None:
    if number is None:
        return
    current = signal.getsignal(number)
    if current in (None, _on_signal, signal.SIG_IGN):
        return
    try:
        signal.signal(number, _on_signal)
    except (OSError, ValueError):
        return
    _earlier[number] = current


def _on_signal(number: int, frame: FrameType | None) -> None:
    _heard[number] = time.monotonic()
    earlier, fate = _earlier.get(number, signal.SIG_DFL), _fate(number)
    if _turn.acquire(blocking=False):
        try:
            _call(number, fate)
        finally:
            _turn.release()
    elif fate == "dies":
        return  # the thread is about to
    if callable(earlier):
        earlier(number, frame)
    elif fate == "dies":
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def _unheard(number: int, when: float) -> None:
    """The same from a thread, where the main thread does not come to it. A handler of the script's
    runs when it can; one that was set since stands in our place."""
    if _heard.get(number, 0.0) > when - deaf.LATE or signal.getsignal(number) is not _on_signal:
        return
    if _turn.acquire(blocking=False):
        try:
            fate = _fate(number)
            _call(number, fate)
            if fate == "dies":
                deaf.die(number)
        finally:
            _turn.release()


def _fate(number: int) -> Fate:
    earlier = _earlier.get(number, signal.SIG_DFL)
    return "listens" if callable(earlier) else "goes on" if _only_warns(number) else "dies"


def _call(number: int, fate: Fate) -> None:
    name = signal.Signals(number).name
    for callback in list(_callbacks):
        try:
            callback(name, fate)
        except Exception:  # noqa: S112 - a handler that raises would hit the training anywhere
            continue


def _after_fork() -> None:
    """A turn that another thread had is nobody's in the child."""
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _only_warns(number: int) -> bool:
    return number == getattr(signal, "SIGUSR1", -1) and "SLURM_JOB_ID" in os.environ
