"""TensorBoard events: what a record of the journal says.

An event is a `tensorflow.Event`: wall time, step, and either a summary (named
values) or a session log. Two kinds of field are ours and ignored by every
TensorBoard reader, because their numbers are beyond what it knows:

- in a value, the exact number where `simple_value` (float32) cannot hold it:
  1001 double, 1002 sfixed64 (always there for an int), or 1003 JSON (anything
  that is no number: a bool, a string, a media reference, a huge int); and 1004,
  the name of a value that TensorBoard cannot show. Under `tag` it would settle
  that nothing of this name is ever shown, not the picture that follows either;
- in an event, 1000: a record as JSON, with its type under "t".
"""

from __future__ import annotations

import json
import struct
from typing import Any

from trackerlite import values
from trackerlite.journal import protobuf as pb

RECORD = 1000
EXACT_FLOAT, EXACT_INT, EXACT_JSON, HIDDEN_TAG = 1001, 1002, 1003, 1004

# tensorflow.Event, .Summary.Value, .SessionLog field numbers
WALL_TIME, STEP, FILE_VERSION, SUMMARY, SESSION_LOG = 1, 2, 3, 5, 7
VALUE_TAG, SIMPLE_VALUE, TENSOR, METADATA = 1, 2, 8, 9
_SESSION_START = 1
_DT_FLOAT, _DT_STRING = 1, 7

VERSION = b"brain.Event:2"
_f64 = struct.Struct("<d")
_i64 = struct.Struct("<q")
_f32 = struct.Struct("<f")


class Event:
    """One decoded record.

    Attributes:
        time: seconds since 1970, as the writer's clock had it.
        step: the step it belongs to (0 for most records that are no metrics).
        keys, numbers: the names and the values (int or float) of its numbers.
        others: name → value, for what is no number (parsed JSON), or None.
        record: the record, for an event that is one; else None.
        foreign: what other programs wrote and we keep only the bytes of:
            (name, Value message), or None.
    """

    __slots__ = ("foreign", "keys", "numbers", "others", "record", "step", "time")

    def __init__(
        self,
        time: float = 0.0,
        step: int = 0,
        keys: tuple[str, ...] = (),
        numbers: tuple[int | float, ...] = (),
    ):
        self.time, self.step, self.keys, self.numbers = time, step, keys, numbers
        self.others: dict[str, Any] | None = None
        self.record: dict[str, Any] | None = None
        self.foreign: list[tuple[str, bytes]] | None = None


def number_value(key: str, number: float | int) -> bytes:
    """The Value message of a number."""
    body = pb.delimited(VALUE_TAG, key.encode()) + pb.float32(SIMPLE_VALUE, float(number))
    if isinstance(number, int):
        return body + pb.tag(EXACT_INT, pb.FIXED64) + _i64.pack(number)
    if needs_exact(number):
        return body + pb.double(EXACT_FLOAT, number)
    return body


def needs_exact(number: float) -> bool:
    """Whether float32 would change `number` (NaN counts as changed: it never equals)."""
    try:
        return bool(_f32.unpack(_f32.pack(number))[0] != number)
    except OverflowError:
        return True


def json_value(key: str, value: Any, tensorboard: bytes = b"") -> bytes:
    """The Value message of anything that is no number.

    Args:
        tensorboard: further fields of the message, in which TensorBoard shows the
            same thing (an image, a histogram). Bools get a number, strings a text.
    """
    if not tensorboard:
        if isinstance(value, bool):
            tensorboard = pb.float32(SIMPLE_VALUE, float(value))
        elif isinstance(value, str):
            tensorboard = text_fields(value)
    body = pb.delimited(VALUE_TAG if tensorboard else HIDDEN_TAG, key.encode()) + tensorboard
    return body + pb.delimited(EXACT_JSON, values.dumps(value).encode())


def text_fields(text: str) -> bytes:
    """The fields with which a Value shows in TensorBoard's text dashboard."""
    shape = pb.delimited(2, pb.integer(1, 1))
    tensor = pb.integer(1, _DT_STRING) + pb.delimited(2, shape) + pb.delimited(8, text.encode())
    return pb.delimited(TENSOR, tensor) + pb.delimited(METADATA, plugin("text"))


def plugin(name: str, content: bytes = b"") -> bytes:
    """A SummaryMetadata message for one of TensorBoard's plugins."""
    data = pb.delimited(1, name.encode()) + (pb.delimited(2, content) if content else b"")
    return pb.delimited(1, data)


