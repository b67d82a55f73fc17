"""What differs between runs, and whether groups of them differ by more than noise."""

from __future__ import annotations

import dataclasses
import math
import random
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import trackerlite as tl
from trackerlite.readers import Reader, patches, statistics
from trackerlite.readers.compare import compare
from trackerlite.readers.compare_groups import compare_groups
from trackerlite.readers.comparison import MISSING, same
from trackerlite.readers.select import group_runs, select_runs


def two(reader: Reader, *names: str) -> list[object]:
    return [reader.run(name) for name in names]


def test_only_what_differs(reader: Reader) -> None:
    """Config, packages, code and summary show the keys whose values differ, and no others."""
    full = compare(reader, [reader.run("adamw0"), reader.run("lion0")])
    found = full.differing()
    assert {row.key: row.values for row in found.sections["config"]} == {
        "lr": (1e-3, 3e-4),
        "optimizer.name": ("adamw", "lion"),
    }
    assert [row.key for row in found.sections["packages"]] == ["torch"]
    assert {row.key for row in found.sections["git"]} == {"commit", "changed train.py"}
    assert [row.key for row in found.sections["summary"]] == ["verdict"]
    assert {"seed", "fp16", "optimizer.betas"} < {row.key for row in full.sections["config"]}


def test_shown_in_a_line(reader: Reader) -> None:
    """A comparison that ends a notebook's cell says how much differs, not all that it holds."""
    found = compare(reader, [reader.run("adamw0"), reader.run("lion0")])
    refs = f"{found.runs[0].ref}, {found.runs[1].ref}"
    assert repr(found).startswith(
        f"<Comparison of {refs}: what differs is 5 in metrics, 2 in config"
    )
    assert "1 in packages" in repr(found)
    nothing = dataclasses.replace(found, metrics=(), sections={})
    assert repr(nothing) == f"<Comparison of {refs}: nothing differs>"


def test_metrics_are_measured_against_the_baseline(reader: Reader) -> None:
    """Δ and Δ% are this run's minus the baseline's, and better or worse by the metric's direction."""
    runs = [reader.run("adamw1"), reader.run("lion1"), reader.run("adamw2")]
    for baseline in range(3):
        found = {row.name: row for row in compare(reader, runs, baseline).metrics}
        for name, goal in (("val/loss", "min"), ("val/acc", "max")):
            row = found[name]
            against = row.cells[baseline]
            assert row.goal == goal
            assert against is not None
            assert against.delta is None
            for index, cell in enumerate(row.cells):
                assert cell is not None
                if index != baseline:
                    assert cell.delta == cell.last - against.last
                    assert cell.relative == pytest.approx(cell.delta / abs(against.last))
                    assert cell.verdict == (
                        "better" if (cell.delta < 0) == (goal == "min") else "worse"
                    )


def test_a_run_does_not_differ_from_itself(reader: Reader) -> None:
    """Named twice, a run is the same twice, in its metrics too."""
    found = compare(reader, [reader.run("adamw0"), reader.run("adamw0")])
    assert found.metrics
    assert found.differing().metrics == ()


def test_equal_undirected_and_missing_metrics(reader: Reader) -> None:
    """Equal is `same`, a metric without direction has no verdict, one never logged no cell."""
    rows = {r.name: r for r in compare(reader, [reader.run("adamw0"), reader.run("lion0")]).metrics}
    assert rows["quality"].cells[1].verdict == "same"  # type: ignore[union-attr]
    assert rows["quality"].unit == "%"
    assert not rows["quality"].differs
    assert rows["noise"].cells[1].verdict is None  # type: ignore[union-attr]
    assert rows["only_lion"].cells[0] is None
    assert rows["only_adamw"].cells[1] is None
    assert math.isnan(rows["only_adamw"].cells[0].last)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(1, 1.0, True), (1, True, False), (math.nan, math.nan, True), ("1", 1, False), (None, MISSING, False),
     (MISSING, MISSING, True), ([1, {"a": 2}], [1, {"a": 2}], True), ([1], (1,), False), (0.1, 0.1 + 1e-18, True)],
)  # fmt: skip
def test_sameness(one: object, other: object, equal: bool) -> None:
    """Two values are the same by what they are, not by how Python compares them."""
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_a_patch_is_told_by_files() -> None:
    """A patch falls into its files, with lines counted and headers left out of the count."""
    patch = (
        "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n"
        "diff --git a/new b/new\nnew file mode 100644\n--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+1\n+2\n"
        "diff --git a/pic.png b/pic.png\nBinary files a/pic.png and b/pic.png differ\n"
    )
    found = patches.split(patch)
    assert [(c.path, c.added, c.removed) for c in found] == [
        ("x.py", 1, 1),
        ("new", 2, 0),
        ("pic.png", 0, 0),
    ]
    assert "".join(change.text for change in found) == patch
    assert patches.split("") == []
    assert found[0].label != patches.split(patch.replace("+b", "+d"))[0].label


