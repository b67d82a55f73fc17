"""The query side of `Api`: the same language, order, comparison and thinning as everywhere."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import trackerlite as tl
from trackerlite import readers, report
from trackerlite.errors import ArtifactNotFound, BadInput, NotHere, RunNotFound, Unsupported
from trackerlite.readers.filters import FilterError


def test_runs_filter_and_sort(study: Path) -> None:
    """`Api.runs(filter=, sort=)` is the listing of the command line."""
    api = tl.Api(study)
    found = api.runs(filter="tag:lion val/loss<0.9", sort="-config.seed")
    assert [run.id for run in found] == ["lion4", "lion3", "lion2", "lion1", "lion0"]
    assert [run.id for run in api.runs("other")] == ["hostile"]
    with pytest.raises(FilterError, match="did you mean state"):
        api.runs(filter="stat:running")
    api.close()


def test_compare(study: Path) -> None:
    """`Api.compare` gives the object behind `diff`, from runs or from what names them."""
    api = tl.Api(study)
    found = api.compare([api.run("adamw0"), "lion0"]).differing()
    assert {row.key for row in found.sections["config"]} == {"lr", "optimizer.name"}
    assert found.to_dict()["baseline"] == "adamw0"
    api.close()


def test_history_thinned_keeps_spikes(tmp_path: Path) -> None:
    """`history(samples=)` and `metric(samples=)` keep the least and greatest of each stretch."""
    with tl.init(project="p", id="long", dir=tmp_path) as run:
        for step in range(30_000):
            run.log(
                {"loss": 100.0 if step == 12_345 else -100.0 if step == 20_001 else 1.0}, step=step
            )
    run = tl.Api(tmp_path).run("long")
    whole, some = run.history(["loss"]), run.history(["loss"], samples=500)
    assert len(whole["loss"]) == 30_000
    assert 100 < len(some["loss"]) < 2_000
    for values in (some["loss"], run.metric("loss", samples=500)["value"]):
        assert np.nanmax(values) == 100.0
        assert np.nanmin(values) == -100.0
    frame = some.to_pandas()
    assert list(frame.columns) == list(some)
    assert some.to_polars().height == len(frame)


def test_thinned_over_another_metric(tmp_path: Path) -> None:
    """`history(x=, samples=)` has for each point that is left its place on the other axis."""
    with tl.init(project="p", id="long", dir=tmp_path) as run:
        for step in range(20_000):
            run.log(
                {"loss": 5.0 if step == 12_345 else (step * 37) % 101 / 101, "epoch": step / 100}
            )
    some = tl.Api(tmp_path).run("long").history(["loss"], x="epoch", samples=20)
    assert 20 <= len(some["loss"]) <= 60
    assert some["loss"].max() == 5.0
    assert some["epoch"].tolist() == (some["_step"] / 100).tolist()
    assert (np.diff(some["epoch"]) > 0).all()


def test_one_metric_as_a_frame(study: Path) -> None:
    """`metric()` becomes a table of pandas or polars, as `history()` does."""
    run = tl.Api(study).run("adamw0")
    points = run.metric("val/loss")
    assert points.to_pandas()["value"].tolist() == points["value"].tolist()
    assert points.to_polars().columns == ["step", "time", "value"]
    assert len(list(points.rows())) == len(points["step"])


def test_steps_that_repeat_and_go_back(tmp_path: Path) -> None:
    """A table has a row for each step, rising, the latest value of each; points keep their order."""
    with tl.init(project="p", id="back", dir=tmp_path) as run:
        for step, value in ((0, 1.0), (5, 2.0), (3, 3.0), (5, 4.0)):
            run.log({"x": value}, step=step)
        run.log({"y": 9.0}, step=4)
    run = tl.Api(tmp_path).run("back")
    table = run.history(["x", "y"])
    assert table["_step"].tolist() == [0, 3, 4, 5]
    assert table["x"][[0, 1, 3]].tolist() == [1.0, 3.0, 4.0]
    assert np.isnan(table["x"][2])
    assert run.metric("x")["value"].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("package", [readers, report])
def test_examples_in_docstrings(package: object) -> None:
    """Every example in the docstrings of the query modules gives what it says."""
    tried = 0
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):  # type: ignore[attr-defined]
        if module.name.endswith(".api"):  # its example records a run; tested with the recorder
            continue
        found = doctest.testmod(importlib.import_module(module.name))
        assert found.failed == 0, module.name
        tried += found.attempted
    assert tried > 5 or package is report


def test_what_forked_children_logged_is_in_the_metric(tmp_path: Path) -> None:
    """A metric holds what forked processes logged under its name, in the order of time."""
    with tl.init(project="p", id="forked", dir=tmp_path) as run:
        for number in range(3):
            if not (child := os.fork()):
                run.log({"x": float(number)}, step=number)
                os._exit(0)
            os.waitpid(child, 0)
    run = tl.Api(tmp_path).run("forked")
    assert run.metric("x")["value"].tolist() == [0.0, 1.0, 2.0]
    assert run.history("x")["x"].tolist() == [0.0, 1.0, 2.0]


def test_what_is_no_text(study: Path) -> None:
    """A reference, filter or order that is no text is an error of ours; one run may be compared alone."""
    api = tl.Api(study)
    for mistake in (
        lambda: api.run(5),  # type: ignore[arg-type]
        lambda: api.runs(filter=5),  # type: ignore[arg-type]
        lambda: api.runs(sort=5),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadInput, match="=5 has to be a text"):
            mistake()
    with pytest.raises(BadInput, match="of rank 7"):
        api.run("lion0").metric("val/loss", rank=7)
    assert len(api.compare("lion0").runs) == 1
    api.close()


@pytest.fixture(scope="module")
def run_of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that logged large whole numbers, texts, and values of a second rank."""
    store = tmp_path_factory.mktemp("all")
    with tl.init(
        project="p", id="all", name="one of all", dir=store, config={"lora": {"r": 8}, "lr": 1e-3}
    ) as run:
        for step in range(4):
            run.log(
                {"tokens": 2**53 + 2 * step + 1, "n": step, "mixed": 2**60 + 1 if step else 0.5}
            )
        run.log({"words": "hello", "some": 2**60 + 1})
        (store / "model.txt").write_text("weights")
        run.log_artifact(store / "model.txt", name="net", type="model", aliases=["best"])
    environment = {**os.environ, "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
    script = (
        "import trackerlite as tl\n"
        f"run = tl.init(project='p', id='all', dir={str(store)!r}, resume='allow', ranks='all')\n"
        "run.log({'only': 1.0}, step=2); run.finish()"
    )
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)
    return store


