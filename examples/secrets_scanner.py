"""Fine-tune a small Llama with LoRA to find secrets in code, and record all of it.

    pip install trackerlite transformers accelerate peft torch
    python examples/secrets_scanner.py                # a minute or two on two CPU cores
    python examples/secrets_scanner.py --rank 2       # another one
    trackerlite ls; trackerlite show RUN; trackerlite diff RUN RUN

Kill it at any moment (`kill -9`), then go on: the checkpoint knows its run, so the same run
continues, and what was logged after the checkpoint does not appear twice.

    python examples/secrets_scanner.py --resume

Nothing is downloaded. The model is made from a config, the code is Python's own standard
library, and the keys are random text planted in it, between lines that only look like it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import string
import sysconfig
import tempfile
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForSequenceClassification, Trainer, TrainingArguments

import trackerlite as tl
from trackerlite.integrations.transformers import TrackerliteCallback

CLASSES = ["clean", "secret"]
WIDTH, PAD = 80, 256  # bytes of a line that are read; bytes are the vocabulary, and one more
PLACES = [
    '{name} = "{value}"',
    'os.environ["{NAME}"] = "{value}"',
    'client = connect(host, {name}="{value}")',
    'headers = {{"X-{name}": "{value}"}}',
]
NAMES = ["api_key", "token", "secret", "password", "access_key", "auth"]
HARMLESS = ["changeme", "your-token-here", "example", "read from the environment", "xxxxxxxx"]


def lines_of_code(count: int, chance: random.Random) -> tuple[list[str], list[int]]:
    """Lines with their class: a quarter holds a key, a quarter only looks as if."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(folder.glob("*.py"))
    code = [
        line
        for file in files
        for line in file.read_text("utf-8").splitlines()
        if 20 < len(line) < WIDTH
    ]
    lines, labels = [], []
    for line in chance.sample(code, count):
        kind = chance.choice(["code", "code", "planted", "decoy"])
        if kind != "code":
            letters = string.ascii_letters + string.digits
            key = "".join(chance.choices(letters, k=chance.randint(20, 36)))
            name = chance.choice(NAMES)
            sums = hashlib.sha256(line.encode()).hexdigest()[: len(key)]  # long, and no secret
            value = (
                key if kind == "planted" else chance.choice([*HARMLESS, *line.split(), sums, sums])
            )
            indent = line[: len(line) - len(line.lstrip())]
            line = indent + chance.choice(PLACES).format(name=name, NAME=name.upper(), value=value)
        lines.append(line[:WIDTH])
        labels.append(int(kind == "planted"))
    return lines, labels


def batch(rows: list[tuple[str, int]]) -> dict[str, torch.Tensor]:
    """Lines as a tensor of bytes, padded on the right."""
    coded = [list(line.encode()[:WIDTH]) for line, _ in rows]
    width = max(len(ids) for ids in coded)
    ids = torch.tensor([row + [PAD] * (width - len(row)) for row in coded])
    labels = torch.tensor([label for _, label in rows])
    return {"input_ids": ids, "attention_mask": (ids != PAD).long(), "labels": labels}


