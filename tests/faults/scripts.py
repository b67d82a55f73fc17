"""Training scripts, run as people run them: a new interpreter, a file, a working folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREAMBLE = """
import json, os, signal, sys, threading, time
import trackerlite as tl
def say(**what):
    print(json.dumps(what), flush=True)
"""


@dataclass
class Outcome:
    """How a script ended: its exit status, what it said, and what it complained of."""

    status: int
    said: dict[str, Any]
    errors: str

    def warnings(self, about: str) -> list[str]:
        """The lines of stderr that speak of something."""
        return [line for line in self.errors.splitlines() if about in line]


def environment(**more: str) -> dict[str, str]:
    """A plain environment, without anybody's settings."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("TRACKERLITE_", "WANDB_", "SLURM_"))
    }
    return {**kept, **more}


def begin(folder: Path, code: str, *prefix: str, **kwargs: Any) -> subprocess.Popen[str]:
    """Start a script in `folder`; it has `tl`, the usual modules, and `say(**what)`."""
    path = folder / "train.py"
    path.write_text(PREAMBLE + textwrap.dedent(code))
    return subprocess.Popen(
        [*prefix, sys.executable, str(path)],
        cwd=folder,
        env=environment(**kwargs.pop("env", {})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def end(process: subprocess.Popen[str], timeout: float = 90) -> Outcome:
    """Wait for a script, and gather what it said."""
    output, errors = process.communicate(timeout=timeout)
    said: dict[str, Any] = {}
    for line in output.splitlines():
        said.update(json.loads(line))
    return Outcome(process.returncode, said, errors)


def run(folder: Path, code: str, *prefix: str, **kwargs: Any) -> Outcome:
    """Run a script to its end."""
    return end(begin(folder, code, *prefix, **kwargs))
