"""The callback against the real `Trainer`, and against its own W&B and TensorBoard integrations."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="transformers is not installed")

from transformers import EarlyStoppingCallback

import trackerlite as tl
from integrations import helpers, tiny, wandb_offline
from trackerlite.integrations.transformers import TrackerliteCallback

ROOT = Path(__file__).resolve().parents[2]
CLOCKED = ("runtime", "per_second")  # values that differ between two trainings of the same thing


def steady(rows: dict) -> dict:
    """Rows without what a clock decides, rounded to what the order of additions leaves alike."""
    return {
        step: {k: round(v, 5) for k, v in row.items() if not k.endswith(CLOCKED)}
        for step, row in rows.items()
    }


def test_the_same_training_logs_the_same_as_wandb_and_tensorboard(place, monkeypatch):
    """Keys, steps, values, config and summary are those of the Trainer's own integrations."""
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(place / "tb"))
    trainer = tiny.trainer(place / "out", report_to=["wandb", "tensorboard", "trackerlite"])
    trainer.train()
    trainer.predict(tiny.data(8))
    tl.finish()
    wandb.finish()
    theirs, ours = wandb_offline.read_all(place)[0], helpers.only_run("huggingface")
    rows = helpers.by_step(ours)
    assert set(rows) == {2, 4, 6, 8, 10, 12}
    assert {"train/loss", "train/grad_norm", "train/learning_rate", "train/epoch"} <= set(rows[2])
    assert {"eval/loss", "eval/runtime"} <= set(rows[8])
    assert "test/loss" in rows[12]
    assert rows == helpers.merged(theirs.history, "train/global_step")
    assert ours.config == theirs.config
    assert ours.config["model/num_parameters"] == tiny.model().num_parameters()
    assert ours.config["learning_rate"] == 1e-2
    assert ours.summary == theirs.summary
    assert ours.summary["train_runtime"] > 0
    # TensorBoard's integration also draws the summary as curves of one point, and no global step.
    shown = helpers.tensorboard_scalars(place / "tb")
    recorded = helpers.tensorboard_scalars(ours.info.folder)
    once = {f"train/{name}" for name in ours.summary if "/" not in name}
    assert set(shown) - once - {"train/loss"} <= set(recorded)
    for tag in set(shown) - once:
        assert shown[tag] == [p for p in recorded[tag] if p[0] in dict(shown[tag])], tag


DYING = """
import os, signal, sys
sys.path[:0] = [{tests!r}]
from integrations import tiny
from pathlib import Path
from transformers import TrainerCallback
import trackerlite.integrations.transformers

class PowerCut(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 11:
            os.kill(os.getpid(), signal.SIGKILL)

tiny.trainer(Path("out"), callbacks=[PowerCut()], run_name="cut").train()
"""


def test_resuming_from_a_checkpoint_continues_the_run_and_hides_what_came_after_it(place):
    """A training that is killed and resumed in a new process ends as the same run, with the same rows."""
    died = subprocess.run(
        [sys.executable, "-c", DYING.format(tests=str(ROOT / "tests"))], timeout=120
    )
    assert died.returncode == -signal.SIGKILL
    before = helpers.only_run()
    assert sorted(helpers.by_step(before)) == [2, 4, 6, 8, 10]

    trainer = tiny.trainer(place / "out", run_name="cut")
    trainer.train(resume_from_checkpoint=True)
    assert tl.run.id == before.id
    assert tl.run.resumed
    tl.finish()
    after = helpers.only_run()
    assert after.name == "cut"
    tiny.trainer(
        place / "whole", callbacks=[TrackerliteCallback(project="whole")], report_to=[]
    ).train()
    tl.finish()
    whole = helpers.only_run("whole")
    assert sorted(helpers.by_step(after)) == [2, 4, 6, 8, 10, 12]
    assert steady(helpers.by_step(after)) == steady(helpers.by_step(whole))
    # Step 10 was logged twice: what came after the checkpoint is hidden, and still there.
    key = next(s for s in after._series(["train/loss"]))
    assert (key.count, key.total) == (6, 7)


def test_resuming_within_one_process_rewinds_the_open_run(place):
    """`train(resume_from_checkpoint=…)` again in a notebook does not draw a curve that goes back."""
    trainer = tiny.trainer(place / "out")
    trainer.train()
    first = tl.run
    tiny.trainer(place / "out").train(resume_from_checkpoint=str(place / "out" / "checkpoint-4"))
    assert tl.run is first
    tl.finish()
    run = helpers.only_run()
    steps = run.metric("train/loss")["step"].tolist()
    assert steps == [2, 4, 6, 8, 10, 12]


def test_a_second_training_in_one_run_follows_the_first(place):
    """Two trainings in one run lie one behind the other, not over each other."""
    with tl.init(project="stages"):
        tiny.trainer(place / "one", max_steps=4).train()
        tiny.trainer(place / "two", max_steps=4).train()
    steps = helpers.only_run("stages").metric("train/loss")["step"].tolist()
    assert steps == [2, 4, 6, 8]