def test_welch_agrees_with_scipy() -> None:
    """Differences, p-values and intervals of generated seeds are SciPy's, groups of any size."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        a = rng.normal(rng.normal(), rng.uniform(0.1, 3), rng.integers(2, 12))
        b = rng.normal(rng.normal(), rng.uniform(0.1, 3), rng.integers(2, 12))
        found = statistics.compare_samples(statistics.sample(list(a)), statistics.sample(list(b)))
        from_moments = stats.ttest_ind_from_stats(
            b.mean(), b.std(ddof=1), len(b), a.mean(), a.std(ddof=1), len(a), equal_var=False
        )
        assert found.p == pytest.approx(from_moments.pvalue, rel=1e-9)
        assert found.delta == pytest.approx(b.mean() - a.mean())
        assert found.low < found.delta < found.high
        assert (found.low < 0 < found.high) is (found.p > 0.05)


def test_noise_is_called_noise() -> None:
    """Where there is no difference, at most about one family of comparisons in twenty is wrong."""
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(150):
        groups = rng.normal(0.5, 0.1, (4, 2, 5))
        tested = statistics.adjust(
            [
                statistics.compare_samples(*map(statistics.sample, map(list, pair)))
                for pair in groups
            ]
        )
        wrong += any(difference.verdict == "different" for difference in tested)
    assert wrong / 150 < 0.1


def test_a_real_difference_is_found(reader: Reader) -> None:
    """The study's optimizers differ in loss by more than their seeds, and not in what is noise."""
    groups = group_runs(reader, select_runs(reader, "project:study"), "config.optimizer.name")
    rows = {row.name: row for row in compare_groups(reader, groups).metrics}
    loss = rows["val/loss"].cells[1]
    assert loss.difference is not None
    assert (loss.verdict, loss.difference.verdict) == ("better", "different")
    assert loss.difference.p <= loss.difference.adjusted < 0.05
    assert loss.sample.n == 5
    assert rows["val/acc"].cells[1].verdict == "better"
    noise = rows["noise"].cells[1]
    assert noise.difference is not None
    assert noise.verdict is None
    assert rows["quality"].cells[1].difference.verdict == "no spread"  # type: ignore[union-attr]
    assert rows["only_adamw"].cells[0].sample.lost == 5
    assert rows["only_lion"].cells[1].difference.verdict == "too few runs"  # type: ignore[union-attr]


def test_best_needs_a_direction(reader: Reader) -> None:
    """With `best`, metrics whose direction nobody knows are left out instead of guessed."""
    groups = group_runs(reader, select_runs(reader, "project:study"), "config.optimizer.name")
    found = {row.name for row in compare_groups(reader, groups, "best").metrics}
    assert found == {"val/loss", "val/acc", "quality"}


