"""A next-character network in plain NumPy: embed the last characters, two layers, softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Characters = NDArray[np.integer[Any]]
    Parameters = dict[str, Array]


class Model:
    """Predicts the next character's number from the `context` characters before it."""

    def __init__(self, *, vocabulary: int, context: int, embedding: int, hidden: int, seed: int):
        rng = np.random.default_rng(seed)
        wide = context * embedding
        self.context = context
        self.parameters: Parameters = {
            "embedding": rng.normal(0, 0.5, (vocabulary, embedding)).astype(np.float32),
            "hidden.weight": rng.normal(0, (2 / wide) ** 0.5, (wide, hidden)).astype(np.float32),
            "hidden.bias": np.zeros(hidden, np.float32),
            "output.weight": rng.normal(0, 0.02, (hidden, vocabulary)).astype(np.float32),
            "output.bias": np.zeros(vocabulary, np.float32),
        }

    @property
    def size(self) -> int:
        """Number of trainable numbers."""
        return sum(array.size for array in self.parameters.values())

    def logits(self, contexts: Characters) -> Array:
        """Scores (batch, vocabulary) for contexts (batch, context)."""
        return self._forward(contexts)[-1]

    def loss(self, contexts: Characters, targets: Characters) -> tuple[float, float]:
        """Mean cross-entropy in nats and the share of characters guessed right."""
        logits = self.logits(contexts)
        rows = np.arange(len(targets))
        right = float(np.mean(logits.argmax(axis=1) == targets))
        return float(-np.mean(_log_softmax(logits)[rows, targets])), right

    def gradients(self, contexts: Characters, targets: Characters) -> tuple[float, Parameters]:
        """Mean cross-entropy in nats, and its derivative by each parameter."""
        p = self.parameters
        embedded, hidden, logits = self._forward(contexts)
        log_probabilities = _log_softmax(logits)
        rows = np.arange(len(targets))
        loss = float(-np.mean(log_probabilities[rows, targets]))

        d_logits = np.exp(log_probabilities)
        d_logits[rows, targets] -= 1
        d_logits /= len(targets)
        d_hidden = (d_logits @ p["output.weight"].T) * (hidden > 0)
        d_embedded = (d_hidden @ p["hidden.weight"].T).reshape(contexts.size, -1)
        # A product with one-hot rows sums per character; np.add.at is many times slower.
        one_hot = np.eye(len(p["embedding"]), dtype=np.float32)[contexts.ravel()]
        return loss, {
            "embedding": one_hot.T @ d_embedded,
            "hidden.weight": embedded.T @ d_hidden,
            "hidden.bias": d_hidden.sum(axis=0),
            "output.weight": hidden.T @ d_logits,
            "output.bias": d_logits.sum(axis=0),
        }

    def write(self, prompt: Characters, length: int, rng: np.random.Generator) -> Characters:
        """Continue `prompt` (at least `context` long) by `length` sampled characters."""
        text = list(prompt[-self.context :])
        for _ in range(length):
            scores = self.logits(np.array([text[-self.context :]]))[0] / 0.8
            # Adding Gumbel noise to scores and taking the largest draws from their softmax.
            text.append(int(np.argmax(scores + rng.gumbel(size=len(scores)))))
        return np.array(text[self.context :])

    def _forward(self, contexts: Characters) -> tuple[Array, Array, Array]:
        p = self.parameters
        embedded = p["embedding"][contexts].reshape(len(contexts), -1)
        hidden = np.maximum(embedded @ p["hidden.weight"] + p["hidden.bias"], 0)
        return embedded, hidden, hidden @ p["output.weight"] + p["output.bias"]


class Adam:
    """The Adam optimizer, changing parameters in place, with its gradient clipped by norm."""

    def __init__(self, parameters: Parameters, clip: float = 1.0):
        self.parameters = parameters
        self.clip = clip
        self.mean = {name: np.zeros_like(array) for name, array in parameters.items()}
        self.variance = {name: np.zeros_like(array) for name, array in parameters.items()}
        self.steps = 0

    def step(self, gradients: Parameters, lr: float) -> float:
        """Go one step down; returns the gradient's norm before it was clipped."""
        self.steps += 1
        norm = float(np.sqrt(sum(np.vdot(g, g) for g in gradients.values())))
        scale = min(1.0, self.clip / (norm + 1e-9))
        rate = lr * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps)
        for name, gradient in gradients.items():
            gradient = gradient * np.float32(scale)
            mean, variance = self.mean[name], self.variance[name]
            mean += np.float32(0.1) * (gradient - mean)
            variance += np.float32(0.001) * (gradient * gradient - variance)
            self.parameters[name] -= np.float32(rate) * mean / (np.sqrt(variance) + 1e-8)
        return norm


def batches(
    text: Characters, context: int, size: int, seed: int
) -> Iterator[tuple[Characters, Characters]]:
    """Endless random batches of contexts (size, context) and the characters that follow them."""
    windows = np.lib.stride_tricks.sliding_window_view(text, context + 1)
    rng = np.random.default_rng(seed)
    while True:
        chosen = windows[rng.integers(0, len(windows), size)]
        yield chosen[:, :-1], chosen[:, -1]


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(
        shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=logits.dtype
    )
