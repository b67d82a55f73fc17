"""W&B's own offline logs, read without the wandb package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackerlite.importers.base import ForeignRun, Item, Media, Part, below, id_of
from trackerlite.importers.wandb_log import is_log, records
from trackerlite.importers.wandb_records import (
    ENVIRONMENT,
    EXIT,
    HISTORY,
    INTERNAL,
    NONSENSE,
    OUTPUT_RAW,
    RUN,
    aside,
    environment,
    fields,
    history_row,
    kind_of,
    leaves,
    number_or,
    run_fields,
    whole_or,
)
from trackerlite.journal import protobuf as pb


class WandbRun(ForeignRun):
    """One `.wandb` file with the `files` folder beside it."""

    format = "wandb"
    tells_end = True

    def __init__(self, path: Path):
        self.source = path.resolve()
        self._run: dict[int, Any] = {}
        self._environment: dict[str, Any] = {}
        for record in records(self.source):
            kind, body = kind_of(record)
            try:
                if kind == RUN:
                    self._run = run_fields(body)
                elif kind == ENVIRONMENT:
                    self._environment = environment(body)
            except NONSENSE:
                continue
            if kind == HISTORY:
                break
        self.id = self._run.get(1) or path.stem.removeprefix("run-") or id_of("wandb", self.source)
        self.project = self._run.get(3) or "uncategorized"
        self.name = self._run.get(8) or self.id

    def header(self) -> dict[str, Any]:
        """What the run and environment records say."""
        run = self._run
        names = {2: "entity", 4: "config", 6: "group", 7: "job_type", 9: "notes", 10: "tags"}
        names |= {13: "host", 17: "started"}
        found = {name: run[number] for number, name in names.items() if run.get(number)}
        return found | self._environment

    def parts(self) -> list[Part]:
        """One: the file."""
        return [Part("log", self._items)]

    def ending(self) -> dict[str, Any] | None:
        """The exit record's word, if there is one."""
        for record in records(self.source):
            kind, body = kind_of(record)
            if kind == EXIT:
                said = {number: v for number, wire, v in fields(body) if wire == pb.VARINT}
                if said.get(3):
                    return None  # marked as not complete: more is to come
                code = pb.signed(int(said.get(1, 0)))
                return {"exit_code": code, "state": "failed" if code else "finished"}
        return None

    def console(self) -> Iterator[bytes]:
        """Console output, as it was captured."""
        for record in records(self.source):
            kind, body = kind_of(record)
            if kind == OUTPUT_RAW:
                for number, _, value in fields(body):
                    if number == 3 and isinstance(value, bytes):
                        yield value

    def _items(self, keep: Media) -> Iterator[Item]:
        last = Item(self._run.get(17) or self.source.stat().st_mtime, -1)
        damage: list[str] = []
        self.damage = damage
        for record in records(self.source, damage):
            kind, body = kind_of(record)
            try:
                if kind == HISTORY:
                    item = last = self._history(body, last, keep)
                    wanted = bool(item.numbers or item.others)
                else:
                    item = aside(kind, body, last.time, max(last.step, 0))
                    wanted = item.record is not None
            except NONSENSE:
                continue
            if wanted:
                yield item

    def _history(self, body: bytes, last: Item, keep: Media) -> Item:
        """One history row; where it does not say its time or step, they follow from the `last`."""
        row, number = history_row(body)
        step = last.step + 1 if number is None else number
        item = Item(number_or(row.get("_timestamp"), last.time), whole_or(row.get("_step"), step))
        for key, value in row.items():
            if key in INTERNAL:
                continue
            for name, leaf in leaves(key, value):
                if isinstance(leaf, (int, float)) and not isinstance(leaf, bool):
                    item.numbers[name] = leaf
                else:
                    item.others[name] = self._with_files(name, leaf, item.step, keep)
        return item

    def _with_files(self, key: str, value: Any, step: int, keep: Media) -> Any:
        """A media value, its files copied from the log's `files` folder where they are there."""
        if not isinstance(value, dict):
            return value

        def kept(name: Any) -> dict[str, Any]:
            files = self.source.parent / "files"
            path = files / str(name)
            try:
                if path.resolve().is_relative_to(files.resolve()):
                    kind = "image-file" if "filenames" in value else str(value["_type"])
                    return keep(kind, key, step, path.read_bytes(), path.suffix[1:] or "bin")
            except (OSError, ValueError):
                pass
            return {}

        if isinstance(value.get("filenames"), list):
            return value | {"filenames": [kept(n).get("path", n) for n in value["filenames"]]}
        return value | {
            k: v for k, v in kept(value.get("path")).items() if k not in ("_type", "format")
        }


def find(root: Path) -> Iterator[WandbRun]:
    """Every run at or below `root`, which may also be one `.wandb` file."""
    paths = [root] if root.is_file() else below(root, "*.wandb")
    for path in paths:
        if is_log(path):
            yield WandbRun(path)
