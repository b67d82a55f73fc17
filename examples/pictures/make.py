"""Makes the pictures of this folder: `python examples/pictures/make.py`, about two minutes.

In a throw-away folder it trains what `trackerlite demo` trains, and twice a classifier of two
spirals (once as committed, once with a change that is not), then takes a picture of each screen.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from trackerlite_tui.frames import frames

HERE = Path(__file__).parent
SPIRALS = '''"""Two spirals, told apart by a network of one hidden layer."""
import sys
import numpy as np
import trackerlite as tl

config = {"lr": 0.15, "hidden": 48, "data": "spirals/2026-01/turns-1.5.npz"}
rng = np.random.default_rng(0)
turn = rng.uniform(0.3, 1.5, 600) * 2 * np.pi
side = rng.integers(0, 2, 600)
angle = turn + side * np.pi
points = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) / 8
points += rng.normal(0, 0.03, points.shape)
first = rng.normal(0, 2.0, (3, config["hidden"]))
second = rng.normal(0, 0.3, config["hidden"])


def forward(x):
    inside = np.tanh(np.c_[x, np.ones(len(x))] @ first)
    return inside, 1 / (1 + np.exp(-inside @ second))


def regions(size=96):
    """What the network answers, everywhere: a picture."""
    line = np.linspace(-1.4, 1.4, size)
    x, y = np.meshgrid(line, line)
    p = forward(np.c_[x.ravel(), y.ravel()])[1].reshape(size, size, 1)
    image = p * np.array([240, 170, 40]) + (1 - p) * np.array([40, 110, 190])
    for (a, b), which in zip(points, side):
        column, row = ((np.array([a, b]) + 1.4) / 2.8 * (size - 1)).round().astype(int)
        image[row, column] = 255 if which else 0
    return image.astype(np.uint8)


with tl.init(project="spirals", name=sys.argv[1], config=config, tags=["spirals"]) as run:
    for step in range(3001):
        inside, p = forward(points)
        error = (p - side) / len(side) * 30
        inner = np.outer(error, second) * (1 - inside**2)
        if step % 50 == 0:
            loss = -np.mean(np.log(np.where(side, p, 1 - p) + 1e-9))
            run.log({"train/loss": loss, "val/accuracy": np.mean((p > 0.5) == side)}, step=step)
        if step % 500 == 0:
            scores = np.stack([1 - p, p], axis=1)
            names = ["inner", "outer"]
            run.log({
                "regions": tl.Image(regions(), caption=f"after {step} steps"),
                "confusion": tl.plot.confusion_matrix(side, (p > 0.5).astype(int), names),
                "roc": tl.plot.roc_curve(side, scores, names),
                "weights": tl.Histogram(first[:2].ravel()),
            }, step=step)
        second -= config["lr"] * inside.T @ error
        first -= config["lr"] * np.c_[points, np.ones(len(points))].T @ inner
'''


def record(folder: Path) -> Path:
    """The runs that are shown."""

    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

    def do(*words: str) -> None:
        subprocess.run(words, cwd=folder, env={**os.environ, "PATH": places}, check=True)

    script = folder / "spirals.py"
    script.write_text(SPIRALS)
    (folder / ".gitignore").write_text(".trackerlite\n")
    who = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    do("git", "init", "-q")
    do("git", "add", ".")
    do("git", *who, "commit", "-qm", "Two spirals")
    do("python", script.name, "committed")
    script.write_text(
        SPIRALS.replace('"lr": 0.15', '"lr": 0.25')
        .replace("np.tanh(", "np.sin(")
        .replace("(1 - inside**2)", "np.sqrt(1 - inside**2 + 1e-9)")
    )
    do("python", script.name, "sine")
    do("trackerlite", "demo", "--no-tui", "--seconds", "30")
    return folder


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pictures-") as name:
        for path in frames(HERE, str(record(Path(name)) / ".trackerlite"), (140, 40), "dark"):
            print(path)
