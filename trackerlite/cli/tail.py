"""`trackerlite tail`: the numbers of one run or several as they come in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._cells import fold, width
from trackerlite.cli._follow import Follower
from trackerlite.cli._human import duration, number, value
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit_line, paint, say
from trackerlite.cli._rows import as_dict
from trackerlite.cli._runs import meant
from trackerlite.readers import Reader
from trackerlite.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackerlite.cli._rows import Row
    from trackerlite.readers import RunInfo

INTERVAL = 0.25  # the index is refreshed a few times a second; looking more often shows nothing new
REFRESH_EVERY = 5.0


@verb(
    examples="""
    trackerlite tail
    trackerlite tail baseline -m 'val/*' -n 0
    trackerlite tail --filter "state:running tag:sweep" -m val/loss
    trackerlite tail baseline --json | jq .loss
    """
)
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--filter", "filter_", metavar="FILTER", help="Also the runs that this lets pass.")
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
    runs: tuple[str, ...],
    filter_: str | None,
    patterns: Sequence[str],
    last: int,
    no_follow: bool,
    as_json: bool,
    dir: str | None,
) -> int:
    """Follow what each RUN (or the newest) logs until it ends.

    Alerts are told among the rows. Ctrl-C stops looking, not the runs.
    """
    with Reader.open(dir) as reader:
        infos = _meant(reader, runs, filter_)
        if not infos:
            say(f"No runs {f'that pass {filter_!r} ' if filter_ else ''}in {reader.path}.")
            return NOTHING_MATCHED
        followed = _followed(reader, infos, patterns, last)
        for one in followed:
            say(f"{one.info.name} ({one.info.id}) of {one.info.project}: {one.info.state}.")
        _show(followed, as_json)
        for one in followed:
            if one.info.state != "running":
                _end(one.info)
        looked, version = time.monotonic(), reader.version()
        while not no_follow and any(one.info.state == "running" for one in followed):
            time.sleep(INTERVAL)
            if time.monotonic() - looked > REFRESH_EVERY:
                # A writer that died, or writes where it cannot index, is read by us.
                reader.refresh()
                looked, version = time.monotonic(), -1
            if reader.version() == version:
                continue
            version = reader.version()
            before = [one.info.state for one in followed]
            for one in followed:
                one.info = reader.run_in(one.info.folder)
            _show(followed, as_json)
            for one, state in zip(followed, before, strict=True):
                if one.info.state != state:
                    _end(one.info)
    return 0


@dataclass
class _Followed:
    """A run, what is new of it, and how its rows are told from others' (nothing for one alone)."""

    info: RunInfo
    follower: Follower
    name: str


def _meant(reader: Reader, references: Sequence[str], filter_: str | None) -> list[RunInfo]:
    if filter_ is None and not references:
        return reader.runs()[:1]
    return meant(reader, references, filter_)


def _followed(
    reader: Reader, infos: Sequence[RunInfo], patterns: Sequence[str], last: int
) -> list[_Followed]:
    names: dict[int, str] = {}
    if len(infos) > 1:
        from trackerlite.readers.select import names_of

        names = names_of(infos)
    return [
        _Followed(info, Follower(reader, info.key, patterns, last), names.get(info.key, ""))
        for info in infos
    ]


def _end(info: RunInfo) -> None:
    reason = f": {info.reason}" if info.reason and info.reason != info.state else ""
    say(f"{info.name} {info.state} after {duration(info.duration)}{reason}.")


def _show(followed: Sequence[_Followed], as_json: bool) -> None:
    """Print what is new, of several runs in the order of the clock."""
    new = [(row, one) for one in followed for row in one.follower.rows()]
    if len(followed) > 1:
        new.sort(key=lambda pair: pair[0].time)
    wide = min(24, max(len(one.name) for one in followed))
    for row, one in new:
        if as_json:
            which = {"_run": one.info.run_id} if one.name else {}
            emit_line({**which, **as_dict(row)})
        else:
            _print_row(row, plain(one.name, wide).ljust(wide))
    for one in followed:
        _alerts(one.follower.alerts(), one.name and one.info.run_id, as_json)


def _print_row(row: Row, name: str) -> None:
    values = "  ".join(f"{paint(plain(key), 'dim')} {_value(v)}" for key, v in row.values.items())
    before = f"{paint(name, 'bold')}  " if name else ""
    print(f"{before}{paint(f'{row.step:>8}', 'cyan')}  {values}", flush=True)


def _value(logged: Any) -> str:
    is_number = isinstance(logged, (int, float)) and not isinstance(logged, bool)
    return number(logged) if is_number else value(logged, 60)


def _alerts(alerts: Iterable[Any], run: str, as_json: bool) -> None:
    for alert in alerts:
        if as_json:
            which = {"_run": run} if run else {}
            emit_line({**which, "_alert": alert.title, "text": alert.text, "level": alert.level})
        else:
            whose = f"{plain(run)}: " if run else ""
            text = f"   ALERT  {whose}{plain(alert.title)}: {plain(alert.text)}"
            for line in fold(text, width(), indent=10):
                print(paint(line, "red"), flush=True)
