"""Custom charts (a confusion matrix, a curve): a table in a row, and W&B's description in the config.

Recorded as one value: a table that names its chart under "plot". W&B wants the table under a key of its
own and the chart in the config, as its own `log` does it.
"""

from __future__ import annotations

import json
from typing import Any


def plot_of(value: Any) -> dict[str, Any] | None:
    """The chart that a logged value names, None for any other value; JSON text is read."""
    if isinstance(value, str):
        if not value.startswith("{") or '"plot"' not in value:
            return None
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if not isinstance(value, dict) or value.get("_type") != "table-file":
        return None
    plot = value.get("plot")
    return plot if isinstance(plot, dict) and plot.get("id") else None


def table_key(key: str, value: Any) -> str:
    """The key of the value's table in a row; any other value keeps its key.

    >>> table_key("cm", {"_type": "table-file", "plot": {"id": "wandb/confusion_matrix/v1"}})
    'cm_table'
    >>> table_key("loss", 0.5)
    'loss'
    """
    plot = plot_of(value)
    if plot is None:
        return key
    return f"Custom Chart Tables/{key}_table" if plot.get("split_table") else f"{key}_table"


def without_chart(value: Any) -> Any:
    """The value as a row has it."""
    if plot_of(value) is None or not isinstance(value, dict):
        return value
    return {k: v for k, v in value.items() if k != "plot"}


def describe(key: str, value: Any) -> dict[str, Any] | None:
    """What the config says about the chart, None for any other value."""
    plot = plot_of(value)
    if plot is None:
        return None
    names: list[dict[str, Any]] = [
        {"name": name, "fields": []} for name in ("id", "name", "_defaultColorIndex")
    ]
    wanted = {"name": "tableKey", "value": table_key(key, value)}
    table = {"name": "summaryTable", "args": [wanted], "fields": []}
    runs = {
        "name": "runSets",
        "args": [{"name": "runSets", "value": "${runSets}"}],
        "fields": [*names, table],
    }
    return {
        "panel_type": "Vega2",
        "panel_config": {
            "panelDefId": plot["id"],
            "fieldSettings": plot.get("fields") or {},
            "stringSettings": plot.get("strings") or {},
            "transform": {"name": "tableWithLeafColNames"},
            "userQuery": {"queryFields": [runs]},
        },
    }
