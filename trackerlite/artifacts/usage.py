"""What runs do with artifacts: make them, and use them; both stand in the run's journal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite import values
from trackerlite.artifacts.artifact import Artifact
from trackerlite.artifacts.objects import Objects
from trackerlite.artifacts.registry import Registry, check_alias
from trackerlite.errors import BadInput

if TYPE_CHECKING:
    from trackerlite.recording.run import Run

MOST_INLINE = 1000  # entries in the journal; a larger list is a content of its own


def log(
    run: Run,
    what: Artifact | str | os.PathLike[str],
    name: str | None = None,
    type: str | None = None,
    aliases: Sequence[str] | str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Artifact:
    """Store an artifact, or a file, a folder, or the target of a URI as one; note it as made by `run`."""
    if isinstance(what, Artifact):
        artifact = what
        if metadata:
            artifact.metadata.update(metadata)
    else:
        text = os.fspath(what)
        fallback = Path(text.rstrip("/")).name or "artifact"
        artifact = Artifact(
            name or f"run-{run.id}-{fallback}"[:128], type or "unspecified", None, metadata
        )
        if "://" in text:
            artifact.add_reference(text)
        elif Path(text).is_dir():
            artifact.add_dir(text)
        else:
            artifact.add_file(text)
    if isinstance(aliases, str):
        aliases = [aliases]
    names = _checked(run, aliases or ())
    store = run.settings.store
    objects = Objects(store)
    artifact._store(objects)
    body = {**artifact._body(), "run": run.id, "step": run._step - 1}  # that of the last row
    if len(artifact.entries) > MOST_INLINE:
        listed = values.dumps(artifact.entries).encode("utf-8", "backslashreplace")
        body["manifest"] = objects.add_bytes(listed)[0]
        body["entries"] = []
    whole = Registry(store).add(run.project, artifact.name, body, names)
    artifact.project, artifact.version, artifact.aliases = run.project, whole["version"], names
    run._record("artifact", use="output", **whole)
    if artifact._left_out:
        _tell(run, artifact)
    if objects.unsteady:
        run._say(
            f"{_few(objects.unsteady)} changed while being copied into {artifact.name}:{artifact.version}: "
            "what it holds may be part old and part new. Log it again once it is written."
        )
    return artifact


def _checked(run: Run, aliases: Sequence[str]) -> list[str]:
    """ "latest" and the others; one that cannot be costs itself, not the artifact."""
    names = ["latest"]
    for alias in aliases:
        try:
            names.append(check_alias(alias))
        except BadInput as error:
            run._refuse(str(error))
    return list(dict.fromkeys(names))


def _tell(run: Run, artifact: Artifact) -> None:
    """What of a folder is not in the artifact."""
    left = artifact._left_out
    run._say_once(
        f"The artifact {artifact.name}:{artifact.version} is without {_few(left)} "
        f"({len(left)} that are links to folders or to nothing, no files, or stores of runs); add_dir() a linked folder "
        "by its own path to have it in."
    )


def _few(some: Sequence[Path]) -> str:
    return ", ".join(values.brief(str(path)) for path in some[:3]) + (" …" if len(some) > 3 else "")


def use(run: Run, reference: str | Artifact) -> Artifact:
    """Find an artifact by `name`, `name:v3`, `name:best`, `project/name:…`; note it as used by `run`.

    Raises:
        ArtifactNotFound: there is none of that name.
    """
    store = run.settings.store
    if isinstance(reference, Artifact):
        artifact = reference
    else:
        artifact = Artifact._from(Registry(store).get(run.project, str(reference)), store)
    run._record(
        "artifact",
        use="input",
        name=artifact.name,
        project=artifact.project,
        type=artifact.type,
        version=artifact.version,
        digest=artifact.digest,
        size=artifact.size,
        files=len(artifact.entries),
        aliases=artifact.aliases,
    )
    return artifact
