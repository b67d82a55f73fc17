"""Media files and artifacts of a run: what the server lacks of them, and whether it arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackerlite.artifacts.artifact import entries_of
from trackerlite.artifacts.objects import Objects
from trackerlite.backends.wandb_remote import WandbRemote
from trackerlite.capture.redact import redact_config
from trackerlite.errors import ArtifactDamaged
from trackerlite.readers.info import ArtifactInfo
from trackerlite.store.ledger import Ledger
from trackerlite.sync.destination import remote_project
from trackerlite.sync.proto import Wandb, artifact_record
from trackerlite.sync.source import LocalRun, MediaFile
from trackerlite.sync.write import Segment


@dataclass
class Attachments:
    """What goes along with a segment's rows."""

    media: list[MediaFile] = field(default_factory=list)
    artifacts: list[tuple[str, Any]] = field(default_factory=list)
    inputs: list[tuple[str, str, str]] = field(default_factory=list)  # key, digest and id there
    absent: list[str] = field(default_factory=list)  # used, but not at the server


def collect(
    wandb: Wandb,
    ledger: Ledger,
    target: str,
    ref: str,
    remote: WandbRemote,
    run_id: str,
    local: LocalRun,
) -> Attachments:
    """Everything that was not seen at the server yet.

    Raises:
        RemoteError: the server cannot be asked.
    """
    found = Attachments()
    media = missing_media(ledger, target, ref, run_id, local)
    if media:
        there = remote.files(run_id, [file.name for file in media])
        found.media = [file for file in media if there.get(file.name) != file.size]
        seen = [(f.name, str(f.size)) for f in media if there.get(f.name) == f.size]
        ledger.note_sent(target, ref, run_id, "media", seen)
    for key, info in missing_artifacts(ledger, target, ref, run_id, local):
        if info.use != "input":
            found.artifacts.append((key, _record(wandb, local, info)))
            continue
        server_id, digest = _at_server(ledger, target, remote, local, info)
        if server_id:
            found.inputs.append((key, digest, server_id))
        else:
            found.absent.append(f"{info.name}:{info.version or 'latest'}")
    return found


def _at_server(
    ledger: Ledger, target: str, remote: WandbRemote, local: LocalRun, info: ArtifactInfo
) -> tuple[str, str]:
    """(id, digest) there of the version that a run used; empty where it is not known to be the same.

    The numbers of versions may differ between here and there, the contents may not.
    """
    project = str(info.body.get("project") or local.info.project)
    usual = remote.project if project == local.info.project else remote_project(project)
    entity, there = ledger.destination(target, project) or ("", "")
    where = WandbRemote(remote.http, entity or remote.entity, there or usual)
    wanted = ledger.digests(target, f"output:{info.name}:{info.version}:{info.digest or ''}:")
    for reference in (f"{info.name}:{info.version}", f"{info.name}:latest"):
        found = where.artifact_id(reference)
        if found is not None and (found[1] in wanted or not wanted):
            return found
        if not wanted:
            break  # made elsewhere: only its own version number can be meant
    return "", ""


def missing_media(
    ledger: Ledger, target: str, ref: str, run_id: str, local: LocalRun
) -> list[MediaFile]:
    """Media files not confirmed at the remote so far."""
    seen = ledger.sent(target, ref, run_id, "media")
    return [file for file in local.media() if seen.get(file.name) != str(file.size)]


def missing_artifacts(
    ledger: Ledger, target: str, ref: str, run_id: str, local: LocalRun
) -> list[tuple[str, ArtifactInfo]]:
    """Artifacts not confirmed at the remote so far, oldest first, by (key, record)."""
    seen = ledger.sent(target, ref, run_id, "artifact")
    found = [(artifact_key(info), info) for info in local.artifacts()]
    return [(key, info) for key, info in found if key not in seen]


def artifact_key(info: ArtifactInfo) -> str:
    """What tells one logged version from another within a run."""
    aliases = ",".join(map(str, info.body.get("aliases") or ()))
    return f"{info.use}:{info.name}:{info.version or ''}:{info.digest or ''}:{aliases}"


def link(remote: WandbRemote, segment: Segment) -> None:
    """Note at the server what the run used; wandb's uploader has no record for that."""
    for _, _, server_id in segment.inputs:
        remote.use_artifact(segment.run_id, server_id)


def link_late(
    ledger: Ledger, target: str, ref: str, remote: WandbRemote, run_id: str, local: LocalRun
) -> None:
    """Note at the server what the run used of what was not there yet when the run went.

    Raises:
        RemoteError: the server cannot be asked or told.
    """
    for key, info in missing_artifacts(ledger, target, ref, run_id, local):
        server_id, digest = "", ""
        if info.use == "input":
            server_id, digest = _at_server(ledger, target, remote, local, info)
        if server_id:
            remote.use_artifact(run_id, server_id)
            ledger.note_sent(target, ref, run_id, "artifact", [(key, digest)])


def check(remote: WandbRemote, segment: Segment) -> list[str]:
    """What is missing of a segment's files and artifacts, as sentences."""
    problems = []
    if segment.files:
        there = remote.files(segment.run_id, [file.name for file in segment.files])
        gone = [file.name for file in segment.files if there.get(file.name) != file.size]
        if gone:
            problems.append(
                f"{len(gone)} of {len(segment.files)} media files did not arrive ({gone[0]} first)"
            )
    if segment.artifacts:
        kept = {a.digest for a in remote.artifacts(segment.run_id) if a.state == "COMMITTED"}
        lost = [key for key, digest in segment.artifacts if digest not in kept]
        if lost:
            problems.append(f"{len(lost)} of {len(segment.artifacts)} artifacts did not arrive")
    return problems


def note(ledger: Ledger, target: str, ref: str, run_id: str, segment: Segment) -> None:
    """Write into the ledger what `check` found there."""
    used = [(key, digest) for key, digest, _ in segment.inputs]
    ledger.note_sent(target, ref, run_id, "media", [(f.name, str(f.size)) for f in segment.files])
    ledger.note_sent(target, ref, run_id, "artifact", [*segment.artifacts, *used])


def _record(wandb: Wandb, local: LocalRun, info: ArtifactInfo) -> Any:
    files, references = _entries(local, info)
    record = artifact_record(
        wandb,
        name=info.name,
        kind=info.type or "artifact",
        metadata=redact_config(info.body.get("metadata") or {}) or None,
        description=info.body.get("description"),
        files=files,
        references=references,
    )
    record.finalize = True
    record.aliases.extend(str(alias) for alias in info.body.get("aliases") or ("latest",))
    return record


def _entries(
    local: LocalRun, info: ArtifactInfo
) -> tuple[Sequence[tuple[str, Path]], Sequence[tuple[str, str]]]:
    """(name within the artifact, file on disk), and references as (name, URI)."""
    objects = Objects(local.reader.path)
    files, references = [], []
    for entry in entries_of(info.body, objects):
        name = str(entry["path"])
        if entry.get("ref"):
            references.append((name, str(entry["ref"])))
            continue
        path = objects.path(str(entry["sha256"]))
        if not path.is_file():
            raise ArtifactDamaged(
                f"The artifact {info.name}:{info.version} lacks the content of {name!r:.100}, so the run was "
                "not sent. `trackerlite doctor` tells more."
            )
        files.append((name, path))
    return files, references
