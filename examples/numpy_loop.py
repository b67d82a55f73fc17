"""The shortest whole example: a training loop in NumPy, recorded.

    python examples/numpy_loop.py
    trackerlite                  # look at it, also while it runs

A logistic regression learns to tell two clouds of points apart. `init` takes the
hyperparameters, `log` a row of numbers, and the `with` block ends the run: as finished,
or as failed with the exception's name if there was one.
"""

from __future__ import annotations

import argparse

import numpy as np

import trackerlite as tl


def clouds(count: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points of two classes that overlap a little."""
    labels = chance.integers(0, 2, count)
    return chance.normal(size=(count, 2)) + 2.0 * labels[:, None], labels


def loss_and_accuracy(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Cross-entropy, and how many are on the right side."""
    p = 1 / (1 + np.exp(-(x @ weights[:2] + weights[2])))
    loss = -np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))
    return float(loss), float(np.mean((p > 0.5) == y))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--lr", type=float, default=0.3)
    options = parser.parse_args()

    chance = np.random.default_rng(0)
    x, y = clouds(400, chance)
    val_x, val_y = clouds(100, chance)
    weights = np.zeros(3)

    with tl.init(project="numpy-loop", config=options, tags=["example"]) as run:
        run.define_metric("val/accuracy", goal="max", summary="max")
        run.define_metric("*loss", goal="min", alarm="x > 10")  # rings where it happens
        for step in range(options.steps):
            p = 1 / (1 + np.exp(-(x @ weights[:2] + weights[2])))
            gradient = np.append(x.T @ (p - y), np.sum(p - y)) / len(y)
            weights -= options.lr * gradient
            loss, _ = loss_and_accuracy(x, y, weights)
            run.log({"train/loss": loss, "gradient_norm": np.linalg.norm(gradient)}, step=step)
            if step % 10 == 9:  # the same step: one row in the end
                loss, accuracy = loss_and_accuracy(val_x, val_y, weights)
                run.log({"val/loss": loss, "val/accuracy": accuracy}, step=step)
        predicted = (val_x @ weights[:2] + weights[2] > 0).astype(int)
        run.log(
            {
                "val/confusion": tl.plot.confusion_matrix(
                    y_true=val_y, preds=predicted, class_names=["low", "high"]
                )
            }
        )
        run.summary["weights"] = weights
    print(f"accuracy {accuracy:.2f}")


if __name__ == "__main__":
    main()
