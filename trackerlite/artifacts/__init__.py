"""Artifacts: files and models that runs make and use, with versions, aliases and lineage.

    store/objects/<aa>/<sha256>                    contents, each once
    store/artifacts/<project>/<name>/v0.json       versions, each whole or absent
    store/artifacts/<project>/<name>/alias-best    which version an alias means

The journal of the run that made a version says the same, so the second and third can be
rebuilt from journals; the first is what `verify` reads back.
"""

from __future__ import annotations

from trackerlite.artifacts.artifact import Artifact
from trackerlite.artifacts.check import verify
from trackerlite.artifacts.objects import Objects
from trackerlite.artifacts.registry import Registry
from trackerlite.artifacts.usage import log, use

__all__ = ["Artifact", "Objects", "Registry", "log", "use", "verify"]
