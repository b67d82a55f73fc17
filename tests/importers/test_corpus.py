"""Logs that other programs wrote in the wild: each is read as its own program reads it.

The corpus is found by $TRACKERLITE_CORPUS. Its manifest says how many points the reference
reader (TensorBoard's loader, wandb's, MLflow's) finds in each file.
"""

from __future__ import annotations

import csv
import json
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


def rows_of(kind: str) -> list[dict[str, str]]:
    return [row for row in manifest() if row["kind"] == kind]


@pytest.mark.skipif(not manifest(), reason="set TRACKERLITE_CORPUS to a folder of real logs")
@pytest.mark.parametrize("row", rows_of("tfevents"), ids=lambda row: row["file"][-60:])
def test_tensorboard_reads_the_same(row: dict[str, str], tmp_path: Path) -> None:
    """Every scalar of TensorBoard's own loader is there with its step, time and value, in order."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    theirs = []
    scalars = set()  # a tag's plugin is told by its first value only
    for event in EventFileLoader(str(CORPUS / row["file"])).Load():
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "scalars":
                scalars.add(value.tag)
            if value.tag in scalars and value.HasField("tensor"):
                number = make_ndarray(value.tensor).item()
                theirs.append((event.wall_time, event.step, value.tag, number))
    ours = [
        (item.time, item.step, key, number)
        for item in items_of(row, tmp_path)
        for key, number in item.numbers.items()
    ]
    assert [repr(point) for point in ours] == [repr(point) for point in theirs]


@pytest.mark.skipif(not manifest(), reason="set TRACKERLITE_CORPUS to a folder of real logs")
@pytest.mark.parametrize("row", rows_of("wandb"), ids=lambda row: row["file"][-60:])
def test_wandb_reads_the_same(row: dict[str, str], tmp_path: Path) -> None:
    """Decoded by W&B's own classes, every history row holds what we read, to the last digit."""
    messages = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    from trackerlite.importers.wandb_log import records

    theirs = []
    for payload in records(CORPUS / row["file"]):
        record = messages.Record.FromString(payload)
        if record.WhichOneof("record_type") == "history":
            found = {}
            for item in record.history.item:
                name = item.key or ".".join(item.nested_key)
                if name.split(".")[0] in ("_step", "_timestamp", "_runtime", "_wandb"):
                    continue
                value = json.loads(item.value_json) if item.value_json else _typed(item)
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    found[name] = value
            theirs.append(found)
    items = items_of(row, tmp_path)
    ours = [item.numbers for item in items if item.record is None]
    # Rows without a number may be rows of other things, or of nothing.
    assert [repr(r) for r in map(_flat, ours) if r] == [repr(r) for r in map(_flat, theirs) if r]


def _typed(item: Any) -> Any:
    kind = item.WhichOneof("value_type")
    return None if kind in (None, "none") else getattr(item, kind)


def _flat(row: dict[str, Any]) -> list[tuple[str, Any]]:
    """Without media, whose parts W&B writes as nested keys."""
    return sorted((key, value) for key, value in row.items() if key.split(".")[-1] not in _MEDIA)


_MEDIA = {"size", "width", "height", "count", "nrows", "ncols"}
