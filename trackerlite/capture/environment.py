"""Where a run takes place: what is known at once, and what takes a moment to find out.

`quick()` answers from memory and is part of `init`; `slow()` asks git and the drivers and
belongs in a background thread. Neither ever raises, and neither records a secret.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackerlite.capture import ranks, shell
from trackerlite.capture.redact import redact_argv, redact_text

# Settings that explain a run and hold no secret; the rest of the environment is nobody's business.
_VARIABLES = """
    CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES HIP_VISIBLE_DEVICES CUDA_LAUNCH_BLOCKING
    OMP_NUM_THREADS MKL_NUM_THREADS PYTHONHASHSEED CUBLAS_WORKSPACE_CONFIG
    TOKENIZERS_PARALLELISM NCCL_DEBUG NCCL_P2P_DISABLE NCCL_IB_DISABLE NCCL_SOCKET_IFNAME
    PYTORCH_CUDA_ALLOC_CONF PYTORCH_ALLOC_CONF HF_HUB_OFFLINE CONDA_DEFAULT_ENV VIRTUAL_ENV
    LANG TZ
"""


def quick() -> dict[str, Any]:
    """Host, process, Python, command line, scheduler; ≤ 2 ms, starts nothing, JSON-ready."""
    system = os.uname() if hasattr(os, "uname") else None
    argv = redact_argv([_text(word) for word in shell.command()])
    notebook = shell.notebook()
    found: dict[str, Any] = {
        "host": hostname(),
        "pid": os.getpid(),
        "boot_id": boot_id(),
        "user": _user(),
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "platform": f"{system.sysname}-{system.release}-{system.machine}"
        if system
        else sys.platform,
        "executable": redact_text(_text(sys.executable or "")),
        "program": redact_text(_text(notebook)) if notebook else _program(),
        "command": _join(argv),
        "args": [] if notebook else redact_argv([_text(word) for word in sys.argv[1:]]),
        "cwd": _cwd(),
        "cpu_count": os.cpu_count() or 1,
        "cpu_allowed": _allowed(),
        "memory_total": _memory(),
        "variables": {
            name: redact_text(_text(os.environ[name]))
            for name in _VARIABLES.split()
            if name in os.environ
        },
    }
    for name, value in (("slurm", ranks.slurm()), ("torchrun", ranks.torchrun())):
        if value:
            found[name] = value
    return found


def slow(timeout: float = 10.0, code: bool = True) -> Iterator[dict[str, Any]]:
    """Git state, package versions and GPUs, each when it is known: a driver that hangs costs the run
    no commit. `timeout` seconds at most for git, then as much again for the drivers. Parts that
    cannot be found out are left out. `code=False` leaves git alone."""
    from trackerlite.capture import git, packages, system

    errors: dict[str, str] = {}
    parts: list[tuple[str, Any]] = [
        ("packages", packages.installed),
        ("gpus", lambda: system.describe_gpus(timeout)),
    ]
    if code:
        parts.insert(0, ("git", lambda: git.capture(timeout=timeout)))
    for name, ask in parts:
        try:
            value = ask()
        except Exception as error:  # a broken driver or repository must not cost the run its record
            errors[name] = redact_text(f"{type(error).__name__}: {error}")
            yield {"errors": dict(errors)}
            continue
        if value:
            yield {name: value}


def hostname() -> str:
    """This machine's name, the same that goes into file names and the run record."""
    try:
        return _text(os.uname().nodename)
    except (AttributeError, OSError):
        import socket

        return _text(socket.gethostname())


def boot_id() -> str:
    """Changes at every start of the machine, so that an old pid is never taken for a live one."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _user() -> str:
    for name in ("LOGNAME", "USER", "USERNAME"):
        if os.environ.get(name):
            return _text(os.environ[name])
    try:
        import pwd

        return _text(pwd.getpwuid(os.getuid()).pw_name)
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _program() -> str:
    """The script as it was named, `<python>` where there is none."""
    first = sys.argv[0] if sys.argv else ""
    return redact_text(_text(first)) if first not in ("", "-", "-c") else "<python>"


def _cwd() -> str:
    try:
        return redact_text(_text(str(Path.cwd())))
    except OSError:  # deleted under us
        return ""


def _allowed() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def _memory() -> int:
    """Bytes of memory in the machine, 0 where unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0


def _join(argv: list[str]) -> str:
    import shlex

    return " ".join(word if word == "[redacted]" else shlex.quote(word) for word in argv)


def _text(value: str) -> str:
    """Text that JSON can carry: names of files and variables may hold lone surrogates."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
