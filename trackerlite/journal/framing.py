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
_headers: dict[int, bytes] = {}


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
        size = _u64.pack(length)
        found = _headers[length] = size + _u32.pack(masked_crc(size))
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


def payload_length(buffer: bytes, at: int) -> int | None:
    """The length a header at `at` announces, or None where there is no valid header."""
    length: int
    length, crc = _length_and_crc.unpack_from(buffer, at)
    known = _headers.get(length)
    if known is not None:
        return length if buffer[at : at + HEADER] == known else None
    return length if masked_crc(buffer[at : at + 8]) == crc else None


def payload_is_whole(buffer: bytes, at: int, length: int) -> bool:
    """Whether the payload behind the header at `at` matches its checksum."""
    start = at + HEADER
    crc: int = crc32c(buffer[start : start + length])
    stored: int
    (stored,) = _u32.unpack_from(buffer, start + length)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF == stored
