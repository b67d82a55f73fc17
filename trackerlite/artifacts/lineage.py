"""Which runs made a version and which used it, as a tree in both directions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackerlite.readers import ArtifactInfo, Reader

DEEPEST = 100


@dataclass
class Node:
    """A version of an artifact, or a run, with what stands below it."""

    kind: str  # "artifact" or "run"
    name: str
    about: str = ""
    children: list[Node] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        below = [child.as_dict() for child in self.children]
        return {"kind": self.kind, "name": self.name, "about": self.about, "children": below}


class Lineage:
    """The graph of all runs and versions of a store."""

    def __init__(self, reader: Reader) -> None:
        self._runs = {run.key: run for run in [*reader.runs(), *reader.runs(trashed=True)]}
        self._made: dict[str, list[int]] = {}  # version → runs that made it
        self._used: dict[str, list[int]] = {}
        self._inputs: dict[int, list[str]] = {}
        self._outputs: dict[int, list[str]] = {}
        self._types: dict[str, str] = {}
        for info in reader.artifacts():
            run = self._runs.get(info.run_key)
            if run is None:
                continue
            version = self._version(info, run.project)
            self._types[version] = info.type or ""
            if info.use == "input":
                _append(self._used, version, info.run_key)
                _append(self._inputs, info.run_key, version)
            else:
                _append(self._made, version, info.run_key)
                _append(self._outputs, info.run_key, version)

    def __contains__(self, version: str) -> bool:
        return version in self._types

    def origins(self, version: str) -> Node:
        """What it was made from: below a version the runs that made it, below a run its inputs."""
        return self._tree(version, self._made, self._inputs, set())

    def uses(self, version: str) -> Node:
        """What came of it: below a version the runs that used it, below a run its outputs."""
        return self._tree(version, self._used, self._outputs, set())

    def _tree(
        self,
        version: str,
        runs: dict[str, list[int]],
        versions: dict[int, list[str]],
        shown: set[str | int],
        depth: int = 0,
    ) -> Node:
        """Each version and each run with what is below it once: they meet again in every
        generation where runs hand on two artifacts, and the tree would double with each."""
        node = Node("artifact", version, self._types.get(version, ""))
        if version in shown or depth > DEEPEST:
            node.about = "(shown above)" if version in shown else "(and so on)"
            return node
        shown.add(version)
        for key in runs.get(version, ()):
            run = self._runs[key]
            state = "in the trash" if run.trashed else run.state
            child = Node("run", f"{run.project}/{run.id}", f"{run.name}, {state}")
            if key in shown and versions.get(key):
                child.about = "(shown above)"
            else:
                shown.add(key)
                child.children = [
                    self._tree(v, runs, versions, shown, depth + 1) for v in versions.get(key, ())
                ]
            node.children.append(child)
        return node

    @staticmethod
    def _version(info: ArtifactInfo, project: str) -> str:
        return f"{info.body.get('project') or project}/{info.name}:{info.version}"


def _append(found: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
    listed = found.setdefault(key, [])
    if value not in listed:
        listed.append(value)
