"""The replay as a process of its own: `python -m trackerlite.sync STORE PROJECT/ID`.

In `mode="online"` the recorder starts it detached; it follows that run and ends when it is synced.
It shares nothing with the training but files, so whatever happens here, the training does not notice.
With `--once` it syncs what there is now and prints the outcomes as one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from trackerlite.errors import RunNotFound, StoreNotFound, TrackerliteError
from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo
from trackerlite.sync.engine import Syncer
from trackerlite.sync.live import follow
from trackerlite.sync.outcome import Options


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the run was verified at the server."""
    parser = argparse.ArgumentParser(prog="python -m trackerlite.sync")
    parser.add_argument("store", type=Path)
    parser.add_argument("run")
    parser.add_argument("--entity")
    parser.add_argument("--interval", type=float, default=15.0)
    parser.add_argument("--once", action="store_true")
    given = parser.parse_args(arguments)
    options = Options(entity=given.entity)
    try:
        return (_once if given.once else _follow)(given.store, given.run, options, given.interval)
    except TrackerliteError as error:
        _say(str(error))
        return 1


def _once(store: Path, ref: str, options: Options, _: float) -> int:
    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with Reader.open(store) as reader, Syncer(reader, options, notice=tell) as syncer:
        outcomes = syncer.sync([reader.run(ref)])
    print(json.dumps([outcome.as_dict() for outcome in outcomes]), flush=True)
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _follow(store: Path, ref: str, options: Options, interval: float) -> int:
    def one(reader: Reader) -> Sequence[RunInfo]:
        return [reader.run(ref)]

    if not _appears(store, ref):
        _say(f"{ref} never appeared in {store}")
        return 1
    outcomes = follow(store, one, options, interval=interval, notice=_say)
    for outcome in outcomes:
        _say(f"{outcome.status}: {outcome.rows:,} rows. {outcome.message} {outcome.url}")
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _appears(store: Path, ref: str, patience: float = 60.0) -> bool:
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
    sys.exit(main())
