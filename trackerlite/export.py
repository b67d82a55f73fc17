"""Runs out of the store: CSV, JSON lines, Parquet, TensorBoard and W&B files.

Rows are those that `sync` sends: one a step, the last value of a key wins, rewound points left
out. TensorBoard gets the journals themselves, which are its own files.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trackerlite.errors import ExportError
from trackerlite.paths import safe_name
from trackerlite.readers import Reader, RunInfo
from trackerlite.readers.history_rows import HistoryRows, Row
from trackerlite.store.journals import EDITS_FILE, journals_of

if TYPE_CHECKING:
    import pyarrow as pa


_BATCH = 20_000
_LEADING = ("run", "step", "time")
_LEADING_BESIDE_METRICS = ("_run", "_step", "_timestamp")


class Out(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> object:
        """Take more text."""


class Table:
    """The rows of some runs as one table.

    Args:
        wanted: says of a metric's name whether it becomes a column.

    Attributes:
        keys: the columns besides run (`project/id`), step and time (Unix seconds).
        leading: what those three are called: `_run`, `_step` and `_timestamp` where a metric has
            one of the plain names.
    """

    def __init__(self, reader: Reader, runs: Sequence[RunInfo], wanted: Callable[[str], bool]):
        self._reader = reader
        self._runs = runs

        def rename(name: str, _lane: str, rank: int, _last: Any) -> str | None:
            return None if not wanted(name) else name if rank == 0 else f"rank{rank}/{name}"

        self._histories = [
            (run, HistoryRows(reader.connection, run.key, "history", rename)) for run in runs
        ]
        self.keys = sorted({name for _, history in self._histories for name in history.names})
        taken = not set(_LEADING).isdisjoint(self.keys)
        self.leading = _LEADING_BESIDE_METRICS if taken else _LEADING

    def rows(self) -> Iterator[tuple[RunInfo, Row]]:
        """Every row, run by run, steps rising."""
        for run, history in self._histories:
            for row in history.streamed():
                yield run, row

    def texts(self) -> set[str]:
        """The keys that hold anything but numbers in some run."""
        found = {s.name for s in self._reader.series([r.key for r in self._runs], stream="value")}
        return {key for key in self.keys if key.split("/", 1)[-1] in found or key in found}


def write_csv(table: Table, out: Out, delimiter: str = ",") -> int:
    """Columns run, step, time and one a key; returns the number of rows.

    Numbers come with every digit, texts as they are, all else as JSON.
    """
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow([*table.leading, *table.keys])
    count = 0
    for run, row in table.rows():
        cells = [_cell(row.values[key]) if key in row.values else "" for key in table.keys]
        writer.writerow([run.ref, row.step, repr(row.time), *cells])
        count += 1
    return count


def write_jsonl(table: Table, out: Out) -> int:
    """One object a line, with `_run` and W&B's `_step` and `_timestamp`; returns the number of rows.

    NaN and the infinities, which JSON does not have, are the strings W&B writes.
    """
    count = 0
    for run, row in table.rows():
        start = {"_run": run.ref, "_step": row.step, "_timestamp": row.time}
        values = {key: _strict(value) for key, value in row.values.items()}
        out.write(json.dumps({**start, **values}, allow_nan=False) + "\n")
        count += 1
    return count


def write_parquet(table: Table, path: Path) -> int:
    """Columns as in CSV: float64 for numbers, text or JSON text for the rest.

    Raises:
        ExportError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ExportError(
            "Parquet needs pyarrow: pip install 'trackerlite[parquet]'. csv and jsonl need nothing."
        ) from None
    texts = table.texts()
    fields = [*zip(table.leading, (pa.string(), pa.int64(), pa.float64()), strict=True)]
    fields += [(key, pa.string() if key in texts else pa.float64()) for key in table.keys]
    schema = pa.schema(fields)
    count = 0
    # A file of ours: pyarrow's own errors are told in its words.
    with open(path, "wb") as file, pq.ParquetWriter(file, schema) as writer:
        batch: list[dict[str, Any]] = []
        for run, row in table.rows():
            values = {k: _cell(v) if k in texts else float(v) for k, v in row.values.items()}
            own = zip(table.leading, (run.ref, row.step, row.time), strict=True)
            batch.append({**dict(own), **values})
            count += 1
            if len(batch) >= _BATCH:
                writer.write_table(_parquet_batch(batch, schema))
                batch = []
        writer.write_table(_parquet_batch(batch, schema))
    return count


def _parquet_batch(batch: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(batch, schema=schema)


def write_tensorboard(runs: Sequence[RunInfo], folder: Path) -> int:
    """Copies of the journals below `folder`, a folder a run (and rank); returns their number.

    Raises:
        ExportError: a file of that name is there already.
    """
    count = 0
    for run in runs:
        target = folder / safe_name(run.project) / run.folder.name
        for journal in journals_of(run.folder):
            if journal.path.name == EDITS_FILE:
                continue
            copy = target / journal.path.relative_to(run.folder)
            if copy.exists():
                raise ExportError(
                    f"{copy} is there already; it was left alone. Choose another folder."
                )
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(journal.path, copy)
            count += 1
    return count


def write_wandb(reader: Reader, runs: Sequence[RunInfo], folder: Path) -> int:
    """An offline run's folder for each run, as `wandb sync` takes them; returns the rows written.

    Media come along; artifacts only travel with `trackerlite sync`, which asks the server.

    Raises:
        ExportError: a run's folder is there already.
        WandbMissing: the wandb package is not installed.
    """
    from trackerlite.backends.base import Cursor
    from trackerlite.sync.destination import remote_id, remote_project
    from trackerlite.sync.plan import Plan
    from trackerlite.sync.proto import wandb_records
    from trackerlite.sync.source import LocalRun
    from trackerlite.sync.write import folder_name, write_segment

    wandb, nothing, count = wandb_records(), Cursor(False), 0
    for run in runs:
        local, run_id = LocalRun(reader, run, ""), remote_id(run.id)
        target = folder / folder_name(run_id, run.started)
        if target.exists():
            raise ExportError(
                f"{target} is there already; it was left alone. Choose another folder."
            )
        folder.mkdir(parents=True, exist_ok=True)
        segment = write_segment(
            wandb, local, Plan(0), nothing, target,
            entity=str(local.environment.get("entity") or ""), project=remote_project(run.project),
            run_id=run_id, media=local.media(), max_rows=2**62,
        )  # fmt: skip
        count += segment.rows
    return count


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, (int, float)) else json.dumps(value, ensure_ascii=False)


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _strict(inner) for key, inner in value.items()}
    return [_strict(inner) for inner in value] if isinstance(value, list) else value
