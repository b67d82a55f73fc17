"""`trackerlite bundle`: runs as one file, for the USB stick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackerlite.bundle import pack
from trackerlite.cli._options import dir_option, json_option, runs_argument, verb
from trackerlite.cli._output import emit, say
from trackerlite.readers import Reader
from trackerlite.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence


@verb(
    examples="""
    trackerlite bundle baseline high-lr -o runs.zip
    trackerlite import runs.zip
    """
)
@runs_argument
@click.option(
    "-o", "--output", required=True, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
@dir_option
def command(runs: Sequence[str], output: Path, force: bool, as_json: bool, dir: str | None) -> None:
    """Pack runs, artifacts and checksums included, into one file.

    `trackerlite import` takes it in elsewhere. A run that is still being written is packed as
    it is now; pack and import it again later.
    """
    with Reader.open(dir) as reader:
        chosen = {run.key: run for run in map(reader.run, runs)}
        packed = pack(reader, list(chosen.values()), output, force=force)
    if as_json:
        emit(
            {
                "path": str(packed.path),
                "runs": packed.runs,
                "files": packed.files,
                "bytes": packed.size,
            }
        )
        return
    count = f"{counted(len(packed.runs), 'run')}, {counted(packed.files, 'file')}"
    say(f"{output}: {count}, {output.stat().st_size / 1e6:.1f} MB.")
    say(f"On the other machine: trackerlite import {output.name}")
