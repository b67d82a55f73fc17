"""The same digits with Lightning: one line to record, one argument to go on after a kill.

    pip install trackerlite lightning scikit-learn
    python examples/lightning_digits.py
    python examples/lightning_digits.py --resume lightning-digits/last.ckpt

The checkpoint knows its run: `fit(ckpt_path=…)` continues it, and what was logged after the
checkpoint does not appear twice.
"""

from __future__ import annotations

import argparse
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

from trackerlite.integrations.lightning import TrackerliteLogger


class Digits(L.LightningModule):
    """A small convolutional network for 8 x 8 pictures."""

    def __init__(self, lr: float = 3e-3, width: int = 16):
        super().__init__()
        self.save_hyperparameters()  # these become the run's config
        self.net = torch.nn.Sequential(
            torch.nn.Conv2d(1, width, 3), torch.nn.ReLU(), torch.nn.Conv2d(width, width, 3), torch.nn.ReLU(),
            torch.nn.Flatten(), torch.nn.Linear(16 * width, 10),
        )  # fmt: skip

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        images, labels = batch
        loss = cross_entropy(self.net(images), labels)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        images, labels = batch
        scores = self.net(images)
        self.log("val/loss", cross_entropy(scores, labels))
        self.log("val/accuracy", (scores.argmax(1) == labels).float().mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.trainer.max_epochs)
        return [optimizer], [schedule]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--resume", metavar="CHECKPOINT")
    options = parser.parse_args()

    L.seed_everything(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    train, val = random_split(TensorDataset(images, torch.tensor(digits.target)), [1400, 397])

    logger = TrackerliteLogger(project="digits", name="lightning", tags=["example"], log_model=True)
    trainer = L.Trainer(
        max_epochs=options.epochs,
        accelerator="cpu",
        logger=logger,
        log_every_n_steps=10,
        enable_progress_bar=False,
        callbacks=[
            LearningRateMonitor(),
            ModelCheckpoint("lightning-digits", monitor="val/accuracy", mode="max", save_last=True),
        ],
    )
    loaders = DataLoader(train, batch_size=64, shuffle=True), DataLoader(val, batch_size=397)
    trainer.fit(Digits(lr=options.lr), *loaders, ckpt_path=options.resume)
    print(f"accuracy {trainer.callback_metrics['val/accuracy']:.3f}, run {logger.version}")
    logger.experiment.finish()


if __name__ == "__main__":
    main()
