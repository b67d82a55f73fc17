"""Media files and artifacts of a run: what the server lacks of them, and whether it arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackerlite.backends.wandb_remote import WandbRemote
from trackerlite.errors import TrackerliteError
from trackerlite.readers.info import ArtifactInfo
from trackerlite.store.ledger import Ledger
from trackerlite.sync import records
from trackerlite.sync.proto import Wandb, artifact_record
from trackerlite.sync.source import LocalRun, MediaFile
from trackerlite.sync.write import Segment


@dataclass
class Attachments:
    """What goes along with a segment's rows."""

    media: list[MediaFile] = field(default_factory=list)
    artifacts: list[tuple[str, Any]] = field(default_factory=list)
    used: list[Any] = field(default_factory=list)


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
        if info.use == "input":
            server_id = remote.artifact_id(_used_name(info))
            if server_id is not None:
                found.used.append(
                    records.use_artifact(wandb, server_id, info.type or "", _used_name(info))
                )
            continue
        found.artifacts.append((key, _record(wandb, local, info)))
    return found


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
    ledger.note_sent(target, ref, run_id, "media", [(f.name, str(f.size)) for f in segment.files])
    ledger.note_sent(target, ref, run_id, "artifact", segment.artifacts)


def _used_name(info: ArtifactInfo) -> str:
    return f"{info.name}:{info.version or 'latest'}"


def _record(wandb: Wandb, local: LocalRun, info: ArtifactInfo) -> Any:
    files, references = _entries(local, info)
    record = artifact_record(
        wandb,
        name=info.name,
        kind=info.type or "artifact",
        metadata=info.body.get("metadata") or None,
        description=info.body.get("description"),
        files=files,
        references=references,
    )
    record.user_created = True
    record.finalize = True
    record.aliases.extend(str(alias) for alias in info.body.get("aliases") or ("latest",))
    return record


def _entries(
    local: LocalRun, info: ArtifactInfo
) -> tuple[Sequence[tuple[str, Path]], Sequence[tuple[str, str]]]:
    """(name within the artifact, file on disk), and references as (name, URI)."""
    objects = local.reader.path / "objects"
    files, references = [], []
    for entry in info.body.get("entries") or ():
        name = str(entry.get("path") or entry.get("name"))
        if entry.get("ref"):
            references.append((name, str(entry["ref"])))
            continue
        digest = str(entry.get("sha256") or entry.get("digest") or "")
        path = objects / digest[:2] / digest
        if not path.is_file():
            raise TrackerliteError(
                f"The artifact {info.name} lacks {name}: its content {digest[:12]}… is not in {objects}. "
                "`trackerlite doctor` tells more."
            )
        files.append((name, path))
    return files, references
