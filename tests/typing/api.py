"""Programs as people write them. Never run: a type checker reads them (each `ignore` is a mistake it has to find)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import trackerlite as tl
from trackerlite.errors import BadInput, RunNotFound, TrackerliteError
from trackerlite.readers import Reader, RunInfo, SeriesInfo


def train(folder: Path) -> None:
    with tl.init(
        project="p", name="n", config={"lr": 1e-4, "lora": {"r": 8}}, tags=["a"], dir=folder
    ) as run:
        assert_type(run, tl.Run)
        assert_type(run.log({"loss": 0.5}, step=3), bool)
        run.log({"loss": np.float32(0.5), "n": 3, "text": "x", "nested": {"a": 1}}, commit=False)
        run.config.lr = 2e-4
        run.config["lora.r"] = 16
        run.config.update({"a": 1}, b=2)
        run.summary["best"] = 0.9
        run.define_metric("val/*", step_metric="epoch", summary="min,last", goal="min")
        run.tags += ("b",)
        run.name = "renamed"
        run.notes = None
        run.alert("title", "text")
        assert_type(run.id, str)
        assert_type(run.folder, Path)
        assert_type(run.dropped, int)
    run.log([1, 2])  # type: ignore[arg-type]
    run.log({"x": 1}, step="three")  # type: ignore[arg-type]
    run.id = "other"  # type: ignore[misc]
    tl.init(project=3)  # type: ignore[arg-type]


def at_module_level() -> None:
    tl.init(mode="disabled")
    assert_type(tl.log({"loss": 1.0}), bool)
    tl.define_metric("loss", goal="min")
    tl.alert("title")
    tl.mark_preempting()
    tl.finish(exit_code=1)


def read(folder: Path) -> None:
    api = tl.Api(folder)
    for run in api.runs(project="p", filter="val/f1>0.9", sort="-val/f1"):
        metric: dict[str, NDArray[Any]] = run.metric("loss", samples=100)
        metric["value"].min()
        assert_type(run.config, dict[str, Any])
        assert_type(run.metrics, list[str])
        for row in run.history(keys=["loss"]).rows():
            assert_type(row, dict[str, Any])
        for row in run.scan_history(["loss"], min_step=5):
            assert_type(row, dict[str, Any])
        assert_type(run.logged_artifacts(), list[tl.Artifact])
    with api:
        assert_type(api.artifact("net:best", type="model").download(), str)
    with Reader.open(folder) as reader:
        infos: list[RunInfo] = reader.runs()
        series: list[SeriesInfo] = reader.series([info.key for info in infos])
        points = reader.points(series[0].key)
        assert_type(points.step, NDArray[np.int64])
        assert_type(points.value, NDArray[np.float64])
        infos[0].name = "x"  # type: ignore[misc]
    try:
        api.run("nobody")
    except RunNotFound as error:
        both: tuple[TrackerliteError, LookupError] = (error, error)
        print(both)
    except BadInput as error:
        value: ValueError = error
        print(value)
