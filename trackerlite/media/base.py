"""What all media have in common: how they are asked to record themselves.

The recorder calls `value._trackerlite_media(folder, key, step, later)` and gets the JSON that
goes into the journal at once, and the fields in which TensorBoard shows the same thing.
What takes longer than a log call may last is handed to `later` as a job: the JSON at once
names the file, and the job writes it and returns the JSON that is complete.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from trackerlite.errors import BadInput
from trackerlite.media.pace import breathe
from trackerlite.paths import safe_name

Body = dict[str, Any]
Written = tuple[Body, bytes]  # the JSON, and TensorBoard's fields of the value
Job = Callable[[], Written | None]  # None: what it wrote is told by another
Later = Callable[[Job, int], bool]  # a job and its size in bytes; False: do it yourself, now


class Media:
    """Something that is logged as more than a number."""

    #: where its files go below media/, None where it has none
    folder: str | None = None

    def _trackerlite_media(
        self, folder: Path, key: str, step: int, later: Later | None = None
    ) -> Written:
        raise NotImplementedError

    def _file(self, key: str, step: int, suffix: str) -> str:
        """A new file name below the run's folder, relative to it, as it goes into the JSON."""
        name = f"{safe_name(key)}_{step}_{secrets.token_hex(10)}{suffix}"
        return f"media/{self.folder}/{name}"


class Several(Media):
    """A list of media of one kind, logged as one value (as W&B has it)."""

    def __init__(self, items: Iterable[Media]) -> None:
        self.items = list(items)

    def _trackerlite_media(
        self, folder: Path, key: str, step: int, later: Later | None = None
    ) -> Written:
        kinds = {type(item) for item in self.items}
        if len(kinds) != 1:
            raise BadInput(
                f"The list under {key!r:.80} mixes {', '.join(sorted(k.__name__ for k in kinds))}; "
                "log one kind of media at a time. It was left out."
            )
        together = getattr(kinds.pop(), "_together", None)
        if together is None:
            raise BadInput(f"The list under {key!r:.80} holds media that cannot be listed.")
        party = _Party()
        written = [
            item._trackerlite_media(
                folder, f"{key}_{index}", step, later and party.door(later, shows=not index)
            )
            for index, item in enumerate(self.items)
        ]
        party.body = together([body for body, _ in written])
        ended = party.leave(written[0][1])
        return ended or (party.body, b"")


class _Party:
    """The jobs of a list: whoever ends last tells of all of them, as one value."""

    def __init__(self) -> None:
        self.body: Body = {}
        self._shown = b""
        self._present = 1  # who hands out the jobs
        self._lock = threading.Lock()

    def door(self, later: Later, shows: bool) -> Later:
        """`later` for one of them; `shows`: TensorBoard shows this one."""

        def one_of_them(job: Job, size: int) -> bool:
            def run() -> Written | None:
                try:
                    done = job()
                except BaseException:
                    self.leave()
                    raise
                return self.leave(done[1] if done and shows else b"")

            with self._lock:
                self._present += 1
            if later(run, size):
                return True
            self.leave()
            return False

        return one_of_them

    def leave(self, shown: bytes = b"") -> Written | None:
        """One is done: all of it if that was the last."""
        with self._lock:
            self._shown = self._shown or shown
            self._present -= 1
            return None if self._present else (self.body, self._shown)


def wrap(value: Any) -> Media | None:
    """The media that `value` is or means: a list of media, a figure, a PIL image, a data frame, an
    array; None for anything else. Nothing is imported: whoever made the value already did."""
    if isinstance(value, Media):
        return value
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, Media) for item in value):
            return Several(value)
        return None
    root = origin(value).partition(".")[0]
    if root in ("matplotlib", "PIL") or (root == "plotly" and hasattr(value, "to_html")):
        from trackerlite.media.files import Html
        from trackerlite.media.image import Image

        return Html(value) if root == "plotly" else Image(value)
    if root in ("pandas", "polars") and hasattr(value, "columns"):
        from trackerlite.media.table import Table

        return Table(dataframe=value)
    if root in ("numpy", "torch", "jax", "jaxlib", "tensorflow") and _elements(value) > 32:
        from trackerlite.media.histogram import Histogram

        return Histogram(value)
    return None


def origin(value: Any) -> str:
    """The module that a value comes from; `pyplot` itself, which stands for its figure, is one."""
    return (value.__name__ if isinstance(value, ModuleType) else type(value).__module__) or ""


def _elements(value: Any) -> int:
    size = getattr(value, "size", 0)
    try:
        return int(value.numel() if callable(getattr(value, "numel", None)) else size)
    except (TypeError, ValueError):
        return 0


def write_file(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write a file that appears whole or not at all; returns (sha256, size)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    digest, size = hashlib.sha256(), 0
    try:
        with open(temporary, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                breathe()
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def array(value: Any) -> Any:
    """A NumPy array of anything array-like, tensors on a device and bfloat16 included.

    The result may share memory with `value`."""
    import numpy as np

    detach = getattr(value, "detach", None)
    if callable(detach):
        value = detach()
        if str(getattr(value, "dtype", "")) == "torch.bfloat16":
            value = value.float()
        value = value.cpu().numpy()
    found = np.asarray(value)
    if found.dtype == object or found.dtype.kind in "USV":
        raise BadInput(f"An array of {found.dtype} holds no numbers that could be shown.")
    return found
