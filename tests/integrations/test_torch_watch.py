"""`run.watch` against `wandb.watch` on the same training."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

import trackerlite as tl
from integrations import helpers, wandb_offline
from trackerlite.errors import BadInput
from trackerlite.integrations.torch import unwatch, watch


def net(seed: int = 0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))


def train(model, log, steps: int = 7) -> None:
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(steps):
        loss = (model(torch.randn(8, 3, generator=generator)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        log({"loss": loss.item()})


def histograms(run) -> dict:
    reader, key = run._reader, run.info.key
    return {
        (v.name, v.step): v.value for v in reader.values(key) if v.value["_type"] == "histogram"
    }


def test_histograms_are_those_of_wandb(place):
    """Same names, same steps, same counts and edges, for gradients and parameters."""
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    with tl.init(project="watched") as run:
        model = net()
        watch(model, log="all", log_freq=3)
        train(model, run.log)
        unwatch(model)
    with wandb.init(project="watched") as theirs:
        model = net()
        theirs.watch(model, log="all", log_freq=3)
        train(model, theirs.log)
    expected = {
        (name, row["_step"]): value
        for row in wandb_offline.read_all(place)[0].rows
        for name, value in row.items()
        if isinstance(value, dict)
    }
    ours = histograms(helpers.only_run())
    assert len(ours) == 2 * 2 * 4  # two samples, gradients and parameters, four tensors
    assert ours == expected


def test_norms_are_those_of_the_tensors(place):
    """The norm of each gradient and weight, and of all, at the step it was taken."""
    model = net()
    with tl.init(project="watched") as run:
        watch(model, log="all", log_freq=1)
        model.train()
        weight = torch.linalg.vector_norm(model[0].weight).item()
        model(torch.ones(2, 3)).sum().backward()
        gradients = [p.grad for p in model.parameters()]
        run.log({"loss": 1.0})
    row = helpers.by_step(helpers.only_run())[0]
    assert row["weight_norm/0.weight"] == pytest.approx(weight, rel=1e-6)
    expected = torch.nn.utils.get_total_norm(gradients).item()
    assert row["gradient_norm/total"] == pytest.approx(expected, rel=1e-6)
    assert row["gradient_norm/2.bias"] == pytest.approx(gradients[3].norm().item())
    assert row["loss"] == 1.0
    unwatch()


def test_broken_gradients_are_norms_without_histograms(place):
    """A gradient that is NaN through and through shows as a NaN norm and stops nothing."""
    model = net()
    with tl.init(project="watched") as run:
        watch(model, log_freq=1)
        (model(torch.full((2, 3), float("nan"))).sum()).backward()
        run.log({"loss": 1.0})
    unwatch()
    run = helpers.only_run()
    finite = {"gradients/0.bias", "gradients/2.bias"}  # ReLU passes nothing back; a sum counts
    assert {name for name, _ in histograms(run)} == finite
    assert (
        run.metric("gradient_norm/total")["value"][0]
        != run.metric("gradient_norm/total")["value"][0]
    )


def test_between_samples_nothing_is_attached_to_the_tensors(place):
    """Watching costs one hook on the module; evaluation and frozen tensors are left alone."""
    model = net()
    model[0].weight.requires_grad_(False)
    with tl.init(project="watched"):
        (attached,) = watch(model, log_freq=2)
        model(torch.ones(1, 3)).sum().backward()
        assert attached._armed == []
        with torch.no_grad():
            model(torch.ones(1, 3))
        model.eval()
        model(torch.ones(1, 3))
        model.train()
        output = model(torch.ones(1, 3)).sum()
        assert len(attached._armed) == 3
        output.backward()
        assert attached._armed == []
        unwatch(model)
        assert not model._forward_hooks
    assert "gradient_norm/0.weight" not in helpers.only_run().metrics


def test_wrong_use_is_one_sentence(place):
    """Not a module, watched twice, an unknown kind: each says what is wrong."""
    model = net()
    with tl.init(project="watched"):
        with pytest.raises(BadInput, match="torch modules"):
            watch("model")
        with pytest.raises(BadInput, match="'gradients', 'parameters' or 'all'"):
            watch(model, log="weights")
        watch(model)
        with pytest.raises(BadInput, match="watched already"):
            watch(model)
        unwatch()
        assert watch(model, log=None) == []


def test_a_run_that_ended_is_not_written_to(place):
    """The next run may watch the same model; the ended one's hooks go by themselves."""
    model = net()
    with tl.init(project="first"):
        watch(model, log_freq=1)
    model(torch.ones(1, 3)).sum().backward()
    assert not model._forward_hooks
    with tl.init(project="second") as run:
        watch(model, log_freq=1)
        run.watch(net(), log_freq=1)
        with pytest.raises(BadInput):
            watch(model)
        model(torch.ones(1, 3)).sum().backward()
        run.log({"loss": 1.0})
        unwatch()
    assert "gradient_norm/total" in helpers.only_run("second").metrics
    assert helpers.only_run("first").metrics == []
