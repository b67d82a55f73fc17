from dataclasses import asdict, dataclass, field

import wandb


@dataclass
class Optimizer:
    name: str = "sgd"
    momentum: float = 0.9


@dataclass
class Config:
    seed: int = 7
    dropout: float = 0.1
    optimizer: Optimizer = field(default_factory=Optimizer)


run = wandb.init(
    project="dataclass-config",
    entity="a-team",
    name="baseline",
    group="first",
    job_type="train",
    tags=["small", "cpu"],
    notes="the one to beat",
    config=asdict(Config()),
    config_exclude_keys=["seed"],
    save_code=True,
)
run.config["dataset"] = "digits"
run.config.batch_size = 32
run.config.setdefaults({"batch_size": 64, "workers": 2})
best = 0.0
for step in range(5):
    accuracy = 1 - 0.5 ** (step + 1)
    run.log(
        {
            "accuracy": accuracy,
            "nested": {"a": step, "b": {"c": step * 2}},
            "phase": "warm" if step < 2 else "hot",
        }
    )
    best = max(best, accuracy)
    run.summary["best_accuracy"] = best
run.summary.update({"verdict": "good", "epochs": 5})
run.tags += ("done",)
run.finish()
