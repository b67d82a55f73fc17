"""The drop-in against torch's own SummaryWriter, both read by TensorBoard itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from torch.utils.tensorboard import SummaryWriter as TorchWriter

import trackerlite as tl
from integrations import helpers
from trackerlite.integrations.summary_writer import SummaryWriter


def use_everything(writer: Any) -> None:
    """The whole add_* family."""
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(3, 8, 6, generator=generator)
    for step in range(4):
        writer.add_scalar("loss", 1 / (step + 1), step)
        writer.add_scalar(
            "precise", torch.tensor(0.1, dtype=torch.float64), step, double_precision=True
        )
    writer.add_scalar("new", 2.0, 1, new_style=True)
    writer.add_scalar("clocked", 3.0, 2, walltime=1000.5)
    writer.add_scalar("no step", 4.0)
    writer.add_tensor("tensor", torch.arange(4.0), 1)
    writer.add_histogram("weights", torch.linspace(-1, 1, 50), 2)
    writer.add_histogram("binned", np.arange(20), 2, bins=5)
    writer.add_histogram_raw("raw", 0, 3, 6, 10, 20, [1, 2, 3], [1, 2, 3], 2)
    writer.add_image("image", picture, 3)
    writer.add_images("images", picture.repeat(2, 1, 1, 1), 3)
    writer.add_image_with_boxes("boxes", picture, torch.tensor([[1, 1, 4, 4]]), 3)
    writer.add_video("video", torch.rand(1, 3, 3, 8, 8, generator=generator), 3) if has(
        "moviepy"
    ) else None
    writer.add_audio("audio", torch.linspace(-1, 1, 100), 3, sample_rate=8000) if has(
        "soundfile"
    ) else None
    writer.add_text("note", "**hello**", 3)
    writer.add_pr_curve("pr", np.array([0, 1, 1]), np.array([0.1, 0.6, 0.9]), 3)
    writer.add_pr_curve_raw("pr raw", [1], [0], [1], [0], [1.0], [1.0], 3, num_thresholds=1)
    writer.add_mesh("mesh", torch.rand(1, 4, 3, generator=generator), global_step=3)
    writer.add_custom_scalars({"all": {"losses": ["Multiline", ["loss"]]}})
    writer.add_graph(torch.nn.Linear(2, 1), torch.ones(1, 2))
    writer.flush()


def has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def seen(folder: Path) -> dict[tuple[str, int], Any]:
    """Everything in the event files, by tag and step: the value message, ours left out."""
    found: dict[tuple[str, int], Any] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in EventFileLoader(str(path)).Load():
            if event.graph_def:
                found["graph", event.step] = event.graph_def
            for value in event.summary.value:
                value.DiscardUnknownFields()
                value.ClearField("metadata") if value.tag in ("loss", "precise") else None
                found[value.tag, event.step] = value
    return found


def test_tensorboard_shows_what_torchs_own_writer_would_show_it(place):
    """Each add_* ends in the same message under the same tag and step."""
    theirs = TorchWriter(str(place / "torch"))
    use_everything(theirs)
    theirs.close()
    with SummaryWriter(str(place / "ours")) as writer:
        use_everything(writer)
        folder = Path(writer.log_dir)
    expected, found = seen(place / "torch"), seen(folder)
    assert len(expected) > 20
    assert set(expected) <= set(found)
    for key, value in expected.items():
        if key[0] in (
            "new",
            "precise",
        ):  # torch keeps these as tensors; ours are numbers in the store
            assert key[1] in helpers.only_run().metric(key[0])["step"].tolist()
        else:
            assert found[key] == value, key


def test_numbers_media_and_texts_are_the_runs(place):
    """What was added can be read without TensorBoard: float64 to the bit, files, texts, spreads."""
    with SummaryWriter(str(place / "runs" / "first")) as writer:
        use_everything(writer)
    run = helpers.only_run()
    assert (run.name, run.state) == ("first", "finished")
    assert run.metric("precise")["value"].tolist() == [0.1] * 4
    assert run.metric("loss")["value"].tolist() == [1 / n for n in (1, 2, 3, 4)]
    assert run.metric("clocked")["time"].tolist() == [1000.5]
    assert run.metric("no step")["step"].tolist() == [0]
    values = {v.name: v.value for v in run._reader.values(run.info.key)}
    assert values["note/text_summary"] == "**hello**"
    assert values["raw"] == {
        "_type": "histogram",
        "values": [1.0, 2.0, 3.0],
        "bins": [0.0, 1.0, 2.0, 3.0],
    }
    assert sum(values["weights"]["values"]) == 50
    assert len(values["weights"]["values"]) <= 512
    assert (values["image"]["_type"], values["image"]["width"]) == ("image-file", 6)
    assert (run.info.folder / values["image"]["path"]).read_bytes().startswith(b"\x89PNG")


def test_the_same_log_dir_is_the_same_run_and_purge_step_goes_back(place):
    """A writer on a directory that is known continues its run; purge_step hides what came later."""
    with SummaryWriter("runs/again") as writer:
        for step in range(6):
            writer.add_scalar("loss", step, step)
    with SummaryWriter("runs/again", purge_step=3) as writer:
        writer.add_scalar("loss", 30, 3)
    with SummaryWriter("runs/new", purge_step=3) as writer:  # nothing to go back in
        writer.add_scalar("loss", 1, 3)
    again = next(run for run in tl.Api().runs() if run.name == "again")
    assert len(tl.Api().runs()) == 2
    assert again.metric("loss")["step"].tolist() == [0, 1, 2, 3]
    assert again.metric("loss")["value"].tolist() == [0, 1, 2, 30]
    assert helpers.tensorboard_scalars(again.info.folder)["loss"] == [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 30),
    ]


def test_several_writers_and_an_open_run(place):
    """Two writers are two runs, as in TensorBoard; inside tl.init they write to that run."""
    with SummaryWriter("logs/train") as train, SummaryWriter("logs/val") as val:
        train.add_scalars("loss", {"a": 1.0, "b": 2.0}, 0)
        val.add_scalar("loss", 3.0, 0)
    assert {run.name: run.metrics for run in tl.Api().runs()} == {
        "train": ["loss/a", "loss/b"],
        "val": ["loss"],
    }
    with tl.init(project="mine") as run:
        writer = SummaryWriter("logs/ignored")
        writer.add_scalar("x", 1.0, 7)
        writer.close()
        assert not run._ended
        assert writer.get_logdir() == str(run.folder)
    assert helpers.only_run("mine").metric("x")["step"].tolist() == [7]


def test_hyperparameters_are_the_config_and_tensorboards(place):
    """add_hparams: the run's config and summary, and TensorBoard's HParams dashboard."""
    writer = SummaryWriter("runs/tuned")
    writer.add_hparams({"lr": 0.1, "net": "small", "deep": True}, {"accuracy": 0.9}, global_step=5)
    writer.close()
    writer.add_scalar("late", 1.0, 6)  # torch's writer opens again too
    writer.close()
    run = helpers.only_run()
    assert run.config == {"lr": 0.1, "net": "small", "deep": True}
    assert run.summary["accuracy"] == 0.9
    assert run.metric("late")["step"].tolist() == [6]
    assert {tag for tag, _ in seen(run.info.folder)} >= {
        "_hparams_/experiment",
        "_hparams_/session_start_info",
    }
