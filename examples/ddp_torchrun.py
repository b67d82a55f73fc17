"""Several processes, one run: data-parallel training under torchrun.

    torchrun --nproc-per-node 2 examples/ddp_torchrun.py

Every process may call `init`: by default rank 0 records and the others' calls do nothing, so
the same script runs alone, under torchrun and under SLURM. Works on CPUs (gloo) as it is.
"""

from __future__ import annotations

import argparse
import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import trackerlite as tl


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--lr", type=float, default=0.05)
    options = parser.parse_args()

    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    device = (
        torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        if torch.cuda.is_available()
        else torch.device("cpu")
    )

    # Each process has its own part of the data: points on a plane, with noise.
    chance = torch.Generator().manual_seed(rank)
    x = torch.randn(512, 3, generator=chance)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.randn(512, 1, generator=chance)
    torch.manual_seed(0)
    model = DistributedDataParallel(torch.nn.Linear(3, 1).to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr)

    with tl.init(project="ddp", config={**vars(options), "world_size": world}) as run:
        for step in range(options.steps):
            rows = torch.randint(len(x), (32,), generator=chance)
            loss = torch.nn.functional.mse_loss(model(x[rows].to(device)), y[rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            mean = loss.detach().clone()
            dist.all_reduce(mean)  # what is recorded is the mean over all processes
            run.log({"train/loss": mean / world}, step=step)
        if rank == 0:
            print(f"loss {mean.item() / world:.4f} over {world} processes")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
