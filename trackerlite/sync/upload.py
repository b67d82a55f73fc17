"""Runs wandb's own uploader as a process of its own, watches its log, and never outlives it.

The child holds a lock as its standard input, and so does wandb's core, its child: as long as anything of
an upload is alive, also after we were killed, that lock is held, and the next sync waits for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from trackerlite.backends.credentials import Credentials
from trackerlite.sync.proto import sync_command, wandb_records
from trackerlite.sync.uploader_log import Problem, UploaderLog

Notice = Callable[[str], None]

# Linux ends the uploader when we die; elsewhere the lock makes the next sync wait for it. It is told its
# arguments once it has loaded wandb, which takes longer than all else of a small upload; and leaves
# when all of wandb has ended, without taking its own interpreter apart, which takes half a second.
_LAUNCH = """
import atexit, json, os, runpy, sys
status = 1
def leave():
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)
atexit.register(leave)
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
except Exception:
    pass
if os.getppid() != int(os.environ.pop("TRACKERLITE_PARENT")):
    os._exit(9)
try:
    import wandb.cli.cli
except Exception:
    pass
with open(int(os.environ.pop("TRACKERLITE_ARGUMENTS"))) as told:
    arguments = told.read()
if not arguments:
    os._exit(0)
sys.argv = ["wandb", *json.loads(arguments)]
try:
    runpy.run_module("wandb", run_name="__main__", alter_sys=False)
    status = 0
except SystemExit as ended:
    status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    raise
"""
_KEEP = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TMPDIR",
    "TEMP",
    "TZ",
    "NETRC",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONPYCACHEPREFIX",
    "PYTHONDONTWRITEBYTECODE",
    "WANDB_CACHE_DIR",
    "WANDB_CONFIG_DIR",
    "WANDB_DATA_DIR",
    "WANDB_HTTP_TIMEOUT",
]


@dataclass
class Uploaded:
    """How an upload went, by the uploader's own account: to be checked, not believed."""

    code: int
    problems: dict[str, list[Problem]] = field(default_factory=dict)  # by folder name
    said: str = ""
    gave_up: bool = False
    began: bool = True  # whether wandb's core came to read a segment
    seconds: float = 0.0


class Uploader:
    """The uploader's process, started before there is anything to upload: it loads while that is written.

    As a context manager; whatever happens inside, nothing of it is left behind.

    lock: a file that the uploader holds locked while any part of it lives.
    """

    def __init__(
        self,
        work: Path,
        credentials: Credentials,
        lock: Path,
        *,
        program: str = "trackerlite",
        python: str | None = None,
    ) -> None:
        self._work, self._python, self._ended = work, python, False
        theirs, self._ours = os.pipe()
        environment = _environment(credentials, work, program)
        try:
            with lock.open("a+b") as held, (work / "uploader.txt").open("wb") as out:
                fcntl.flock(held, fcntl.LOCK_EX)
                self._child = subprocess.Popen(
                    [sync_command([], python)[0], "-c", _LAUNCH],
                    cwd=work,
                    env={**environment, "TRACKERLITE_ARGUMENTS": str(theirs)},
                    stdin=held,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[theirs],
                )
        except BaseException:
            os.close(self._ours)
            raise
        finally:
            os.close(theirs)

    def __enter__(self) -> Uploader:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            os.close(self._ours)
            _end(self._child)

    def send(
        self, folders: Sequence[Path], *, patience: float = 300.0, notice: Notice | None = None
    ) -> Uploaded:
        """Upload segment folders in one call of the uploader; blocks until it is gone.

        patience: seconds that errors may repeat before it is stopped; one that is over does not count.
        """
        began = time.monotonic()
        log = UploaderLog(self._work / "wandb" / "logs")
        gave_up, self._ended = False, True
        try:
            with suppress(BrokenPipeError), open(self._ours, "w") as told:
                json.dump(sync_command(folders, self._python)[3:], told)
            gave_up = _watch(self._child, log, patience, notice or (lambda _: None))
        finally:
            _end(self._child)
        log.read()
        text = (self._work / "uploader.txt").read_text(encoding="utf-8", errors="replace")
        seconds = time.monotonic() - began
        code = self._child.returncode
        known = wandb_records().resume  # an older wandb logs elsewhere
        return Uploaded(
            code, log.problems, text[-4000:], gave_up, not code or log.found or not known, seconds
        )


def wait_until_free(lock: Path, seconds: float) -> bool:
    """Wait until nothing of an earlier upload lives; False if it still does."""
    try:
        file = lock.open("r+b")
    except OSError:
        return True
    until = time.monotonic() + seconds
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() > until:
                    return False
                time.sleep(0.05)


def _watch(
    child: subprocess.Popen[bytes], log: UploaderLog, patience: float, notice: Notice
) -> bool:
    """Wait for the child; True when it was given up on."""
    waiting = 0.0
    while child.returncode is None:
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.2)
        log.read()
        now = time.monotonic()
        if log.fatal or log.failing_for(now) > patience:
            return True
        if log.trouble and now - waiting > 5:
            waiting = now
            notice(log.trouble)
            log.trouble = ""
    return False


def _end(child: subprocess.Popen[bytes]) -> None:
    """Make sure that nothing of the child's group is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            child.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            continue
    child.wait()


def _environment(credentials: Credentials, work: Path, program: str) -> dict[str, str]:
    """What the uploader may know: no run settings, no secrets but its key."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEEP or name.startswith(("LC_", "XDG_", "WANDB__"))
    }
    kept.update(
        WANDB_BASE_URL=credentials.url,
        WANDB_DIR=str(work),
        WANDB_ERROR_REPORTING="false",
        WANDB_DISABLE_GIT="true",
        WANDB_DISABLE_CODE="true",
        WANDB_PROGRAM=program,
        WANDB__SERVICE_WAIT="300",  # its own 30 s are too few for its core to start on a busy machine
        TRACKERLITE_PARENT=str(os.getpid()),
    )
    if credentials.key:
        kept["WANDB_API_KEY"] = credentials.key
    return kept


def free_locks(locks: Iterable[Path]) -> None:
    """Remove the lock files of uploads that ended."""
    for lock in locks:
        lock.unlink(missing_ok=True)
