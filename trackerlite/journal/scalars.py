"""The fast path: a dict of numbers to one framed record, and back.

A training loop logs the same keys again and again, so the bytes around the
numbers never change. A `Layout` is one such shape (keys, types, and which floats
need their exact form) as one `struct`, which packs or unpacks the summary of an
event in a single call. Shapes come from the first event of their kind; what encodes
the frequent ones is compiled; anything unusual falls back to `events`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from operator import itemgetter, or_
from typing import Any

from trackerlite import values
from trackerlite.journal import events
from trackerlite.journal import protobuf as pb
from trackerlite.journal.compiled import WIDEST, Compiled, compiled
from trackerlite.journal.framing import frame

_head = struct.Struct("<BdB").pack
_f64_at = struct.Struct("<d").unpack_from

_EXACT_FLOAT = pb.tag(events.EXACT_FLOAT, pb.FIXED64)
_EXACT_INT = pb.tag(events.EXACT_INT, pb.FIXED64)
_MOST_SHAPES = 512
_OFTEN = 16  # rows of a shape after which it is worth compiling
_PLAIN = {float, int}


class Layout:
    """One shape of summary: constant bytes, and the numbers between them."""

    __slots__ = (
        "best",
        "constants",
        "exact",
        "format",
        "keys",
        "pack",
        "pick",
        "pieces",
        "size",
        "spread",
        "unpack_from",
    )

    def __init__(self, keys: tuple[str, ...], types: tuple[type, ...], exact: tuple[bool, ...]):
        pieces: list[bytes | str] = []  # bytes: a constant; str: a struct code
        for key, kind, precise in zip(keys, types, exact, strict=True):
            name = pb.delimited(events.VALUE_TAG, key.encode()) + b"\x15"
            tail = _EXACT_INT if kind is int else _EXACT_FLOAT if precise else b""
            size = len(name) + 4 + (len(tail) + 8 if tail else 0)
            pieces += [b"\x0a" + pb.varint(size) + name, "f"]
            if tail:
                pieces += [tail, "q" if kind is int else "d"]
        body = sum(len(p) if isinstance(p, bytes) else 4 if p == "f" else 8 for p in pieces)
        pieces[0] = b"\x2a" + pb.varint(body) + pieces[0]  # type: ignore[operator]
        self.format = "".join(f"{len(p)}s" if isinstance(p, bytes) else p for p in pieces)
        packer = struct.Struct(f"<{self.format}")
        self.keys = keys
        self.exact = exact
        self.size = packer.size
        self.pack: Callable[..., bytes] = packer.pack
        self.unpack_from = packer.unpack_from
        self.pieces = tuple(pieces)
        # Constants and numbers alternate. A number stands once (float32) or twice
        # (float32, then exact); it is read from where it stands last.
        spread: list[int] = []
        best: list[int] = []
        for at in range(1, len(pieces), 2):
            if pieces[at] == "f":
                best.append(at)
            spread.append(len(best) - 1)
            best[-1] = at
        self.spread = _itemgetter(spread)
        self.best = best
        self.pick = _itemgetter(best)
        self.constants = tuple(pieces[::2])

    def read(self, payload: bytes, at: int) -> tuple[Any, ...] | None:
        """The numbers of the summary at `at`, or None where it has another shape."""
        found = self.unpack_from(payload, at)
        if found[::2] != self.constants:
            return None
        return self.pick(found)


def _itemgetter(positions: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(positions) == 1:
        return lambda found: (found[positions[0]],)
    return itemgetter(*positions)


class _Shape:
    """The layout that a set of keys was last written in.

    A float that once needed its exact form keeps it, so that only floats which float32
    has held so far need to be looked at: usually none.
    """

    __slots__ = ("compiled", "floats", "layout", "narrow", "types", "unsure", "used")

    def __init__(
        self, keys: tuple[str, ...], types: tuple[type, ...], exact: tuple[bool, ...]
    ) -> None:
        kinds = tuple(int if t is int else float for t in types)
        self.types = types
        self.layout = Layout(keys, kinds, exact)
        floats = [n for n, kind in enumerate(kinds) if kind is float and not exact[n]]
        self.floats = floats
        self.unsure = _itemgetter(floats) if floats else None
        self.compiled: dict[int, Compiled] = {}
        self.used = 0
        self.narrow = struct.Struct(f"<{len(floats)}f")

    def fits(self, numbers: tuple[Any, ...]) -> bool:
        """Whether float32 holds every float that this layout gives no exact form."""
        if self.unsure is None:
            return True
        some = self.unsure(numbers)
        return bool(self.narrow.unpack(self.narrow.pack(*some)) == some)

    def compile(self, width: int) -> Compiled | None:
        """What encodes such rows with steps of so many bytes; None where it is not worth it."""
        self.used += 1
        if self.used < _OFTEN or len(self.types) > WIDEST or not _PLAIN.issuperset(self.types):
            return None
        found = self.compiled.get(width)
        if found is None:
            found = self.compiled[width] = compiled(self.layout, self.floats, width)
        return found


class Encoder:
    """Encodes dicts of numbers; remembers their shapes. Not safe for threads: hold a lock."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[str, ...], _Shape] = {}  # the latest by keys
        self._known: dict[tuple[tuple[str, ...], tuple[type, ...]], _Shape] = {}
        self._compiled: dict[tuple[str, ...], Compiled] = {}  # for the latest by keys

    def encode(self, data: dict[str, Any], step: int, time: float) -> bytes | None:
        """One framed record, or None where `data` holds more than plain ints and floats."""
        keys = tuple(data)
        made = self._compiled.get(keys)
        if made is not None:
            try:
                record = made(data.values(), step, time)
            except (OverflowError, struct.error):
                return None
            if record is not None:
                return record
        return self._encode(keys, data, step, time)

    def _encode(
        self, keys: tuple[str, ...], data: dict[str, Any], step: int, time: float
    ) -> bytes | None:
        """Rows of any shape; what encodes the frequent ones is compiled."""
        numbers = tuple(data.values())
        types = tuple(map(type, numbers))
        shape = self._shapes.get(keys)
        try:
            if shape is None or shape.types != types or (shape.unsure and not shape.fits(numbers)):
                shape = self._learn(keys, types, numbers)
                if shape is None:
                    return None
            layout = shape.layout
            arguments: list[Any] = list(layout.pieces)
            arguments[1::2] = layout.spread(numbers)
            body = layout.pack(*arguments)
        except (OverflowError, struct.error):  # beyond float32 or int64: the slow path knows
            return None
        head = _head(9, time, 16) + pb.varint(step)
        made = shape.compile(len(head) - 10) if step >= 0 else None
        if made is not None:
            self._compiled[keys] = made
        return frame(head + body)

    def _learn(
        self,
        keys: tuple[str, ...],
        types: tuple[type, ...],
        numbers: tuple[Any, ...],
    ) -> _Shape | None:
        """The shape of these numbers, remembered; None where the slow path has to look."""
        before = self._known.get((keys, types))
        if before is not None and before.fits(numbers):
            self._shapes[keys] = before
            return before
        if not types or not all(t is int or issubclass(t, float) for t in types):
            return None
        if not all(map(values.is_plain_key, keys)):
            return None
        exact = tuple(
            t is not int and events.needs_exact(n) for t, n in zip(types, numbers, strict=True)
        )
        if before is not None:
            exact = tuple(map(or_, exact, before.layout.exact))
        if len(self._known) >= _MOST_SHAPES:
            self._shapes.clear()
            self._known.clear()
            self._compiled.clear()
        shape = self._shapes[keys] = self._known[keys, types] = _Shape(keys, types, exact)
        return shape


