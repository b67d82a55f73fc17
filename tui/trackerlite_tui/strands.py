"""A line of a chart: what one process of a run logged of a metric. Rank 0's stands for the run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from trackerlite_tui.text import safe

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.snapshot import CurveKey


def ranked(name: str, rank: int) -> str:
    """A metric's name as the screen tells it from other ranks'."""
    return f"{name} [rank {rank}]" if rank else name


def unranked(shown: str) -> tuple[str, bool]:
    """The metric of a name as `ranked` wrote it, and whether that was another rank's than 0."""
    found = re.fullmatch(r"(.+) \[rank \d+\]", shown, re.DOTALL)
    return (found[1], True) if found else (shown, False)


class Strand(NamedTuple):
    """See the module."""

    run: RunInfo
    rank: int = 0

    def curve(self, stream: str, name: str) -> CurveKey:
        """Which curve of a metric it is."""
        return (self.run.key, stream, ranked(name, self.rank))

    @property
    def label(self) -> str:
        """Its name where it stands by itself."""
        name = safe(self.run.name or self.run.id)
        return f"{name} rank {self.rank}" if self.rank else name

    @property
    def short(self) -> str:
        """Its name below its run's."""
        return f"rank {self.rank}" if self.rank else self.label
