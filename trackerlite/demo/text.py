"""What the demo learns from: the source of Python's standard library, as characters."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trackerlite.errors import TrackerliteError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Characters = NDArray[np.uint8]

ALPHABET = "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))
"""Newline and printable ASCII; every other byte is read as `?`."""

_BYTE_TO_ID = np.full(256, ALPHABET.index("?"), dtype=np.uint8)
_BYTE_TO_ID[[ord(character) for character in ALPHABET]] = range(len(ALPHABET))


class NoSourceText(TrackerliteError):
    """This Python has no source files of its standard library to learn from."""


class Corpus(NamedTuple):
    """Character numbers of two disjoint sets of files."""

    train: Characters
    validation: Characters


def encode(data: bytes) -> Characters:
    """Number each byte by its place in ALPHABET."""
    return _BYTE_TO_ID[np.frombuffer(data, dtype=np.uint8)]


def decode(ids: NDArray[np.integer[Any]]) -> str:
    """Turn numbers back into text."""
    return "".join(ALPHABET[i] for i in ids)


def load_corpus(folder: Path | None = None, limit: int = 2_000_000) -> Corpus:
    """Read up to `limit` characters of the .py files directly in `folder` (the stdlib by default).

    Files, not lines, are split nine to one, so that validation text was never seen in training.
    The same files fall on the same side each time: runs are comparable.
    """
    folder = folder or Path(sysconfig.get_path("stdlib"))
    files = sorted(folder.glob("*.py"))
    random.Random(0).shuffle(files)  # noqa: S311
    pieces: list[Characters] = []
    size = 0
    for file in files:
        try:
            piece = encode(file.read_bytes())
        except OSError:
            continue
        pieces.append(piece)
        size += len(piece)
        if size >= limit:
            break
    held_out = max(1, len(pieces) // 10)
    if len(pieces) < 2 or size < 10_000:
        raise NoSourceText(
            f"No Python source text to learn from in {folder}. The demo needs the .py files of the "
            "standard library, which some slimmed-down Python builds leave out; "
            "run it with another Python."
        )
    return Corpus(np.concatenate(pieces[held_out:]), np.concatenate(pieces[:held_out]))
