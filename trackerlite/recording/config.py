"""`run.config` and `run.summary`: mappings whose every change is recorded at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from trackerlite import values
from trackerlite.errors import BadInput
from trackerlite.recording.harmless import harmless

Record = Callable[[dict[str, Any]], None]
Refuse = Callable[[str], object]


def _nowhere(changed: dict[str, Any]) -> None:
    """Where a copy's changes are recorded."""


def _raise(message: str) -> NoReturn:
    raise BadInput(message)


class Config(Mapping[str, Any]):
    """A run's hyperparameters. Read and set by item or attribute; nested dicts welcome.

    Each change is in the journal when the statement returns. `refuse` is told of bad ones.

    >>> config = Config(lambda changed: None, {"lora": {"r": 8}})
    >>> config.lora["r"], config["lora"]["r"], config["lora.r"]
    (8, 8, 8)
    >>> config.lr = 1e-4
    >>> config.as_dict()
    {'lora': {'r': 8}, 'lr': 0.0001}
    """

    def __init__(
        self, record: Record, initial: Mapping[str, Any] | None = None, refuse: Refuse = _raise
    ):
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_refuse", refuse)
        object.__setattr__(self, "_values", dict(initial or {}))

    _record: Record
    _values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        inner: Any = self._values
        for name in str(key).split("."):
            if not isinstance(inner, dict) or name not in inner:
                raise KeyError(key)
            inner = inner[name]
        return inner

    def __getattr__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise AttributeError(f"the config has no {key!r}") from None

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __setattr__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, in another process too, is what it is now; it records nothing."""
        return Config, (_nowhere, self._values)

    @harmless("config.update()")
    def update(self, values_: Any = None, allow_val_change: bool = True, **more: Any) -> None:  # noqa: ARG002
        """Add or change entries, from a mapping, a dataclass, a namespace, or keywords."""
        items = values.named_items(values_) if values_ is not None else []
        changed = values.jsonable(dict([*items, *more.items()]))
        before = values.flatten({key: self[key] for key in changed if key in self})
        for key, value in changed.items():
            self._put(key, value)
        now = values.flatten(changed)
        gone = [key for key in before if key not in now]
        self._record({"values": now, **({"removed": gone} if gone else {})})

    def _put(self, key: str, value: Any) -> None:
        """Under its key; one of a nested dict may be named by its path ("lora.r")."""
        *outer, last = key.split(".")
        inner: Any = self._values
        for name in outer:
            inner = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[last] = value
        else:
            self._values[key] = value

    @harmless("config.setdefaults()")
    def setdefaults(self, defaults: Any) -> None:
        """Set what is not set yet."""
        items = values.named_items(defaults)
        self.update({k: v for k, v in items if str(k) not in self._values})

    def as_dict(self) -> dict[str, Any]:
        """A copy, nested as it was given."""
        return dict(self._values)


class Summary(Mapping[str, Any]):
    """A run's summary: the last value of each metric, and what was set by hand.

    >>> summary = Summary(lambda changed: None)
    >>> summary["best"] = 0.93
    >>> summary["best"]
    0.93
    """

    def __init__(self, record: Record, refuse: Refuse = _raise):
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_refuse", refuse)
        object.__setattr__(self, "latest", {})

    _record: Record
    #: updated by `log`
    latest: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        if key in self.latest:
            return self.latest[key]
        inner = {k: v for k, v in list(self.latest.items()) if k.startswith(f"{key}.")}
        if not inner:
            raise KeyError(key)
        return values.nest({k[len(key) + 1 :]: v for k, v in inner.items()})

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"the summary has no {key!r}") from None

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __setattr__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        gone = [k for k in list(self.latest) if k == key or k.startswith(f"{key}.")]
        if not gone:
            raise KeyError(key)
        for name in gone:
            self.latest.pop(name, None)
        self._record({"removed": gone})

    def __iter__(self) -> Iterator[str]:
        return iter(self.latest)

    def __len__(self) -> int:
        return len(self.latest)

    def __repr__(self) -> str:
        return repr(self.latest)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, in another process too, is a dict of what it is now."""
        return dict, (self.latest,)

    @harmless("summary.update()")
    def update(self, values_: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set entries; nested ones are kept under dotted keys, and read under either."""
        items = values.named_items(values_) if values_ is not None else []
        changed = values.flatten(dict([*items, *more.items()]))
        self.latest.update(changed)
        self._record({"values": changed})
