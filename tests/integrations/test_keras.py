"""The callback in a real `fit`, against Keras' own records of the same training, and W&B's where TensorFlow is."""

from __future__ import annotations

import csv
import threading
import time

import numpy as np
import pytest

pytest.importorskip("keras", reason="keras is not installed")

import keras

import trackerlite as tl
from integrations import helpers, wandb_offline
from trackerlite.integrations.keras import TrackerliteCallback


def model():
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 8, 0.5, staircase=True)
    net.compile(keras.optimizers.SGD(rate), loss="mse", metrics=["mae"])
    return net


def data():
    chance = np.random.default_rng(0)
    x = chance.normal(size=(32, 3)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def fit(callback, **more):
    return model().fit(
        *data(), batch_size=4, validation_split=0.25, verbose=0, callbacks=callback, **more
    )


def test_each_epoch_is_recorded_as_keras_own_loggers_have_it(place):
    """Every metric of History and CSVLogger, at the batch it was reached, under W&B's names."""
    own = keras.callbacks.CSVLogger("log.csv")
    history = fit([TrackerliteCallback(project="keras"), own], epochs=3).history
    tl.finish()
    run = helpers.only_run("keras")
    rows = helpers.rows(run)
    assert [row["_step"] for row in rows] == [6, 12, 18]  # six batches an epoch
    assert [row["epoch/epoch"] for row in rows] == [0, 1, 2]
    assert set(history) == {"loss", "mae", "val_loss", "val_mae"}
    for name, values in history.items():
        assert [row[f"epoch/{name}"] for row in rows] == values
    with open("log.csv") as file:
        for row, line in zip(rows, csv.DictReader(file), strict=True):
            assert row["epoch/val_loss"] == float(line["val_loss"])
    rates = [row["epoch/learning_rate"] for row in rows]
    assert rates == pytest.approx([0.1, 0.05, 0.025])
    assert run.config["keras.parameters"] == 21
    assert run.config["keras.epochs"] == 3


@pytest.mark.parametrize("log_freq", ["epoch", "batch", 3])
def test_the_rows_are_those_of_wandbs_own_callback(place, log_freq):
    """Keys, values and order of one training are those of `WandbMetricsLogger`."""
    pytest.importorskip("tensorflow", reason="W&B's own Keras callback imports TensorFlow")
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    from wandb.integration.keras import WandbMetricsLogger

    with wandb.init(project="keras"):
        callbacks = [
            WandbMetricsLogger(log_freq),
            TrackerliteCallback(log_freq=log_freq, project="keras"),
        ]
        fit(callbacks, epochs=3)
    tl.finish()
    theirs = series(wandb_offline.read_all(place)[0].history)
    assert len(theirs) >= 6
    assert theirs == series(helpers.rows(helpers.only_run("keras")))


def series(rows):
    """Each key's values, in order (W&B's own step counts rows, ours batches)."""
    found = {}
    for row in rows:
        for key, value in row.items():
            if key != "_step":
                found.setdefault(key, []).append(value)
    return found


def test_batches_that_end_in_other_threads(place, monkeypatch):
    """A callback that is alone, not in a list, is called from a pool of threads: each row keeps its step."""
    told = keras.ops.convert_to_numpy

    def slowly(value):
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.05)
        return told(value)

    monkeypatch.setattr(keras.ops, "convert_to_numpy", slowly)
    fit(TrackerliteCallback(log_freq="batch", project="keras"))
    tl.finish()
    run = helpers.only_run("keras")
    assert {row["_step"]: row.get("batch/batch_step") for row in helpers.rows(run)} == {
        step: step - 1 for step in range(1, 7)
    }


def test_batches_are_recorded_when_asked_for(place):
    """log_freq=2: every second batch, with its own loss."""
    fit(TrackerliteCallback(log_freq=2, project="keras"), epochs=2)
    tl.finish()
    run = helpers.only_run("keras")
    assert run.metric("batch/batch_step")["value"].tolist() == [0, 2, 4, 6, 8, 10]
    assert run.metric("batch/loss")["step"].tolist() == [1, 3, 5, 7, 9, 11]
    assert run.metric("epoch/loss")["step"].tolist() == [6, 12]


def test_a_fit_that_goes_on_continues_the_run(place):
    """initial_epoch with a continued run: what was recorded from that epoch on is hidden."""
    fit(TrackerliteCallback(project="keras", id="one"), epochs=3)
    tl.finish()
    fit(TrackerliteCallback(project="keras", id="one"), epochs=3, initial_epoch=1)
    tl.finish()
    run = helpers.only_run("keras")
    assert run.metric("epoch/loss")["step"].tolist() == [6, 12, 18]
    assert run.metric("epoch/epoch")["value"].tolist() == [0, 1, 2]


def test_it_writes_to_the_current_run(place):
    """Inside tl.init there is one run; evaluate on its own is recorded too."""
    with tl.init(project="mine"):
        net = model()
        net.fit(*data(), verbose=0, callbacks=[TrackerliteCallback()])
        net.evaluate(*data(), verbose=0, callbacks=[TrackerliteCallback()])
    run = helpers.only_run("mine")
    assert {"epoch/loss", "test/loss"} <= set(run.metrics)


def test_a_second_training_in_one_run_follows_the_first(place):
    """Folds that are fitted inside one run lie one behind the other, not over each other."""
    with tl.init(project="folds"):
        for _ in range(2):
            fit(TrackerliteCallback(), epochs=2)
    assert helpers.only_run("folds").metric("epoch/loss")["step"].tolist() == [6, 12, 18, 24]


def test_an_evaluation_after_the_training_is_recorded(place):
    """`evaluate` with the callback that recorded the training; what `fit` validates is no test."""
    with tl.init(project="mine"):
        net, callback = model(), TrackerliteCallback()
        net.fit(*data(), validation_split=0.25, verbose=0, callbacks=[callback])
        assert "test/loss" not in tl.summary
        loss, _ = net.evaluate(*data(), verbose=0, callbacks=[callback])
    assert helpers.only_run("mine").summary["test/loss"] == pytest.approx(loss)


def test_each_callback_of_another_name_has_a_run_of_its_own(place):
    """One behind the other in one process; after finish() steps begin anew."""
    for name in "ab":
        fit(callback := TrackerliteCallback(project="keras", name=name), epochs=2)
    tl.finish()
    fit(callback, epochs=2)
    tl.finish()
    runs = tl.Api().runs("keras")
    assert sorted(run.name for run in runs) == ["a", "b", "b"]
    assert all(run.metric("epoch/loss")["step"].tolist() == [6, 12] for run in runs)
