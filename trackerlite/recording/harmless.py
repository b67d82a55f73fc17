"""What a script calls beside its training does not end it: failures are told, not raised."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from trackerlite.errors import BadInput, TrackerliteError

F = TypeVar("F", bound="Callable[..., Any]")


def harmless(name: str) -> Callable[[F], F]:
    """For a method of what has a `_refuse`: it says what it could not do, and gives None.

    `name`: how its caller knows it. With `init(strict=True)`, `_refuse` raises `BadInput`.
    """

    def wrapped(method: F) -> F:
        @wraps(method)
        def safely(self: Any, *args: Any, **more: Any) -> Any:
            try:
                return method(self, *args, **more)
            except BadInput as error:
                self._refuse(str(error))
            except Exception as error:  # a wrong type, a foreign object's own error
                self._refuse(f"{name} did nothing: {told(error)}")
            return None

        return cast("F", safely)

    return wrapped


def words(error: BaseException) -> str:
    """What to say of an error: those of ours and of the system are sentences; others need their kind."""
    return str(error) if isinstance(error, (TrackerliteError, OSError)) else told(error)


def told(error: BaseException) -> str:
    """An error's kind and words, also where its own `str` fails."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
