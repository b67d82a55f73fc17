"""Files that a run keeps: artifacts, models, and what `save` names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from trackerlite import paths, values
from trackerlite.capture.redact import redact_name
from trackerlite.recording.harmless import words

if TYPE_CHECKING:
    from trackerlite.artifacts import Artifact
    from trackerlite.recording.run import Run


class Keeping:
    """The part of `Run` that is about files. None of it raises into a training, but for
    asking for an artifact that is not there."""

    @property
    def dir(self) -> str:
        """A folder for files of the run: what is put there stays with it, as what `save` copies does."""
        run = cast("Run", self)
        if run.settings.mode == "disabled":
            import tempfile

            return tempfile.mkdtemp(prefix="trackerlite-disabled-")
        folder = run.folder / "files"
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def log_artifact(
        self,
        artifact_or_path: Artifact | str | os.PathLike[str],
        name: str | None = None,
        type: str | None = None,
        aliases: Sequence[str] | str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Artifact:
        """Store a file, a folder or an `Artifact` as the next version of its name.

        The contents are in the store when this returns: the file may be deleted then. Equal
        contents are stored once, and make no new version.

        Args:
            aliases: further names of this version; "latest" always moves on to it.
        """
        from trackerlite import artifacts

        run = cast("Run", self)
        unsaved = artifact_or_path if isinstance(artifact_or_path, artifacts.Artifact) else None
        try:
            if run.settings.mode != "disabled":
                return artifacts.log(run, artifact_or_path, name, type, aliases, metadata)
        except Exception as error:  # also a wrong type, a foreign object's own error
            run._refuse(
                f"The artifact {values.brief(name or unsaved or artifact_or_path)} was not stored: "
                f"{words(error)}"
            )
        return unsaved if unsaved is not None else artifacts.Artifact(_harmless(name), "artifact")

    def use_artifact(
        self,
        artifact_or_name: Artifact | str,
        type: str | None = None,  # noqa: ARG002
        **_: Any,
    ) -> Artifact:
        """Find `name`, `name:v3`, `name:best` or `project/name:…`, and note that this run uses it.

        Raises:
            ArtifactNotFound: there is none of that name.
        """
        from trackerlite import artifacts

        return artifacts.use(cast("Run", self), artifact_or_name)

    def log_model(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        aliases: Sequence[str] | str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """`log_artifact` of type "model"."""
        return self.log_artifact(path, name, "model", aliases, metadata)

    def use_model(self, name: str) -> str:
        """The path of a model's file (or of the folder of its files), ready to load."""
        model = self.use_artifact(name)
        run = cast("Run", self)
        folder = run.settings.store / "checkouts" / f"{paths.safe_name(model.name)}-{model.version}"
        model.download(folder)
        return str(folder / model.entries[0]["path"]) if len(model.entries) == 1 else str(folder)

    def save(
        self,
        glob_str: str | os.PathLike[str] | None = None,
        base_path: str | os.PathLike[str] | None = None,
        policy: str = "live",  # noqa: ARG002
    ) -> list[str]:
        """Keep copies of the files that a pattern names, in the run's folder; their new paths.

        They are copied as they are now; call it again after they have changed. Without a pattern
        there is nothing to do (as for W&B, which once wanted the call after a change of name).
        """
        import glob

        run = cast("Run", self)
        if run.settings.mode == "disabled" or glob_str is None:
            return []
        kept = []
        try:
            pattern = os.fsdecode(glob_str)
            if base_path is None:  # as W&B has it: folders of a relative path are kept
                base_path = Path(pattern).parent if os.path.isabs(pattern) else "."
            for found in sorted(glob.glob(pattern)):
                if os.path.isfile(found):
                    inner = os.path.relpath(found, os.fsdecode(base_path))
                    kept.append(self._keep(Path(found), inner))
            if not kept:
                run._refuse(f"save({values.brief(pattern)}) matches no file.")
        except Exception as error:  # also a wrong type
            run._refuse(f"save() could not keep {values.brief(glob_str)}: {words(error)}")
        return kept

    def _keep(self, source: Path, inner: str) -> str:
        import shutil

        target = paths.inside(Path(self.dir), redact_name(inner))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
        return str(target)


def _harmless(name: str | None) -> str:
    return (name if isinstance(name, str) and name else "artifact").replace("/", "-").replace(
        ":", "-"
    )[:100] or "artifact"
