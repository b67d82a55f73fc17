"""TensorBoard's two loaders, Python and Rust, see our points: live, after kills, and as we show them."""

from __future__ import annotations

import math
import random
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import trackerlite as tl
from faults.nursery import Nursery, Victim
from faults.operations import operation
from trackerlite.readers import Reader

Point = tuple[int, bytes]


def as_float32(value: float) -> bytes:
    """A number as every TensorBoard reader has it; every NaN alike."""
    if value != value:
        return b"nan"
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, value))


def python_loader(folder: Path) -> Callable[[], list[Point]]:
    """Asks `EventAccumulator` for the points of "loss", each time anew for what was added."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})

    def ask() -> list[Point]:
        accumulator.Reload()
        if "loss" not in accumulator.Tags()["scalars"]:
            return []
        return [(e.step, as_float32(e.value)) for e in accumulator.Scalars("loss")]

    return ask


class RustLoader:
    """The Rust data server on a folder of runs, asked over gRPC."""

    def __init__(self, binary: str, logdir: Path, port_file: Path):
        from tensorboard.data.server_ingester import ExistingServerDataIngester
        from tensorboard.util.grpc_util import ChannelCredsType

        self._process = subprocess.Popen(
            [
                binary,
                f"--logdir={logdir}",
                "--reload=1",
                "--samples-per-plugin=scalars=all",
                "--port=0",
                f"--port-file={port_file}",
                "--die-after-stdin",
            ],
            stdin=subprocess.PIPE,
        )
        ends = time.monotonic() + 30
        while not (port_file.exists() and port_file.read_text().endswith("\n")):
            assert self._process.poll() is None, "the data server did not start"
            assert time.monotonic() < ends, "the data server does not answer"
            time.sleep(0.02)
        self._provider = ExistingServerDataIngester(
            f"localhost:{int(port_file.read_text())}", channel_creds_type=ChannelCredsType.LOCAL
        ).data_provider

    def points(self, tag: str = "loss") -> list[Point]:
        from tensorboard import context

        found = self._provider.read_scalars(
            context.RequestContext(), experiment_id="", plugin_name="scalars", downsample=10**7
        )
        for tags in found.values():
            if tag in tags:
                return [(p.step, as_float32(p.value)) for p in tags[tag]]
        return []

    def pictures(self) -> set[str]:
        """The names of what is shown as images."""
        from tensorboard import context

        found = self._provider.list_blob_sequences(
            context.RequestContext(), experiment_id="", plugin_name="images"
        )
        return {tag for tags in found.values() for tag in tags}

    def until(self, wanted: Callable[[list[Point]], bool], seconds: float = 20) -> list[Point]:
        """Ask until the answer is as wanted, or time is up."""
        ends = time.monotonic() + seconds
        while not wanted(found := self.points()) and time.monotonic() < ends:
            time.sleep(0.1)
        return found

    def at_least(self, count: int) -> list[Point]:
        """Ask until there are so many points, or time is up."""
        return self.until(lambda found: len(found) >= count)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def rust(tmp_path: Path, need: Callable[[object, str], None]) -> Iterator[RustLoader]:
    """The data server on the runs of `tmp_path`."""
    server = pytest.importorskip("tensorboard_data_server")
    need(Path(server.server_binary()).exists(), "TensorBoard's data server")
    logdir = tmp_path / ".trackerlite" / "runs"
    logdir.mkdir(parents=True)
    loader = RustLoader(server.server_binary(), logdir, tmp_path / "port")
    yield loader
    loader.close()


def logged(victims: list[Victim]) -> list[Point]:
    """What was acknowledged, as TensorBoard has it."""
    found = []
    for victim in victims:
        for number in victim.acknowledged:
            wanted = operation(victim.plan["seed"], number)
            if wanted.kind == "log":
                found.append((number, as_float32(wanted.data["loss"])))
    return found


def test_live_and_after_kills(
    nursery: Nursery, tmp_path: Path, rust: RustLoader, chance: random.Random
) -> None:
    """While a run is written, killed and resumed, both loaders see what was acknowledged, and in the end the same as we do."""
    victims: list[Victim] = []
    ask = None
    for attempt in range(4):
        first = victims[-1].acknowledged[-1] + 2 if victims else 0
        victim = nursery.start(
            role="record", store=str(tmp_path), id="r", seed=chance.randrange(2**31) if not victims else victims[0].plan["seed"],
            first=first, count=10**6, pause=0.002,
            death={"point": "write", "after": 300, "part": 0.5} if attempt == 2 else None,
        )  # fmt: skip
        victims.append(victim)
        victim.until_told()
        victim.listen(0.4)
        (folder,) = (tmp_path / ".trackerlite" / "runs").glob("*/*")
        ask = ask or python_loader(folder)
        before = logged(victims)
        live = ask()
        assert live[: len(before)] == before
        assert rust.at_least(len(before))[: len(before)] == before
        victim.listen(chance.uniform(0.05, 0.3))
        victim.kill()
    with Reader.open(tmp_path) as reader:
        (info,) = reader.runs()
        (series,) = reader.series([info.key], names=["loss"])
        points = reader.points(series.key)
        ours = [
            (s, as_float32(v))
            for s, v in zip(points.step.tolist(), points.value.tolist(), strict=True)
        ]
    acknowledged = logged(victims)
    assert [p for p in ours if p in set(acknowledged)] == acknowledged
    assert ask is not None
    assert ask() == ours
    assert python_loader(info.folder)() == ours
    assert rust.until(lambda found: found == ours) == ours
    print(f"{len(ours)} points, {len(acknowledged)} of them acknowledged, in both loaders")
    assert len(ours) > 300


def test_everything_else_harms_no_loader(tmp_path: Path, rust: RustLoader) -> None:
    """Texts, configs, alerts, definitions, odd numbers and a rewind in the file: both loaders still show the points we show."""
    with tl.init(
        dir=tmp_path, id="r", config={"lr": 1e-4, "nested": {"a": [1, 2]}}, tags=["t"]
    ) as run:
        run.define_metric("loss", summary="min", goal="min")
        for step in range(100):
            value = [0.5, math.nan, math.inf, -math.inf, 1e300, 5e-324, -0.0][step % 7]
            run.log(
                {"loss": value, "text": f"sample {step}", "ok": step % 2 == 0, "big": 2**62},
                step=step,
            )
            run.config[f"k{step}"] = step
        run.alert("title", "text")
    with tl.init(dir=tmp_path, resume_from="r?_step=59") as run:
        for step in range(60, 90):
            run.log({"loss": step / 7}, step=step)
    with Reader.open(tmp_path) as reader:
        points = reader.points(reader.series(names=["loss"])[0].key)
        ours = [
            (s, as_float32(v))
            for s, v in zip(points.step.tolist(), points.value.tolist(), strict=True)
        ]
        folder = reader.runs()[0].folder
    assert [s for s, _ in ours] == list(range(90))
    assert python_loader(folder)() == ours
    assert rust.until(lambda found: found == ours) == ours
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0}).Reload()
    assert "text" in accumulator.Tags()["tensors"]
    shown = accumulator.Tensors("text")[5]
    assert (shown.step, shown.tensor_proto.string_val[0]) == (5, b"sample 5")
    assert len(accumulator.Scalars("ok")) == 60


def test_what_is_shown_later(tmp_path: Path, rust: RustLoader) -> None:
    """A picture that is written beside the training, and a number where there was None, are shown by both
    loaders: each takes from the first value of a name what it is."""
    import numpy as np
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

    with tl.init(dir=tmp_path, id="r") as run:
        for step in range(3):
            run.log({"picture": tl.Image(np.zeros((300, 300, 3), "uint8"))}, step=step)
            run.log({"loss": step / 3 if step else None}, step=step)
    wanted = [(1, as_float32(1 / 3)), (2, as_float32(2 / 3))]
    assert rust.until(lambda found: found == wanted) == wanted
    assert rust.pictures() == {"picture"}
    accumulator = EventAccumulator(str(run.folder)).Reload()
    assert list(accumulator.PluginTagToContent("images")) == ["picture"]
    assert list(accumulator.PluginTagToContent("scalars")) == ["loss"]
    assert len(accumulator.Tensors("picture")) == 3


def test_tbparse_reads_ours(tmp_path: Path) -> None:
    """A third program that reads event files finds the same points."""
    tbparse = pytest.importorskip("tbparse")
    with tl.init(dir=tmp_path, id="r") as run:
        for step in range(50):
            run.log({"loss": step / 3}, step=step)
    found = tbparse.SummaryReader(str(run.folder)).scalars
    assert found["step"].tolist() == list(range(50))