class Decoder:
    """Decodes payloads; remembers the shapes it met.

    Attributes:
        layout: that of the event decoded last, where it has a known one.
    """

    def __init__(self) -> None:
        self._by_size: dict[int, list[Layout]] = {}
        self.layout: Layout | None = None

    def decode(self, payload: bytes) -> events.Event:
        """The event in `payload`.

        Raises:
            protobuf.Malformed, ValueError: it is none.
        """
        self.layout = None
        size = len(payload)
        if size > 14 and payload[0] == 9 and payload[9] == 16:
            step, at = payload[10], 11
            if step > 0x7F:
                step, at = pb.read_varint(payload, 10)
            for layout in self._by_size.get(size - at, ()):
                numbers = layout.read(payload, at)
                if numbers is not None:
                    self.layout = layout
                    if step >> 63:
                        step = pb.signed(step)
                    return events.Event(_f64_at(payload, 1)[0], step, layout.keys, numbers)
            event = events.decode(payload)
            if event.keys and not (event.others or event.foreign or event.record):
                self._learn(event, payload, at)
            return event
        return events.decode(payload)

    def _learn(self, event: events.Event, payload: bytes, at: int) -> None:
        types = tuple(map(type, event.numbers))
        exact = tuple(isinstance(n, float) and events.needs_exact(n) for n in event.numbers)
        # Exactly where it must be, or everywhere: what our encoder settles on.
        for guess in (exact, tuple(kind is float for kind in types)):
            layout = Layout(event.keys, types, guess)
            if layout.size == len(payload) - at and layout.read(payload, at) is not None:
                known = self._by_size.setdefault(layout.size, [])
                known[:] = [layout, *known[:7]]
                return


def encode_slowly(
    numbers: dict[str, int | float],
    others: Iterable[bytes],
    step: int,
    time: float,
) -> bytes:
    """The payload of an event of any values: numbers, and ready-made Value messages."""
    messages = [events.number_value(key, number) for key, number in numbers.items()]
    return events.event(time, step, events.summary(*messages, *others))
