"""Which process of how many this is, and which job it belongs to."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from trackerlite.capture.redact import redact_text

# What SLURM says about a job, without the account's own settings.
_SLURM = """
    JOB_ID JOB_NAME ARRAY_JOB_ID ARRAY_TASK_ID ARRAY_TASK_COUNT CLUSTER_NAME JOB_PARTITION
    JOB_QOS JOB_ACCOUNT JOB_NODELIST NODELIST NNODES NTASKS NTASKS_PER_NODE NODEID NODENAME
    PROCID LOCALID STEP_ID CPUS_PER_TASK CPUS_ON_NODE MEM_PER_NODE MEM_PER_CPU GPUS
    GPUS_ON_NODE GPUS_PER_NODE GPUS_PER_TASK RESTART_COUNT JOB_START_TIME JOB_END_TIME
    SUBMIT_DIR SUBMIT_HOST
"""
_TORCHRUN = """
    RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE GROUP_RANK GROUP_WORLD_SIZE ROLE_RANK ROLE_NAME
    MASTER_ADDR MASTER_PORT TORCHELASTIC_RUN_ID TORCHELASTIC_RESTART_COUNT
    TORCHELASTIC_MAX_RESTARTS
"""
_NUMBER = re.compile(r"[0-9]{1,9}$")


class Rank(NamedTuple):
    """One process's place among those that train together."""

    rank: int
    world_size: int
    local_rank: int
    source: str  # which variables said so: "torchrun", "slurm", "mpi" or "" (alone)

    @property
    def is_zero(self) -> bool:
        """Whether this is the process that records when only one does."""
        return self.rank == 0


def current() -> Rank:
    """This process's rank, from the environment alone (nothing is imported or started).

    SLURM is believed only inside a job step of several tasks: `SLURM_PROCID` also stands
    in an interactive shell and in what a batch script starts by itself.
    """
    rank, world = _number("RANK"), _number("WORLD_SIZE")
    if rank is not None and world is not None:
        return _rank(rank, world, _number("LOCAL_RANK"), "torchrun")
    rank, world = _number("SLURM_PROCID"), _number("SLURM_STEP_NUM_TASKS")
    if world is None and _number("SLURM_STEP_ID") is not None:
        world = _number("SLURM_NTASKS")
    if rank is not None and world is not None and world > 1:
        return _rank(rank, world, _number("SLURM_LOCALID"), "slurm")
    rank, world = _number("OMPI_COMM_WORLD_RANK"), _number("OMPI_COMM_WORLD_SIZE")
    if rank is not None and world is not None:
        return _rank(rank, world, _number("OMPI_COMM_WORLD_LOCAL_RANK"), "mpi")
    rank, world = _number("PMI_RANK"), _number("PMI_SIZE")
    if rank is not None and world is not None:
        return _rank(rank, world, _number("MPI_LOCALRANKID"), "mpi")
    return Rank(0, 1, 0, "")


def job_id() -> str:
    """A name that all ranks of one launch share and that a requeue or an elastic restart keeps.

    "" where nothing identifies a job. An array task is a job of its own.
    """
    job = os.environ.get("SLURM_ARRAY_JOB_ID", "")
    if job and os.environ.get("SLURM_ARRAY_TASK_ID"):
        return f"slurm-{job}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    if os.environ.get("SLURM_JOB_ID"):
        return f"slurm-{os.environ['SLURM_JOB_ID']}"
    elastic = os.environ.get("TORCHELASTIC_RUN_ID", "")
    # torchrun's own default is "none", the same for everybody.
    if elastic and elastic != "none":
        return f"torchrun-{elastic}"
    return ""


def is_requeued() -> bool:
    """Whether the scheduler started this job again after a preemption or a node failure."""
    for name in ("SLURM_RESTART_COUNT", "TORCHELASTIC_RESTART_COUNT"):
        if (_number(name) or 0) > 0:
            return True
    return False


def slurm() -> dict[str, str]:
    """The SLURM job's variables under their own names; {} outside SLURM."""
    if "SLURM_JOB_ID" not in os.environ:
        return {}
    return _named("SLURM_", _SLURM)


def torchrun() -> dict[str, str]:
    """The launcher's variables under their own names; {} where there is no launcher."""
    if "RANK" not in os.environ and "TORCHELASTIC_RUN_ID" not in os.environ:
        return {}
    return _named("", _TORCHRUN)


def _rank(rank: int, world: int, local: int | None, source: str) -> Rank:
    if world < 1 or rank >= world:  # half-set variables of an outer launcher
        return Rank(0, 1, 0, "")
    return Rank(rank, world, rank if local is None else local, source)


def _number(name: str) -> int | None:
    value = os.environ.get(name, "").strip()
    return int(value) if _NUMBER.match(value) else None


def _named(prefix: str, names: str) -> dict[str, str]:
    found = {}
    for name in names.split():
        value = os.environ.get(prefix + name)
        if value:
            value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            found[prefix + name] = redact_text(value)
    return found
