"""`run.config` and `run.summary`: mappings whose every change is recorded at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trackerlite import values

Record = Callable[[dict[str, Any]], None]


class Config(Mapping[str, Any]):
    """A run's hyperparameters. Read and set by item or attribute; nested dicts welcome.

    Each change is in the journal when the statement returns.

    >>> config = Config(lambda flat: None, {"lora": {"r": 8}})
    >>> config.lora["r"], config["lora"]["r"]
    (8, 8)
    >>> config.lr = 1e-4
    >>> config.as_dict()
    {'lora': {'r': 8}, 'lr': 0.0001}
    """

    def __init__(self, record: Record, initial: Mapping[str, Any] | None = None):
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_values", dict(initial or {}))

    _record: Record
    _values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

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

    def update(self, values_: Any = None, allow_val_change: bool = True, **more: Any) -> None:  # noqa: ARG002
        """Add or change entries, from a mapping, a dataclass, a namespace, or keywords."""
        items = values.mapping_items(values_) if values_ is not None else []
        if items is None:
            items = list(dict(values_).items())
        changed = {str(k): _plain(v) for k, v in [*items, *more.items()]}
        self._values.update(changed)
        self._record(values.flatten(changed))

    def setdefaults(self, defaults: Any) -> None:
        """Set what is not set yet."""
        items = values.mapping_items(defaults) or []
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

    def __init__(self, record: Record):
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "latest", {})

    _record: Record
    #: updated by `log`
    latest: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.latest[key]

    def __getattr__(self, key: str) -> Any:
        try:
            return self.latest[key]
        except KeyError:
            raise AttributeError(f"the summary has no {key!r}") from None

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __setattr__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        del self.latest[key]
        self._record({"removed": [key]})

    def __iter__(self) -> Iterator[str]:
        return iter(self.latest)

    def __len__(self) -> int:
        return len(self.latest)

    def __repr__(self) -> str:
        return repr(self.latest)

    def update(self, values_: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set entries; nested ones get dotted keys."""
        changed = values.flatten({**(values_ or {}), **more})
        self.latest.update(changed)
        self._record({"values": changed})


def _plain(value: Any) -> Any:
    items = values.mapping_items(value)
    if items is not None:
        return {str(k): _plain(v) for k, v in items}
    return value if isinstance(value, (list, tuple)) else values.jsonable(value)
