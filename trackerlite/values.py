"""The one door for values: what may be logged, and as what it is kept.

Accepts Python, NumPy and torch (or any) scalars by what they can do, without
importing the libraries they come from.
"""

from __future__ import annotations

import json
import math
from fnmatch import fnmatchcase
from typing import Any

from trackerlite.errors import BadInput

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
KEY_LIMIT = 4096
JSON_LIMIT = 8 * 1024 * 1024
DEPTH_LIMIT = 32


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
            f"The key {key!r:.80} is a {type(key).__name__}; keys are strings, so it was left out."
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


def jsonable(value: Any, depth: int = 0) -> Any:
    """`value` as JSON would hold it: scalars, lists and string-keyed dicts; else its `str`.

    Sets, tuples, dataclasses, namespaces, arrays (≤ 10,000 elements) and paths are
    turned into what a person would write. NaN and infinities stay floats. An object
    whose own methods fail becomes a text that says so.
    """
    try:
        return _jsonable(value, depth)
    except Exception as error:  # a foreign object's own error is not ours to raise
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _jsonable(value: Any, depth: int) -> Any:
    value = scalar(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return encodable(value)
    if depth > DEPTH_LIMIT:
        return encodable(f"{value!r:.200}")
    items = mapping_items(value)
    if items is not None:
        return {encodable(str(k)): jsonable(v, depth + 1) for k, v in items}
    if isinstance(value, (list, tuple)):
        return [jsonable(v, depth + 1) for v in value]
    if isinstance(value, (set, frozenset)):
        return [jsonable(v, depth + 1) for v in sorted(value, key=repr)]
    tolist = getattr(value, "tolist", None)
    if tolist is not None and getattr(value, "size", 0) is not None:
        size = value.size() if callable(getattr(value, "size", None)) else getattr(value, "size", 0)
        count = math.prod(size) if isinstance(size, tuple) else int(size)
        if count <= 10_000:
            return jsonable(tolist(), depth + 1)
        return f"<{type(value).__name__} of {count:,} elements>"
    return encodable(_described(value))


def mapping_items(value: Any) -> list[tuple[Any, Any]] | None:
    """The items of anything that maps names to values, or None.

    Mappings, dataclasses, `argparse.Namespace`, absl and OmegaConf-like objects.
    """
    if isinstance(value, dict):
        return list(value.items())
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return [(name, getattr(value, name, None)) for name in fields]
    flags = getattr(value, "flag_values_dict", None)
    if callable(flags):
        return list(flags().items())
    if type(value).__name__ == "Namespace" and hasattr(value, "__dict__"):
        return list(vars(value).items())
    if hasattr(value, "keys") and hasattr(value, "__getitem__"):
        try:
            return [(key, value[key]) for key in list(value.keys())]
        except Exception:  # a foreign object's own error is not ours to raise
            return None
    return None


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
    stack: list[tuple[str, Any, int]] = [("", config, 0)]
    while stack:
        path, value, depth = stack.pop()
        items = mapping_items(value) if depth < DEPTH_LIMIT else None
        if items:
            for key, inner in reversed(items):
                name = encodable(str(key))
                stack.append((f"{path}.{name}" if path else name, inner, depth + 1))
        elif path:
            flat[path[:KEY_LIMIT]] = jsonable(value)
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


def as_float(number: int | float) -> float:
    """`number` as a float; an int that is too large becomes infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