def test_without_scipy_no_verdict_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SciPy is missing, means and spreads are told, and that the test needs it."""
    monkeypatch.setattr(statistics, "scipy_installed", lambda: False)
    values = [random.Random(seed).random() for seed in range(8)]
    found = statistics.compare_samples(statistics.sample(values[:4]), statistics.sample(values[4:]))
    assert found.verdict == "needs scipy"
    assert math.isfinite(found.delta)
    assert statistics.adjust([found]) == [found]


def test_samples() -> None:
    """Runs without a finite value are counted as lost and change neither mean nor spread."""
    found = statistics.sample([1.0, math.nan, 3.0, None, math.inf])
    assert (found.n, found.lost, found.mean) == (2, 3, 2.0)
    assert found.sd == pytest.approx(math.sqrt(2))
    assert math.isnan(statistics.sample([1.0]).sd)
    assert math.isnan(statistics.sample([]).mean)


def test_a_value_that_every_seed_has_is_no_spread(recwarn: pytest.WarningsRecorder) -> None:
    """What differs by how sums were rounded is no difference, and nothing warns of it on stderr."""
    same = [1.5e-05] * 9 + [1.5e-05 * (1 + 2e-16)]
    found = statistics.compare_samples(statistics.sample([5e-07] * 10), statistics.sample(same))
    assert statistics.sample(same).sd == 0.0
    assert found.verdict == "no spread"
    one_sided = statistics.compare_samples(
        statistics.sample([1.0] * 5), statistics.sample([1.1, 1.2, 1.3, 1.4])
    )
    wanted = stats.ttest_1samp([1.1, 1.2, 1.3, 1.4], 1.0)
    assert one_sided.p == pytest.approx(wanted.pvalue)
    assert not recwarn.list


def test_groups_of_a_number_and_of_its_text_are_told_apart(tmp_path: Path) -> None:
    """0.1 and "0.1" make two groups, each with its own label and its own entry in the JSON."""
    for number, lr in enumerate((0.1, 0.1, "0.1", "0.1")):
        with tl.init(project="p", id=f"r{number}", dir=tmp_path, config={"lr": lr}) as run:
            run.log({"loss": float(number)})
    with Reader.open(tmp_path) as reader:
        groups = group_runs(reader, select_runs(reader), "config.lr")
        told = compare_groups(reader, groups).to_dict()
    assert [group.label for group in groups] == ["config.lr=0.1", 'config.lr="0.1"']
    assert {k: v["mean"] for k, v in told["metrics"][0]["values"].items()} == {
        "config.lr=0.1": 0.5,
        'config.lr="0.1"': 2.5,
    }


def test_what_cannot_be_had_is_null(tmp_path: Path) -> None:
    """In JSON a spread, a p or an interval that does not exist is null, never the text "NaN"."""
    for number in range(2):
        with tl.init(project="p", id=f"r{number}", dir=tmp_path, config={"lr": number}) as run:
            run.log({"loss": float(number)})
    with Reader.open(tmp_path) as reader:
        told = compare_groups(
            reader, group_runs(reader, select_runs(reader), "config.lr")
        ).to_dict()
    cell = told["metrics"][0]["values"]["config.lr=1"]
    assert cell["sd"] is None
    assert (cell["difference"]["p"], cell["difference"]["low"]) == (None, None)
    assert cell["difference"]["verdict"] == "too few runs"


def test_packages_that_were_not_recorded_do_not_differ(reader: Reader) -> None:
    """A run that recorded no packages (killed at once, imported) differs from none in them."""
    runs = [reader.run("adamw0"), reader.run("hostile"), reader.run("adamw1"), reader.run("lion0")]
    recorded = [bool(reader.environment(run.key).get("packages")) for run in runs]
    assert recorded == [True, False, True, True]
    found = compare(reader, runs)
    assert [row.key for row in found.differing().sections["packages"]] == ["torch"]
    assert not compare(reader, runs[:2]).differing().sections["packages"]
    assert not compare(reader, runs[1::-1]).differing().sections["packages"]
    assert compare(reader, runs[:2]).sections["packages"]


def test_the_use_of_the_machine_is_told(tmp_path):
    """Mean use of processors and GPUs, the highest of memory and heat: of each run, side by side."""
    for name, load in (("one", 50.0), ("two", 90.0)):
        with tl.init(project="p", id=name, dir=tmp_path) as run:
            for extra in (0.0, 4.0):
                gpu = {"gpu": load + extra, "memoryAllocatedBytes": 8e9 + extra, "temp": load}
                run._record("system", values={f"gpu.77.{key}": v for key, v in gpu.items()})
    with Reader.open(tmp_path) as reader:
        found = compare(reader, [reader.run("one"), reader.run("two")])
    rows = {row.key: row.values for row in found.sections["system"]}
    assert rows["gpu 77 % (mean)"] == (52.0, 92.0)
    assert rows["gpu 77 memory, MB (highest)"] == (8000.0, 8000.0)
    assert rows["gpu 77 temperature, °C (highest)"] == (50.0, 90.0)
