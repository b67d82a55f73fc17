"""Compiled shapes: what encodes the rows of one shape, as a Python function made for it.

Between two steps of a training the caches of the processor belong to the training, and a
call of `log()` costs what memory it has to touch again. A function that has all constants in
itself touches far less than tables and tuples do: what it costs beyond the bare packing and
writing falls by half. What it encodes is what `Encoder` does, to the byte; what it does
not know it leaves to it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from google_crc32c import value as crc32c

from trackerlite.journal.framing import HEADER, header

if TYPE_CHECKING:
    from trackerlite.journal.scalars import Layout

#: (the numbers, step, time) to one framed record; None where they have another shape
Compiled = Callable[[Iterable[Any], int, float], "bytes | None"]

WIDEST = 32  # numbers: two milliseconds of compiling, once
_LEAST, _MOST = 2.0**-126, (2 - 2.0**-23) * 2.0**127  # where float32 has all its 24 bits
_u32 = struct.Struct("<I").pack


def compiled(layout: Layout, unsure: Collection[int], width: int) -> Compiled:
    """A function for rows of a layout.

    Args:
        unsure: which floats are checked for that float32 holds them.
        width: bytes of the step; rows with shorter or longer ones are another function's.
    """
    kinds, arguments = _numbers(layout)
    septets = [f"step >> {7 * n} & 0x7F | 0x80" for n in range(width - 1)]
    form = struct.Struct(f"<{HEADER}sBdB{width}B{layout.format}")
    packed = [
        repr(header(form.size - HEADER)), "9", "time", "16", *septets, f"step >> {7 * (width - 1)}",
        *arguments,
    ]  # fmt: skip
    least, beyond = 1 << 7 * (width - 1) if width > 1 else 0, 1 << 7 * width
    lines = [
        f"{', '.join(f'n{n}' for n in range(len(kinds)))}, = numbers",
        f"if not {least} <= step < {beyond}: return None",
        *(f"if type(n{n}) is not {kind}: return None" for n, kind in enumerate(kinds)),
        *(line for n in unsure for line in _checks(f"n{n}")),
        f"record = pack({', '.join(packed)})",
        f"crc = crc32c(record[{HEADER}:])",
        "return record + u32((crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF)",
    ]
    source = "def encode(numbers, step, time):\n  " + "\n  ".join(lines)
    names: dict[str, Any] = {"pack": form.pack, "crc32c": crc32c, "u32": _u32}
    exec(source, names)  # noqa: S102 - of nothing but our words, and bytes as literals
    made: Compiled = names["encode"]
    return made


def _numbers(layout: Layout) -> tuple[list[str], list[str]]:
    """The type of each number, and what stands one behind another in a record, as source."""
    kinds: list[str] = []
    arguments = []
    for piece in layout.pieces:
        if isinstance(piece, bytes):
            arguments.append(repr(piece))
            continue
        if piece == "f":
            kinds.append("float")
        elif piece == "q":
            kinds[-1] = "int"
        arguments.append(f"n{len(kinds) - 1}")
    return kinds, arguments


def _checks(name: str) -> tuple[str, str, str]:
    """Lines that leave where float32 does not hold a number: Dekker's split finds its 24 leading bits."""
    within = f"{_LEAST!r} <= {name} <= {_MOST!r} or {-_MOST!r} <= {name} <= {-_LEAST!r}"
    return (
        f"if not ({within} or {name} == 0.0): return None",
        f"scaled = {name} * {2.0**29 + 1!r}",
        f"if scaled - (scaled - {name}) != {name}: return None",
    )
