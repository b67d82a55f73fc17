"""The logger against the real Lightning, and against its own W&B logger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="lightning is not installed")

import lightning as L

import trackerlite as tl
from integrations import helpers, tiny_lightning, wandb_offline
from trackerlite.integrations.lightning import TrackerliteLogger

TESTS = Path(__file__).resolve().parents[1]


def test_the_same_training_logs_the_same_as_wandb_and_tensorboard(place):
    """Keys, steps, values and hyperparameters are those of Lightning's own loggers."""
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger

    board = TensorBoardLogger(str(place / "tb"))
    loggers = [
        TrackerliteLogger(project="lines"),
        WandbLogger(project="lines", offline=True),
        board,
    ]
    tiny_lightning.fit(loggers)
    tl.finish()
    wandb.finish()
    theirs, ours = wandb_offline.read_all(place)[0], helpers.only_run("lines")
    rows = helpers.by_step(ours)
    assert sorted(rows) == list(range(1, 24, 2))
    assert set(rows[7]) == {"train_loss", "epoch_loss", "val_loss", "epoch", "trainer/global_step"}
    assert rows == helpers.merged(theirs.history, "trainer/global_step")
    assert ours.config == theirs.config == {"lr": 0.1}
    assert {k: v for k, v in ours.summary.items() if k in theirs.summary} == theirs.summary
    shown = helpers.tensorboard_scalars(Path(board.log_dir))
    recorded = helpers.tensorboard_scalars(ours.info.folder)
    for tag, points in shown.items():
        if tag != "hp_metric":  # TensorBoard's own placeholder
            assert dict(recorded[tag]) == dict(points), tag


@pytest.mark.parametrize("every", [None, 5], ids=["at an epoch's end", "within an epoch"])
def test_resuming_continues_the_run_and_hides_what_came_after_the_checkpoint(place, every):
    """`fit(ckpt_path=…)` in a new process ends as the same run, with a row for each logged step."""
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, str(TESTS / "integrations" / "tiny_lightning.py"), str(every or 0)]
    assert subprocess.run(command, env=env, timeout=120).returncode == -signal.SIGKILL
    before = helpers.only_run("cut")
    assert before.metric("train_loss")["step"].tolist() == [1, 3, 5, 7, 9, 11]
    tiny_lightning.fit(TrackerliteLogger(project="other"), ckpt_path=place / "ckpt" / "last.ckpt")
    tl.finish()
    after = helpers.only_run()
    assert (after.project, after.id) == ("cut", before.id)
    assert after.metric("train_loss")["step"].tolist() == list(range(1, 24, 2))
    tiny_lightning.fit(TrackerliteLogger(project="whole"))
    tl.finish()
    whole = helpers.by_step(helpers.only_run("whole"))
    resumed = helpers.by_step(after)
    kept = 24 if every is None else 10  # within an epoch, Lightning itself begins its data anew
    assert {k: v for k, v in resumed.items() if k < kept} == {
        k: v for k, v in whole.items() if k < kept
    }


def test_resuming_in_the_same_process_rewinds_the_open_run(place):
    """A notebook's second `fit(ckpt_path=…)` with the same logger draws no curve that goes back."""
    logger = TrackerliteLogger(project="lines")
    tiny_lightning.fit(logger, [tiny_lightning.saving(place / "ckpt")], epochs=2)
    first = sorted((place / "ckpt").glob("epoch=0*"))[0]
    tiny_lightning.fit(logger, ckpt_path=first, epochs=2)
    tl.finish()
    assert helpers.only_run().metric("train_loss")["step"].tolist() == list(range(1, 16, 2))


def test_a_training_that_fails_marks_its_run_failed(place):
    """The run's state is the training's."""
    with pytest.raises(RuntimeError):
        tiny_lightning.fit(TrackerliteLogger(project="lines"), model=tiny_lightning.Line(fail_at=3))
    assert tl.run is None
    assert helpers.only_run().state == "failed"


