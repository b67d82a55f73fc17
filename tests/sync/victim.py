"""Syncs a store once, as a process of its own that may be killed: `victim.py STORE [STAGE [N]]`.

With STAGE it kills itself when the ledger reaches that stage for the N-th time.
"""

from __future__ import annotations

import os
import signal
import sys

from trackerlite.readers import Reader
from trackerlite.sync import delivery, engine
from trackerlite.sync.outcome import Options


def main() -> int:
    store, stage, turn = sys.argv[1], *(sys.argv[2:] or ["", "1"])
    left = int(turn)

    def die(reached: str) -> None:
        nonlocal left
        if reached == stage:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    delivery.reached = die
    options = Options(
        settle=0.1,
        patience=20.0,
        read_back=5.0,
        max_rows=int(os.environ.get("MAX_ROWS", "1000000")),
    )
    with Reader.open(store) as reader, engine.Syncer(reader, options) as syncer:
        outcomes = syncer.sync(reader.runs())
    for outcome in outcomes:
        if not outcome.good or outcome.status == "busy":
            print(outcome)
    return 0 if all(o.good and o.status != "busy" for o in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
