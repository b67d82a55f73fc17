"""What each part of a run asks of the whole."""

from __future__ import annotations

from typing import Any

from trackerlite.journal.writer import JournalWriter


class Part:
    """A part of `Run`, which has all of this."""

    _writer: JournalWriter

    def _record(self, kind: str, /, *extra: bytes, **fields: Any) -> bool:
        raise NotImplementedError

    def _refuse(self, message: str) -> bool:
        raise NotImplementedError

    def _say(self, message: str) -> None:
        raise NotImplementedError
