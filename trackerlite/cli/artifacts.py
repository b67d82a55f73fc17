"""`trackerlite artifacts`: list, describe, follow, check out and verify artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackerlite import paths
from trackerlite.cli._human import size
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit, paint, say
from trackerlite.cli._table import Column, print_table
from trackerlite.text import counted, plain

if TYPE_CHECKING:
    from trackerlite.artifacts.lineage import Node

_COLUMNS = [
    Column("ARTIFACT", shrink=16, style="bold"),
    Column("TYPE", shrink=6, drop=2),
    Column("ALIASES", shrink=8, style="cyan"),
    Column("FILES", right=True, drop=1),
    Column("SIZE", right=True),
    Column("RUN", drop=3),
    Column("DIGEST", drop=4, style="dim"),
]


@verb(
    examples="""
    trackerlite artifacts
trackerlite artifacts scanner-model:best
trackerlite artifacts scanner-model:best --lineage
trackerlite artifacts scanner-model:v3 --checkout ./model
trackerlite artifacts --verify"""
)
@click.argument("name", required=False)
@click.option("--project", metavar="NAME", help="Only this project's.")
@click.option("--type", "kind", metavar="TYPE", help="Only those of this type, e.g. model.")
@click.option("--lineage", is_flag=True, help="Which runs made it, from what, and what used it.")
@click.option("--checkout", metavar="FOLDER", help="Copy its files there, each checked.")
@click.option("--verify", is_flag=True, help="Read every stored file back and compare it.")
@json_option
@dir_option
def command(
    name: str | None,
    project: str | None,
    kind: str | None,
    lineage: bool,
    checkout: str | None,
    verify: bool,
    as_json: bool,
    dir: str | None,
) -> int:
    """List artifacts, or say what is in one: NAME, NAME:v3, NAME:best or PROJECT/NAME:best.

    Exit code 1 if --verify finds damage, 3 if nothing matches.
    """
    store = paths.existing_store(dir)
    if verify:
        return _verify(store, as_json)
    if name is None:
        if lineage or checkout:
            raise click.UsageError("--lineage and --checkout need a NAME.")
        return _list(store, project, kind, as_json)
    from trackerlite.artifacts import Registry

    found = Registry(store).find(name, project)
    if checkout:
        return _checkout(store, found, Path(checkout), as_json)
    if lineage:
        return _lineage(store, found, as_json)
    return _describe(store, found, as_json)


def _list(store: Path, project: str | None, kind: str | None, as_json: bool) -> int:
    from trackerlite.artifacts import Registry

    found = [v for v in Registry(store).versions(project) if kind in (None, v.get("type"))]
    if as_json:
        emit([_short(version) for version in found])
    elif found:
        print_table(_COLUMNS, [_row(version) for version in found])
    else:
        say("There are no artifacts here. `run.log_artifact(path, name=…, type=…)` makes one.")
    return 0 if found else 3


def _describe(store: Path, found: dict[str, Any], as_json: bool) -> int:
    from trackerlite.artifacts import Objects
    from trackerlite.artifacts.artifact import entries_of

    entries = entries_of(found, Objects(store))
    if as_json:
        emit({**found, "entries": entries})
        return 0
    print(paint(plain(f"{found['project']}/{found['name']}:{found['version']}"), "bold"))
    facts = [
        ("type", found.get("type")),
        ("aliases", ", ".join(found["aliases"])),
        ("made by", found.get("run")),
        ("size", size(found.get("size") or 0)),
        ("digest", found["digest"]),
        ("about", found.get("description")),
        ("abandoned", "its run went back to an earlier step" if found.get("abandoned") else None),
        *sorted((f"metadata.{key}", value) for key, value in (found.get("metadata") or {}).items()),
    ]
    facts = [(plain(label), plain(value)) for label, value in facts if value not in (None, "")]
    wide = max(len(label) for label, _ in facts)
    for label, value in facts:
        print(f"  {label:<{wide}}  {value}")
    rows = [
        (
            e["path"],
            e.get("ref") or (e.get("sha256") or "")[:12],
            "" if e.get("size") is None else size(e["size"]),
        )
        for e in entries
    ]
    print()
    print_table(
        [
            Column("FILE", shrink=20),
            Column("CONTENT", shrink=12, style="dim"),
            Column("SIZE", right=True),
        ],
        rows,
    )
    return 0


def _checkout(store: Path, found: dict[str, Any], folder: Path, as_json: bool) -> int:
    from trackerlite.artifacts import Artifact

    artifact = Artifact._from(found, store)
    named = [str(entry["ref"]) for entry in artifact.entries if entry.get("ref")]
    where, files = artifact.download(folder), len(artifact.entries) - len(named)
    if as_json:
        emit({"folder": where, "files": files, "references": named, "version": artifact.version})
        return 0
    if files or not named:
        say(
            f"{artifact.qualified_name}: {counted(files, 'file')} in {where}, each as it was logged."
        )
    if named:
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        say(f"Not copied, as it only names them: {', '.join(named[:3])}{more}.")
    return 0


def _lineage(store: Path, found: dict[str, Any], as_json: bool) -> int:
    from trackerlite.artifacts.lineage import Lineage
    from trackerlite.readers import Reader

    version = f"{found['project']}/{found['name']}:{found['version']}"
    with Reader.open(store) as reader:
        graph = Lineage(reader)
    origins, uses = graph.origins(version), graph.uses(version)
    if as_json:
        emit({"origins": origins.as_dict(), "uses": uses.as_dict()})
        return 0
    print(paint(plain(version), "bold"))
    maker = found.get("run")
    gone = (
        f"made: by {maker}, which is not here any more."
        if maker
        else "made: by no run that is here."
    )
    for nothing, node, verbs in (
        (gone, origins, ("made by", "from")),
        ("used: by no run that is here.", uses, ("used by", "which made")),
    ):
        if node.children:
            print()
            _print(node, verbs, "")
        else:
            say(nothing)
    return 0


def _print(node: Node, verbs: tuple[str, str], indent: str) -> None:
    word = verbs[0] if node.kind == "artifact" else verbs[1]
    for index, child in enumerate(node.children):
        last = index == len(node.children) - 1
        branch = "└─ " if last else "├─ "
        about = paint(plain(child.about), "dim")
        print(f"{indent}{branch}{word} {paint(plain(child.name), 'cyan')}  {about}".rstrip())
        _print(child, verbs, indent + ("   " if last else "│  "))


def _verify(store: Path, as_json: bool) -> int:
    from trackerlite.artifacts import Objects
    from trackerlite.artifacts import verify as read_back

    found = [{"path": str(path), "problem": text} for path, text in read_back(store)]
    sizes = [length for _, length in Objects(store)]
    if as_json:
        emit({"contents": len(sizes), "bytes": sum(sizes), "damage": found})
    else:
        for damage in found:
            print(plain(f"{damage['path']}: {damage['problem']}"))
        verdict = f"{len(found)} damaged" if found else "all as they were logged"
        say(f"{counted(len(sizes), 'content')}, {size(sum(sizes))}: {verdict}.")
    return 1 if found else 0


def _short(version: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in version.items() if key not in ("entries", "manifest")}


def _row(version: dict[str, Any]) -> list[object]:
    return [
        f"{version['project']}/{version['name']}:{version['version']}",
        version.get("type") or "",
        ", ".join(version["aliases"]),
        version.get("files") or len(version.get("entries") or ()),
        size(version.get("size") or 0),
        version.get("run") or "",
        version["digest"][:12],
    ]
