"""What the machine does while the training runs, under W&B's names without their `system.`.

    sampler = Sampler(folder)
    sampler.sample()   # {"cpu": 12.0, "memory_percent": 31.4, "gpu.0.gpu": 97.0, …}

Called every ten seconds by the run's background thread. GPU drivers are asked from a
thread of their own: one that hangs costs its values and one sentence, nothing else.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from trackerlite.capture import gpus
from trackerlite.text import tell

MIB, GIB = 1 << 20, 1 << 30
MOST_CORES = 16  # beyond it, a curve per core is a wall that nobody reads
PATIENCE = 5.0  # seconds a driver gets before it counts as hanging


class Sampler:
    """Measures this machine and this process; rates are over the time between two samples.

    Args:
        folder: the file system whose fill level is reported.
        drivers: how to find GPUs (replaced in tests).
        say: where the one sentence about a failing source goes.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] = ".",
        drivers: Any = None,
        say: Any = None,
    ) -> None:
        self._folder = os.fspath(folder)
        self._say = say or tell
        self._told: set[str] = set()
        self._gpus = _GpuThread(drivers or gpus.drivers)
        self._process: Any = None
        self._pid = -1
        self._before: dict[str, tuple[float, float]] = {}

    def sample(self) -> dict[str, float]:
        """The values of this moment; a source that fails is left out and named once."""
        values: dict[str, float] = {}
        self._gpus.ask(self._pids())
        for name, source in (
            ("processor", self._cpu),
            ("memory", self._memory),
            ("disk", self._disk),
            ("network", self._network),
        ):
            try:
                source(values)
            except Exception as error:  # a sandbox may forbid any of /proc
                self._tell(name, error)
        try:
            for index, gpu in enumerate(self._gpus.answer(PATIENCE)):
                for name, value in gpu.items():
                    # W&B has the index behind "process": gpu.process.0.memory
                    process, dot, rest = name.partition(".")
                    place = f"gpu.{process}.{index}.{rest}" if dot else f"gpu.{index}.{name}"
                    values[place] = value
        except Exception as error:
            self._tell("GPU", error)
        return values

    def close(self) -> None:
        """Ends the GPU thread (one that hangs in a driver is left behind, as a daemon)."""
        self._gpus.close()

    # -- sources --------------------------------------------------------------

    def _pids(self) -> frozenset[int]:
        """This process and its children, which are those the GPU values are told apart for."""
        try:
            process = self._own()
            return frozenset([process.pid, *(child.pid for child in process.children(True))])
        except Exception:
            return frozenset([os.getpid()])

    def _own(self) -> Any:
        import psutil

        if self._process is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._process = psutil.Process()
            self._process.cpu_percent(None)  # the first call only sets the mark
            psutil.cpu_percent(None, percpu=True)
        return self._process

    def _cpu(self, values: dict[str, float]) -> None:
        import psutil

        process = self._own()
        count = psutil.cpu_count() or 1
        values["cpu"] = process.cpu_percent(None) / count
        if count <= MOST_CORES:
            for index, percent in enumerate(psutil.cpu_percent(None, percpu=True)):
                values[f"cpu.{index}.cpu_percent"] = percent
        values["proc.cpu.threads"] = float(process.num_threads())

    def _memory(self, values: dict[str, float]) -> None:
        import psutil

        own, machine = self._own().memory_info(), psutil.virtual_memory()
        values["memory_percent"] = machine.percent
        values["proc.memory.availableMB"] = machine.available / MIB
        values["proc.memory.rssMB"] = own.rss / MIB
        values["proc.memory.percent"] = 100.0 * own.rss / machine.total

    def _disk(self, values: dict[str, float]) -> None:
        import psutil

        # W&B watches "/"; what fills up under a run is where the run is written to.
        for place in dict.fromkeys(("/", self._mount())):
            usage = psutil.disk_usage(place)
            values[f"disk.{place}.usagePercent"] = usage.percent
            values[f"disk.{place}.usageGB"] = usage.used / GIB
        counters = psutil.disk_io_counters()
        if counters is not None:
            for name, now in (("in", counters.read_bytes), ("out", counters.write_bytes)):
                values[f"disk.{name}"] = self._grown(f"disk.{name}", now) / MIB

    def _mount(self) -> str:
        path = Path(self._folder).resolve()
        while not os.path.ismount(path) and path != path.parent:
            path = path.parent
        return str(path)

    def _network(self, values: dict[str, float]) -> None:
        import psutil

        counters = psutil.net_io_counters()
        if counters is not None:
            values["network.sent"] = self._grown("network.sent", counters.bytes_sent)
            values["network.recv"] = self._grown("network.recv", counters.bytes_recv)

    def _grown(self, name: str, now: float) -> float:
        """How much a counter grew since the first sample (as W&B counts it), never negative."""
        start, last = self._before.get(name, (now, now))
        if now < last:  # an interface went away, or the counter began again
            start += now - last
        self._before[name] = (start, now)
        return float(now - start)

    def _tell(self, source: str, error: Exception) -> None:
        if source not in self._told:
            self._told.add(source)
            self._say(
                f"{source} values cannot be measured here ({type(error).__name__}: {error}); "
                "the run is recorded without them."
            )


