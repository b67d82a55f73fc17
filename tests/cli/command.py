"""The real command, and training scripts for it to look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# What a terminal must never be sent: each C0 and C1 control, the sequences made of them
# (colour, clipboard, title, link, "where is your cursor"), bidi overrides; and markup.
CONTROLS = "".join(map(chr, [*range(1, 32), *range(127, 160)]))
SEQUENCES = "\x1b[31m\x1b]52;c;aGk=\x07\x1b]0;t\x07\x1b]8;;http://x\x1b\\\x1bP1$r\x1b\\\x1b[6n\x9b6n\u202eabc\u2066"
HOSTILE = f"evil{CONTROLS}{SEQUENCES}[red]b[/red][/]\r\n💥 e\u0301\u05d0"

RECORD = """
import sys, json
import trackerlite as tl

hostile = json.loads(sys.argv[1])
common = dict(mode="offline", config={"lr": 0.1, "model": {"layers": 2}})
with tl.init(project="alpha", name="baseline", id="base0001", tags=["lora", "paper"],
             notes="one\\ntwo", **common) as run:
    run.define_metric("val/loss", goal="min", summary="min")
    for step in range(50):
        run.log({"train/loss": 1 / (step + 1), "lr": 1e-3}, step=step)
        if step % 10 == 0:
            run.log({"val/loss": 2 / (step + 1), "sample": f"text {step}"}, step=step)
    run.log({"bad": float("nan"), "worse": float("-inf"), "count": 7}, step=50)
try:
    with tl.init(project="alpha", name="broken", id="fail0001", **common) as run:
        run.log({"train/loss": 1.5}, step=0)
        raise ValueError("no such layer")
except ValueError:
    pass
for name, id in (("twin", "abc111"), ("twin", "abc222"), ("other", "zzz999")):
    with tl.init(project="beta", name=name, id=id, mode="offline") as run:
        run.log({"x": 1.0}, step=0)
with tl.init(project=hostile, name=hostile, id="evil0001", notes=hostile, tags=[hostile],
             group=hostile, job_type=hostile, config={hostile: hostile}, mode="offline") as run:
    run.log({hostile: 1.0, "text": hostile}, step=0)
    run.summary[hostile] = hostile
    run.alert(hostile, hostile)
"""


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, without what would steer the command elsewhere."""
    steering = (
        "TRACKERLITE_", "WANDB_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONUNBUFFERED",
    )  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | {"COLUMNS": "80"} | extra


def record(folder: Path, code: str = RECORD, *arguments: str) -> Path:
    """Run `code` as a training script whose store is in `folder`; returns the store."""
    subprocess.run(
        [sys.executable, "-c", code, *(arguments or [json.dumps(HOSTILE)])],
        cwd=folder,
        env=environment(TRACKERLITE_DIR=str(folder), TRACKERLITE_SILENT="true"),
        check=True,
        timeout=60,
    )
    return folder / ".trackerlite"


COMMAND = [sys.executable, "-c", "import sys; from trackerlite.cli import main; sys.exit(main())"]


class Result(subprocess.CompletedProcess[str]):
    """What the command printed, and how it ended."""

    @property
    def json(self) -> Any:
        """Its stdout, parsed by a reader that takes no NaN."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(self.stdout, parse_constant=refuse)


def trackerlite(*arguments: str, cwd: Path | None = None, **env: str) -> Result:
    """Run the real command in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Result(done.args, done.returncode, done.stdout, done.stderr)
