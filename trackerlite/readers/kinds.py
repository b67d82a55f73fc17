"""What a logged value is, in words: a picture's size says more to a reader than its JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NAMES = {
    "image-file": "picture",
    "images/separated": "pictures",
    "table-file": "table",
    "histogram": "histogram",
    "html-file": "html",
    "audio-file": "sound",
    "video-file": "video",
}


def kind_of(value: Any) -> str:
    """What a logged value is, in one word.

    >>> kind_of({"_type": "image-file"}), kind_of("a"), kind_of([1]), kind_of(1.5)
    ('picture', 'text', 'list', 'value')
    >>> kind_of({"_type": "table-file", "plot": {"id": "wandb/confusion_matrix/v1"}})
    'confusion matrix'
    """
    if is_media(value):
        if isinstance(value.get("plot"), dict):
            chart = str(value["plot"].get("id", "plot")).removeprefix("wandb/")
            return chart.split("/")[0].replace("_", " ")
        return _NAMES.get(str(value["_type"]), str(value["_type"]))
    return {str: "text", list: "list", dict: "mapping", bool: "true or false"}.get(
        type(value), "value"
    )


def is_media(value: Any) -> bool:
    """Whether a value is an image, a table, a histogram or the like: no number, no text."""
    return isinstance(value, dict) and "_type" in value


def described(value: dict[str, Any]) -> str:
    """A media value on one line: its kind, its measure, and the file it is in.

    >>> described({"_type": "image-file", "width": 640, "height": 480, "path": "media/images/a.png"})
    'picture 640×480 media/images/a.png'
    >>> described({"_type": "histogram", "values": [1, 2], "bins": [0.0, 0.5, 1.0]})
    'histogram of 3 values from 0 to 1'
    >>> described({"_type": "table-file", "nrows": 2, "ncols": 3, "path": "media/table/a.json"})
    'table of 2 rows, 3 columns media/table/a.json'
    """
    try:
        measure = _MEASURES[str(value["_type"])](value)
    except (KeyError, IndexError, TypeError, ValueError):
        measure = ""  # no measure, or written by another program
    path = value.get("path")
    return " ".join(
        part for part in (kind_of(value), measure, path) if isinstance(part, str) and part
    )


def _size(value: dict[str, Any]) -> str:
    return f"{value['width']}×{value['height']}"


def _sizes(value: dict[str, Any]) -> str:
    return f"{value['count']} of {_size(value)}"


def _rows(value: dict[str, Any]) -> str:
    return f"of {_many(value['nrows'], 'row')}, {_many(value['ncols'], 'column')}"


def _span(value: dict[str, Any]) -> str:
    low, high = value["bins"][0], value["bins"][-1]
    return f"of {_many(round(sum(value['values'])), 'value')} from {low:.4g} to {high:.4g}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_MEASURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "image-file": _size,
    "video-file": _size,
    "images/separated": _sizes,
    "table-file": _rows,
    "histogram": _span,
}