def describe_gpus(timeout: float = PATIENCE, drivers: Any = None) -> list[dict[str, Any]]:
    """The GPUs of this machine; [] without any, or where the driver does not answer in time."""
    out: list[dict[str, Any]] = []

    def ask() -> None:
        for driver in (drivers or gpus.drivers)():
            out.extend(driver.describe())

    thread = threading.Thread(target=ask, name="trackerlite-gpus", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no more threads, or the interpreter is on its way out
        ask()
    else:
        thread.join(timeout)
    return list(out)


class _GpuThread:
    """Asks the drivers away from everybody else, so that one that hangs holds up nobody."""

    def __init__(self, find: Any) -> None:
        self._find = find
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pids: frozenset[int] | None = None  # a question, None when it was taken
        self._answer: list[dict[str, float]] | BaseException | None = None
        self._closed = False
        self._absent = False
        self._pid = os.getpid()

    def ask(self, pids: frozenset[int]) -> None:
        if self._absent or self._closed:
            return
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="trackerlite-gpus", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no more threads, or the interpreter is on its way out
                    return
                self._thread = thread
            self._pids, self._answer = pids, None
            self._lock.notify_all()

    def answer(self, patience: float) -> list[dict[str, float]]:
        """Raises TimeoutError when the drivers hang; from then on asks them no more."""
        if self._absent or self._thread is None:
            return []
        end = time.monotonic() + patience
        with self._lock:
            while self._answer is None and not self._absent and not self._closed:
                left = end - time.monotonic()
                if left <= 0:
                    self._absent = True
                    raise TimeoutError(f"the GPU driver did not answer for {patience:g} s")
                self._lock.wait(left)
            found = self._answer
        if isinstance(found, BaseException):
            raise found
        return found or []

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def _run(self) -> None:
        drivers = self._find()
        if not drivers:
            with self._lock:
                self._absent = True
                self._lock.notify_all()
            return
        while True:
            with self._lock:
                while self._pids is None and not self._closed:
                    self._lock.wait()
                if self._closed:
                    return
                pids, self._pids = self._pids or frozenset(), None
            answer: list[dict[str, float]] | BaseException
            try:
                answer = [gpu for driver in drivers for gpu in driver.sample(pids)]
            except Exception as error:
                answer = error
            with self._lock:
                self._answer = answer
                self._lock.notify_all()


def free_space(folder: str | os.PathLike[str]) -> tuple[int, int]:
    """(bytes, inodes) that are still free for us where `folder` is; -1 inodes: not counted."""
    found = os.statvfs(Path(folder))
    inodes = found.f_favail if found.f_files else -1
    return found.f_bavail * found.f_frsize, inodes
