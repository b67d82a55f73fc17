"""The demo's network: its gradient is right, its text is honest, and it learns."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from trackerlite.demo.model import Adam, Model, batches
from trackerlite.demo.runs import PRESETS, plan
from trackerlite.demo.text import ALPHABET, NoSourceText, decode, encode, load_corpus
from trackerlite.demo.train import Settings, schedule


def small_model(**changes: int) -> Model:
    return Model(
        **{"vocabulary": 7, "context": 3, "embedding": 4, "hidden": 5, "seed": 0} | changes
    )


@pytest.mark.parametrize("name", list(small_model().parameters))
def test_gradient(name: str) -> None:
    """Each parameter's gradient equals the slope of the loss, measured by moving it."""
    model = small_model()
    rng = np.random.default_rng(1)
    for key, array in model.parameters.items():
        # Away from zero biases, where a unit that is just off would hide a mistake.
        model.parameters[key] = array.astype(np.float64) + rng.normal(0, 0.1, array.shape)
    contexts, targets = rng.integers(0, 7, (20, 3)), rng.integers(0, 7, 20)
    _, gradients = model.gradients(contexts, targets)
    parameter = model.parameters[name]
    for place in np.ndindex(parameter.shape):
        kept = parameter[place]
        slopes = []
        for sign in (+1, -1):
            parameter[place] = kept + sign * 1e-5
            slopes.append(sign * model.loss(contexts, targets)[0])
        parameter[place] = kept
        assert gradients[name][place] == pytest.approx(sum(slopes) / 2e-5, rel=1e-4, abs=1e-7)


def test_loss_of_a_new_model_is_that_of_guessing() -> None:
    """Before training every character is about as likely, so the loss is log(vocabulary)."""
    contexts, targets = np.zeros((50, 8), int), np.arange(50)
    model = Model(vocabulary=96, context=8, embedding=16, hidden=64, seed=0)
    assert model.loss(contexts, targets)[0] == pytest.approx(math.log(96), abs=0.3)


def test_adam_moves_each_parameter_by_the_learning_rate_first() -> None:
    """Adam's first step is `lr` against the gradient's sign, whatever its size."""
    parameters = {"w": np.zeros(3, np.float32)}
    norm = Adam(parameters, clip=1e9).step({"w": np.array([4.0, -3.0, 0.0], np.float32)}, lr=0.1)
    assert norm == pytest.approx(5.0)
    assert parameters["w"] == pytest.approx([-0.1, 0.1, 0.0], rel=1e-4)


def test_batches_pair_a_context_with_what_follows_it() -> None:
    """In a text that counts up, the target is one more than the last character before it."""
    text = np.arange(200, dtype=np.uint8)
    contexts, targets = next(batches(text, context=5, size=64, seed=0))
    assert contexts.shape == (64, 5)
    assert (targets == contexts[:, -1] + 1).all()
    assert (np.diff(contexts) == 1).all()


def test_text_survives_the_numbers() -> None:
    """What the alphabet has comes back as it was; any other byte as a question mark."""
    assert decode(encode(ALPHABET.encode())) == ALPHABET
    assert decode(encode("é\t".encode())) == "???"


def test_validation_text_is_not_trained_on(tmp_path: Path) -> None:
    """A file is either trained on or validated on, never both, and the split never changes."""
    for i in range(20):
        (tmp_path / f"m{i}.py").write_text(chr(ord("a") + i) * 1000)
    corpus = load_corpus(tmp_path)
    train, validation = set(decode(corpus.train)), set(decode(corpus.validation))
    assert len(train) == 18
    assert len(validation) == 2
    assert not train & validation
    assert set(decode(load_corpus(tmp_path).validation)) == validation


def test_a_python_without_sources_is_said_so(tmp_path: Path) -> None:
    """Where there is no text to learn from, one sentence says so."""
    with pytest.raises(NoSourceText, match="slimmed-down"):
        load_corpus(tmp_path)


def test_learning_rate_warms_up_and_ends_at_zero() -> None:
    """The schedule rises over the first steps and is at zero when the time is up."""
    assert schedule(1.0, step=0, progress=0) == pytest.approx(0.02)
    assert schedule(1.0, step=100, progress=0) == 1
    assert schedule(1.0, step=100, progress=1) == 0
    assert schedule(1.0, step=100, progress=1.5) == 0


def test_it_learns_python() -> None:
    """A hundred and fifty steps on the standard library beat knowing how frequent each character is."""
    corpus = load_corpus()
    counts = np.bincount(corpus.train, minlength=len(ALPHABET)) + 1
    frequency = counts / counts.sum()
    unigram = float(-np.mean(np.log(frequency[corpus.validation])))
    model = Model(vocabulary=len(ALPHABET), context=8, embedding=16, hidden=64, seed=0)
    optimizer = Adam(model.parameters)
    for contexts, targets in itertools.islice(batches(corpus.train, 8, 64, seed=0), 150):
        _, gradients = model.gradients(contexts, targets)
        optimizer.step(gradients, lr=3e-3)
    loss, accuracy = model.loss(*next(batches(corpus.validation, 8, 4096, seed=1)))
    assert loss < unigram - 0.4
    assert accuracy > 0.25
    text = decode(model.write(corpus.validation[:8], 40, np.random.default_rng(0)))
    assert len(text) == 40


def test_plans_differ() -> None:
    """No two runs of a demo have the same name or the same settings."""
    for count in (1, 3, len(PRESETS), 20):
        trainings = plan(count)
        assert len(trainings) == count
        assert len({training.name for training in trainings}) == count
        assert len({Settings(**training.settings) for training in trainings}) == count  # type: ignore[arg-type]
