"""`trackerlite search`: find runs, here or at Weights & Biases, with the same filter language."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._human import ago, number, value
from trackerlite.cli._options import Filtering, dir_option, json_option, verb
from trackerlite.cli._output import emit_rows, say
from trackerlite.cli._runs import STATE_STYLES
from trackerlite.cli._table import Column, print_table

if TYPE_CHECKING:
    from trackerlite.backends.base import Backend, Experiment
    from trackerlite.readers.filters import Filter


@verb(
    examples="""
    trackerlite search "val/f1>0.9 tag:lora"
    trackerlite search "loss<0.1" --on wandb --project lora-runs
    trackerlite search "" --on wandb --entity my-team --limit 20 --json
    """,
    cls=Filtering,
)
@click.argument("filter_", metavar="FILTER")
@click.option("--on", type=click.Choice(["local", "wandb"]), default="local", help="Where.")
@click.option("--project", metavar="NAME", help="Only this project.")
@click.option("--entity", metavar="NAME", help="The team or user there.")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Stop after so many.")
@json_option
@dir_option
def command(
    filter_: str,
    on: str,
    project: str | None,
    entity: str | None,
    limit: int | None,
    as_json: bool,
    dir: str | None,
) -> int:
    """Find runs that FILTER lets pass (`trackerlite help filters` explains it)."""
    from trackerlite.readers.filters import Filter

    parsed = Filter(filter_)  # a mistake is said before anything is asked of a server
    with _backend(on, dir, entity) as backend:
        found = list(backend.search_experiments(filter_, project, limit))
    if as_json:
        emit_rows(map(_as_dict, found))
    elif found:
        _print(found, _keys(parsed))
    if found:
        return 0
    say(f"No run {'at W&B' if on == 'wandb' else 'here'} passes {filter_!r}.")
    return NOTHING_MATCHED


def _backend(on: str, dir: str | None, entity: str | None) -> Backend:
    if on == "wandb":
        from trackerlite.backends.wandb import WandbBackend

        return WandbBackend(dir, entity)
    from trackerlite.backends.local import LocalBackend
    from trackerlite.paths import existing_store

    existing_store(dir)  # where there is none, that nothing passes would be half the truth
    return LocalBackend(dir)


def _as_dict(one: Experiment) -> dict[str, Any]:
    """Its fields; `id` is what `ls --json` calls so, `run` with the project (and entity) before it."""
    return {"run": one.id, **asdict(one), "id": one.id.rpartition("/")[2]}


def _keys(parsed: Filter) -> list[str]:
    """The metrics and config keys that the filter is about: each gets a column."""
    from trackerlite.readers.filters.syntax import Param, Series, Summary

    operands = [item.operand for item in parsed.operands()]
    return [o.key for o in operands if isinstance(o, (Param, Series, Summary))]


def _print(found: Sequence[Experiment], keys: Sequence[str]) -> None:
    columns = [
        Column("state", style=STATE_STYLES.get),
        Column("run", style="cyan"),
        Column("name", shrink=12, style="bold"),
        Column("started", right=True),
        Column("steps", right=True),
        *(Column(key, shrink=8, right=True) for key in keys),
        Column("tags", shrink=8, drop=1),
    ]
    now = time.time()
    print_table(columns, [_row(one, keys, now) for one in found])


def _row(one: Experiment, keys: Sequence[str], now: float) -> list[Any]:
    return [
        one.state,
        one.id,
        one.name,
        ago(one.started, now),
        "" if one.steps is None else one.steps,
        *(_shown(one.summary.get(key, one.config.get(key))) for key in keys),
        ", ".join(one.tags),
    ]


def _shown(found: Any) -> str:
    if found is None:
        return ""
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return number(found)
    return value(found, 40)
