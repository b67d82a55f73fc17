"""DVCLive's folder: `plots/metrics/**.tsv`, a file a metric."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from trackerlite.importers.base import ForeignRun, Item, Media, Part, below, id_of
from trackerlite.importers.tables import csv_rows, moment


class DvcliveRun(ForeignRun):
    """One `dvclive` folder; its parameters come along where PyYAML is installed."""

    format = "dvclive"

    def __init__(self, folder: Path):
        self.source = folder.resolve()
        self.id = id_of(self.format, self.source)
        named = self.source if self.source.name != "dvclive" else self.source.parent
        self.name, self.project = named.name, named.parent.name

    def header(self) -> dict[str, Any]:
        """The parameters."""
        try:
            import yaml

            params = yaml.safe_load((self.source / "params.yaml").read_text("utf-8"))
        except (ImportError, OSError, ValueError):
            return {}
        except yaml.YAMLError:
            return {}
        return {"config": params} if isinstance(params, dict) else {}

    def parts(self) -> list[Part]:
        """One a metric."""
        folder = self.source / "plots" / "metrics"
        return [
            Part(path.relative_to(folder).with_suffix("").as_posix(), partial(_items, path, folder))
            for path in below(folder, "*.tsv")
        ]


def find(root: Path) -> Iterator[DvcliveRun]:
    """Every DVCLive folder at or below `root`."""
    for folder in sorted(root.rglob("plots/metrics")):
        if folder.is_dir() and below(folder, "*.tsv"):
            yield DvcliveRun(folder.parent.parent)


def _items(path: Path, folder: Path, _: Media) -> Iterator[Item]:
    """Rows `[timestamp] step value`; the value's column is called as the file is."""
    name = path.relative_to(folder).with_suffix("").as_posix()
    time = path.stat().st_mtime
    for count, row in enumerate(csv_rows(path)):
        value, step = row.get(path.stem), row.get("step", count)
        if isinstance(value, (int, float)) and isinstance(step, (int, float)):
            time = moment(row.get("timestamp")) or time
            yield Item(time, int(step), {name: value})
