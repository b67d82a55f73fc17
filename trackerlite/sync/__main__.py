"""The process beside a training in `mode="online"`: `python -m trackerlite.sync STORE RUN`.

Started detached by the recorder, it follows that one run and ends when it is synced. It shares
nothing with the training but files, so whatever happens here, the training does not notice.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from trackerlite.errors import RunNotFound, StoreNotFound, TrackerliteError
from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo
from trackerlite.sync.live import follow
from trackerlite.sync.outcome import Options


def main(arguments: Sequence[str]) -> int:
    """STORE RUN [INTERVAL]; 0 when the run ended and was verified."""
    if len(arguments) not in (2, 3):
        print("usage: python -m trackerlite.sync STORE PROJECT/RUN [SECONDS]", file=sys.stderr)
        return 2
    store, ref = Path(arguments[0]), arguments[1]
    interval = float(arguments[2]) if len(arguments) == 3 else 15.0

    def one(reader: Reader) -> Sequence[RunInfo]:
        return [reader.run(ref)]

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    if not _appears(store, ref):
        say(f"{ref} never appeared in {store}")
        return 1
    try:
        outcomes = follow(store, one, Options(), interval=interval, notice=say)
    except TrackerliteError as error:
        say(str(error))
        return 1
    for outcome in outcomes:
        say(f"{outcome.status}: {outcome.rows:,} rows. {outcome.message} {outcome.url}")
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _appears(store: Path, ref: str, patience: float = 30.0) -> bool:
    """Wait for the run's first record to reach the database."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            with Reader.open(store) as reader:
                reader.run(ref)
                return True
        except (RunNotFound, StoreNotFound):
            time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
