"""The one door for values: what may be logged, and as what it is kept.

Accepts Python, NumPy and torch (or any) scalars by what they can do, without
importing the libraries they come from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from reprlib import Repr
from typing import Any

from trackerlite.errors import BadInput

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
KEY_LIMIT = 4096
JSON_LIMIT = 8 * 1024 * 1024
DEPTH_LIMIT = 32
LIST_LIMIT = 10_000

_short = Repr()
_short.maxstring = _short.maxother = _short.maxlong = 80


def brief(value: Any) -> str:
    """`repr(value)` for a sentence: short, quickly, and also where the object's own fails.

    >>> brief("a" * 1000)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
    """
    return encodable(_short.repr(value))


def scalar(value: Any) -> Any:
    """`value` as a Python int, float, bool, str or None where it stands for one, else itself.

    NumPy scalars, 0-d arrays and tensors (bfloat16 and CUDA ones included) have
    `item()`; so do one-element arrays, which people log as numbers.

    >>> scalar(3), scalar(True)
    (3, True)
    """
    if type(value) in (float, int, bool, str, type(None)):
        return value
    try:
        return _scalar(value)
    except Exception:  # a foreign object's own error is not ours to raise
        return value


def _scalar(value: Any) -> Any:
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "size", 1) is not None:
        inner = item()
        if isinstance(inner, (float, int, bool, str)):
            return scalar(inner)
        # a long double's item() is itself
        return float(inner) if hasattr(type(inner), "__float__") else value
    # Subclasses (np.float64 is one, IntEnum another) become the plain type.
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            # str() of a text that is an enum's member would be the member's name
            return str.__str__(value) if kind is str else kind(value)
    if hasattr(value, "__float__") and not hasattr(value, "__len__"):
        return float(value)
    return value


def means(pattern: str, key: str) -> bool:
    """Whether a `define_metric` pattern (a key, or one with `*`) means this key.

    >>> means("val/*", "val/loss"), means("x[0]", "x0")
    (True, False)
    """
    return pattern == key or ("*" in pattern and fnmatchcase(key, pattern.replace("[", "[[]")))


def check_key(key: Any) -> str:
    """`key` as text that every part of the system can carry.

    Raises:
        BadInput: it is not a string, is empty, or is longer than 4,096 characters.
    """
    if not isinstance(key, str):
        raise BadInput(
            f"The key {brief(key)} ({type(key).__name__}) is no string; it was left out."
        )
    if not key:
        raise BadInput("An empty key names nothing; it was left out.")
    if len(key) > KEY_LIMIT:
        raise BadInput(
            f"The key {key[:40]!r}… has {len(key):,} characters; {KEY_LIMIT:,} is the most, so it was left out."
        )
    return _without_secrets(encodable(key))


def is_plain_key(key: Any) -> bool:
    """Whether `check_key` would return `key` as it is."""
    return (
        type(key) is str and 0 < len(key) <= KEY_LIMIT and _without_secrets(encodable(key)) == key
    )


def _without_secrets(text: str) -> str:
    from trackerlite.capture.redact import redact_looks  # for who records; not for who reads

    return redact_looks(text)


def encodable(text: str) -> str:
    """`text` with lone surrogates spelled out (`\\\\ud800`), so that UTF-8 can carry it."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def jsonable(value: Any, above: tuple[Any, ...] = ()) -> Any:
    """`value` as JSON would hold it: scalars, lists and string-keyed dicts; else its `str`.

    Sets, tuples, dataclasses, namespaces, arrays (≤ 10,000 elements) and paths are
    turned into what a person would write. NaN and infinities stay floats. An object
    whose own methods fail becomes a text that says so. `above`: what `value` is inside of;
    what holds itself is not followed.
    """
    try:
        return _jsonable(value, above)
    except Exception as error:  # a foreign object's own error is not ours to raise
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _jsonable(value: Any, above: tuple[Any, ...]) -> Any:
    value = scalar(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, type):  # np.float32, torch.nn.ReLU: it has the methods, and no value
        return encodable(_described(value))
    if isinstance(value, str):
        return encodable(value)
    if len(above) > DEPTH_LIMIT or is_inside(value, above):
        return brief(value)
    inside = (*above, value)
    items = mapping_items(value)
    if items is not None:
        return {encodable(str(k)): jsonable(v, inside) for k, v in items}
    if isinstance(value, (list, tuple)):
        return [jsonable(v, inside) for v in value]
    if isinstance(value, (set, frozenset)):
        return [jsonable(v, inside) for v in sorted(value, key=repr)]
    tolist = getattr(value, "tolist", None)
    if tolist is not None and getattr(value, "size", 0) is not None:
        size = value.size() if callable(getattr(value, "size", None)) else getattr(value, "size", 0)
        count = math.prod(size) if isinstance(size, tuple) else int(size)
        if count <= LIST_LIMIT:
            return jsonable(tolist(), inside)
        return f"<{type(value).__name__} of {count:,} elements>"
    listed = isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview))
    if listed and len(value) <= LIST_LIMIT:  # a list of OmegaConf's, a deque, a range
        return [jsonable(v, inside) for v in value]
    return encodable(_described(value))


