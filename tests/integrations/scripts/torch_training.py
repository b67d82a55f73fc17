import torch
import wandb

torch.manual_seed(0)
config = {"lr": 0.1, "hidden": 8, "steps": 6}
wandb.init(project="torch-training", config=config, mode="offline")
config = wandb.config
model = torch.nn.Sequential(
    torch.nn.Linear(4, config.hidden), torch.nn.Tanh(), torch.nn.Linear(config.hidden, 1)
)
wandb.watch(model, log="gradients", log_freq=2)
optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
x = torch.randn(16, 4)
for step in range(config.steps):
    loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    wandb.log({"loss": loss, "lr": schedule.get_last_lr()[0], "step": step})
wandb.run.summary["final_loss"] = loss.item()
wandb.unwatch(model)
