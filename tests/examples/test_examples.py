"""Every example, run as its docstring says, at a small size."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

import trackerlite as tl
from trackerlite.readers.api import ApiRun

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NEEDS = {
    "ddp_torchrun.py": ["torch"],
    "lightning_digits.py": ["lightning", "sklearn", "torch"],
    "numpy_loop.py": [],
    "secrets_scanner.py": ["accelerate", "peft", "torch", "transformers"],
    "torch_digits.py": ["sklearn", "torch"],
    "wandb_script.py": [],
}


def environment() -> dict[str, str]:
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("WANDB_", "TRACKERLITE_", "SLURM_"))
    }
    return {**kept, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "NO_COLOR": "1"}


def need(name: str) -> None:
    absent = [module for module in NEEDS[name] if find_spec(module) is None]
    if absent:
        pytest.skip(f"{name} needs {', '.join(absent)}")


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(EXAMPLES / name), *arguments]


def run_example(place: Path, name: str, *arguments: str) -> str:
    """Its standard output; what it wrote to stderr with a failure."""
    need(name)
    done = subprocess.run(
        command(name, *arguments),
        cwd=place,
        env=environment(),
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def trackerlite(place: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from trackerlite.cli import main; main()", *arguments],
        cwd=place,
        env=environment(),
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def only_run(place: Path) -> ApiRun:
    (run,) = tl.Api(place).runs()
    return run


def media(run: ApiRun) -> dict[str, str]:
    return {
        v.name: v.value["_type"]
        for v in run._reader.values(run.info.key)
        if isinstance(v.value, dict)
    }


def artifacts(run: ApiRun) -> set[tuple[str, str]]:
    return {(a.name, a.type) for a in run._reader.artifacts(run.info.key)}


def test_all_examples_are_tested_and_about_a_page():
    """No example without a test, none that nobody would read."""
    files = {path.name: path.read_text() for path in EXAMPLES.glob("*.py")}
    assert set(files) == set(NEEDS)
    for name, text in files.items():
        assert f"examples/{name}" in text.split('"""')[1], f"{name} does not say how to run it"
        assert len(text.splitlines()) < 260, name


def test_numpy_loop(tmp_path):
    """The shortest loop: rows, a summary, a plot, a finished run."""
    assert "accuracy 0." in run_example(tmp_path, "numpy_loop.py", "--steps", "60")
    run = only_run(tmp_path)
    assert run.state == "finished"
    assert len(run.metric("train/loss")["value"]) == 60
    assert run.metric("train/loss")["value"][-1] < run.metric("train/loss")["value"][0]
    assert run.config == {"lr": 0.3, "steps": 60}
    assert run.summary["val/accuracy.max"] > 0.8
    assert media(run) == {"val/confusion": "table-file"}


def test_torch_digits_learns_and_goes_on(tmp_path):
    """Digits are told apart; --resume continues the same run, each step once."""
    run_example(tmp_path, "torch_digits.py", "--epochs", "4")
    first = only_run(tmp_path)
    run_example(tmp_path, "torch_digits.py", "--epochs", "6", "--resume")
    run = only_run(tmp_path)
    assert run.id == first.id
    assert run.metric("train/loss")["step"].tolist() == list(range(6 * 22))
    assert run.summary["val/accuracy.max"] > 0.8
    assert {"gradient_norm/total", "weight_norm/total", "lr"} <= set(run.metrics)
    kinds = media(run)
    assert kinds["val/mistakes"] == "images/separated"
    assert kinds["gradients/1.weight"] == "histogram"
    assert ("digits", "model") in artifacts(run)


def test_lightning_digits_learns(tmp_path):
    """The logger's run has metrics, hyperparameters, the learning rate and the checkpoints."""
    run_example(tmp_path, "lightning_digits.py", "--epochs", "3")
    run = only_run(tmp_path)
    assert (run.state, run.name) == ("finished", "lightning")
    assert run.config == {"lr": 0.003, "width": 16}
    assert run.metric("val/accuracy")["value"][-1] > 0.7
    assert {"lr-AdamW", "train/loss", "val/loss"} <= set(run.metrics)
    assert (f"model-{run.id}", "model") in artifacts(run)


