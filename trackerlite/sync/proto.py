"""Everything private that we borrow from the `wandb` package, in this one module.

Record classes, what the installed version can do, how its uploader is called, and how an artifact
becomes a record. `tests/sync/test_proto.py` fails loudly when any of it moves.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from trackerlite.errors import TrackerliteError

_MODULE = "wandb.proto.wandb_internal_pb2"


class WandbMissing(TrackerliteError):
    """The wandb extra is not installed."""


class WandbMoved(TrackerliteError):
    """The installed wandb no longer has something that the replay needs."""


@dataclass(frozen=True)
class Wandb:
    """The installed wandb: its record classes and what they can say.

    typed: history values may be sent as doubles and integers instead of JSON text.
    resume: a segment may continue a run at the server's counts; without it only a whole replay.
    open_end: a run may be left running after a segment.
    """

    pb: Any
    typed: bool
    resume: bool
    open_end: bool


def installed() -> bool:
    """True when the wandb package can be found (nothing is imported)."""
    return importlib.util.find_spec("wandb") is not None


def require_wandb() -> None:
    """Without importing anything of it.

    Raises:
        WandbMissing: wandb is not installed.
    """
    if not installed():
        raise WandbMissing(
            "Weights & Biases' own package is not installed here, and its uploader does the sending: "
            "run `pip install 'trackerlite[wandb]'`. Nothing recorded is affected."
        )


@lru_cache(maxsize=1)
def wandb_records() -> Wandb:
    """The record classes of the installed wandb and its features, found by looking, not by version.

    Raises:
        WandbMissing: wandb is not installed.
        WandbMoved: it is, but its record classes are not where they were.
    """
    require_wandb()
    try:
        pb = _import_records()
        run, item, end = pb.RunRecord, pb.HistoryItem, pb.RunExitRecord
        for name in ("run_id", "config", "start_time", "run_group", "display_name"):
            _ = run.DESCRIPTOR.fields_by_name[name]
        for name in ("key", "value_json"):
            _ = item.DESCRIPTOR.fields_by_name[name]
        return Wandb(
            pb,
            typed="number" in item.DESCRIPTOR.fields_by_name,
            resume="resume" in run.DESCRIPTOR.fields_by_name,
            open_end="not_complete" in end.DESCRIPTOR.fields_by_name,
        )
    except (ImportError, AttributeError, KeyError) as error:
        raise WandbMoved(
            f"The installed wandb has changed in a way this trackerlite does not know ({error}). "
            "Nothing was sent and nothing recorded is affected: install another wandb "
            "(0.19 to 0.31 are known to work), or a newer trackerlite."
        ) from error


def _import_records() -> Any:
    """The record module alone: importing all of wandb would cost most of a second."""
    if "wandb" in sys.modules:
        return importlib.import_module(_MODULE)
    spec = importlib.util.find_spec("wandb")
    places = spec.submodule_search_locations if spec else None
    if not places:
        return importlib.import_module(_MODULE)
    bare = types.ModuleType("wandb")
    bare.__path__ = list(places)
    sys.modules["wandb"] = bare
    try:
        return importlib.import_module(_MODULE)
    except ImportError:
        _forget()
        return importlib.import_module(_MODULE)
    finally:
        _forget()  # a later `import wandb` must find the real package, not the bare one


def _forget() -> None:
    for name in [n for n in sys.modules if n == "wandb" or n.startswith("wandb.")]:
        del sys.modules[name]


def sync_command(folders: Sequence[Path], python: str | None = None) -> list[str]:
    """The command line that uploads segment folders with wandb's own uploader."""
    return [python or sys.executable, "-m", "wandb", "sync", *map(os.fspath, folders)]


def artifact_record(
    wandb: Wandb,
    *,
    name: str,
    kind: str,
    metadata: dict[str, Any] | None,
    description: str | None,
    files: Sequence[tuple[str, Path]],
    references: Sequence[tuple[str, str]] = (),
) -> Any:
    """An ArtifactRecord for files on disk, which stay where they are until they are uploaded.

    files: (name within the artifact, path on disk); references: (name, URI).
    """
    real = importlib.import_module("wandb")
    try:
        artifact = real.Artifact(name, type=kind, metadata=metadata, description=description)
        for inner, path in files:
            artifact.add_file(os.fspath(path), name=inner, policy="immutable", skip_cache=True)
        for inner, uri in references:
            artifact.add_reference(uri, name=inner, checksum=False)
        artifact.finalize()
    except (real.Error, ValueError, TypeError) as error:
        raise TrackerliteError(
            f"wandb does not take the artifact {name!r:.80} as it is ({error}). It is safe here."
        ) from error
    record = wandb.pb.ArtifactRecord()
    record.type, record.name, record.digest = artifact.type, artifact.name, artifact.digest
    record.client_id = artifact._client_id
    record.sequence_client_id = artifact._sequence_client_id
    if "digest_algorithm" in record.DESCRIPTOR.fields_by_name:
        record.digest_algorithm = getattr(artifact, "digest_algorithm", "") or ""
    if description:
        record.description = description
    if metadata:
        record.metadata = json.dumps(metadata)
    manifest = artifact.manifest
    record.manifest.version = manifest.version()
    record.manifest.storage_policy = manifest.storage_policy.name()
    for key, value in (manifest.storage_policy.config() or {}).items():
        record.manifest.storage_policy_config.add(key=key, value_json=json.dumps(value))
    for entry in sorted(manifest.entries.values(), key=lambda e: str(e.path)):
        item = record.manifest.contents.add(path=str(entry.path), digest=entry.digest)
        if entry.size:
            item.size = entry.size
        if entry.ref:
            item.ref = str(entry.ref)
        if entry.local_path:
            item.local_path = str(entry.local_path)
        if "skip_cache" in item.DESCRIPTOR.fields_by_name:
            item.skip_cache = True
        for key, value in entry.extra.items():
            item.extra.add(key=key, value_json=json.dumps(value))
    return record