def test_what_lightning_asks_a_logger_for(place):
    """Name, version, the experiment, a prefix, an open run: as with its own loggers."""
    logger = TrackerliteLogger(project="lines", id="abc", prefix="fold1", tags=["x"])
    assert (logger.name, logger.version) == ("lines", "abc")
    assert not (place / ".trackerlite").exists()  # nothing is begun by asking
    logger.log_hyperparams({"lr": 1, "model": {"width": 4}})
    logger.log_metrics({"loss": 0.5}, step=3)
    logger.log_hyperparams({"late": True})
    logger.experiment.log({"own": 1}, step=4)
    logger.finalize("success")
    tl.finish()
    run = helpers.only_run("lines")
    assert run.id == "abc"
    assert run.config == {"lr": 1, "model.width": 4, "late": True}
    assert helpers.by_step(run)[3] == {"fold1-loss": 0.5, "trainer/global_step": 3}
    assert helpers.by_step(run)[4] == {"own": 1}
    with tl.init(project="mine") as mine:
        assert TrackerliteLogger(run=mine).experiment is mine


def test_each_logger_has_a_run_of_its_own(place):
    """Cross-validation in one process: a run per fold, none over another; a later test finds its own."""
    folds = [TrackerliteLogger(project="lines", name=f"fold{fold}") for fold in range(3)]
    for logger in folds:
        tiny_lightning.fit(logger, epochs=1)
    folds[0].log_metrics({"test_loss": 0.5}, step=8)
    tl.finish()
    runs = {run.name: run for run in tl.Api().runs("lines")}
    assert sorted(runs) == ["fold0", "fold1", "fold2"]
    for run in runs.values():
        assert run.metric("train_loss")["step"].tolist() == [1, 3, 5, 7]
        assert run.state == "finished"
    assert [name for name in runs if "test_loss" in runs[name].metrics] == ["fold0"]


def test_a_validation_before_the_training_moves_nothing(place):
    """The training's steps are its own, also behind a first look at the untrained model."""
    logger, model = TrackerliteLogger(project="lines"), tiny_lightning.Line()
    trainer = L.Trainer(logger=logger, accelerator="cpu", enable_progress_bar=False)
    trainer.validate(model, tiny_lightning.data(), verbose=False)
    tiny_lightning.fit(logger, model=model, epochs=1)
    tl.finish()
    assert helpers.only_run().metric("train_loss")["step"].tolist() == [1, 3, 5, 7]


def test_two_loggers_of_one_trainer_share_a_run(place):
    """Neither ends the other's run while the training goes on."""
    tiny_lightning.fit([TrackerliteLogger(project="lines", name=name) for name in "ab"], epochs=1)
    tl.finish()
    assert {1, 3, 5, 7} <= set(helpers.by_step(helpers.only_run("lines")))


def test_a_logger_writes_to_the_scripts_own_run(place):
    """Inside tl.init there is one run, whatever the loggers are called."""
    with tl.init(project="mine"):
        for name in "ab":
            tiny_lightning.fit(TrackerliteLogger(project="lines", name=name), epochs=1)
    steps = helpers.only_run().metric("train_loss")["step"].tolist()
    assert steps == [1, 3, 5, 7, 9, 11, 13, 15]


def test_a_second_training_of_one_logger_follows_the_first(place):
    """They lie one behind the other, and the second's checkpoint is resumed from where it lies."""
    logger = TrackerliteLogger(project="lines")
    tiny_lightning.fit(logger, epochs=1)
    tiny_lightning.fit(logger, [tiny_lightning.saving(place / "ckpt")], epochs=2)
    tiny_lightning.fit(logger, ckpt_path=place / "ckpt" / "epoch=0-step=8.ckpt", epochs=2)
    tl.finish()
    run = helpers.only_run()
    assert run.metric("train_loss")["step"].tolist() == [*range(1, 8, 2), *range(9, 24, 2)]
    assert len(run.metric("train_loss", abandoned=True)["step"]) == 4
