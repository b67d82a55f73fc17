"""Real stores, recorded by the real recorder, and desks to look at them with."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trackerlite
from trackerlite.readers import Reader
from trackerlite_tui.look import look
from trackerlite_tui.once import Still
from trackerlite_tui.state import State

UNICODE = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
LOOKS = {
    "dark": look("dark", UNICODE),
    "light": look("light", UNICODE),
    "plain": look("plain", UNICODE),
    "ascii": look("auto", {"LANG": "C", "TERM": "vt100"}),
}


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what a person's screen remembers, nor the folder they stand in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("NO_COLOR", "TRACKERLITE_DIR", "WANDB_DIR", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)


def record(folder: Path, index: int, steps: int = 120, **more: Any) -> str:
    """One finished run: a falling loss, its score, a config that differs."""
    noise = random.Random(index)
    run = trackerlite.init(
        project="scanner",
        name=f"run-{index}",
        config={"lr": (1e-3, 3e-3, 1e-2)[index % 3], "model": {"depth": 4}, "max_steps": steps},
        tags=["lora"] if index % 2 else [],
        dir=str(folder),
        **more,
    )
    for step in range(steps):
        loss = 2 * math.exp(-step / 30) + 0.1 * index + noise.gauss(0, 0.02)
        row: dict[str, Any] = {
            "train/loss": math.nan if (step, index) == (60, 1) else loss,
            "lr": 1e-3,
        }
        if step % 10 == 0:
            row |= {"val/loss": loss + 0.1, "val/f1": 1 - loss / 4}
        run.log(row, step=step)
    run_id: str = run.id
    run.finish()
    return run_id


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six runs; tests must not change it."""
    folder = tmp_path_factory.mktemp("six")
    for index in range(6):
        record(folder, index)
    return folder


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run with every kind of media, one without; tests must not change it."""
    import numpy as np

    from trackerlite import media, plot

    folder = tmp_path_factory.mktemp("gallery")
    record(folder, 0, steps=10)
    rng = np.random.default_rng(0)
    run = trackerlite.init(project="scanner", name="pictures", dir=str(folder))
    for step in range(4):
        truth = rng.integers(0, 3, 60)
        guess = np.where(rng.random(60) < 0.7, truth, 0)
        score = np.stack([1 - truth / 3, truth / 3], axis=1)
        run.log(
            {
                "loss": 1 / (step + 1),
                "grads": media.Histogram(rng.normal(step, 1, 500)),
                "cm": plot.confusion_matrix(truth, guess, ["cat", "dog", "eel"]),
                "roc": plot.roc_curve((truth > 0).astype(int), score, ["no", "yes"]),
                "samples": media.Table(
                    columns=["id", "text"], data=[[i, f"row {i} of {step}"] for i in range(5)]
                ),
                "img": media.Image(
                    np.full((8, 12, 3), step * 60, dtype=np.uint8), caption=f"at {step}"
                ),
                "note": f"hello\nfrom step {step}",
                "flags": [1, 2, step],
            },
            step=step,
        )
    run.finish()
    return folder


@pytest.fixture
def still() -> Callable[..., Still]:
    """Makes a desk that reads a store by itself: `still(folder, "charts", 120, 40)`."""

    def make(
        folder: Path,
        screen: str = "runs",
        columns: int = 120,
        rows: int = 40,
        theme: str = "dark",
        **state: Any,
    ) -> Still:
        made = Still(
            lambda: Reader.open(folder), State(screen=screen, **state), columns, rows, LOOKS[theme]
        )
        made.desk.strict = True
        made.settle()
        return made

    return make


def texts(made: Still) -> list[str]:
    """The rows of a desk's screen as plain text."""
    return ["".join(text for text, _ in row) for row in made.desk.paint()]
