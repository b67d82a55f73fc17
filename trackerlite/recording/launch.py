"""Several processes that train together: which of them record, and how they find one run."""

from __future__ import annotations

import os

from trackerlite.capture import ranks
from trackerlite.capture.environment import boot_id, hostname
from trackerlite.errors import BadInput
from trackerlite.recording.settings import Settings
from trackerlite.text import tell

_count = 0  # runs that this process has begun; the same in every rank


def join(wanted: Settings) -> bool:
    """Give `wanted` its rank and, for `ranks="all"`, the id that all ranks share.

    Returns False for a rank that records nothing.

    Raises:
        BadInput: several nodes record one run, and nothing tells them its id.
    """
    global _count
    place = ranks.current()
    wanted.world_size = place.world_size
    if place.world_size == 1:
        return True
    if wanted.ranks == "zero":
        if place.rank and place.source != "torchrun" and not wanted.silent:
            # Tasks of one srun may be runs of their own; then silence would be a loss.
            tell(
                f"rank {place.rank} of {place.world_size} ({place.source}) records nothing; "
                "rank 0 does. ranks='all' records each."
            )
        return place.rank == 0
    wanted.rank = place.rank
    _count += 1
    if not wanted.given_id:
        wanted.id, wanted.given_id = _shared_id(wanted, place), True
        if not wanted.named:
            from trackerlite.recording.settings import name_for

            wanted.name = name_for(wanted.id)
    return True


def _shared_id(wanted: Settings, place: ranks.Rank) -> str:
    """An id that every rank finds by itself; a requeue or an elastic restart finds it again."""
    job = ranks.job_id()
    if job:
        launch = f"{job}.{os.environ.get('SLURM_STEP_ID', '')}"
    elif os.environ.get("LOCAL_WORLD_SIZE", "") in ("", str(place.world_size)):
        # One machine: all ranks are children of one launcher, which outlives a restart of theirs.
        launch = f"{hostname()}.{boot_id()}.{os.getppid()}.{_started(os.getppid())}"
    else:
        raise BadInput(
            "ranks='all' on several nodes needs one id for all of them: pass id=…, "
            "or start with `torchrun --rdzv-id=NAME`."
        )
    import hashlib  # OpenSSL: only where ranks ask for it

    text = f"{launch}\0{wanted.project}\0{_count}"
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" where that is not known."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""
