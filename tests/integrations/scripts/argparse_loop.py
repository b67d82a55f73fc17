import argparse
import math
import random

import wandb

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--optimizer", default="adam")
parser.add_argument("--resume", default=None)
args = parser.parse_args()

wandb.init(project="argparse-loop", config=args)
random.seed(1)
for epoch in range(wandb.config.epochs):
    for _ in range(3):
        loss = math.exp(-epoch) + random.random() / 10
        wandb.log({"train/loss": loss, "train/lr": args.lr * 0.9**epoch})
    wandb.log({"val/loss": loss * 1.1, "val/acc": 1 - loss / 2, "epoch": epoch})
wandb.config.update({"finished": True, "layers": [16, 32, 64]})
wandb.finish()
