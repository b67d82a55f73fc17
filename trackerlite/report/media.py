"""Images, tables, histograms and texts of runs, small enough to go into a page."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trackerlite import paths
from trackerlite.errors import BadInput
from trackerlite.readers import Reader, RunInfo
from trackerlite.text import plain

# Only what a browser shows as a picture or plays; never SVG or HTML, which can hold scripts.
_PICTURES = {
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "gif": "gif",
    "webp": "webp",
    "bmp": "bmp",
}
_SOUNDS = {"wav": "wav", "mp3": "mpeg", "ogg": "ogg", "flac": "flac"}
_FILMS = {"mp4": "mp4", "webm": "webm"}
_ROWS, _CELL = 200, 300


class Gallery:
    """Collects what can be shown, up to a limit, and notes what was left out.

    Args:
        most_bytes: of files, over the whole page.
        per_key: how many of one key of one run; the latest are taken.
    """

    def __init__(self, most_bytes: int = 40 << 20, per_key: int = 8):
        self.most_bytes = most_bytes
        self.per_key = per_key
        self.used = 0
        self.notes: list[str] = []
        self._left_out = 0

    def collect(self, reader: Reader, runs: Sequence[RunInfo]) -> list[dict[str, Any]]:
        """The items of all runs, by key, then run, then step."""
        found: list[dict[str, Any]] = []
        for index, run in enumerate(runs):
            by_key: dict[str, list[Any]] = {}
            for row in reader.values(run.key):
                by_key.setdefault(row.name, []).append(row)
            for key, rows in by_key.items():
                self._left_out += max(0, len(rows) - self.per_key)
                for row in rows[-self.per_key :]:
                    for item in self._items(run, row.value):
                        found.append({"run": index, "key": plain(key), "step": row.step, **item})
        if self._left_out:
            self.notes.append(
                f"{self._left_out:,} older or larger media items are not in this page; they are in the store."
            )
        return sorted(found, key=lambda item: (item["key"], item["run"], item["step"]))

    def _items(self, run: RunInfo, value: Any) -> list[dict[str, Any]]:
        """What one logged value shows as; nothing for what a page cannot show."""
        if isinstance(value, str):
            return [{"kind": "text", "text": _lines(value)}]
        if not isinstance(value, dict):
            return [{"kind": "text", "text": plain(json.dumps(value, ensure_ascii=False), 2000)}]
        kind = str(value.get("_type", ""))
        if kind == "images/separated":
            names = value.get("filenames") or []
            captions = value.get("captions") or [""] * len(names)
            return [
                item
                for name, caption in zip(names, captions, strict=False)
                for item in self._file(run, name, caption)
            ]
        if kind in ("image-file", "audio-file", "video-file"):
            return self._file(run, value.get("path"), value.get("caption"))
        if kind == "histogram":
            return _histogram(value)
        if kind == "table-file":
            return self._table(run, value)
        return [{"kind": "text", "text": plain(json.dumps(value, ensure_ascii=False), 2000)}]

    def _file(self, run: RunInfo, name: Any, caption: Any) -> list[dict[str, Any]]:
        path = _inside(run.folder, name)
        if path is None:
            return []
        suffix = path.suffix.lstrip(".").lower()
        for kind, types in (("image", _PICTURES), ("audio", _SOUNDS), ("video", _FILMS)):
            if suffix in types and (data := self._read(path)) is not None:
                encoded = base64.b64encode(data).decode()
                return [
                    {
                        "kind": kind,
                        "caption": plain(caption or "", _CELL),
                        "source": f"data:{kind}/{types[suffix]};base64,{encoded}",
                    }
                ]
        return []

    def _table(self, run: RunInfo, value: dict[str, Any]) -> list[dict[str, Any]]:
        path = _inside(run.folder, value.get("path"))
        data = None if path is None else self._read(path)
        if data is None:
            return []
        try:
            table = json.loads(data)
            columns, rows = list(table["columns"]), list(table["data"])
        except (ValueError, KeyError, TypeError):
            return []
        plot = value.get("plot")
        if isinstance(plot, dict) and "confusion_matrix" in str(plot.get("id")):
            matrix = _matrix(rows)
            if matrix is not None:
                return [matrix]
        return [
            {
                "kind": "table",
                "columns": [plain(column, _CELL) for column in columns],
                "rows": [[self._cell(run, cell) for cell in row] for row in rows[:_ROWS]],
                "total": len(rows),
            }
        ]

    def _cell(self, run: RunInfo, value: Any) -> Any:
        if isinstance(value, dict) and value.get("_type") == "image-file":
            shown = self._file(run, value.get("path"), value.get("caption"))
            if shown:
                return {"source": shown[0]["source"]}
        if isinstance(value, str):
            return plain(value, _CELL)
        return plain(json.dumps(value, ensure_ascii=False), _CELL)

    def _read(self, path: Path) -> bytes | None:
        """The file's bytes, or None where it is gone or would make the page too large."""
        try:
            if self.used + path.stat().st_size > self.most_bytes:
                self._left_out += 1
                return None
            data = path.read_bytes()
        except OSError:
            return None
        self.used += len(data)
        return data


def _inside(folder: Path, name: Any) -> Path | None:
    if not isinstance(name, str) or not name:
        return None
    try:
        return paths.inside(folder, name)
    except BadInput:
        return None


def _histogram(value: dict[str, Any]) -> list[dict[str, Any]]:
    counts, bins = value.get("values"), value.get("bins")
    if not (isinstance(counts, list) and isinstance(bins, list) and len(bins) == len(counts) + 1):
        return []
    numbers = (int, float)
    if not all(isinstance(number, numbers) for number in (*counts, *bins)):
        return []
    return [{"kind": "histogram", "counts": counts, "bins": bins}]


def _matrix(rows: list[Any]) -> dict[str, Any] | None:
    """A confusion matrix from its rows (actual, predicted, count)."""
    try:
        names = list(dict.fromkeys(str(row[0]) for row in rows))
        place = {name: index for index, name in enumerate(names)}
        counts = [[0.0] * len(names) for _ in names]
        for actual, predicted, count in rows:
            counts[place[str(actual)]][place[str(predicted)]] = float(count)
    except (TypeError, ValueError, KeyError, IndexError):
        return None
    return {"kind": "matrix", "names": [plain(name, 60) for name in names], "counts": counts}


def _lines(text: str) -> str:
    return "\n".join(plain(line.expandtabs(4), 2000) for line in text[:20_000].splitlines())
