"""Sessions one after another, each a process, and the models that hear of them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stories import teller
from stories.model import Model

REWOUND = 0.4


def seeds(short: int, full: int) -> list[Any]:
    """The stories of a test: some always, the rest with `--full`."""
    more = (pytest.param(seed, marks=pytest.mark.full) for seed in range(short, full))
    return [*range(short), *more]


class Story:
    """A store, the runs in it, and what is known of each.

    Args:
        ids: what the runs are called.
        odd: with numbers such as NaN, which JSON and a comparison cannot tell.
    """

    def __init__(self, store: Path, seed: int, ids: list[str], *, odd: bool = True) -> None:
        self.store, self.ids, self.numbers = store, ids, "ODD" if odd else "PLAIN"
        self.chance = random.Random(seed)
        self.models: dict[str, Model] = {}

    @property
    def database(self) -> Path:
        """The file that may be lost at any time."""
        return self.store / ".trackerlite" / "trackerlite.db"

    def session(self) -> str | None:
        """Let a process record into one of the runs; which, or None where that is in the trash."""
        run = self.chance.choice(self.ids)
        model = self.models.setdefault(run, Model())
        if model.trashed:
            return None
        how = "RESUME" if model.state != "running" else "NEW"
        if how == "RESUME" and self.chance.random() < REWOUND:
            step = self.chance.randrange(0, model.last_step + 4)
            model.rewind(step)
            how, model.next_step = str(step), step + 1
        else:
            model.next_step = model.last_step + 1
        seed = str(self.chance.random())
        words = [sys.executable, teller.__file__, str(self.store), run, seed, how, self.numbers]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WANDB")}
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert told, done.stderr
        assert told[-1].get("what") == "state", done.stderr
        for said in told:
            model.hear(said)
        return run

    def happening(self, happenings: list[Callable[[Story], None]]) -> None:
        """Up to two things that happen between sessions."""
        for happen in self.chance.choices(happenings, k=self.chance.randrange(3)):
            happen(self)
