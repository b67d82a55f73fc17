"""Stretches: many rows of one shape, read at once.

A training logs the same keys again and again, so records of one size and one shape follow
one another and their numbers stand at fixed strides: `struct` unpacks a thousand of them
in one call. What they mean is what `Decoder.decode` says of each: a stretch is only what
goes on exactly like an event it has decoded, every checksum right. Whatever differs in
anything is left to it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import isfinite

from google_crc32c import value as crc32c

from trackerlite.journal.events import Event
from trackerlite.journal.framing import HEADER, OVERHEAD, header
from trackerlite.journal.protobuf import Malformed
from trackerlite.journal.reader import Damage, JournalReader
from trackerlite.journal.scalars import Decoder, Layout

#: records tried at once: half a millisecond of the interpreter's lock, and fewer objects than
#: make Python look for garbage in all that the training holds
FEWEST, MOST = 16, 512
_REST = 256  # records read one by one, at most, before another try


class Stretch:
    """Rows that follow one another in a journal, with the same keys, as columns.

    Attributes:
        keys: their names.
        steps, times: one per row.
        columns: the numbers, a column per key.
        size: bytes of each record.
        stop: the offset behind the last.
    """

    __slots__ = ("columns", "keys", "size", "steps", "stop", "times")

    def __init__(
        self,
        keys: tuple[str, ...],
        steps: list[int],
        times: list[float],
        columns: list[tuple[int | float, ...]],
        size: int,
        stop: int,
    ) -> None:
        self.keys, self.steps, self.times, self.columns = keys, steps, times, columns
        self.size, self.stop = size, stop

    def behind(self, offset: int) -> Stretch:
        """The rows of it that end behind `offset`."""
        known = max(0, len(self.steps) - (self.stop - offset + self.size - 1) // self.size)
        if not known:
            return self
        columns = [column[known:] for column in self.columns]
        return Stretch(
            self.keys, self.steps[known:], self.times[known:], columns, self.size, self.stop
        )


def follow(
    reader: JournalReader, decoder: Decoder, until: int | None = None
) -> Iterator[tuple[int, Event | Stretch | Damage]]:
    """What a journal says from `reader.offset` on: (where it starts, what it is).

    Rows of one shape come as a stretch where there are several; a whole record that
    holds no event comes as damage. `reader.offset` is behind each item as it comes.

    Args:
        until: no stretch goes on behind the record that reaches this offset.
    """
    pace = _Pace()
    for offset, payload in reader.read():
        start = offset - len(payload) - OVERHEAD
        try:
            event = decoder.decode(payload)
        except (Malformed, ValueError, RecursionError) as error:
            yield start, Damage(start, offset, f"a record holds no event ({error})")
            continue
        yield start, event
        layout = decoder.layout
        if layout is None or not pace.ready():
            continue
        pattern = _pattern(layout, len(payload))
        going = True
        while going and (until is None or reader.offset < until):
            most = pace.most
            if until is not None:
                most = min(most, -(-(until - reader.offset) // pattern.size))
            data = reader.ahead(pattern.size, most)
            if not pattern.may_match(data):
                break
            start = reader.offset
            stretch = pattern.read(data, start)
            found = 0
            if stretch is not None:
                found = len(stretch.steps)
                reader.pass_over(stretch.stop - start)
                yield start, stretch
            going = pace.went(found, len(data) // pattern.size)


class _Pace:
    """How much to try at once: more while it goes well, seldom where shapes alternate."""

    def __init__(self) -> None:
        self.most = FEWEST
        self._rest = self._waiting = 0

    def ready(self) -> bool:
        """Whether it is time for a try."""
        if self._waiting:
            self._waiting -= 1
            return False
        return True

    def went(self, found: int, tried: int) -> bool:
        """Note how a try went; whether another is worth it at once."""
        if found * 2 < tried:
            self.most = FEWEST
            self._waiting = self._rest = min(_REST, self._rest * 2 + 1)
            return False
        self._rest = 0
        self.most = min(MOST, self.most * 8)
        return found == tried


class _Pattern:
    """Whole records of one layout and size: what is the same in each, and where the rest stands.

    Attributes:
        size: bytes of a record.
        constants, mask: a record with zeros for what differs; ones where it is constant.
    """

    __slots__ = ("_head", "_keys", "_payloads", "_varying", "_width", "constants", "mask", "size")

    def __init__(self, layout: Layout, length: int) -> None:
        self.size = length + OVERHEAD
        self._keys = layout.keys
        self._head = header(length)
        self._width = width = length - layout.size - 10  # bytes of the step
        best = frozenset(layout.best)
        # What stands behind one another: bytes that never change, or the code of what does.
        # The float32 beside an exact value is passed over.
        pieces: list[bytes | str] = [self._head, b"\x09", "d", b"\x10", *"B" * width]
        for at, piece in enumerate(layout.pieces):
            pieces.append(piece if isinstance(piece, bytes) or at in best else "4x")
        pieces.append("I")
        whole = [p if isinstance(p, bytes) else bytes(struct.calcsize(f"<{p}")) for p in pieces]
        self.constants = b"".join(whole)
        self.mask = b"".join(
            (b"\xff" if isinstance(p, bytes) else b"\0") * len(w)
            for p, w in zip(pieces, whole, strict=True)
        )
        self._varying = struct.Struct(
            "<" + "".join(f"{len(p)}x" if isinstance(p, bytes) else p for p in pieces)
        )
        self._payloads = struct.Struct(f"<{HEADER}x{length}s4x")

    def may_match(self, data: memoryview) -> bool:
        """Whether a look at some headers says that it is worth trying."""
        count = len(data) // self.size
        last = (count - 1) * self.size
        return (
            count >= FEWEST // 2
            and 0 < self._width < 10  # ten bytes: a negative step
            and data[:HEADER] == self._head
            and data[last : last + HEADER] == self._head
        )

    def read(self, data: memoryview, start: int) -> Stretch | None:
        """The stretch that `data` (whole multiples of the size) begins with."""
        count = self._alike(data)
        if count == 0:
            return None
        data = data[: count * self.size]
        times, *fields, checks = zip(*self._varying.iter_unpack(data), strict=True)
        sums = [
            ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
            for crc in [crc32c(payload) for (payload,) in self._payloads.iter_unpack(data)]
        ]
        if sums != list(checks):
            count = min(count, _first(map(int.__ne__, sums, checks)))
        *more, last = fields[: self._width]
        if max(last) > 0x7F or any(min(column) < 0x80 for column in more):
            odd = (b > 0x7F or any(c < 0x80 for c in a) for *a, b in zip(*more, last, strict=True))
            count = min(count, _first(odd))
        if not isfinite(sum(times)):
            count = min(count, _first(not isfinite(each) for each in times))
        if count <= 0:
            return None
        steps = list(last[:count])
        for column in reversed(more):
            steps = [high << 7 | low & 0x7F for high, low in zip(steps, column, strict=False)]
        columns = [column[:count] for column in fields[self._width :]]
        stop = start + count * self.size
        return Stretch(self._keys, steps, list(times[:count]), columns, self.size, stop)

    def _alike(self, data: memoryview) -> int:
        """How many records from the first on have every constant: all compared as one number."""
        mask, expected = _repeated(self, len(data) // self.size)
        odd = int.from_bytes(data, "little") & mask ^ expected
        if not odd:
            return len(data) // self.size
        return ((odd & -odd).bit_length() - 1) // (8 * self.size)


@lru_cache(maxsize=2)
def _repeated(pattern: _Pattern, count: int) -> tuple[int, int]:
    """The mask and the constants of so many records."""
    return (
        int.from_bytes(pattern.mask * count, "little"),
        int.from_bytes(pattern.constants * count, "little"),
    )


@lru_cache(maxsize=256)
def _pattern(layout: Layout, length: int) -> _Pattern:
    return _Pattern(layout, length)


def _first(odd: Iterable[bool]) -> int:
    """Where the first True stands; beyond everything if there is none."""
    return next((at for at, is_odd in enumerate(odd) if is_odd), MOST)
