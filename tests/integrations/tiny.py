"""A Llama-type model of a few thousand parameters and something for it to learn, from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments


def model() -> Any:
    """The same random model each time."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=32,
        )
    )  # fmt: skip


def data(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Sequences that count upwards."""
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, 32, (count,), generator=generator)
    rows = [(torch.arange(8) + start) % 32 for start in starts]
    return [{"input_ids": row, "labels": row} for row in rows]


def arguments(folder: Path, **more: Any) -> TrainingArguments:
    """Twelve steps on the CPU, logging every second, evaluating and saving every fourth."""
    wanted = {
        "max_steps": 12, "per_device_train_batch_size": 4, "logging_steps": 2, "eval_strategy": "steps",
        "eval_steps": 4, "save_steps": 4, "use_cpu": True, "disable_tqdm": True, "seed": 1, "learning_rate": 1e-2,
        "report_to": "trackerlite",
    }  # fmt: skip
    return TrainingArguments(output_dir=str(folder), **{**wanted, **more})


def trainer(folder: Path, callbacks: Any = None, **more: Any) -> Trainer:
    """A Trainer over all that."""
    return Trainer(
        model=model(),
        args=arguments(folder, **more),
        train_dataset=data(64),
        eval_dataset=data(8, seed=9),
        callbacks=callbacks,
    )
