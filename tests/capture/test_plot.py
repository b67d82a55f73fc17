"""Plots: the numbers of the textbook, in W&B's own tables."""

from __future__ import annotations

import numpy as np
import pytest

import trackerlite as tl
from trackerlite.errors import BadInput


class TestConfusionMatrix:
    def test_counts(self, chance):
        """Every cell counts exactly the pairs of its row and column."""
        rng = np.random.default_rng(chance.randrange(2**32))
        true, guess = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
        names = ["a", "b", "c", "d"]
        found = {(r[0], r[1]): r[2] for r in tl.plot.confusion_matrix(true, guess, names).data}
        for i, a in enumerate(names):
            for j, b in enumerate(names):
                assert found[a, b] == ((true == i) & (guess == j)).sum()

    def test_is_that_of_wandb(self):
        """Chart, fields, columns and rows are what wandb itself would log."""
        wandb = pytest.importorskip("wandb")
        true, guess, names = [0, 1, 2, 2], [0, 2, 2, 1], ["x", "y", "z"]
        ours = tl.plot.confusion_matrix(true, guess, names)
        theirs = wandb.plot.confusion_matrix(y_true=true, preds=guess, class_names=names)
        assert ours.spec == theirs.spec.spec_name
        assert ours.fields == theirs.spec.fields
        assert ours.columns == theirs.table.columns
        assert ours.data == theirs.table.data

    def test_probs_and_names(self):
        """Scores stand for the greatest; labels may be names; a class that never occurs has its row."""
        probs = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]])
        by_probs = tl.plot.confusion_matrix([0, 1], probs=probs, class_names=["a", "b", "c"])
        assert by_probs.data[0] == ["a", "a", 1]
        assert len(by_probs.data) == 9
        by_name = tl.plot.confusion_matrix(["no", "yes"], ["yes", "yes"], class_names=["yes", "no"])
        assert ["no", "yes", 1] in by_name.data
        assert ["yes", "yes", 1] in by_name.data

    @pytest.mark.parametrize(
        "arguments",
        [
            {"y_true": [0], "preds": [0, 1]},
            {"y_true": [0]},
            {"y_true": [0], "preds": [0], "probs": [[1.0]]},
            {"y_true": [5], "preds": [0], "class_names": ["a", "b"]},
        ],
    )
    def test_refused(self, arguments):
        """What does not fit together is refused with a sentence."""
        with pytest.raises(BadInput):
            tl.plot.confusion_matrix(**arguments)


class TestCurves:
    @pytest.mark.parametrize("ties", [False, True])
    def test_precision_recall(self, chance, ties):
        """Each point is the best precision at its recall or above, as scikit-learn has it."""
        metrics = pytest.importorskip("sklearn.metrics")
        rng = np.random.default_rng(chance.randrange(2**32))
        true = rng.integers(0, 2, 300)
        score = np.clip(true * 0.3 + rng.random(300) * 0.7, 0, 1)
        score = score.round(1) if ties else score
        table = tl.plot.pr_curve(true, score, classes_to_plot=[1], interp_size=21)
        precision, recall, _ = metrics.precision_recall_curve(true, score)
        for name, p, r in table.data:
            assert name == "1"
            assert p == pytest.approx(precision[recall >= r - 1e-9].max(), abs=6e-4)

    def test_roc(self, chance):
        """The corners lie on scikit-learn's curve and enclose the same area."""
        metrics = pytest.importorskip("sklearn.metrics")
        rng = np.random.default_rng(chance.randrange(2**32))
        true = rng.integers(0, 3, 400)
        scores = np.eye(3)[true] * 0.5 + rng.random((400, 3))
        table = tl.plot.roc_curve(true, scores, labels=["a", "b", "c"])
        for k, name in enumerate("abc"):
            rows = [row[1:] for row in table.data if row[0] == name]
            area = metrics.roc_auc_score(true == k, scores[:, k])
            assert np.trapezoid([y for _, y in rows], [x for x, _ in rows]) == pytest.approx(
                area, abs=2e-3
            )
            assert rows[0] == [0.0, 0.0]
            assert rows[-1] == [1.0, 1.0]

    def test_bounded(self):
        """However many samples, no table is larger than what W&B draws."""
        rng = np.random.default_rng(0)
        table = tl.plot.roc_curve(rng.integers(0, 2, 60_000), rng.random(60_000))
        assert len(table.data) <= 10_000

    @pytest.mark.parametrize("true", [[], [1, 1, 1]])
    def test_degenerate(self, true):
        """No label is refused; only one class is drawn without dividing by nothing."""
        if not true:
            with pytest.raises(BadInput):
                tl.plot.roc_curve(true, [])
        else:
            assert tl.plot.roc_curve(true, [0.1, 0.2, 0.3]).data


class TestPlain:
    def test_is_that_of_wandb(self):
        """line, scatter, bar, histogram and line_series name the same charts and columns as wandb."""
        wandb = pytest.importorskip("wandb")
        ours = tl.Table(columns=["a", "b"], data=[[1, 2]])
        theirs = wandb.Table(columns=["a", "b"], data=[[1, 2]])
        pairs = [
            (tl.plot.line(ours, "a", "b"), wandb.plot.line(theirs, "a", "b")),
            (tl.plot.scatter(ours, "a", "b"), wandb.plot.scatter(theirs, "a", "b")),
            (tl.plot.bar(ours, "a", "b"), wandb.plot.bar(theirs, "a", "b")),
            (tl.plot.histogram(ours, "a"), wandb.plot.histogram(theirs, "a")),
            (
                tl.plot.line_series([1, 2], [[3, 4], [5, 6]]),
                wandb.plot.line_series([1, 2], [[3, 4], [5, 6]]),
            ),
        ]
        for mine, other in pairs:
            assert mine.spec == other.spec.spec_name
            assert mine.fields == {k: v for k, v in other.spec.fields.items() if v is not None}
            assert mine.columns == other.table.columns
            assert mine.data == other.table.data

    def test_unknown_column(self):
        """A column that is not there is named, with those that are."""
        with pytest.raises(BadInput, match="it has a, b"):
            tl.plot.bar(tl.Table(columns=["a", "b"]), "a", "c")
