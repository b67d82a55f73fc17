"""What single screens need besides runs and curves; loaded in the feed's thread."""

from __future__ import annotations

import calendar
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite.paths import inside
from trackerlite_tui.snapshot import DetailKey
from trackerlite_tui.text import block

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo

Cache = dict[DetailKey, Any]
Runs = Mapping[int, "RunInfo"]
_CONSOLE_BYTES = 4 * 2**20
_CONSOLE_LINES = 50_000
_TABLE_BYTES = 32 * 2**20
_TABLE_ROWS = 10_000
_KEPT_PICTURES = 40
_COLORS = re.compile(r"\x1b\[[\d;:]*[mK]")  # and "erase the rest of the line"
_LAST_FOLDER_PART = "console.log"


def load(reader: Reader, key: DetailKey, runs: Runs, cache: Cache) -> Any:
    """One detail by its key: (name, *arguments)."""
    return LOADERS[key[0]](reader, key, runs, cache)


def _compare(reader: Reader, key: DetailKey, runs: Runs, _: Cache) -> Any:
    """("compare", baseline's index, run keys…) to a Comparison."""
    from trackerlite.readers.compare import compare

    return compare(reader, [runs[k] for k in key[2:] if k in runs], key[1])


def _values(reader: Reader, key: DetailKey, _: Runs, __: Cache) -> Any:
    """("values", run key) to what it logged that is no number, by name."""
    found: dict[str, list[Any]] = {}
    for row in reader.values(key[1]):
        name = row.name if not row.rank else f"{row.name} [rank {row.rank}]"
        found.setdefault(name, []).append(row)
    return found


@dataclass
class ConsoleLine:
    """One line that a run printed; time in unix seconds, 0 where it is not known."""

    at: float
    source: str
    text: str


@dataclass
class Console:
    """The end of a run's console log, and how far it was read."""

    lines: list[ConsoleLine] = field(default_factory=list)
    offset: int = 0
    rest: bytes = b""
    cut: bool = False  # the beginning was left out


def _console(_: Reader, key: DetailKey, runs: Runs, cache: Cache) -> Any:
    """("console", run key) to its Console; only what is new is read."""
    run = runs.get(key[1])
    if run is None:
        return Console()
    path = run.folder / _LAST_FOLDER_PART
    kept = cache.get(key)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not isinstance(kept, Console) or size < kept.offset:
                kept = Console()
                if size > _CONSOLE_BYTES:
                    kept.offset, kept.cut = size - _CONSOLE_BYTES, True
            file.seek(kept.offset)
            data = kept.rest + file.read(_CONSOLE_BYTES)
            offset = file.tell()
    except OSError:
        return Console()
    whole, mark, rest = data.rpartition(b"\n")
    fresh = whole.split(b"\n") if mark else []
    if kept.cut and not kept.lines and fresh:
        fresh = fresh[1:]  # began in the middle of a line
    lines = kept.lines + [_console_line(line) for line in fresh]
    made = Console(lines[-_CONSOLE_LINES:], offset, rest, kept.cut or len(lines) > _CONSOLE_LINES)
    cache[key] = made
    return made


def _console_line(raw: bytes) -> ConsoleLine:
    """`2026-01-31T12:00:00.123Z out text`; anything else is a line without a time."""
    text = raw.decode("utf-8", "replace")
    stamp, _, rest = text.partition(" ")
    source, _, body = rest.partition(" ")
    if len(stamp) == 24 and stamp.endswith("Z"):
        try:
            at = _second(stamp[:19]) + float(stamp[19:23])
            return ConsoleLine(at, source, _printed(body))
        except ValueError:
            pass
    return ConsoleLine(0.0, "", _printed(text))


@lru_cache(maxsize=256)
def _second(stamp: str) -> int:
    """A second as a clock writes it; many lines share one."""
    return calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S"))


def _printed(text: str) -> str:
    """A line without its colours, which say nothing by themselves; other controls stay visible."""
    return block(_COLORS.sub("", text))[0]


def _table(_: Reader, key: DetailKey, runs: Runs, cache: Cache) -> Any:
    """("table", run key, path) to (columns, rows)."""
    if key in cache:
        return cache[key]
    path = _media_path(runs, key)
    if path.stat().st_size > _TABLE_BYTES:
        raise ValueError(f"the table is larger than {_TABLE_BYTES >> 20} MiB; open {path}")
    body = json.loads(path.read_text("utf-8"))
    found = [str(c) for c in body["columns"]], list(body["data"])[:_TABLE_ROWS]
    cache[key] = found
    return found


def _image(_: Reader, key: DetailKey, runs: Runs, cache: Cache) -> Any:
    """("image", run key, path, columns, rows) to rows of pixels, two a cell high."""
    if key in cache:
        return cache[key]
    from trackerlite_tui.graphics import open_image, resized

    image, wide, high = open_image(_media_path(runs, key), key[3], key[4])
    data = resized(image, (wide, 2 * high)).tobytes()
    pixels = [
        [(data[i], data[i + 1], data[i + 2]) for i in range(y * wide * 3, (y + 1) * wide * 3, 3)]
        for y in range(2 * high)
    ]
    return _keep(cache, key, pixels)


def _graphic(_: Reader, key: DetailKey, runs: Runs, cache: Cache) -> Any:
    """("graphic", run key, path, columns, rows, way, cell's width, its height) to a picture of the
    terminal's own: (columns, rows, what draws it)."""
    if key in cache:
        return cache[key]
    from trackerlite_tui.graphics import encode, open_image
    from trackerlite_tui.terminal import Graphics

    image, wide, high = open_image(_media_path(runs, key), key[3], key[4])
    data = encode(image, wide, high, Graphics(key[5], (key[6], key[7])))
    return _keep(cache, key, (wide, high, data))


def _keep(cache: Cache, key: DetailKey, found: Any) -> Any:
    """Scrubbing back is at once; a long scrub does not fill the memory."""
    same = [other for other in cache if other[0] == key[0]]
    for old in same[: max(0, len(same) - _KEPT_PICTURES)]:
        del cache[old]
    cache[key] = found
    return found


def _text_file(_: Reader, key: DetailKey, runs: Runs, cache: Cache) -> Any:
    """("file", run key, path) to the beginning of a text file."""
    if key not in cache:
        with _media_path(runs, key).open("rb") as file:
            cache[key] = file.read(200_000).decode("utf-8", "replace")
    return cache[key]


def _media_path(runs: Runs, key: DetailKey) -> Path:
    run = runs.get(key[1])
    if run is None:
        raise ValueError("the run is gone")
    return inside(run.folder, key[2])


def _sync(reader: Reader, _: DetailKey, runs: Runs, cache: Cache) -> Any:
    """("sync",) to the Account."""
    from trackerlite_tui import syncing

    return syncing.load(reader, runs, cache)


LOADERS: dict[str, Callable[[Any, DetailKey, Runs, Cache], Any]] = {
    "compare": _compare,
    "values": _values,
    "console": _console,
    "table": _table,
    "image": _image,
    "graphic": _graphic,
    "file": _text_file,
    "sync": _sync,
}