def is_inside(value: Any, above: tuple[Any, ...]) -> bool:
    """Whether `value` is one of the things that it is inside of."""
    return any(value is one for one in above)


def mapping_items(value: Any) -> list[tuple[Any, Any]] | None:
    """The items of anything that maps names to values, or None.

    Mappings, dataclasses, namespaces, absl, attrs, pydantic and OmegaConf-like objects.
    """
    if isinstance(value, dict):
        return list(value.items())
    kind = type(value)
    fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "model_fields", None)
    if isinstance(fields, dict):
        return [(name, getattr(value, name, None)) for name in fields]
    if hasattr(kind, "__attrs_attrs__"):
        return [(field.name, getattr(value, field.name, None)) for field in kind.__attrs_attrs__]
    flags = _attribute(value, "flag_values_dict")
    if callable(flags):
        return list(flags().items())
    if kind.__name__ in ("Namespace", "SimpleNamespace") and hasattr(value, "__dict__"):
        return list(vars(value).items())
    mapping = _attribute(value, "keys") is not None and hasattr(kind, "__getitem__")
    if mapping and not isinstance(value, type):
        try:
            return [(key, _item(value, key)) for key in list(value.keys())]
        except Exception:  # a foreign object's own error is not ours to raise
            return None
    return None


def _attribute(value: Any, name: str) -> Any:
    """An attribute, or None, also of a config whose `__getattr__` raises a KeyError."""
    try:
        return getattr(value, name, None)
    except Exception:  # a foreign object's own error is not ours to raise
        return None


def _item(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except Exception as error:  # OmegaConf's `???`, an interpolation of what is not there
        return f"<{type(error).__name__}>"


def named_items(value: Any) -> list[tuple[Any, Any]]:
    """The items of what somebody gave as names and values: also pairs, or an object's attributes.

    Raises:
        BadInput: it is nothing of that kind.
    """
    items = mapping_items(value)
    if items is not None:
        return items
    given = _attribute(value, "__dict__")
    if isinstance(value, type) or (isinstance(given, dict) and not callable(value)):
        items = _attributes(value)
        if items or not isinstance(value, type):
            return items
    try:
        return list(dict(value).items())
    except (TypeError, ValueError):
        raise BadInput(
            f"{brief(value)} ({type(value).__name__}) does not map names to values; a dict does."
        ) from None


def _attributes(value: Any) -> list[tuple[str, Any]]:
    """What an object or a class (`class CFG: lr = 1e-3`) was given, its classes' values included."""
    kinds = (value if isinstance(value, type) else type(value)).__mro__
    found: dict[str, Any] = {}
    for kind in reversed(kinds[:-1]):
        given = vars(kind).items()
        found.update(
            {k: v for k, v in given if not k.startswith("_") and not hasattr(v, "__get__")}
        )
    if not isinstance(value, type):
        found.update(vars(value))
    return list(found.items())


def _described(value: Any) -> str:
    try:
        if isinstance(value, type) or callable(value):
            return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"
        return str(value)
    except Exception as error:  # a broken __str__ must not reach the training
        return f"<{type(value).__name__}: {type(error).__name__} in str()>"


def flatten(config: Any) -> dict[str, Any]:
    """Nested mappings as one flat dict with dotted keys; leaves are JSON values.

    >>> flatten({"lora": {"r": 8, "alpha": 16}, "lr": 1e-4})
    {'lora.r': 8, 'lora.alpha': 16, 'lr': 0.0001}
    """
    flat: dict[str, Any] = {}
    stack: list[tuple[str, Any, tuple[Any, ...]]] = [("", config, ())]
    while stack:
        path, value, above = stack.pop()
        within = len(above) < DEPTH_LIMIT and not is_inside(value, above)
        items = mapping_items(value) if within else None
        if items:
            for key, inner in reversed(items):
                name = encodable(str(key))
                stack.append((f"{path}.{name}" if path else name, inner, (*above, value)))
        elif path:
            flat[path[:KEY_LIMIT]] = jsonable(value, above)
    return flat


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """What `flatten` flattened, as far as dotted keys tell.

    >>> nest({"lora.r": 8, "lora.alpha": 16, "lr": 1e-4})
    {'lora': {'r': 8, 'alpha': 16}, 'lr': 0.0001}
    """
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *outer, last = path.split(".")
        inner = nested
        for name in outer:
            step = inner.setdefault(name, {})
            if not isinstance(step, dict):  # "a" is a value, and "a.b" another
                inner, last = nested, path
                break
            inner = step
        inner[last] = value
    return nested


def dumps(value: Any) -> str:
    """Compact JSON; NaN and infinities as JavaScript spells them."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def check_size(key: str, value: Any) -> None:
    """Whether `value`, of JSON, is small enough to be recorded under `key`.

    Raises:
        BadInput: it takes more than 8 MiB.
    """
    size = len(value) if isinstance(value, str) else len(dumps(value))
    if size > JSON_LIMIT:
        raise BadInput(
            f"The value of {brief(key)} is {size:,} bytes of JSON; {JSON_LIMIT:,} is "
            "the most, so it was left out. Log it as an artifact or a table."
        )


def as_float(number: int | float) -> float:
    """`number` as a float; an int that is too large becomes infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
