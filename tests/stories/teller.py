"""One session of a story: a process that records at random and tells what was acknowledged.

`python teller.py STORE RUN SEED NEW|RESUME|STEP ODD|PLAIN` writes a line of JSON for each call that
returned, and ends by `finish` or by killing itself. Floats travel as hexadecimal text.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import sys
import time
from typing import Any

import trackerlite as tl

KEYS = ("loss", "val/loss", "a.b", "lr")
PATTERNS = (*KEYS, "*loss")
ODD = (math.nan, math.inf, -0.0, 2**62 + 1, 1e300, 0.1)


def told(value: Any) -> Any:
    """A value as JSON that `heard` understands."""
    return {"float": value.hex()} if isinstance(value, float) else value


def heard(value: Any) -> Any:
    """What was told."""
    return float.fromhex(value["float"]) if isinstance(value, dict) else value


class Session:
    """The calls of one process on one run."""

    def __init__(self, store: str, run: str, seed: str, how: str, numbers: str) -> None:
        self.chance = random.Random(seed)
        self.odd = ODD if numbers == "ODD" else (0.1, 2**50 + 1)
        begun: dict[str, Any] = {"id": run, "resume": None if how == "NEW" else "must"}
        if how not in ("NEW", "RESUME"):
            begun = {"resume_from": f"{run}?_step={how}"}
        config = {f"c{self.chance.randrange(4)}": self.chance.random()}
        self.run = tl.init(project="p", dir=store, config=config, **begun)
        self.say("init", step=self.run.step, config=config, knows=dict(self.run.config))

    def say(self, kind: str, **fields: Any) -> None:
        """Tell of a call that has returned, in one write."""
        os.write(1, (json.dumps({"kind": kind, **fields}) + "\n").encode())

    def log(self) -> None:
        """Numbers at the next step, at one that is far ahead, at one that is past."""
        choose, run = self.chance, self.run
        values: list[Any] = [choose.choice(self.odd), choose.uniform(-5, 5), choose.randrange(9)]
        data = {key: choose.choice(values) for key in choose.sample(KEYS, choose.randrange(1, 4))}
        past, ahead = max(0, run.step - choose.randrange(15)), run.step + choose.randrange(20)
        step = choose.choice([None, None, None, run.step, past, ahead])
        at = run.step if step is None else step
        assert run.log(data, step=step, commit=choose.choice([None, None, True, False]))
        self.say("log", step=at, data={key: told(value) for key, value in data.items()})

    def words(self) -> None:
        """Text, and a truth value."""
        data, at = (
            {"note": f"text {self.chance.random()}", "good": self.chance.random() < 0.5},
            self.run.step,
        )
        assert self.run.log(data)
        self.say("log", step=at, data=data)

    def configure(self) -> None:
        """A value of the config, a nested one at times."""
        data = {
            self.chance.choice(["lr", "opt.name", "x"]): self.chance.choice(
                [1, 2.5, "s", None, [1, 2], True]
            )
        }
        self.run.config.update(data)
        self.say("config", data=data)

    def sum_up(self) -> None:
        """A value of the summary that no metric has."""
        data = {self.chance.choice(["by/hand", "hand"]): self.chance.choice([0.5, "word", 3])}
        self.run.summary.update(data)
        self.say("summary", data=data)

    def tag(self) -> None:
        """A tag more, or one less."""
        tag, tags = f"t{self.chance.randrange(3)}", self.run.tags
        self.run.tags = tuple(t for t in tags if t != tag) if tag in tags else (*tags, tag)
        self.say("set", what="tags", to=list(self.run.tags))

    def describe(self) -> None:
        """Notes, or a name."""
        text = f"text {self.chance.randrange(99)}"
        kind = self.chance.choice(["notes", "name"])
        setattr(self.run, kind, text)
        self.say("set", what=kind, to=text)

    def define(self) -> None:
        """What a metric's summary keeps."""
        pattern = self.chance.choice(PATTERNS)
        self.run.define_metric(pattern, summary="min,max,last", goal="min")
        self.say("define", pattern=pattern)

    def pause(self) -> None:
        """Long enough for what was logged to reach SQLite."""
        time.sleep(1.3 if self.chance.random() < 0.1 else 0.0)

    def play(self) -> None:
        """Some calls, then an end."""
        calls = {
            self.log: 60, self.words: 6, self.configure: 6, self.sum_up: 6, self.tag: 5, self.describe: 5,
            self.define: 3, self.pause: 9,
        }  # fmt: skip
        for call in self.chance.choices(
            *zip(*calls.items(), strict=True), k=self.chance.choice([0, 3, 10, 40, 200])
        ):  # type: ignore[arg-type]
            call()
        if self.chance.random() < 0.5:
            self.say("set", what="state", to="killed")
            os.kill(os.getpid(), signal.SIGKILL)
        self.run.finish()
        self.say("set", what="state", to="finished")


if __name__ == "__main__":
    Session(*sys.argv[1:6]).play()