def event(time: float, step: int, *parts: bytes) -> bytes:
    """An Event message of ready-made fields."""
    return pb.double(WALL_TIME, time) + pb.integer(STEP, step) + b"".join(parts)


def version_event(time: float) -> bytes:
    """The event every event file begins with."""
    return pb.double(WALL_TIME, time) + pb.delimited(FILE_VERSION, VERSION)


def summary(*messages: bytes) -> bytes:
    """The summary field of an event, of Value messages."""
    return pb.delimited(SUMMARY, b"".join(pb.delimited(1, message) for message in messages))


def record(fields: dict[str, Any]) -> bytes:
    """The field that makes an event a record."""
    return pb.delimited(RECORD, values.dumps(fields).encode())


def session_start() -> bytes:
    """The session log that makes TensorBoard drop what came at or after this step."""
    return pb.delimited(SESSION_LOG, pb.integer(1, _SESSION_START))


def hparams(config: dict[str, Any], name: str, started: float) -> bytes:
    """A flat config as TensorBoard's HParams dashboard wants it (a Value message)."""
    params = b""
    for key, value in config.items():
        if isinstance(value, bool):
            kind = pb.integer(4, int(value))
        elif isinstance(value, (int, float)):
            kind = pb.double(2, values.as_float(value))
        else:
            kind = pb.delimited(
                3, (value if isinstance(value, str) else values.dumps(value)).encode()
            )
        params += pb.delimited(1, pb.delimited(1, key.encode()) + pb.delimited(2, kind))
    info = params + pb.delimited(4, name.encode()) + pb.double(5, started)
    content = pb.integer(1, 0) + pb.delimited(3, info)
    nothing = pb.integer(1, _DT_FLOAT) + pb.delimited(2, pb.delimited(2, pb.integer(1, 0)))
    return (
        pb.delimited(VALUE_TAG, b"_hparams_/session_start_info")
        + pb.delimited(TENSOR, nothing)
        + pb.delimited(METADATA, plugin("hparams", content))
    )


def decode(payload: bytes) -> Event:
    """The event in `payload`.

    Raises:
        protobuf.Malformed: it is none.
    """
    found = Event()
    keys: list[str] = []
    numbers: list[int | float] = []
    for number, wire, value in pb.fields(payload):
        if number == WALL_TIME and wire == pb.FIXED64:
            found.time = _f64.unpack(value)[0]  # type: ignore[arg-type]
        elif number == STEP and wire == pb.VARINT:
            found.step = pb.signed(value)  # type: ignore[arg-type]
        elif number == SUMMARY and wire == pb.BYTES:
            for inner, kind, message in pb.fields(value):  # type: ignore[arg-type]
                if inner == 1 and kind == pb.BYTES:
                    _decode_value(message, found, keys, numbers)  # type: ignore[arg-type]
        elif number == RECORD and wire == pb.BYTES:
            found.record = _record(value)  # type: ignore[arg-type]
    found.keys, found.numbers = tuple(keys), tuple(numbers)
    return found


def _decode_value(
    message: bytes, found: Event, keys: list[str], numbers: list[int | float]
) -> None:
    key, number, exact, text = "", None, None, None
    for field_number, wire, value in pb.fields(message):
        if field_number in (VALUE_TAG, HIDDEN_TAG) and wire == pb.BYTES:
            key = value.decode("utf-8", "backslashreplace")  # type: ignore[union-attr]
        elif field_number == SIMPLE_VALUE and wire == pb.FIXED32:
            number = _f32.unpack(value)[0]  # type: ignore[arg-type]
        elif field_number == EXACT_FLOAT and wire == pb.FIXED64:
            exact = _f64.unpack(value)[0]  # type: ignore[arg-type]
        elif field_number == EXACT_INT and wire == pb.FIXED64:
            exact = _i64.unpack(value)[0]  # type: ignore[arg-type]
        elif field_number == EXACT_JSON and wire == pb.BYTES:
            text = value
    if text is not None:
        found.others = found.others or {}
        found.others[key] = json.loads(text)  # type: ignore[arg-type]
    elif number is not None:
        keys.append(key)
        numbers.append(number if exact is None else exact)
    else:
        found.foreign = found.foreign or []
        found.foreign.append((key, message))


def _record(data: bytes) -> dict[str, Any] | None:
    parsed = json.loads(data)
    return parsed if isinstance(parsed, dict) and isinstance(parsed.get("t"), str) else None
