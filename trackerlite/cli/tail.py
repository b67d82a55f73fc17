"""`trackerlite tail`: a run's numbers as they come in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._follow import Follower
from trackerlite.cli._human import duration, number, value
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit_line, paint, say
from trackerlite.readers import Reader
from trackerlite.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackerlite.cli._rows import Row

INTERVAL = 0.25  # the index is refreshed a few times a second; looking more often shows nothing new
REFRESH_EVERY = 5.0


@verb(
    examples="""
    trackerlite tail
    trackerlite tail baseline -m 'val/*' -n 0
    trackerlite tail baseline --json | jq .loss
    """
)
@click.argument("run", metavar="[RUN]", required=False)
@click.option(
    "-m", "--metric", "patterns", multiple=True, metavar="KEY", help="Only these; * matches."
)
@click.option(
    "-n", "--last", type=click.IntRange(min=0), default=10, show_default=True, help="Begin with N."
)
@click.option("--no-follow", is_flag=True, help="Print what is there, and end.")
@json_option
@dir_option
def command(
    run: str | None,
    patterns: Sequence[str],
    last: int,
    no_follow: bool,
    as_json: bool,
    dir: str | None,
) -> int:
    """Follow what RUN (the newest) logs until it ends.

    Alerts are told among the rows. Ctrl-C stops looking, not the run.
    """
    show = _print_json if as_json else _print_row
    with Reader.open(dir) as reader:
        info = reader.run(run) if run else next(iter(reader.runs()), None)
        if info is None:
            say(f"No runs in {reader.path}.")
            return NOTHING_MATCHED
        say(f"{info.name} ({info.id}) of {info.project}: {info.state}.")
        follower = Follower(reader, info.key, patterns, last)
        show(follower.rows())
        _alerts(follower.alerts(), as_json)
        looked, version = time.monotonic(), reader.version()
        while not no_follow and info.state == "running":
            time.sleep(INTERVAL)
            if time.monotonic() - looked > REFRESH_EVERY:
                # A writer that died, or writes where it cannot index, is read by us.
                reader.refresh()
                looked, version = time.monotonic(), -1
            if reader.version() == version:
                continue
            version = reader.version()
            info = reader.run_in(info.folder)
            show(follower.rows())
            _alerts(follower.alerts(), as_json)
        if info.state != "running":
            reason = f": {info.reason}" if info.reason else ""
            say(f"{info.name} {info.state} after {duration(info.duration)}{reason}.")
    return 0


def _print_row(rows: Iterable[Row]) -> None:
    for row in rows:
        values = "  ".join(
            f"{paint(plain(key), 'dim')} {_value(v)}" for key, v in row.values.items()
        )
        print(f"{paint(f'{row.step:>8}', 'cyan')}  {values}", flush=True)


def _value(logged: Any) -> str:
    is_number = isinstance(logged, (int, float)) and not isinstance(logged, bool)
    return number(logged) if is_number else value(logged, 60)


def _print_json(rows: Iterable[Row]) -> None:
    for row in rows:
        emit_line({"step": row.step, "time": row.time, **row.values})


def _alerts(alerts: Iterable[Any], as_json: bool) -> None:
    for alert in alerts:
        if as_json:
            emit_line({"alert": alert.title, "text": alert.text, "level": alert.level})
        else:
            print(paint(f"   ALERT  {plain(alert.title)}: {plain(alert.text)}", "red"), flush=True)
