"""The tracker through a real `Accelerator`, beside Accelerate's own W&B tracker."""

from __future__ import annotations

import pytest

pytest.importorskip("accelerate", reason="accelerate is not installed")
pytest.importorskip("torch", reason="torch is not installed")

import accelerate
import torch

import trackerlite as tl
import trackerlite.integrations.accelerate
from integrations import helpers, wandb_offline


def test_log_with_trackerlite_records_what_the_wandb_tracker_records(place):
    """Config, keys, steps and values of one training are the same in both."""
    pytest.importorskip("wandb", reason="wandb is not installed")
    accelerator = accelerate.Accelerator(log_with=["trackerlite", "wandb"], cpu=True)
    accelerator.init_trackers(
        "accelerated",
        config={"lr": 0.1, "optimizer": "sgd", "layers": 1},
        init_kwargs={"trackerlite": {"name": "first", "tags": ["cpu"]}},
    )
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), 0.1))
    for step in range(5):
        loss = (model(torch.ones(4, 2)) ** 2).mean()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        accelerator.log({"train/loss": loss.item(), "train/lr": 0.1}, step=step)
    accelerator.log({"val/loss": 0.5}, step=4)
    run = accelerator.get_tracker("trackerlite", unwrap=True)
    assert run is tl.run
    tracker = accelerator.get_tracker("trackerlite")
    tracker.log_images({"zeros": [torch.zeros(3, 4, 4)]}, step=5)
    tracker.log_table("table", columns=["a"], data=[[1]], step=5)
    accelerator.end_training()
    assert tl.run is None
    theirs, ours = wandb_offline.read_all(place)[0], helpers.only_run("accelerated")
    rows = helpers.by_step(ours)
    assert rows == {row["_step"]: h for row, h in zip(theirs.rows, theirs.history, strict=True)}
    assert ours.config == theirs.config
    assert (ours.name, ours.tags, ours.state) == ("first", ("cpu",), "finished")
    kinds = {v.name: v.value["_type"] for v in ours._reader.values(ours.info.key)}
    assert kinds == {"zeros": "images/separated", "table": "table-file"}
