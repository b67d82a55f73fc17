import numpy as np
import wandb

with wandb.init(project="explicit-steps", config={"every": 10}, reinit=True) as run:
    for step in range(0, 50, run.config["every"]):
        run.log({"loss": np.float32(1 / (step + 1))}, step=step)
        run.log({"grad_norm": np.float64(step) ** 0.5}, step=step)
        if step % 20 == 0:
            run.log({"val": np.int64(step)}, step=step, commit=False)
    run.log({"done": True, "nan": float("nan"), "inf": float("inf")}, step=100)

with wandb.init(project="explicit-steps", name="partial rows") as run:
    for i in range(3):
        run.log({"a": i}, commit=False)
        run.log({"b": i * 2}, commit=False)
        run.log({"c": i * 3})
