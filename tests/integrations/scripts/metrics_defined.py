import wandb

run = wandb.init(
    project="metrics-defined", settings=wandb.Settings(run_name="defined", run_tags=("x",))
)
wandb.define_metric("epoch")
wandb.define_metric("val/*", step_metric="epoch")
wandb.define_metric("val/loss", summary="min", step_metric="epoch")
wandb.define_metric("val/acc", summary="max", step_metric="epoch")
wandb.define_metric("train/loss", summary="mean")
wandb.define_metric("test/*", step_metric="samples")
wandb.define_metric("free/*", step_metric="epoch", step_sync=False)
losses = [0.9, 0.5, 0.2, 0.4]
for epoch, loss in enumerate(losses):
    wandb.log({"epoch": epoch, "train/loss": loss, "val/loss": loss * 2, "val/acc": 1 - loss})
    wandb.log({"val/f1": 1 - loss / 2, "free/lr": 0.1})
    wandb.log({"test/loss": loss * 3})
    wandb.log({"samples": 100 * (epoch + 1)}, commit=False)
    wandb.log({"test/acc": 1 - loss, "test/deep": {"recall": loss}})
wandb.alert(
    title="Loss is up", text=f"{losses[-1]} after {losses[-2]}", level=wandb.AlertLevel.WARN
)
if wandb.run is not None:
    wandb.run.summary["epochs"] = len(losses)
wandb.finish(exit_code=0)
