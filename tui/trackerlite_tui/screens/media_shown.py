"""One medium, table or text as the media screen shows it: in its room, and in full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trackerlite.readers.kinds import kind_of
from trackerlite.text import counted
from trackerlite_tui.rows import Row, row_width, words
from trackerlite_tui.snapshot import DetailKey
from trackerlite_tui.text import safe
from trackerlite_tui.widgets import exhibit, plots, record

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo, ValueRow
    from trackerlite_tui.desk import Desk


class Shown:
    """From a recorded value to rows; files come through the desk's snapshot."""

    desk: Desk
    bands = False  # histograms as bands, not as a heat map
    _place = 0  # which of several pictures
    _room = (60, 30)

    def _file(self, run: RunInfo, value: Any) -> DetailKey | None:
        if not isinstance(value, dict):
            return None
        kind = value.get("_type")
        columns, rows = self._room
        path = value.get("path")
        if kind == "images/separated" and value.get("filenames"):
            names = value["filenames"]
            path, kind = names[self._place % len(names)], "image-file"
        if not isinstance(path, str):
            return None
        if kind == "image-file":
            return ("image", run.key, path, max(1, columns - 2), max(1, rows - 2))
        if kind == "table-file":
            return ("table", run.key, path)
        if kind == "html-file":
            return ("file", run.key, path)
        return None

    def _graphic(self, file: DetailKey) -> list[DetailKey]:
        """The same picture as the terminal draws it, where it does and colours are wanted."""
        graphics = self.desk.graphics
        if graphics is None or file[0] != "image" or not self.desk.look.ink.colored:
            return []
        return [("graphic", *file[1:], graphics.way, *graphics.cell)]

    def _body(
        self, run: RunInfo, name: str, history: list[ValueRow], index: int, columns: int, rows: int
    ) -> list[Row]:
        look = self.desk.look
        value = history[index].value
        if isinstance(value, dict) and value.get("_type") == "histogram":
            if self.bands:
                return exhibit.bands(history, name, columns, rows, look)
            upper = rows * 3 // 5 if len(history) > 1 else 0
            out = exhibit.heat_map(history, index, columns, upper, look) if upper > 3 else []
            return [*out, [], *exhibit.bars(value, columns, rows - len(out) - 1, look)]
        key = self._file(run, value)
        if key is not None:
            return self._from_file(key, value, columns, rows)
        return self._plain(run, value, columns)

    def _plain(self, run: RunInfo, value: Any, columns: int) -> list[Row]:
        """What is no picture and no table: text, where a file is, or JSON."""
        look = self.desk.look
        if isinstance(value, str):
            return exhibit.prose(value, columns, look)
        if isinstance(value, dict) and "path" in value:
            return exhibit.prose(
                f"{kind_of(value)}: {run.folder / str(value['path'])}", columns, look
            )
        return exhibit.prose(
            json.dumps(value, indent=1, ensure_ascii=False, default=str), columns, look
        )

    def _from_file(
        self, key: DetailKey, value: dict[str, Any], columns: int, rows: int
    ) -> list[Row]:
        look = self.desk.look
        found = self.desk.snapshot.details.get(key)
        if isinstance(found, Exception):
            return exhibit.prose(f"It cannot be shown: {_why(found)}", columns, look)
        if found is None:
            return [[("reading …", look.dim)]]
        if key[0] == "image":
            caption = value.get("caption")
            count = value.get("count")
            note = f"{self._place % count + 1} of {count} (tab shows the next)" if count else ""
            tail: list[Row] = [[(safe(str(caption)), look.dim)]] if caption else []
            tail += [[(note, look.dim)]] if note else []
            return exhibit.picture(found, look) + tail
        if key[0] == "table":
            return self._table(found[0], found[1], value, columns, rows)
        return exhibit.prose(str(found), columns, look)

    def _table(
        self,
        names: list[str],
        data: list[list[Any]],
        value: dict[str, Any],
        columns: int,
        rows: int,
    ) -> list[Row]:
        look = self.desk.look
        plot = value.get("plot")
        if isinstance(plot, dict) and data:
            chart = plots.drawn(plot, names, data, columns, rows, look)
            if chart is not None:
                return chart
        body = exhibit.table(names, data[: max(1, rows)], columns, look)
        if len(data) < rows and row_width(body[0]) <= columns + 2:  # two spaces end a row
            return body
        total = record.total_rows(data, value)
        whole = total == len(data) and record.fits(names, data)
        some = "all" if whole else "the first"
        note = (
            f" {counted(total, 'row')}, {counted(len(names), 'column')}: enter reads {some} of them"
        )
        return [*body[: max(1, rows - 1)], [(note, look.dim)]]

    def _in_full(self, run: RunInfo, value: Any, wide: int) -> list[Row] | None:
        look = self.desk.look
        if isinstance(value, dict) and value.get("_type") == "histogram":
            return record.bins(value, look)
        key = self._file(run, value)
        if key is None:
            return self._plain(run, value, wide)
        found = self.desk.snapshot.details.get(key)
        if key[0] == "image" and not isinstance(found, Exception):
            return None
        if not isinstance(found, tuple):
            return self._from_file(key, value, wide, 10_000)
        total = record.total_rows(found[1], value)
        rows = record.table(found[0], found[1], wide, look, total)
        if total > len(found[1]):
            where = safe(f"all {total:,} rows are in {run.folder / str(value['path'])}", 1000)
            rows += [[(line, look.dim)] for line in words(where, wide)]
        return rows


def _why(trouble: Exception) -> str:
    if isinstance(trouble, FileNotFoundError):
        return f"its file is not there: {trouble.filename}"
    return str(trouble)
