"""A script as it was written for Weights & Biases. One line was changed: the import.

    python examples/wandb_script.py

No account, no network, no server: the run is in `.trackerlite`, and `trackerlite sync` takes
it to W&B from a machine that is online, with its own steps, clocks and pictures.
"""

import argparse
import math
import random

import trackerlite as wandb  # was: import wandb

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

wandb.init(
    project="from-wandb",
    entity="my-team",
    config=args,
    tags=["example"],
    settings=wandb.Settings(console="off"),
)
wandb.define_metric("val/*", step_metric="epoch")
wandb.define_metric("val/accuracy", summary="max")

random.seed(0)
table = wandb.Table(columns=["epoch", "input", "prediction"])
for epoch in range(wandb.config.epochs):
    for _ in range(10):
        wandb.log({"train/loss": math.exp(-wandb.config.lr * epoch) + random.random() / 20})
    accuracy = 1 - math.exp(-0.2 * epoch) / 2
    wandb.log({"epoch": epoch, "val/loss": 1 - accuracy, "val/accuracy": accuracy})
    table.add_data(epoch, f"example {epoch}", accuracy > 0.75)

gradients = [random.gauss(0, 1) for _ in range(1000)]
wandb.log({"predictions": table, "gradients": wandb.Histogram(gradients)})
wandb.summary["verdict"] = "good"

artifact = wandb.Artifact("notes", type="report", metadata={"accuracy": accuracy})
with artifact.new_file("notes.txt") as file:
    file.write(f"accuracy {accuracy:.3f}\n")
wandb.log_artifact(artifact)
wandb.alert(title="Training is done", text=f"accuracy {accuracy:.3f}", level=wandb.AlertLevel.INFO)
wandb.finish()
print(f"accuracy {accuracy:.3f}")
