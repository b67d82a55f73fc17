"""Plots that W&B draws and the terminal shows: confusion matrix, PR and ROC curves, and the plain ones.

    run.log({"val/cm": tl.plot.confusion_matrix(y_true=y, preds=p, class_names=["no", "yes"])})

Each is a table of few rows that names its chart. Computed with NumPy alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trackerlite.errors import BadInput
from trackerlite.media.base import array
from trackerlite.media.table import Plot, Table

MAX_ROWS = 10_000  # what W&B draws of one table
_CURVE_POINTS = 100

__all__ = [
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "plot_table",
    "pr_curve",
    "roc_curve",
    "scatter",
]


def confusion_matrix(
    y_true: Any = None,
    preds: Any = None,
    class_names: Sequence[str] | None = None,
    probs: Any = None,
    title: str = "Confusion Matrix Curve",
    split_table: bool = False,
) -> Plot:
    """How often each class was taken for each.

    Args:
        y_true: class numbers, (n,).
        preds: predicted class numbers, (n,); or `probs`: scores, (n, classes).
        class_names: names of the classes 0, 1, …; default: the numbers that occur.

    Raises:
        BadInput: lengths differ, or a number has no name.

    >>> import trackerlite as tl
    >>> cm = tl.plot.confusion_matrix([0, 0, 1], [0, 1, 1], ["no", "yes"])
    >>> cm.data
    [['no', 'no', 1], ['no', 'yes', 1], ['yes', 'no', 0], ['yes', 'yes', 1]]
    """
    import numpy as np

    if (preds is None) == (probs is None):
        raise BadInput("confusion_matrix takes either preds= or probs=.")
    if preds is None:
        preds = array(probs).argmax(axis=1)
    if y_true is None:
        raise BadInput("confusion_matrix needs y_true=.")
    true, guess = np.asarray(_plain(y_true)).ravel(), np.asarray(_plain(preds)).ravel()
    if len(true) != len(guess):
        raise BadInput(f"{len(guess)} predictions do not fit {len(true)} true labels.")
    found = np.unique(np.concatenate([true, guess]))
    if class_names is None:
        labels, names = found, [str(label) for label in found.tolist()]
    elif found.dtype.kind in "US":  # the labels are names themselves
        labels, names = np.asarray(class_names), list(class_names)
    else:
        labels, names = np.arange(len(class_names)), [str(name) for name in class_names]
    order = np.argsort(labels)
    if not np.isin(found, labels).all():
        odd = [x for x in found.tolist() if x not in set(labels.tolist())]
        raise BadInput(f"The class {odd[0]!r:.40} has no name among {len(names)} class_names.")
    n = len(names)
    rows = order[np.searchsorted(labels[order], true)]
    columns = order[np.searchsorted(labels[order], guess)]
    counts = np.bincount(rows * n + columns, minlength=n * n).reshape(n, n)
    data = [[names[i], names[j], int(counts[i, j])] for i in range(n) for j in range(n)]
    headers = ["Actual", "Predicted", "nPredictions"]
    fields = {name: name for name in headers}
    return Plot("wandb/confusion_matrix/v1", headers, data, fields, {"title": title}, split_table)


def pr_curve(
    y_true: Any,
    y_probas: Any,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    interp_size: int = _CURVE_POINTS,
    title: str = "Precision-Recall Curve",
    split_table: bool = False,
) -> Plot:
    """Precision over recall, one curve a class.

    Args:
        y_true: class numbers, (n,). y_probas: scores, (n, classes), or (n,) of the class 1.
        labels: names of the classes. classes_to_plot: default all.
        interp_size: points per curve, evenly over recall.
    """
    import numpy as np

    data = []
    for name, positive, score in _per_class(y_true, y_probas, labels, classes_to_plot):
        precision, recall = _precision_recall(positive, score)
        # The best precision that is reached at this recall or a greater one.
        best = np.maximum.accumulate(precision[::-1])[::-1]
        grid = np.linspace(0, 1, interp_size)
        # A recall that is this one but for its last bit is this one.
        at = np.minimum(np.searchsorted(recall, grid - 1e-9, side="left"), len(recall) - 1)
        data += [
            [name, round(float(p), 3), round(float(r), 3)]
            for p, r in zip(best[at], grid, strict=True)
        ]
    fields = {"x": "recall", "y": "precision", "class": "class"}
    strings = {"title": title, "x-axis-title": "Recall", "y-axis-title": "Precision"}
    columns = ["class", "precision", "recall"]
    return Plot("wandb/area-under-curve/v0", columns, _thin(data), fields, strings, split_table)


def roc_curve(
    y_true: Any,
    y_probas: Any,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    title: str = "ROC Curve",
    split_table: bool = False,
) -> Plot:
    """True over false positive rate, one curve a class; arguments as `pr_curve`."""
    import numpy as np

    data = []
    for name, positive, score in _per_class(y_true, y_probas, labels, classes_to_plot):
        hits, misses, _ = _sweep(positive, score)
        tpr = np.concatenate([[0.0], hits / max(1, hits[-1])])
        fpr = np.concatenate([[0.0], misses / max(1, misses[-1])])
        # A corner is a point whose neighbours lie on no common line with it.
        bend = np.diff(tpr[:-1]) * np.diff(fpr[1:]) != np.diff(fpr[:-1]) * np.diff(tpr[1:])
        keep = np.concatenate([[True], bend, [True]])
        data += [
            [name, round(float(x), 3), round(float(y), 3)]
            for x, y in zip(fpr[keep], tpr[keep], strict=True)
        ]
    fields = {"x": "fpr", "y": "tpr", "class": "class"}
    strings = {
        "title": title,
        "x-axis-title": "False positive rate",
        "y-axis-title": "True positive rate",
    }
    columns = ["class", "fpr", "tpr"]
    return Plot("wandb/area-under-curve/v0", columns, _thin(data), fields, strings, split_table)


def line(
    table: Table, x: str, y: str, stroke: str | None = None, title: str = "",
    split_table: bool = False,
) -> Plot:  # fmt: skip
    """One column over another; `stroke` names the column that tells lines apart."""
    fields = {"x": x, "y": y} | ({"stroke": stroke} if stroke else {})
    return plot_table("wandb/line/v0", table, fields, {"title": title}, split_table)


def scatter(table: Table, x: str, y: str, title: str = "", split_table: bool = False) -> Plot:
    """A point per row."""
    return plot_table("wandb/scatter/v0", table, {"x": x, "y": y}, {"title": title}, split_table)


def bar(table: Table, label: str, value: str, title: str = "", split_table: bool = False) -> Plot:
    """A bar per row."""
    fields = {"label": label, "value": value}
    return plot_table("wandb/bar/v0", table, fields, {"title": title}, split_table)


def histogram(table: Table, value: str, title: str = "", split_table: bool = False) -> Plot:
    """How a column's values are spread."""
    return plot_table("wandb/histogram/v0", table, {"value": value}, {"title": title}, split_table)