def test_whole_numbers_are_exact(run_of_all: Path) -> None:
    """A metric of whole numbers that float64 would round is int64; one of others float64."""
    run = tl.Api(run_of_all).run("all")
    exact = [2**53 + 2 * step + 1 for step in range(4)]
    for values in (
        run.metric("tokens")["value"],
        run.metric("tokens", samples=2)["value"][[0, -1]],
        run.history(["tokens"])["tokens"],
    ):
        assert values.dtype == np.int64
        assert set(values.tolist()) <= set(exact)
    assert run.history(["tokens"]).to_pandas()["tokens"].tolist() == exact
    assert run.metric("n")["value"].dtype == np.float64
    assert run.metric("mixed")["value"].dtype == np.float64
    table = run.history(["n", "some"])  # a step without a whole number has NaN, which no int64 is
    assert table["some"].dtype == np.float64
    assert np.isnan(table["some"][0])


def test_scan_history_has_all_that_was_logged(run_of_all: Path) -> None:
    """`scan_history` gives rows with exact numbers and texts, as W&B's; with keys those that have all."""
    run = tl.Api(run_of_all).run("all")
    rows = list(run.scan_history())
    assert [row["_step"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[1]["tokens"] == 2**53 + 3
    assert rows[1]["mixed"] == 2**60 + 1
    assert rows[2]["rank1/only"] == 1.0
    assert rows[4]["words"] == "hello"
    assert all(abs(row["_timestamp"] - run.started - row["_runtime"]) < 1e-6 for row in rows)
    assert list(run.scan_history(["n", "mixed"], max_step=2)) == [
        {"n": 0, "mixed": 0.5},
        {"n": 1, "mixed": 2**60 + 1},
    ]
    assert [row["_step"] for row in run.scan_history(min_step=3, page_size=10)] == [3, 4]


def test_what_only_another_rank_logged(run_of_all: Path) -> None:
    """`history()` of a run of several ranks is rank 0's; another's is asked for, and named in the error."""
    run = tl.Api(run_of_all).run("all")
    assert "only" not in run.history()
    assert run.history(rank=1)["only"].tolist() == [1.0]
    with pytest.raises(BadInput, match="of rank 0; rank=1 has it"):
        run.metric("only")


def test_config_reads_by_keys_or_by_path(run_of_all: Path) -> None:
    """`config["lora"]["r"]` is `config["lora.r"]`, as while the run was recorded."""
    config = tl.Api(run_of_all).run("all").config
    assert config["lora"]["r"] == config["lora.r"] == config.get("lora")["r"] == 8
    assert "lora" in config
    assert config.get("nothing", 5) == 5
    assert config == {"lora.r": 8, "lr": 1e-3}
    with pytest.raises(KeyError):
        config["lor"]


def test_a_wrong_name_is_answered_with_the_nearest(run_of_all: Path, study: Path) -> None:
    """Metrics, runs, filters and orders: the error or the warning names what was likely meant."""
    api, run = tl.Api(run_of_all), tl.Api(run_of_all).run("all")
    with pytest.raises(BadInput, match="Did you mean tokens"):
        run.metric("token")
    with pytest.raises(BadInput, match="Did you mean _step"):
        run.history(["n"], x="step")
    with pytest.raises(BadInput, match="scan_history"):
        run.metric("words")
    with pytest.raises(RunNotFound, match="Did you mean p/all"):
        api.run("q/all")
    with pytest.warns(UserWarning, match="Did you mean config.lr"):
        assert api.runs(filter="confg.lr>0") == []
    with pytest.warns(UserWarning, match="Did you mean config.lr"):
        assert len(api.runs(sort="lr")) == 1
    assert len(tl.Api(study).runs(filter="tag:lion", sort="-config.seed")) == 5  # and no warning


def test_a_system_metric_is_read_as_any_other(run_of_all: Path) -> None:
    """`metric("system.memory")` and the like are arrays over time."""
    run = tl.Api(run_of_all).run("all")
    name = run._series(stream="system")[0].name
    assert len(run.metric(name)["time"]) >= 1


@pytest.mark.parametrize("samples", [0, -1, "5"])
def test_samples_is_a_number(run_of_all: Path, samples: object) -> None:
    """So many points, or a sentence."""
    with pytest.raises(BadInput, match=r"samples=.* number of points"):
        tl.Api(run_of_all).run("all").history(samples=samples)  # type: ignore[arg-type]


def test_a_row_has_the_time_of_its_latest_point(tmp_path: Path) -> None:
    """Of calls that are merged into a row, the last one's time counts, as in an export."""
    with tl.init(project="p", id="late", dir=tmp_path) as run:
        run.log({"z": 1.0}, step=0)
        run.log({"b": 1.0}, step=0)
    run = tl.Api(tmp_path).run("late")
    assert run.history()["_time"].tolist() == run.metric("b")["time"].tolist()
    assert run.metric("z")["time"] < run.metric("b")["time"]


def test_what_scripts_ask_wandbs_api_for(run_of_all: Path) -> None:
    """The small names of W&B's Api work; for the rest one sentence says what to write."""
    with tl.Api(run_of_all, timeout=30, overrides={"entity": "team"}) as api:
        (run,) = api.runs("team/p", per_page=10)
        assert api.run("/".join(run.path)).id == "all"
        assert run.created_at.endswith("Z")
        assert (run.lastHistoryStep, run.display_name, run.url) == (4, "one of all", None)
        assert run.summary_metrics == run.summary
        assert run.rawconfig == run.config
        assert run.metadata["python"]
        (made,) = run.logged_artifacts()
        assert made.name == api.artifact("net:best", type="model").name == "net"
        assert api.artifact("team/p/net").version == "v0"
        assert run.used_artifacts() == []
        with pytest.raises(ArtifactNotFound, match="of type 'model'"):
            api.artifact("net", type="data")
        for mistake, said in (
            (lambda: run.files(), "run.files; the run's files are in run.folder"),
            (lambda: api.sweep("x"), "Api.sweep; "),
            (lambda: api.runs(filters={"state": "finished"}), r"filters=; write filter="),
            (lambda: api.runs(order="-created_at"), r"order=; write sort="),
            (lambda: run.history(x_axis="n"), r'x_axis=; write x="epoch"'),
            (lambda: run.history(pandas=False), r"pandas=; \.to_pandas"),
        ):
            with pytest.raises(Unsupported, match=said) as error:
                mistake()  # type: ignore[no-untyped-call]
            assert "\n" not in str(error.value)
        with pytest.raises(BadInput, match="samples=500"):
            run.history(500)
        with pytest.raises(NotHere, match="Did you mean history"):
            run.histroy
        with pytest.raises(TypeError, match="nonsense"):
            run.scan_history(nonsense=1)
        with pytest.raises(BadInput, match="=5 has to be a text"):
            api.compare([5])  # type: ignore[list-item]
        assert not hasattr(run, "files")
        assert {"name", "state", "folder", "scan_history"} <= set(dir(run))
