"""TFRecord framing: how one record is laid out in a journal, and found again.

    u64 length | u32 masked CRC-32C of the length | payload | u32 masked CRC-32C of the payload

All little-endian, as `tensorflow/core/lib/io/record_writer` defines it.
"""

from __future__ import annotations

import struct

from google_crc32c import value as crc32c

HEADER = 12
FOOTER = 4
OVERHEAD = HEADER + FOOTER

_u64 = struct.Struct("<Q")
_u32 = struct.Struct("<I")
_length_and_crc = struct.Struct("<QI")
#: length → its header; `header` makes those that are missing
_headers: dict[int, bytes] = {}
_lengths: dict[bytes, int] = {}


def masked_crc(data: bytes) -> int:
    """The CRC-32C of `data`, rotated and offset so that a CRC of CRCs stays strong."""
    crc: int = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def header(length: int) -> bytes:
    """The twelve bytes before a payload of `length` bytes."""
    found = _headers.get(length)
    if found is None:
        if len(_headers) > 4096:
            _headers.clear()
            _lengths.clear()
        size = _u64.pack(length)
        found = _headers[length] = size + _u32.pack(masked_crc(size))
        _lengths[found] = length
    return found


def frame(payload: bytes) -> bytes:
    """`payload` as one whole record.

    >>> len(frame(b"abc")) - 3 == OVERHEAD
    True
    """
    crc: int = crc32c(payload)
    return (
        header(len(payload))
        + payload
        + _u32.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
    )


def payload_length(head: bytes) -> int | None:
    """The length that the twelve bytes of a header announce, or None where they are none."""
    known = _lengths.get(head)
    if known is not None:
        return known
    length: int
    length, crc = _length_and_crc.unpack(head)
    if masked_crc(head[:8]) != crc:
        return None
    if length < 4096:
        header(length)  # remember it: records of a run come in few sizes
    return length


def is_whole(payload: bytes, footer: bytes) -> bool:
    """Whether a payload matches the checksum behind it."""
    crc: int = crc32c(payload)
    return _u32.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF) == footer
