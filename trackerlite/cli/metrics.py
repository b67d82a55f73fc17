"""`trackerlite metrics`: what a run logged, as numbers."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._cells import width
from trackerlite.cli._human import date, number
from trackerlite.cli._options import dir_option, json_option, run_argument, verb
from trackerlite.cli._output import emit_rows, say
from trackerlite.cli._rows import Row, as_dict, chosen, label, last_starts, points_of, rows
from trackerlite.cli._table import Column, print_table
from trackerlite.readers import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackerlite.readers import RunInfo, SeriesInfo


@verb(
    examples="""
    trackerlite metrics baseline
    trackerlite metrics baseline -m val/loss -m 'val/acc*' --last 20
    trackerlite metrics baseline -m train/loss --samples 50 --smooth 0.9 --x time
    trackerlite metrics baseline -m train/loss --json > loss.json
    trackerlite metrics baseline -m train/loss --abandoned
    """
)
@run_argument
@click.option(
    "-m", "--metric", "patterns", multiple=True, metavar="KEY", help="Print its points; * matches."
)
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N rows.")
@click.option(
    "--samples", type=click.IntRange(min=1), metavar="N",
    help="About so many points of the curve, spikes kept.",
)  # fmt: skip
@click.option(
    "--smooth", type=click.FloatRange(0, 1, max_open=True), default=0.0, metavar="WEIGHT",
    help="Moving average, 0 to below 1.",
)  # fmt: skip
@click.option(
    "--x", default="step", show_default=True, metavar="AXIS", help="step, time, wall, or a metric."
)
@click.option("--system", is_flag=True, help="System metrics (CPU, GPU, memory) instead.")
@click.option(
    "--abandoned", is_flag=True, help="What was logged behind a step that the run went back to."
)
@json_option
@dir_option
def command(
    run: str,
    patterns: Sequence[str],
    last: int | None,
    samples: int | None,
    smooth: float,
    x: str,
    system: bool,
    abandoned: bool,
    as_json: bool,
    dir: str | None,
) -> int:
    """List the metrics of RUN, or print the points of some.

    Without -m, one line a metric: how many points, first, last, lowest, highest.
    With -m, one line a step; values in full where stdout is not a terminal.
    """
    if abandoned and (samples or smooth or system or x != "step"):
        raise click.UsageError("--abandoned goes with -m, --last and --json only.")
    with Reader.open(dir) as reader:
        info = reader.run(run)
        stream = "system" if system else "history"
        known = reader.series([info.key], stream=stream, abandoned=abandoned)
        series = [s for s in known if chosen(s, patterns)]
        if abandoned:
            return _print_abandoned(reader, info, series, last, as_json)
        if not series:
            what = " or ".join(repr(p) for p in patterns) if patterns else f"{stream} metrics"
            say(
                f"Run {info.name} ({info.id}) has no {what}. `trackerlite show {info.id}` has more."
            )
            if as_json:
                emit_rows([])
            return NOTHING_MATCHED
        if not patterns:
            _print_list(series, as_json)
            return 0
        if samples or smooth or x != "step":
            from trackerlite.cli._lines import read_rows

            found = read_rows(reader, info, series, x, smooth, samples)
        else:
            starts = last_starts(reader, series, last) if last else {}
            found = list(
                rows(
                    points_of(reader, s, reader.points(s.key, starts.get(s.key, 0))) for s in series
                )
            )
    names = [label(s) for s in series if label(s) != x]
    _print_rows(x, names, found[-last:] if last else found, as_json)
    return 0


def _print_list(series: Sequence[SeriesInfo], as_json: bool) -> None:
    if as_json:
        emit_rows(
            {
                "key": s.name,
                "rank": s.rank,
                "count": s.count,
                "first": s.first,
                "last": s.last,
                "min": s.minimum,
                "max": s.maximum,
                "mean": s.mean,
                "last_step": s.last_step,
                "min_step": s.min_step,
                "max_step": s.max_step,
                "unit": s.unit,
                "goal": s.goal,
            }
            for s in series
        )
        return
    print_table(
        [
            Column("METRIC", shrink=16, style="bold"),
            Column("POINTS", right=True, drop=1),
            Column("FIRST", right=True, drop=2),
            Column("LAST", right=True),
            Column("LOWEST", right=True),
            Column("HIGHEST", right=True),
            Column("LAST STEP", right=True, drop=3),
        ],
        [
            [label(s), s.count, *map(number, (s.first, s.last, s.minimum, s.maximum)), s.last_step]
            for s in series
        ],
    )


def _print_abandoned(
    reader: Reader, info: RunInfo, series: Sequence[SeriesInfo], last: int | None, as_json: bool
) -> int:
    """The points that rewinds hid, of all attempts, in the order they were logged."""
    found: list[tuple[float, int, str, int | float]] = []
    for one in series:
        found += points_of(reader, one, reader.points(one.key, abandoned=True))
    found = sorted(found, key=itemgetter(0))[-last if last else 0 :]
    if as_json:
        emit_rows({"_step": s, "_timestamp": t, "key": k, "value": v} for t, s, k, v in found)
    elif found:
        print_table(
            [Column("STEP", right=True), Column("LOGGED", drop=1), Column("METRIC", shrink=16), Column("VALUE", right=True)],
            [[step, date(t), key, number(value) if width() is not None else repr(value)] for t, step, key, value in found],
        )  # fmt: skip
    else:
        say(
            f"Run {info.name} ({info.id}) went back to no earlier step in these metrics: nothing is hidden."
        )
    return 0 if found else NOTHING_MATCHED


def _print_rows(x: str, names: Sequence[str], found: Sequence[Row], as_json: bool) -> None:
    if as_json:
        emit_rows(as_dict(row) for row in found)
        return
    for_people = width() is not None

    def show(name: str, value: float) -> str:
        if for_people:
            return date(value) if name == x == "wall" else number(value)
        return repr(value)

    # The x that was asked for stands where a reader of the table looks first.
    names = names if x == "step" else [x, *names]
    hidden = print_table(
        [
            Column("STEP", right=True),
            *(Column(name, right=True, shrink=11, drop=i) for i, name in enumerate(names)),
        ],
        [
            [
                row.step,
                *(show(name, row.values[name]) if name in row.values else "" for name in names),
            ]
            for row in found
        ],
    )
    if hidden:
        say(f"Too narrow for {', '.join(hidden)}: choose with -m, or use a pipe or --json.")