def line_series(
    xs: Iterable[Any],
    ys: Sequence[Iterable[Any]],
    keys: Sequence[str] | None = None,
    title: str = "",
    xname: str = "x",
    split_table: bool = False,
) -> Plot:
    """Several lines; `xs` is one for all, or one per line."""
    xs, ys = list(_plain(xs)), [list(_plain(y)) for y in ys]
    shared = not xs or not hasattr(xs[0], "__len__") or isinstance(xs[0], str)
    each = [xs] * len(ys) if shared else [list(x) for x in xs]
    if len(each) != len(ys):
        raise BadInput(f"{len(each)} rows of x do not fit {len(ys)} rows of y.")
    names = list(keys) if keys is not None else [f"line_{i}" for i in range(len(ys))]
    if len(names) != len(ys):
        raise BadInput(f"{len(names)} keys do not fit {len(ys)} lines.")
    data = [
        [a, name, b]
        for name, x, y in zip(names, each, ys, strict=True)
        for a, b in zip(x, y, strict=False)
    ]
    columns = ["step", "lineKey", "lineVal"]
    fields = {name: name for name in columns}
    strings = {"title": title, "xname": xname}
    return Plot("wandb/lineseries/v0", columns, data, fields, strings, split_table)


def plot_table(
    vega_spec_name: str,
    data_table: Table,
    fields: dict[str, str],
    string_fields: dict[str, str] | None = None,
    split_table: bool = False,
) -> Plot:
    """Any chart that W&B knows by name, drawn from a table."""
    unknown = [column for column in fields.values() if column not in data_table.columns]
    if unknown and vega_spec_name.startswith("wandb/"):
        raise BadInput(
            f"The table has no column {unknown[0]!r:.60}; it has "
            f"{', '.join(map(str, data_table.columns))[:200]}."
        )
    return Plot(
        vega_spec_name, data_table.columns, data_table.data, fields, string_fields, split_table
    )


def _per_class(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None, wanted: Sequence[Any] | None
) -> list[tuple[str, Any, Any]]:
    """(name, whether each is of that class, its score) per class."""
    import numpy as np

    true, scores = np.asarray(_plain(y_true)).ravel(), array(_plain(y_probas))
    if scores.ndim == 1:
        scores = np.stack([1 - scores, scores], axis=1)
    if scores.ndim != 2 or len(scores) != len(true):
        raise BadInput(f"Scores of shape {scores.shape} do not fit {len(true)} true labels.")
    if not len(true):
        raise BadInput("A curve of no labels cannot be drawn.")
    classes = np.unique(true)
    if true.dtype.kind in "iub" and int(classes.max()) < scores.shape[1]:
        columns = [int(c) for c in classes]  # numbers mean the columns of the scores
    else:
        columns = list(range(len(classes)))
        if len(classes) > scores.shape[1]:
            raise BadInput(
                f"{len(classes)} classes do not fit {scores.shape[1]} columns of scores."
            )
    out = []
    for label, column in zip(classes.tolist(), columns, strict=True):
        if wanted is not None and label not in wanted:
            continue
        is_number = labels is not None and isinstance(label, int) and label < len(labels)
        name = str(labels[label]) if labels is not None and is_number else str(label)
        out.append((name, true == label, scores[:, column]))
    return out


def _sweep(positive: Any, score: Any) -> tuple[Any, Any, Any]:
    """(hits, false alarms, thresholds) as the threshold falls over each distinct score."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    score, positive = score[order], positive[order]
    last = np.concatenate([np.nonzero(np.diff(score))[0], [len(score) - 1]])
    hits = np.cumsum(positive)[last].astype(float)
    return hits, 1.0 + last - hits, score[last]


def _precision_recall(positive: Any, score: Any) -> tuple[Any, Any]:
    """Both with recall rising, from (precision 1, recall 0) on."""
    import numpy as np

    hits, misses, _ = _sweep(positive, score)
    precision = np.concatenate([[1.0], hits / (hits + misses)])
    return precision, np.concatenate([[0.0], hits / max(1.0, hits[-1])])


def _thin(data: list[list[Any]]) -> list[list[Any]]:
    """At most as many rows as W&B draws, evenly chosen, both ends kept."""
    if len(data) <= MAX_ROWS:
        return data
    step = (len(data) - 1) / (MAX_ROWS - 1)
    return [data[round(i * step)] for i in range(MAX_ROWS)]


def _plain(value: Any) -> Any:
    """Tensors as arrays; everything else as it is."""
    return array(value) if hasattr(value, "detach") else value
