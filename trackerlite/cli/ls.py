"""`trackerlite ls`: the runs of a store."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._options import Filtering, dir_option, json_option, verb
from trackerlite.cli._output import emit_rows, paint, say
from trackerlite.cli._runs import COLUMNS, as_dict, row
from trackerlite.cli._table import print_table
from trackerlite.readers import Reader
from trackerlite.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trackerlite.cli._select import Wanted
    from trackerlite.readers import RunInfo
    from trackerlite.readers.select import Group


@verb(
    examples="""
    trackerlite ls
    trackerlite ls "val/f1>0.9 tag:lora age<2d" --sort=-val/f1
    trackerlite ls --columns "name,config.lr,best(val/loss)" --curve train/loss
    trackerlite ls --group-by config.optimizer
    trackerlite ls --json | jq -r '.[] | select(.state == "failed") | .id'
    """,
    cls=Filtering,
)
@click.argument("filter_", metavar="[FILTER]", required=False)
@click.option("--project", metavar="NAME", help="Only runs of this project.")
@click.option("--sort", metavar="KEYS", help="Order by these, such as -val/f1,name (- falls).")
@click.option("--columns", metavar="KEYS", help="Show these in place of the usual columns.")
@click.option("--curve", "curves", multiple=True, metavar="METRIC", help="Draw it, in a column.")
@click.option("--group-by", metavar="KEYS", help="A table for each value, such as of config.lr.")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Only the first so many.")
@click.option("--trash", is_flag=True, help="What `rm` put in the trash, instead.")
@json_option
@dir_option
def command(
    filter_: str | None,
    project: str | None,
    sort: str | None,
    columns: str | None,
    curves: Sequence[str],
    group_by: str | None,
    limit: int | None,
    trash: bool,
    as_json: bool,
    dir: str | None,
) -> int:
    """List runs, newest first; with FILTER, those that it lets pass.

    `trackerlite help filters` explains the filter language. What a filter or --sort is
    about gets a column of its own.
    """
    now = time.time()
    with Reader.open(dir) as reader:
        path = reader.path
        if filter_ or sort or columns or curves or group_by:
            shown = _selected(
                reader,
                filter_,
                project,
                sort,
                columns,
                curves,
                group_by,
                limit,
                trash,
                as_json,
                now,
            )
        else:
            runs = reader.runs(project, trashed=trash)[:limit]
            shown = len(runs)
            alerts = _alerts(reader)
            if as_json:
                emit_rows(as_dict(run) | {"alerts": alerts[run.key]} for run in runs)
            elif runs:
                print_table(COLUMNS, [row(run, now, alerts[run.key]) for run in runs])
    if shown:
        return 0
    where = f" of project {project!r}" if project else ""
    passing = f" that pass {filter_!r}" if filter_ else ""
    say(f"No runs{where}{passing} in {'the trash of ' if trash else ''}{path}.")
    return NOTHING_MATCHED


def _selected(
    reader: Reader,
    filter_: str | None,
    project: str | None,
    sort: str | None,
    columns: str | None,
    curves: Sequence[str],
    group_by: str | None,
    limit: int | None,
    trash: bool,
    as_json: bool,
    now: float,
) -> int:
    """Print what was asked for; returns how many runs that was."""
    from trackerlite.cli._select import wanted
    from trackerlite.readers.filters import Filter, Item, parse_items
    from trackerlite.readers.filters.syntax import Series
    from trackerlite.readers.nearest import hints
    from trackerlite.readers.select import group_runs, select_runs

    parsed = Filter(filter_) if filter_ else None
    want = wanted(columns, curves, parsed, sort)
    runs = select_runs(reader, parsed, sort, project, trashed=trash, now=now)[:limit]
    values = want.read(reader, runs, now)
    groups = group_runs(reader, runs, group_by, now=now) if group_by else None
    alerts = _alerts(reader)
    if as_json:
        emit_rows(_dicts(runs, want, values, groups, alerts))
    elif groups is not None:
        for number, group in enumerate(groups):
            count = f"{len(group.runs)} run{'s' if len(group.runs) > 1 else ''}"
            print(f"{chr(10) if number else ''}{paint(plain(group.label), 'bold')} ({count})")
            _print(group.runs, want, values, now, alerts)
    elif runs:
        _print(runs, want, values, now, alerts)
    asked = [item for item, column in zip(want.items, values, strict=False) if not column]
    curves_read = values[len(want.items) :]
    asked += [
        Item(Series(name), name)
        for name, column in zip(want.curves, curves_read, strict=True)
        if not column
    ]
    if groups:  # of what no run here has any value
        asked += [
            item
            for place, item in enumerate(parse_items(group_by or ""))
            if all(group.values[place] is None for group in groups)
        ]
    if asked:
        for sentence in hints(reader, asked, project, now):
            say(sentence)
    return len(runs)


def _alerts(reader: Reader) -> Counter[int]:
    """How many alerts each run has, by its key."""
    return Counter(alert.run_key for alert in reader.alerts())


def _print(
    runs: Sequence[RunInfo],
    want: Wanted,
    values: Sequence[Mapping[int, Any]],
    now: float,
    alerts: Counter[int],
) -> None:
    usual = [] if want.alone else COLUMNS
    print_table(
        [*usual, *want.columns()],
        [
            [
                *([] if want.alone else row(run, now, alerts[run.key])),
                *(want.cell(i, column.get(run.key), now) for i, column in enumerate(values)),
            ]
            for run in runs
        ],
    )


def _dicts(
    runs: Sequence[RunInfo],
    want: Wanted,
    values: Sequence[Mapping[int, Any]],
    groups: Sequence[Group] | None,
    alerts: Counter[int],
) -> Iterator[dict[str, Any]]:
    labels = {run.key: group.label for group in groups or () for run in group.runs}
    names = [item.text for item in want.items]
    for run in runs:
        found = {name: column.get(run.key) for name, column in zip(names, values, strict=False)}
        grouped = {"group_label": labels[run.key]} if labels else {}
        told = {"alerts": alerts[run.key]}
        yield as_dict(run) | told | ({"columns": found} if found else {}) | grouped
