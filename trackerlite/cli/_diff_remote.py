"""`trackerlite diff` where a run is at Weights & Biases: `wandb:entity/project/id`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from trackerlite.backends.base import Experiment, compare
from trackerlite.cli._human import number, value
from trackerlite.cli._output import emit, say
from trackerlite.cli._table import Column, print_table

PREFIX = "wandb:"


def diff(references: Sequence[str], dir: str | None, everything: bool, as_json: bool) -> int:
    """Config and summary side by side, each run from where it is."""
    found = [_find(reference, dir) for reference in references]
    comparison = compare(found)
    tables = {"config": comparison.config, "summary": comparison.summary}
    if not everything:
        tables = {name: _differing(table) for name, table in tables.items()}
    if as_json:
        emit({"runs": [asdict(one) for one in found], **tables})
        return 0
    columns = [Column("key", shrink=16), *(Column(one.name, shrink=10) for one in found)]
    rows = [
        [f"{name}.{key}" if name == "config" else key, *map(_shown, values)]
        for name, table in tables.items()
        for key, values in table.items()
    ]
    if rows:
        print_table(columns, [["run", *(one.id for one in found)], *rows])
    else:
        say("Nothing differs. --all shows what they share.")
    return 0


def _find(reference: str, dir: str | None) -> Experiment:
    if reference.startswith(PREFIX):
        from trackerlite.backends.wandb import WandbBackend

        with WandbBackend(dir) as remote:
            return remote.get_experiment(reference.removeprefix(PREFIX))
    from trackerlite.backends.local import LocalBackend

    with LocalBackend(dir) as local:
        return local.get_experiment(reference)


def _differing(table: Any) -> dict[str, tuple[Any, ...]]:
    return {key: values for key, values in table.items() if any(v != values[0] for v in values)}


def _shown(found: Any) -> str:
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return number(found)
    return "" if found is None else value(found, 60)
