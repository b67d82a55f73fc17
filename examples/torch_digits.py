"""Real handwritten digits with PyTorch: a small network, its gradients, its mistakes, its weights.

    pip install trackerlite torch scikit-learn
    python examples/torch_digits.py
    python examples/torch_digits.py --resume      # after a kill: go on where it stopped

The 1,797 digits come with scikit-learn; nothing is downloaded. The run's id lives in the
checkpoint, so that `--resume` continues the very same run, behind the checkpoint's epoch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits

import trackerlite as tl


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--checkpoint", type=Path, default=Path("digits.pt"))
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels))
    train, val = order[:1400], order[1400:]

    model = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(64, options.hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(options.hidden, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    saved = torch.load(options.checkpoint, weights_only=True) if options.resume else None
    if saved is not None:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])

    run = tl.init(
        project="digits",
        name=f"mlp-{options.hidden}",
        config={**vars(options), "parameters": sum(p.numel() for p in model.parameters())},
        resume_from=f"{saved['run']}?_step={saved['step']}" if saved else None,
    )
    with run:
        run.watch(model, log="all", log_freq=50)
        run.define_metric("val/accuracy", goal="max", summary="max")
        step = saved["step"] + 1 if saved else 0
        for epoch in range(saved["epoch"] + 1 if saved else 0, options.epochs):
            model.train()
            for batch in train[torch.randperm(len(train))].split(64):
                loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log(
                    {"train/loss": loss, "lr": schedule.get_last_lr()[0], "epoch": epoch}, step=step
                )
                step += 1
            schedule.step()
            model.eval()
            with torch.no_grad():
                scores = model(images[val])
            accuracy = (scores.argmax(1) == labels[val]).float().mean()
            val_loss = torch.nn.functional.cross_entropy(scores, labels[val])
            run.log({"val/loss": val_loss, "val/accuracy": accuracy}, step=step - 1)
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
            }
            torch.save(
                {**state, "run": run.id, "step": step - 1, "epoch": epoch}, options.checkpoint
            )

        wrong = (scores.argmax(1) != labels[val]).nonzero().flatten()[:8]
        run.log({
            "val/confusion": tl.plot.confusion_matrix(y_true=labels[val], preds=scores.argmax(1)),
            "val/mistakes": [tl.Image(images[val[i]], caption=f"{labels[val[i]]} taken for {scores[i].argmax()}") for i in wrong],
        })  # fmt: skip
        run.log_model(options.checkpoint, name="digits", aliases=["best"])
        print(f"accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
