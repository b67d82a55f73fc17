"""What is sent to the app from outside its thread."""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message


class Arrived(Message):
    """A snapshot is there; a newer one replaces an older one that was not yet looked at."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, Arrived)


class Finished(Message):
    """An edit or export was done; `call` tells the desk."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        super().__init__()
