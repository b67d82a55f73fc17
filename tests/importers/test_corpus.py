"""Logs that other programs wrote in the wild: each is read as its own program reads it.

The corpus is found by $TRACKERLITE_CORPUS. Its manifest says how many points the reference
reader (TensorBoard's loader, wandb's, MLflow's) finds in each file.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trackerlite.importers import find, tensorboard
from trackerlite.importers.base import Item
from trackerlite.importers.files import keeper

CORPUS = Path(os.environ.get("TRACKERLITE_CORPUS", "/nonexistent"))


def manifest() -> list[dict[str, str]]:
    if not (CORPUS / "MANIFEST.tsv").is_file():
        return []
    with open(CORPUS / "MANIFEST.tsv", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if not _is_aside(row)]


def _is_aside(row: dict[str, str]) -> bool:
    """Files that lie beside a log, and one that is empty."""
    return row["file"].endswith((".yaml", ".json")) or row["size"] == "0"


def items_of(row: dict[str, str], folder: Path) -> Iterator[Item]:
    path = CORPUS / row["file"]
    if row["kind"] == "tfevents":
        # One file of a folder that holds several.
        yield from tensorboard._items(path, keeper(folder))
        return
    for run in find(path):
        for part in run.parts():
            yield from part.items(keeper(folder))


def _numbers(item: Item) -> dict[str, Any]:
    """What W&B charts: numbers, and truth values as such."""
    return item.numbers | {k: v for k, v in item.others.items() if isinstance(v, bool)}


@pytest.mark.skipif(not manifest(), reason="set TRACKERLITE_CORPUS to a folder of real logs")
@pytest.mark.parametrize("row", manifest(), ids=lambda row: row["file"][-60:])
def test_every_point_is_read(row: dict[str, str], tmp_path: Path) -> None:
    """As many metrics and as many points as the reference reader finds, none invented."""
    items = list(items_of(row, tmp_path))
    found = [_numbers(item) for item in items]
    assert sum(map(len, found)) == int(row["scalar_points"])
    # MLflow counts a metric of two runs as two.
    if row["kind"] != "mlruns":
        assert len({key for numbers in found for key in numbers}) == int(row["scalar_tags"])
