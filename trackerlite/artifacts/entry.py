"""One file of an artifact."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackerlite.artifacts.artifact import Artifact


@dataclass(frozen=True)
class Entry:
    """A file by its path in the artifact.

    Attributes:
        path: inside the artifact. size: bytes, None where it is not known.
        digest: SHA-256 of the contents. ref: the URI of what is named, not copied.
    """

    artifact: Artifact
    path: str
    digest: str | None = None
    size: int | None = None
    ref: str | None = None

    def download(self, root: str | os.PathLike[str] | None = None) -> str:
        """Copy this file alone into a folder, checked; its path. A reference's own path or URI.

        Raises:
            ArtifactDamaged: its content is missing or damaged.
        """
        if self.ref is not None:
            return self.ref.removeprefix("file://")
        folder = Path(root) if root is not None else self.artifact._default_folder()
        return str(self.artifact._out({"path": self.path, "sha256": self.digest}, folder))
