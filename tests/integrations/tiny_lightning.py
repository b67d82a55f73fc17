"""A LightningModule that fits a line, the same each time, for tests and the processes they kill."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint


class Line(L.LightningModule):
    """One linear layer; logs per step, per epoch and in validation."""

    def __init__(self, lr: float = 0.1, fail_at: int | None = None):
        super().__init__()
        self.save_hyperparameters("lr")
        self.layer = torch.nn.Linear(4, 1)
        self.fail_at = fail_at

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        if self.global_step == self.fail_at:
            raise RuntimeError("the model broke")
        loss = (self.layer(batch[0]) ** 2).mean()
        self.log("train_loss", loss)
        self.log("epoch_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val_loss", (self.layer(batch[0]) ** 2).mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), self.hparams.lr)


def data() -> Any:
    """Eight batches."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.utils.data.TensorDataset(torch.randn(32, 4, generator=generator))
    return torch.utils.data.DataLoader(rows, batch_size=4)


def fit(
    logger: Any, callbacks: Any = (), ckpt_path: Any = None, model: Any = None, epochs: int = 3
) -> None:
    """Three epochs of eight steps, logging every second."""
    L.seed_everything(0)
    trainer = L.Trainer(
        max_epochs=epochs, logger=logger, callbacks=list(callbacks), log_every_n_steps=2, accelerator="cpu",
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(model or Line(), data(), data(), ckpt_path=ckpt_path)


def saving(folder: Path, every: int | None = None) -> ModelCheckpoint:
    """Checkpoints at every epoch's end, or every so many steps."""
    return ModelCheckpoint(dirpath=folder, save_last=True, save_top_k=-1, every_n_train_steps=every)


class PowerCut(L.Callback):
    """Kills the process behind a step."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    from trackerlite.integrations.lightning import TrackerliteLogger

    every = int(sys.argv[1]) or None
    fit(TrackerliteLogger(project="cut"), [saving(Path("ckpt"), every), PowerCut(14)])
