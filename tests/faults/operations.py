"""What a victim does, one numbered operation after another: the same for the same seed.

The driver and the victim both know it, so an acknowledgement is just a number.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

_ODD = [
    float("nan"),
    float("inf"),
    float("-inf"),
    -0.0,
    0.0,
    5e-324,
    1.7976931348623157e308,
    1e-45,
    0.1,
]


@dataclass(frozen=True)
class Operation:
    """One call: `kind` is log, text, config, tags or summary; `data` what is passed to it."""

    number: int
    kind: str
    data: Any


def operation(seed: int, number: int) -> Operation:
    """The operation of that number."""
    chance = random.Random(seed * 1_000_003 + number)
    draw = chance.random()
    if draw < 0.06:
        return Operation(number, "config", {f"c{number}": chance.random()})
    if draw < 0.10:
        return Operation(number, "tags", f"t{number}")
    if draw < 0.14:
        return Operation(number, "summary", {f"s{number}": chance.random()})
    if draw < 0.20:
        return Operation(number, "text", {"note": f"row {number} " + "ü" * chance.randrange(40)})
    value = chance.choice(_ODD) if draw < 0.4 else chance.uniform(-1e3, 1e3)
    return Operation(number, "log", {"loss": value, "count": chance.randrange(-(2**53), 2**53)})


def perform(run: Any, wanted: Operation) -> bool:
    """Do it to `run`; whether it was acknowledged."""
    if wanted.kind in ("log", "text"):
        return bool(run.log(wanted.data, step=wanted.number))
    if wanted.kind == "config":
        run.config.update(wanted.data)
    elif wanted.kind == "summary":
        run.summary.update(wanted.data)
    else:
        run.tags += (wanted.data,)
    return bool(run._writer.waiting == 0)
