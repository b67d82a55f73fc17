"""`trackerlite import`: logs of other programs, and bundles, into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli import DONE, FAILED
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit_rows, say
from trackerlite.errors import TrackerliteError, TransferError
from trackerlite.importers import FORMATS, find
from trackerlite.importers.write import take_in
from trackerlite.paths import store_dir
from trackerlite.readers.freshness import in_words
from trackerlite.text import counted
from trackerlite.unbundle import is_bundle, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@verb(
    examples="""
    trackerlite import runs/ --project vision
    trackerlite import wandb/offline-run-20260102_030405-abc123
    trackerlite import mlruns/ results.csv
    trackerlite import runs.zip
    """
)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, help="Only these.")
@click.option("--project", metavar="NAME", help="The project to import into.")
@click.option("--name", metavar="NAME", help="The run's name, where there is only one.")
@json_option
@dir_option
def command(
    paths: Sequence[Path],
    formats: tuple[str, ...],
    project: str | None,
    name: str | None,
    as_json: bool,
    dir: str | None,
) -> int:
    """Take in TensorBoard, W&B, MLflow, DVCLive, CSV and JSON logs, and bundles.

    Formats are detected. Folders are searched through. What was imported before is passed
    over, so import again when a log has grown.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise click.UsageError(f"There is nothing at {', '.join(missing)}.")
    store = store_dir(dir)
    rows: list[dict[str, Any]] = []
    failures = 0
    for path in paths:
        for done in _import(path, store, formats or FORMATS, project, name):
            if isinstance(done, TrackerliteError):
                failures += 1
                say(str(done))
                continue
            rows.append(done)
            for sentence in done.get("damage", ()):
                say(f"{sentence}.")
            if not as_json:
                brought = done.get("change", f"{done.get('new')} new")
                say(f"{done['format']}  {done['source']} → {done['run']}: {brought}")
    if as_json:
        emit_rows(rows)
    elif rows:
        say(f"{counted(len(rows), 'run')} in {store}. `trackerlite` shows them.")
    return FAILED if failures else DONE


def _import(
    path: Path, store: Path, formats: tuple[str, ...], project: str | None, name: str | None
) -> Iterator[dict[str, Any] | TrackerliteError]:
    """What each run of `path` brought, or why it could not come in: one does not stop the rest."""
    try:
        if path.is_file() and is_bundle(path):
            for run in unpack(path, store):
                about = {"format": "bundle", "source": str(path), "id": run.id}
                yield about | {"run": f"{run.project}/{run.name}", "change": run.change}
            return
        runs = list(find(path, formats))
    except TrackerliteError as error:
        yield error
        return
    except OSError as error:
        yield TransferError(f"{path} was not imported: {in_words(error)}.")
        return
    if name and len(runs) > 1:
        raise click.UsageError(f"--name is for one run, and {path} holds {len(runs)}.")
    for foreign in runs:
        try:
            done = take_in(foreign, store, project=project, name=name)
        except TrackerliteError as error:
            yield error
            continue
        except OSError as error:
            yield TransferError(f"{foreign.source} was not imported: {in_words(error)}.")
            continue
        yield {
            "format": foreign.format,
            "source": str(foreign.source),
            "id": foreign.id,
            "run": f"{project or foreign.project}/{name or foreign.name}",
            "new": done.new,
            "known": done.known,
            "damage": list(foreign.damage),
        }
