"""What every foreign log looks like to us, whatever program wrote it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trackerlite.paths import STORE_NAME

Media = Callable[[str, str, int, bytes, str], dict[str, Any]]
"""Keeps a file of a run: (W&B media type, key, step, content, extension) → its JSON value."""


@dataclass(slots=True)
class Item:
    """One event of a foreign log; it becomes one event of our journal.

    Attributes:
        time: Unix seconds, as the log has it.
        numbers: int or float by key.
        others: any other JSON value by key.
        record: a journal record (config, summary, system, rewind …) instead of values.
    """

    time: float
    step: int = 0
    numbers: dict[str, int | float] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] | None = None


class Part(NamedTuple):
    """A sequence of items that only ever grows at its end, such as one file's.

    `items` starts from the beginning each time; it keeps files through the `Media` it is given.
    """

    name: str
    items: Callable[[Media], Iterator[Item]]


class ForeignRun(ABC):
    """A run in a foreign log.

    Attributes:
        format: what wrote it, as in "tensorboard".
        source: the file or folder that is read.
        id, project, name: as the log says, else made of the path.
        tells_end: whether a log of this format says that its run has ended: one that does
            not was cut off.
    """

    tells_end = False
    #: what of the log could not be read, as sentences, once its items were
    damage: Sequence[str] = ()
    format: str
    source: Path
    id: str
    project: str
    name: str

    @abstractmethod
    def header(self) -> dict[str, Any]:
        """Further fields of the journal's `run` record: started, host, tags, notes, group …"""

    @abstractmethod
    def parts(self) -> list[Part]:
        """Its sequences of items."""

    def ending(self) -> dict[str, Any] | None:
        """Fields of the `finish` record, or None if the log does not say that the run ended."""
        return None

    def console(self) -> Iterator[bytes]:
        """Pieces of the console output, where the log has it."""
        return iter(())


def below(root: Path, pattern: str) -> list[Path]:
    """Files below the folder `root` that match, in order; a store of ours is no foreign log."""
    return sorted(
        path
        for path in root.rglob(pattern)
        if STORE_NAME not in path.relative_to(root).parts and path.is_file()
    )


def id_of(*parts: object) -> str:
    """A run id that is always the same for the same place, as 8 characters."""
    text = "\0".join(map(str, parts))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def number_or_text(text: str) -> int | float | bool | str:
    """A parameter that was stored as text, as the value it was written from.

    >>> number_or_text("1e-4"), number_or_text("32"), number_or_text("True"), number_or_text("adam")
    (0.0001, 32, True, 'adam')
    """
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        # "1_000" and " 5 " are numbers to Python, and text to everyone else.
        if "_" in text or text != text.strip():
            break
        try:
            return kind(text)
        except ValueError:
            pass
    return text
