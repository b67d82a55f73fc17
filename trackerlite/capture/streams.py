"""Python's own streams, wrapped: for where the descriptors are not ours to move."""

from __future__ import annotations

import sys
from typing import Any

from trackerlite.capture.lines import Log, Source


class Stream:
    """One of Python's streams, wrapped: what it is and returns stays the same."""

    def __init__(self, name: str, log: Log) -> None:
        self._name, self._log = name, log.source(name[3:])
        self._wrap()

    def _wrap(self) -> None:
        self._original = getattr(sys, self._name)
        while isinstance(self._original, Tee) and self._original._log is None:
            self._original = self._original._stream  # one of ours that has nothing to do any more
        self._wrapped: Any = None
        if self._original is not None:
            self._wrapped = Tee(self._original, self._log)
            setattr(sys, self._name, self._wrapped)

    def follow(self) -> None:
        """A cell that kept what it printed for itself (`%%capture`) has put the stream back that
        was there before ours."""
        stream = getattr(sys, self._name)
        while isinstance(stream, Tee):
            if stream is self._wrapped:
                return
            stream = stream._stream
        if self._wrapped is not None:
            self._wrapped.detach_log()
        self._wrap()

    def stop(self) -> None:
        # Somebody may have wrapped ours since: then it stays, and passes through.
        if self._wrapped is not None:
            self._wrapped.detach_log()
            if getattr(sys, self._name) is self._wrapped:
                setattr(sys, self._name, self._original)
        self._log.end()


class Tee:
    """Behaves as the stream it wraps; what is written is copied to the log."""

    def __init__(self, stream: Any, log: Source) -> None:
        self.__dict__["_stream"] = stream
        self.__dict__["_log"] = log

    def write(self, text: Any) -> Any:
        written = self._stream.write(text)
        log = self._log
        if log is not None and isinstance(text, str):
            log.feed_text(text)
        return written

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def detach_log(self) -> None:
        self.__dict__["_log"] = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # A `write` that somebody puts in front of ours (IPython does, for each cell) calls
        # ours: put into the stream that ours calls, it would go round for ever.
        if name in ("write", "writelines"):
            self.__dict__[name] = value
        else:
            setattr(self._stream, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            del self.__dict__[name]
        else:
            delattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)