def test_several_processes_are_one_run(tmp_path):
    """Under torchrun one process records, and what it records is the mean over all."""
    need("ddp_torchrun.py")
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--rdzv-backend",
        "c10d",
    ]
    launch += ["--rdzv-endpoint", "localhost:0", str(EXAMPLES / "ddp_torchrun.py"), "--steps", "20"]
    done = subprocess.run(
        launch, cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    run = only_run(tmp_path)
    assert run.state == "finished"
    assert run.config["world_size"] == 2
    losses = run.metric("train/loss")
    assert losses["step"].tolist() == list(range(20))
    assert losses["value"][-1] < losses["value"][0]


def test_the_wandb_script(tmp_path):
    """A W&B script with its import changed records what it records there."""
    run_example(tmp_path, "wandb_script.py", "--epochs", "5")
    run = only_run(tmp_path)
    assert (run.project, run.state, run.tags) == ("from-wandb", "finished", ("example",))
    assert run.config == {"epochs": 5, "lr": 0.1}
    assert len(run.metric("train/loss")["value"]) == 50
    assert media(run) == {"predictions": "table-file", "gradients": "histogram"}
    assert ("notes", "report") in artifacts(run)
    assert [a.title for a in run._reader.alerts(run.info.key)] == ["Training is done"]


def test_the_secrets_scanner_learns_is_killed_and_goes_on(tmp_path):
    """The whole case: LoRA on a Llama, killed, resumed into the same run, F1 far above the baseline,
    and every item people asked for answered by show and diff."""
    need("secrets_scanner.py")
    small = ["--examples", "1500", "--epochs", "2"]
    process = subprocess.Popen(
        command("secrets_scanner.py", *small),
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 240
    while not list(tmp_path.glob("scanner/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, "it ended before its first checkpoint"
        assert time.monotonic() < until, "no checkpoint"
        time.sleep(0.05)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    killed = only_run(tmp_path)

    run_example(tmp_path, "secrets_scanner.py", *small, "--resume")
    run = only_run(tmp_path)
    assert (run.id, run.state) == (killed.id, "finished")
    steps = run.metric("train/loss")["step"].tolist()
    assert steps == list(range(10, 76, 10))
    assert run.summary["test/f1"] > run.summary["test/baseline_f1"] + 0.3

    run_example(
        tmp_path,
        "secrets_scanner.py",
        "--examples",
        "300",
        "--epochs",
        "1",
        "--rank",
        "2",
        "--output",
        "other",
    )
    shown = json.loads(trackerlite(tmp_path, "show", run.id, "--json"))
    text = json.dumps(shown)
    asked = [
        # hyperparameters
        "learning_rate", "num_train_epochs", "per_device_train_batch_size", "lora.rank", "lora.alpha", "model.name",
        # losses, the schedule, gradient norms, training time
        "train/loss", "eval/loss", "train/learning_rate", "train/grad_norm", "train_runtime",
        # the data
        "data.examples.train", "data.split.validation", "data.classes.secret",
        # the evaluation
        "test/precision", "test/recall", "test/f1", "test/confusion", "test/counts.secret as secret",
        # the machine
        "cpu % (mean)", "process memory, MB (highest)",
    ]  # fmt: skip
    assert [item for item in asked if f'"{item}"' not in text] == []
    assert artifacts(run) == {
        ("scanner-checkpoint", "checkpoint"),
        ("scanner", "model"),
        ("scanner-mistakes", "export"),
    }
    other = next(r for r in tl.Api(tmp_path).runs() if r.id != run.id)
    difference = trackerlite(tmp_path, "diff", run.id, other.id)
    assert "lora.rank" in difference
    assert "test/counts.secret as clean" in difference
    assert "test/f1" in difference