def scores(predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of the class that matters."""
    hits = float(((predicted == 1) & (true == 1)).sum())
    precision = hits / max(1, (predicted == 1).sum())
    recall = hits / max(1, (true == 1).sum())
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "accuracy": float((predicted == true).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rank", type=int, default=8, help="LoRA rank")
    parser.add_argument("--alpha", type=int, default=16, help="LoRA alpha")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--examples", type=int, default=8000)
    parser.add_argument("--output", type=Path, default=Path("scanner"), help="where checkpoints go")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    options = parser.parse_args()

    # The data: 80 % to learn from, 10 % to choose by, 10 % to be judged by.
    lines, labels = lines_of_code(options.examples, random.Random(0))
    rows = list(zip(lines, labels, strict=True))
    first, second = int(0.8 * len(rows)), int(0.9 * len(rows))
    parts = {"train": rows[:first], "validation": rows[first:second], "test": rows[second:]}
    facts = {
        "source": "the Python standard library, with planted keys",
        "examples": {part: len(chosen) for part, chosen in parts.items()},
        "split": {"train": 0.8, "validation": 0.1, "test": 0.1},
        "classes": {name: labels.count(number) for number, name in enumerate(CLASSES)},
    }

    # The model: a Llama of two layers over bytes; LoRA trains a fraction of it.
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=PAD + 1, pad_token_id=PAD, hidden_size=64, intermediate_size=160, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=128, num_labels=len(CLASSES),
        name_or_path="llama-tiny-2x64",
    )  # fmt: skip
    lora = LoraConfig(
        task_type="SEQ_CLS",
        r=options.rank,
        lora_alpha=options.alpha,
        target_modules=[
            "q_proj",
            "k_proj",
            "v_proj",
            "o_proj",
            "gate_proj",
            "up_proj",
            "down_proj",
        ],
        modules_to_save=["embed_tokens", "score"],
    )
    model = get_peft_model(LlamaForSequenceClassification(shape), lora)
    trainable, total = model.get_nb_trainable_parameters()

    # The recording: one callback. It begins the run, or continues the checkpoint's.
    recording = TrackerliteCallback(
        project="smart-secrets-scanner",
        name=f"llama-tiny-lora-r{options.rank}",
        tags=["lora", "demo"],
        config={
            "model": {"name": shape.name_or_path, "parameters": total, "trainable": trainable},
            "lora": {"rank": options.rank, "alpha": options.alpha},
            "data": facts,
        },
    )
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(options.output), learning_rate=options.lr, num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size, per_device_eval_batch_size=256,
            lr_scheduler_type="cosine", warmup_steps=20, logging_steps=10, remove_unused_columns=False,
            eval_strategy="epoch", save_strategy="epoch", save_total_limit=2,
            load_best_model_at_end=True, metric_for_best_model="f1", greater_is_better=True, report_to=[],
        ),
        train_dataset=parts["train"],
        eval_dataset=parts["validation"],
        data_collator=batch,
        compute_metrics=lambda seen: scores(seen.predictions.argmax(-1), seen.label_ids),
        callbacks=[recording],
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=options.resume or None)

    # The verdict, on lines that nobody has looked at yet.
    outcome = trainer.predict(parts["test"])
    predicted, true = outcome.predictions.argmax(-1), outcome.label_ids
    run = tl.run
    wrong = [
        (line, CLASSES[t], CLASSES[p])
        for (line, t), p in zip(parts["test"], predicted, strict=True)
        if t != p
    ]
    run.log({
        "test/confusion": tl.plot.confusion_matrix(y_true=true.tolist(), preds=predicted.tolist(), class_names=CLASSES),
        "test/mistakes": tl.Table(columns=["line", "true", "predicted"], data=wrong[:50]),
    })  # fmt: skip
    run.summary["test/baseline_f1"] = scores(np.ones_like(true), true)[
        "f1"
    ]  # "everything is a secret"
    run.summary["test/f1"] = outcome.metrics["test_f1"]
    run.summary["test/counts"] = {
        f"{CLASSES[t]} as {CLASSES[p]}": int(((true == t) & (predicted == p)).sum())
        for t in (0, 1)
        for p in (0, 1)
    }

    # What is left behind: the best checkpoint, the merged model, and its predictions as a file.
    run.log_artifact(
        trainer.state.best_model_checkpoint,
        name="scanner-checkpoint",
        type="checkpoint",
        aliases=["best"],
    )
    with tempfile.TemporaryDirectory() as folder:
        merged = Path(folder) / "merged"
        model.merge_and_unload().save_pretrained(merged)
        run.log_artifact(
            merged, name="scanner", type="model", metadata=outcome.metrics, aliases=["merged"]
        )
        with open(Path(folder) / "predictions.csv", "w", newline="") as file:
            csv.writer(file).writerows([("line", "true", "predicted"), *wrong])
        run.log_artifact(Path(folder) / "predictions.csv", name="scanner-mistakes", type="export")
    print(
        f"F1 {outcome.metrics['test_f1']:.3f} (everything a secret: {run.summary['test/baseline_f1']:.3f})"
    )
    run.finish()


if __name__ == "__main__":
    main()
