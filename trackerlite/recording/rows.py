"""Rows of anything: text, media, nested dicts, numbers of other libraries, bad input.

What `log` is given goes here when it is more than plain numbers under plain keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackerlite import values
from trackerlite.capture.redact import redact_config, redact_value
from trackerlite.errors import BadInput
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.scalars import encode_slowly
from trackerlite.recording.harmless import told

if TYPE_CHECKING:
    from trackerlite.media import Media
    from trackerlite.recording.run import Run

_PLAIN = (str, float, int, bool, type(None), dict)


def encode(run: Run, data: Any, step: int, now: float) -> bytes | None:
    """The framed record of anything but plain numbers under plain keys; None where nothing is left.

    Raises:
        BadInput: `data` maps nothing, or the run is strict about what it maps.
    """
    items = values.mapping_items(data)
    if items is None:
        raise BadInput(f"log() takes a dict of names and values, not a {type(data).__name__}")
    numbers: dict[str, int | float] = {}
    others: list[bytes] = []
    for key, value in _flat(items):
        try:
            key = values.check_key(key)
            value = values.scalar(value)
            if not isinstance(value, _PLAIN):
                from trackerlite import media

                shown = media.wrap(value)
                if shown is not None:
                    others += _media(run, shown, key, step, now)
                    continue
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                fits = values.INT64_MIN <= value <= values.INT64_MAX
                if isinstance(value, int) and not fits:
                    value = values.as_float(value)
                numbers[key] = value
            else:
                value = values.jsonable(value)
                values.check_size(key, value)
                value = redact_value(key, value)
                others.append(events.json_value(key, value))
            run.summary.latest[key] = value
        except BadInput as error:
            run._refuse(str(error))
        except Exception as error:  # a medium's, or a foreign object's own: the rest is kept
            run._refuse(f"The value of {values.brief(key)} was left out ({told(error)}).")
    if not numbers and not others:
        return None
    return frame(encode_slowly(numbers, others, step, now))


def _media(run: Run, media: Media, key: str, step: int, now: float) -> list[bytes]:
    """An image, a table, …: its reference now, its file now or beside the training."""
    if run._companions is None:  # a run that records nothing
        return []
    try:
        later = run._companions.later(key, step, now)
        body, tensorboard = media._trackerlite_media(run.folder, key, step, later)
    except OSError as error:
        run._companions.media_lost(key, error)
        return []
    body = redact_config(body)  # captions, titles
    run.summary.latest[key] = body
    return [events.json_value(key, body, tensorboard)]


def _flat(items: list[tuple[Any, Any]], prefix: str = "", depth: int = 0) -> list[tuple[Any, Any]]:
    flat: list[tuple[Any, Any]] = []
    for key, value in items:
        name = f"{prefix}{key}" if prefix else key
        inner = value if isinstance(value, dict) and value and depth < 8 else None
        if inner is None:
            flat.append((name, value))
        else:
            flat += _flat(list(inner.items()), f"{name}.", depth + 1)
    return flat
