"""A training script as a user would write it; `trackerlite demo` runs it once per setting.

    python -m trackerlite.demo.train --name mine --context 12 --seconds 30

Ctrl-C ends it early and in good order.
"""

from __future__ import annotations

import argparse
import math
import signal
import time
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

import trackerlite as tl
from trackerlite.demo.model import Adam, Model, batches
from trackerlite.demo.text import ALPHABET, decode, load_corpus

if TYPE_CHECKING:
    from collections.abc import Sequence

VALIDATION_SIZE = 4096


@dataclass(frozen=True)
class Settings:
    """What differs between runs. `lr` is the highest learning rate of its schedule."""

    context: int = 8
    embedding: int = 16
    hidden: int = 256
    batch: int = 128
    lr: float = 2e-3
    seed: int = 0


def schedule(lr: float, step: int, progress: float) -> float:
    """Learning rate: 50 steps of warm-up, then a cosine to zero as `progress` goes from 0 to 1."""
    return lr * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def train(settings: Settings, *, name: str, seconds: float, **init: Any) -> None:
    """Train for `seconds`, then finish the run. `init` goes to `trackerlite.init`."""
    corpus = load_corpus()
    model = Model(
        vocabulary=len(ALPHABET),
        context=settings.context,
        embedding=settings.embedding,
        hidden=settings.hidden,
        seed=settings.seed,
    )
    optimizer = Adam(model.parameters)
    validation = next(batches(corpus.validation, settings.context, VALIDATION_SIZE, seed=1))
    rng = np.random.default_rng(settings.seed)

    with tl.init(
        name=name, config={**asdict(settings), "model": "mlp", "parameters": model.size}, **init
    ) as run:
        run.define_metric("val/loss", summary="min", goal="min")
        run.define_metric("val/bits_per_char", summary="min", goal="min")
        run.define_metric("val/accuracy", summary="max", goal="max")

        def validate(step: int) -> None:
            loss, accuracy = model.loss(*validation)
            run.log(
                {
                    "val/loss": loss,
                    "val/accuracy": accuracy,
                    "val/bits_per_char": loss / math.log(2),
                },
                step=step,
            )

        start = time.monotonic()
        next_validation = next_sample = 0.0
        step = 0
        try:
            for contexts, targets in batches(
                corpus.train, settings.context, settings.batch, settings.seed
            ):
                elapsed = time.monotonic() - start
                if elapsed >= seconds:
                    break
                if elapsed >= next_validation:
                    validate(step)
                    next_validation = elapsed + max(0.5, seconds / 60)
                if elapsed >= next_sample:
                    text = decode(model.write(validation[0][0], 160, rng))
                    run.log({"sample": text}, step=step)
                    next_sample = elapsed + seconds / 6

                lr = schedule(settings.lr, step, elapsed / seconds)
                loss, gradients = model.gradients(contexts, targets)
                norm = optimizer.step(gradients, lr)
                run.log(
                    {
                        "train/loss": loss,
                        "train/lr": lr,
                        "train/grad_norm": norm,
                    },
                    step=step,
                )
                step += 1
        except KeyboardInterrupt:
            pass  # stopped early by the person watching: a good end, not a failure
        validate(step)


def main(argv: Sequence[str] | None = None) -> None:
    """Read settings from the command line, and train."""
    parser = argparse.ArgumentParser(prog="python -m trackerlite.demo.train")
    parser.add_argument("--name", default="baseline")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--group")
    parser.add_argument("--dir", help="folder of the store")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to train")
    for field in fields(Settings):
        kind = float if field.name == "lr" else int
        parser.add_argument(f"--{field.name}", type=kind, default=field.default)
    options = vars(parser.parse_args(argv))
    settings = Settings(**{field.name: options.pop(field.name) for field in fields(Settings)})
    # A shell that starts us with `&` has Ctrl-C ignored, and Python then leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    train(settings, tags=["demo"], mode="offline", **options)


if __name__ == "__main__":
    main()