def test_a_checkpoint_made_without_us_can_be_resumed_from(place):
    """Someone who adds trackerlite half-way gets a run that begins at the checkpoint."""
    tiny.trainer(place / "out", report_to=[], max_steps=8).train()
    tiny.trainer(place / "out").train(resume_from_checkpoint=True)
    tl.finish()
    assert helpers.only_run().metric("train/loss")["step"].tolist() == [10, 12]


def test_callback_states_can_be_restored_by_the_trainer(place):
    """`restore_callback_states_from_checkpoint` makes the callback anew, and it still finds its run."""
    callbacks = [TrackerliteCallback(project="restored", tags=["a"]), EarlyStoppingCallback(9)]
    more = {"metric_for_best_model": "loss", "load_best_model_at_end": True, "report_to": []}
    tiny.trainer(place / "out", callbacks=callbacks, max_steps=8, **more).train()
    first = tl.run.id
    tl.finish()
    again = [TrackerliteCallback(project="restored"), EarlyStoppingCallback(9)]
    trainer = tiny.trainer(
        place / "out", callbacks=again, restore_callback_states_from_checkpoint=True, **more
    )
    trainer.train(resume_from_checkpoint=True)
    tl.finish()
    run = helpers.only_run("restored")
    assert run.id == first
    assert run.metric("train/loss")["step"].tolist() == [2, 4, 6, 8, 10, 12]


def test_each_trial_of_a_search_is_a_run_of_its_own(place):
    """Hyperparameter search: a run per trial, grouped, with the trial's values."""
    trainer = tiny.trainer(place / "out", max_steps=2, eval_strategy="no")
    trainer.hp_name = lambda trial: f"lr-{trial['learning_rate']}"
    for rate in (1e-3, 1e-2):
        trainer.train(trial={"learning_rate": rate})
    tl.finish()
    runs = tl.Api().runs()
    assert {run.name for run in runs} == {"lr-0.001", "lr-0.01"}
    assert {run.group for run in runs} == {str(place / "out")}
    assert all(run.state == "finished" for run in runs)


def test_other_ranks_record_nothing(place):
    """Only the main process writes."""
    trainer = tiny.trainer(place / "out", max_steps=2, eval_strategy="no")
    trainer.is_world_process_zero = lambda: False
    trainer.state.is_world_process_zero = False
    trainer.train()
    assert tl.run is None
    assert not (place / ".trackerlite").exists()


def test_report_to_is_known_once_the_module_is_imported(place):
    """`report_to="trackerlite"` is spelled as for any other integration."""
    trainer = tiny.trainer(place / "out")
    assert any(type(c) is TrackerliteCallback for c in trainer.callback_handler.callbacks)
    state = json.dumps(TrackerliteCallback(project="x", tags=["a"]).state())
    assert json.loads(state)["args"] == {"project": "x", "tags": ["a"]}


def test_models_and_gradients_are_kept_when_asked_for(place, monkeypatch):
    """TRACKERLITE_LOG_MODEL and TRACKERLITE_WATCH, falling back to W&B's variables."""
    monkeypatch.setenv("WANDB_LOG_MODEL", "checkpoint")
    monkeypatch.setenv("WANDB_WATCH", "all")
    tiny.trainer(
        place / "out", max_steps=100, save_steps=50, eval_strategy="no", logging_steps=50
    ).train()
    tl.finish()
    run = helpers.only_run()
    kept = run._reader.artifacts(run.info.key)
    assert {(a.name, a.type) for a in kept} == {(f"model-{run.id}", "model")}
    aliases = [set(a.body["aliases"]) for a in kept]
    assert {"checkpoint_global_step_50"} <= aliases[0]
    assert {"checkpoint_global_step_100"} <= aliases[1]
    files = {entry["path"] for entry in kept[0].body["entries"]}
    assert {"model.safetensors", "optimizer.pt", "trainer_state.json"} <= files
    final = next(a for a in kept if "final_model" in a.body["aliases"])
    assert final.body["metadata"]["model/num_parameters"] == tiny.model().num_parameters()
    assert {"gradient_norm/total", "weight_norm/total"} <= set(run.metrics)


def test_trainings_of_other_names_are_other_runs(place):
    """One Trainer after the other in a process: each has its run, also for a later evaluation."""
    trainers = [
        tiny.trainer(place / name, run_name=name, max_steps=4, save_strategy="no") for name in "ab"
    ]
    for trainer in trainers:
        trainer.train()
    trainers[0].evaluate(metric_key_prefix="test")
    tl.finish()
    runs = {run.name: run for run in tl.Api().runs()}
    assert sorted(runs) == ["a", "b"]
    assert all(run.metric("train/loss")["step"].tolist() == [2, 4] for run in runs.values())
    assert [name for name in runs if "test/loss" in runs[name].metrics] == ["a"]


def test_resuming_another_training_goes_on_with_its_run(place):
    """A checkpoint's training continues its own run, not the one that was just trained."""
    tiny.trainer(place / "first", run_name="first", max_steps=8).train()
    tiny.trainer(place / "second", run_name="second", max_steps=4).train()
    tiny.trainer(place / "first", run_name="first").train(resume_from_checkpoint=True)
    tl.finish()
    steps = {run.name: run.metric("train/loss")["step"].tolist() for run in tl.Api().runs()}
    assert steps == {"first": [2, 4, 6, 8, 10, 12], "second": [2, 4]}
