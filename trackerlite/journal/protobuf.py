"""The few parts of the protobuf wire format that event files need, by hand.

The generated classes cost a 15 MB import and half again the time per event.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_f64 = struct.Struct("<d")
_f32 = struct.Struct("<f")


class Malformed(ValueError):
    """The bytes are no protobuf message."""


def varint(number: int) -> bytes:
    """`number` (an int64) as a varint.

    >>> varint(300).hex(), len(varint(-1))
    ('ac02', 10)
    """
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(field: int, wire: int) -> bytes:
    """The key that stands before field `field`."""
    return varint(field << 3 | wire)


def delimited(field: int, data: bytes) -> bytes:
    """A bytes, string or message field."""
    return tag(field, BYTES) + varint(len(data)) + data


def integer(field: int, number: int) -> bytes:
    """An int64 or enum field."""
    return tag(field, VARINT) + varint(number)


def double(field: int, number: float) -> bytes:
    """A double field."""
    return tag(field, FIXED64) + _f64.pack(number)


def float32(field: int, number: float) -> bytes:
    """A float field; what float32 cannot reach becomes infinite."""
    try:
        packed = _f32.pack(number)
    except OverflowError:
        packed = _f32.pack(float("inf") if number > 0 else float("-inf"))
    return tag(field, FIXED32) + packed


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at `at` and the position behind it."""
    number = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number, at
            shift += 7
            if shift > 63:
                raise Malformed("a varint of more than ten bytes")
    except IndexError:
        raise Malformed("a varint runs past the end") from None


def signed(number: int) -> int:
    """A varint's 64 bits as an int64."""
    number &= 0xFFFFFFFFFFFFFFFF
    return number - (1 << 64) if number >> 63 else number


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Each field of a message as (number, wire type, value).

    Varints come as unsigned ints; every other type as its bytes.

    Raises:
        Malformed: `data` is no message.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = read_varint(data, at)
        wire = key & 7
        if wire == VARINT:
            value, at = read_varint(data, at)
            yield key >> 3, wire, value
            continue
        if wire == BYTES:
            size, at = read_varint(data, at)
        elif wire == FIXED64:
            size = 8
        elif wire == FIXED32:
            size = 4
        else:
            raise Malformed(f"wire type {wire}")
        if at + size > end:
            raise Malformed("a field runs past the end")
        yield key >> 3, wire, data[at : at + size]
        at += size
