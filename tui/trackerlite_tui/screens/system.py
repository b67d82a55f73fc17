"""System metrics of the drawn runs: processor, memory, disk, network, each GPU."""

from __future__ import annotations

from trackerlite_tui.screens import charts
from trackerlite_tui.snapshot import RELATIVE, WALL

_ORDER = ("gpu", "cpu", "proc", "memory", "disk", "network")


class Screen(charts.Screen):
    """The charts screen over another stream, with time on the x axis."""

    name = "system"
    stream = "system"

    def metrics(self) -> list[str]:
        """GPUs first, then the rest, by the part after `system.`."""
        wanted = self._passing([m.name for m in self.names()])

        def place(name: str) -> tuple[int, str]:
            part = name.removeprefix("system.")
            return next(
                (i for i, head in enumerate(_ORDER) if part.startswith(head)), len(_ORDER)
            ), part

        return sorted(wanted, key=place)

    @property
    def axis(self) -> str:
        """Samples have no step: time since the start, or the clock."""
        return WALL if self.desk.state.axis == WALL else RELATIVE

    def _nothing_yet(self) -> list[str]:
        return ["no system metrics", "they are sampled every ten seconds while a run records"]
