"""Tables, and the plots that W&B draws from one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from trackerlite import values
from trackerlite.capture import known
from trackerlite.capture.redact import REDACTED, redact_text, redact_value
from trackerlite.errors import BadInput
from trackerlite.media import tensorboard
from trackerlite.media.base import Body, Later, Media, Written, write_file

AT_ONCE = 2_000  # cells that are encoded within the log call
_BLOCK = 1_000  # cells encoded in one go: a moment of the interpreter's lock


class Table(Media):
    """Rows under named columns; cells are numbers, text, None, lists, or media.

    Args:
        columns: their names.
        data: rows of that length: lists, or a 2-d array.
        dataframe: pandas or polars, instead of both.

    >>> import trackerlite as tl
    >>> table = tl.Table(columns=["text", "score"])
    >>> table.add_data("a key in a comment", 0.93)
    >>> table.data
    [['a key in a comment', 0.93]]
    """

    folder = "table"

    def __init__(
        self,
        columns: Iterable[Any] | None = None,
        data: Any = None,
        rows: Any = None,
        dataframe: Any = None,
        log_mode: str = "IMMUTABLE",
        **_: Any,
    ) -> None:
        self.log_mode = log_mode
        if dataframe is not None:
            columns, data = _frame(dataframe)
        elif data is not None and type(data).__module__.startswith(("pandas", "polars")):
            columns, data = _frame(data)
        self.columns: list[Any] = list(columns or ["Input", "Output", "Expected"])
        data = rows if data is None else data
        if hasattr(data, "tolist"):
            data = data.tolist()
        self.data: list[list[Any]] = list(map(list, data)) if data is not None else []
        for row in self.data:
            if len(row) != len(self.columns):
                self._refuse(row)

    def add_data(self, *data: Any) -> None:
        """Append one row.

        Raises:
            BadInput: it has not one value per column.
        """
        if len(data) != len(self.columns):
            self._refuse(data)
        self.data.append(list(data))

    def _refuse(self, row: Sequence[Any]) -> NoReturn:
        raise BadInput(
            f"A row of {len(row)} values does not fit a table of {len(self.columns)} columns "
            f"({', '.join(map(str, self.columns))[:120]}); it was not added."
        )

    def add_row(self, *row: Any) -> None:
        """As `add_data`."""
        self.add_data(*row)

    def add_column(self, name: str, data: Iterable[Any]) -> None:
        """Append a column, one value per row.

        Raises:
            BadInput: their number is another.
        """
        column = list(data)
        if self.data and len(column) != len(self.data):
            raise BadInput(
                f"A column of {len(column)} values does not fit a table of {len(self.data)} rows."
            )
        self.data = self.data or [[] for _ in column]
        self.columns.append(name)
        for row, value in zip(self.data, column, strict=True):
            row.append(value)

    def get_column(self, name: str, convert_to: str | None = None) -> Any:
        """The values of a column; `convert_to="numpy"` as an array."""
        index = self.columns.index(name)
        found = [row[index] for row in self.data]
        if convert_to == "numpy":
            import numpy as np

            return np.asarray(found)
        return found

    def __len__(self) -> int:
        return len(self.data)

    def _about(self) -> Body:
        """What a plot adds to the JSON."""
        return {}

    def _trackerlite_media(
        self, folder: Path, key: str, step: int, later: Later | None = None
    ) -> Written:
        name = self._file(key, step, ".table.json")
        rows, columns = list(self.data), list(self.columns)
        body: Body = {
            "_type": "table-file",
            "path": name,
            "ncols": len(columns),
            "nrows": len(rows),
        }
        body |= {"log_mode": self.log_mode, **self._about()}

        def write() -> Written:
            chunks = _json(columns, rows, folder, key, step)
            sha256, size = write_file(folder / name, chunks)
            shown = tensorboard.markdown(columns, rows[: tensorboard.MOST_ROWS], len(rows))
            return {**body, "sha256": sha256, "size": size}, shown

        cells = len(rows) * len(columns)
        if later is not None and cells > AT_ONCE and later(write, cells * 64):
            return body, b""
        return write()


class Plot(Table):
    """A table together with how W&B draws it.

    Attributes:
        spec: the name of W&B's chart, e.g. "wandb/confusion_matrix/v1".
        fields: chart field → column. strings: chart text → text (title, axes).
    """

    def __init__(
        self,
        spec: str,
        columns: list[str],
        data: Any,
        fields: dict[str, str],
        strings: dict[str, str] | None = None,
        split_table: bool = False,
    ) -> None:
        super().__init__(columns=columns, data=data)
        self.spec, self.fields, self.strings = spec, fields, strings or {}
        self.split_table = split_table

    def _about(self) -> Body:
        plot: Body = {"id": self.spec, "fields": self.fields, "strings": self.strings}
        if self.split_table:
            plot["split_table"] = True
        return {"plot": plot}


def _frame(frame: Any) -> tuple[list[Any], Any]:
    columns = [str(name) for name in frame.columns]
    if hasattr(frame, "rows"):
        return columns, frame.rows()
    return columns, frame.itertuples(index=False, name=None)


def _json(
    columns: list[Any], rows: list[list[Any]], folder: Path, key: str, step: int
) -> Iterator[bytes]:
    """W&B's table file, in pieces, so that nobody waits long for the interpreter's lock."""
    yield (
        b'{"columns": '
        + json.dumps(redact_value("", columns), default=str).encode()
        + b', "data": ['
    )
    per_block = max(1, _BLOCK // max(1, len(columns)))
    for start in range(0, len(rows), per_block):
        block = [
            [_cell(value, folder, key, step) for value in row]
            for row in rows[start : start + per_block]
        ]
        text = json.dumps(block, ensure_ascii=False)[1:-1]
        if redact_text(text) != text:  # rarely: then cell by cell, so that it stays JSON
            block = [[redact_value("", cell) for cell in row] for row in block]
            text = known.scrub(json.dumps(block, ensure_ascii=False)[1:-1], REDACTED)
        yield (b", " if start else b"") + text.encode("utf-8", "backslashreplace")
    yield b"]}"


def _cell(value: Any, folder: Path, key: str, step: int) -> Any:
    kind = type(value)
    if kind is str or kind is float or kind is int or value is None or kind is bool:
        return value
    if isinstance(value, Media):
        return value._trackerlite_media(folder, key, step)[0]
    return values.jsonable(value)
