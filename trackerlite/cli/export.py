"""`trackerlite export`: runs as files that other programs read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackerlite.cli import DONE, NOTHING_MATCHED
from trackerlite.cli._options import dir_option, runs_argument, verb
from trackerlite.cli._output import PlainText, say
from trackerlite.cli._rows import matches
from trackerlite.export import (
    Table,
    write_csv,
    write_jsonl,
    write_parquet,
    write_tensorboard,
    write_wandb,
)
from trackerlite.paths import whole
from trackerlite.readers import Reader
from trackerlite.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence


_SUFFIXES = {
    "": "csv", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip


@verb(
    examples="""
    trackerlite export baseline high-lr -o runs.csv
    trackerlite export baseline -m 'val/*' --format jsonl | head
    trackerlite export baseline --format tensorboard -o tb/
    """
)
@runs_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet", "tensorboard", "wandb"]),
    help="Default: what FILE ends in, else csv.",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Not stdout.")
@click.option(
    "-m", "--metric", "patterns", multiple=True, metavar="KEY", help="Only these; * matches."
)
@dir_option
def command(
    runs: Sequence[str],
    form: str | None,
    output: Path | None,
    patterns: Sequence[str],
    dir: str | None,
) -> int:
    """Write runs as CSV, JSON lines, Parquet, TensorBoard or W&B files.

    One row a step, values with every digit. `trackerlite bundle` moves whole runs.
    """
    suffix = output.suffix.lower() if output else ""
    if form is None and suffix not in _SUFFIXES:
        raise click.UsageError(
            f"What {output} is to be does not follow from {suffix!r}: say --format, or end it in "
            f"{', '.join(filter(None, _SUFFIXES))}."
        )
    form = form or _SUFFIXES[suffix]
    if output is None and form in ("parquet", "tensorboard", "wandb"):
        raise click.UsageError(f"{form} cannot go to stdout: name a place with -o.")
    with Reader.open(dir) as reader:
        chosen = list({run.key: run for run in map(reader.run, runs)}.values())
        if form == "tensorboard":
            assert output is not None
            say(f"{counted(write_tensorboard(chosen, output), 'event file')} in {output}.")
            return DONE
        if form == "wandb":
            assert output is not None
            rows = counted(write_wandb(reader, chosen, output), "row")
            say(f"{rows} in {output}: `wandb sync` takes them.")
            return DONE
        table = Table(reader, chosen, lambda name: matches(name, patterns))
        if patterns and not table.keys:
            say(f"None of these runs has a metric like {' or '.join(patterns)}.")
            return NOTHING_MATCHED
        if output is None:
            out = PlainText(sys.stdout) if sys.stdout.isatty() else sys.stdout
            (write_csv if form == "csv" else write_jsonl)(table, out)
            return DONE
        rows = counted(_write(table, form, output), "row")
        say(f"{rows} of {counted(len(chosen), 'run')} in {output}.")
    return DONE


def _write(table: Table, form: str, output: Path) -> int:
    """Write a file whole or not at all."""
    with whole(output) as temporary:
        if form == "parquet":
            count = write_parquet(table, temporary)
        else:
            with open(
                temporary, "w", encoding="utf-8", errors="backslashreplace", newline=""
            ) as out:
                tabs = output.suffix.lower() == ".tsv"
                count = (
                    write_jsonl(table, out)
                    if form == "jsonl"
                    else write_csv(table, out, "\t" if tabs else ",")
                )
    return count
