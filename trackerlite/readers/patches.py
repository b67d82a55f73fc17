"""A patch as the files it changes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_FILE = re.compile(r"^diff --git a/(?P<old>.*?) b/(?P<new>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """What a patch does to one file.

    Attributes:
        text: that part of the patch, its `diff --git` line first.
    """

    path: str
    added: int
    removed: int
    text: str

    @property
    def label(self) -> str:
        """`+3 -1 (2b7e15)`: lines added and removed, and a fingerprint of the change itself."""
        digest = hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
        return f"+{self.added} -{self.removed} ({digest})"


def split(patch: str) -> list[Change]:
    """The files that a `git diff` changes, in its order.

    >>> patch = "diff --git a/x b/x\\n--- a/x\\n+++ b/x\\n@@ -0,0 +1 @@\\n+1\\n"
    >>> [(change.path, change.added, change.removed) for change in split(patch)]
    [('x', 1, 0)]
    """
    starts = list(_FILE.finditer(patch))
    stops = [*(match.start() for match in starts[1:]), len(patch)][: len(starts)]
    changes = []
    for match, stop in zip(starts, stops, strict=True):
        text = patch[match.start() : stop]
        body = text.partition("\n@@")[2].splitlines()
        added = sum(line.startswith("+") for line in body)
        removed = sum(line.startswith("-") for line in body)
        changes.append(Change(match["new"], added, removed, text))
    return changes
