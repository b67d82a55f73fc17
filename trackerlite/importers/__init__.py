"""Foreign logs into journals: TensorBoard, W&B, MLflow, DVCLive, CSV and JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackerlite.importers.base import ForeignRun

FORMATS = ("tensorboard", "wandb", "mlflow", "dvclive", "table")


def find(path: Path, formats: tuple[str, ...] = FORMATS) -> Iterator[ForeignRun]:
    """Every foreign run at or below `path`, whatever program wrote it.

    Raises:
        NotALog: there is none, or nothing is there.
    """
    from importlib import import_module

    from trackerlite.errors import NotALog

    if not path.exists():
        raise NotALog(f"There is nothing at {path}.")
    found = False
    # A file among a run's own files is not a second run: W&B keeps tables as media.
    taken: set[Path] = set()
    for name in FORMATS:
        if name not in formats:
            continue
        module = {"table": "tables"}.get(name, name)
        for run in import_module(f"{__name__}.{module}").find(path):
            owner = run.source if run.source.is_dir() else run.source.parent
            if name == "table" and any(owner.is_relative_to(folder) for folder in taken):
                continue
            if name != "table":
                taken.add(owner)
            found = True
            yield run
    if not found:
        raise NotALog(
            f"Nothing at {path} is a log of {', '.join(formats)} that can be read. "
            "Tables are files that end in .csv, .tsv or .jsonl."
        )
