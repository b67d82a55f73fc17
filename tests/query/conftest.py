"""Stores that the query tests read: made once, through the public recording interface."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import trackerlite as tl
from trackerlite.cli import main
from trackerlite.readers import Reader

HOSTILE = "evil\x1b]52;c;b\x07[/red]<script>alert(1)</script>\u202e"
PATCH = (
    "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n"
    "@@ -1 +1,2 @@\n-lr = 1\n+lr = {lr}\n+# more\n"
)


def record(store: Path, optimizer: str, seed: int) -> None:
    """One run of a small study: lion ends 0.1 lower than adamw, seeds differ by about 0.02."""
    rng = random.Random(f"{optimizer}{seed}")
    lion = optimizer == "lion"
    luck = rng.gauss(0, 0.02)
    run = tl.init(
        project="study", id=f"{optimizer}{seed}", name=f"{optimizer} seed {seed}", dir=store,
        tags=["lion" if lion else "baseline", f"s{seed}"], notes="first line\nsecond line" if lion else None,
        config={"optimizer": {"name": optimizer, "betas": [0.9, 0.999]}, "lr": 3e-4 if lion else 1e-3, "seed": seed, "fp16": True},
    )  # fmt: skip
    run.define_metric("quality", goal="max", unit="%")
    for step in range(200):
        loss = 2 * math.exp(-step / 40) + 0.5 + luck - (0.1 if lion else 0)
        run.log(
            {"val/loss": loss, "val/acc": 1 - loss / 3, "quality": 50.0, "noise": rng.gauss(0, 1)},
            step=step,
        )
    run.log({"only_lion": 1.0} if lion else {"only_adamw": float("nan")}, step=199)
    run.summary["verdict"] = f"good with {optimizer}"
    run._record(
        "environment",
        git={
            "commit": "abc" if lion else "def",
            "branch": "main",
            "patch": PATCH.format(lr=2 if lion else 3),
        },
        packages={"torch": "2.9.0" if lion else "2.8.0", "numpy": "2.4.6"},
    )
    run.finish()


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with five seeds each of two optimizers, and one run with a hostile name."""
    store = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKERLITE_SILENT", "true")
        # What this machine has installed is no part of the study; `record` says what it had.
        patch.setattr("trackerlite.capture.environment.slow", lambda *_, **__: ())
        for seed in range(5):
            record(store, "adamw", seed)
            record(store, "lion", seed)
        with tl.init(project="other", id="hostile", name=HOSTILE, dir=store, tags=[HOSTILE]) as run:
            run.config.update({HOSTILE: HOSTILE, "lr": "fast"})
            run.log({HOSTILE: 1.0, "val/loss": 0.1})
    return store


@pytest.fixture(scope="session")
def reader(study: Path) -> Iterator[Reader]:
    """A reader on that store."""
    with Reader.open(study) as opened:
        yield opened


Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(study: Path, capsys: pytest.CaptureFixture[str]) -> Called:
    """Run a verb on that store; gives the exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([words[0], *words[1:], "--dir", str(study)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run
