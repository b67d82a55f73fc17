"""The part of W&B's filter language (MongoDB's) that the loopback server evaluates."""

from __future__ import annotations

import re
from typing import Any


def matches(run: Any, filters: dict[str, Any]) -> bool:
    """True when a stored run satisfies a filter document."""
    for key, wanted in filters.items():
        if key == "$and":
            if not all(matches(run, f) for f in wanted):
                return False
        elif key == "$or":
            if not any(matches(run, f) for f in wanted):
                return False
        elif key in ("$not", "$nor"):
            if any(matches(run, f) for f in (wanted if isinstance(wanted, list) else [wanted])):
                return False
        elif not _holds(_value(run, key), wanted):
            return False
    return True


def _value(run: Any, key: str) -> Any:
    simple = {
        "state": run.state,
        "name": run.name,
        "display_name": run.fields.get("displayName"),
        "displayName": run.fields.get("displayName"),
        "group": run.fields.get("groupName"),
        "jobType": run.fields.get("jobType"),
        "tags": run.fields.get("tags") or [],
        "notes": run.fields.get("notes"),
    }
    if key in simple:
        return simple[key]
    place, _, rest = key.partition(".")
    if place == "config":
        found: Any = run.plain_config()
        rest = rest.removesuffix(".value")
    elif place == "summary_metrics":
        found = run.summary
    else:
        return None
    if rest in found:
        return found[rest]
    for part in rest.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _holds(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return wanted in value if isinstance(value, list) else bool(value == wanted)
    for op, other in wanted.items():
        if op == "$exists":
            ok = (value is not None) == other
        elif op == "$regex":
            ok = isinstance(value, str) and re.search(other, value) is not None
        elif op == "$in":
            ok = any(v in other for v in value) if isinstance(value, list) else value in other
        elif op == "$nin":
            ok = not (any(v in other for v in value) if isinstance(value, list) else value in other)
        elif op == "$eq":
            ok = _holds(value, other)
        elif op == "$ne":
            ok = not _holds(value, other)
        else:
            try:
                ok = {
                    "$gt": lambda a, b: a > b,
                    "$gte": lambda a, b: a >= b,
                    "$lt": lambda a, b: a < b,
                    "$lte": lambda a, b: a <= b,
                }[op](value, other)
            except TypeError:
                ok = False
        if not ok:
            return False
    return True
