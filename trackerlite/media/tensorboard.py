"""TensorBoard's own forms: the fields of a Summary.Value in which it shows media."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

from trackerlite.capture.redact import redact_text
from trackerlite.journal import events
from trackerlite.journal import protobuf as pb

IMAGE, HISTOGRAM, AUDIO = 4, 5, 6  # Summary.Value field numbers
MOST_ROWS = 64
MOST_BYTES = 4 << 20  # larger images and sounds are not repeated in the event file


def image(width: int, height: int, encoded: bytes, channels: int = 3) -> bytes:
    """An image's field; b"" for one too large to be repeated in the event file."""
    if len(encoded) > MOST_BYTES:
        return b""
    body = pb.integer(1, height) + pb.integer(2, width) + pb.integer(3, channels)
    return pb.delimited(IMAGE, body + pb.delimited(4, encoded))


def histogram(counts: Any, edges: Any, total: float | None, squares: float | None) -> bytes:
    """A histogram's field of n counts and n + 1 edges; sums are of midpoints where not known."""
    counts = [float(c) for c in counts]
    edges = [float(e) for e in edges]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    if total is None:
        total = sum(c * m for c, m in zip(counts, middles, strict=True))
    if squares is None:
        squares = sum(c * m * m for c, m in zip(counts, middles, strict=True))
    # TensorBoard's bucket i ends at limit i; the first needs a limit where nothing ends yet.
    limits = [edges[0], *edges[1:]]
    body = pb.double(1, edges[0]) + pb.double(2, edges[-1]) + pb.double(3, sum(counts))
    body += pb.double(4, total) + pb.double(5, squares)
    body += pb.delimited(6, struct.pack(f"<{len(limits)}d", *limits))
    body += pb.delimited(7, struct.pack(f"<{len(limits)}d", 0.0, *counts))
    return pb.delimited(HISTOGRAM, body)


def audio(
    rate: float, channels: int, frames: int, encoded: bytes, kind: str = "audio/wav"
) -> bytes:
    """A sound's field; b"" for one too large to be repeated in the event file."""
    if len(encoded) > MOST_BYTES:
        return b""
    body = pb.float32(1, rate) + pb.integer(2, channels) + pb.integer(3, frames)
    return pb.delimited(AUDIO, body + pb.delimited(4, encoded) + pb.delimited(5, kind.encode()))


def markdown(columns: list[Any], rows: list[list[Any]], total: int) -> bytes:
    """A table as text, as far as a person reads it there."""
    lines = ["| " + " | ".join(map(_cell, columns)) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows[:MOST_ROWS]]
    if total > MOST_ROWS:
        lines.append(f"\n… {total - MOST_ROWS:,} more rows")
    return events.text_fields(redact_text("\n".join(lines)))


def _cell(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text[:200].replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
