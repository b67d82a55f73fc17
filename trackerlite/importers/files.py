"""Files of an imported run: media and console output."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from trackerlite.capture.redact import redact_looks, redact_text, redact_value
from trackerlite.importers.base import ForeignRun, Media
from trackerlite.paths import safe_name


def keeper(folder: Path) -> Media:
    """A `Media` that keeps files below `folder`/media, named as W&B names them."""

    def keep(kind: str, key: str, step: int, content: bytes, extension: str) -> dict[str, Any]:
        content = _without_secrets(extension, content)
        digest = hashlib.sha256(content).hexdigest()
        shelf = {"image-file": "images", "audio-file": "audio", "video-file": "videos"}.get(
            kind, "files"
        )
        relative = (
            Path("media") / shelf / f"{safe_name(key)}_{step}_{digest[:20]}.{safe_name(extension)}"
        )
        _replace(folder / relative, iter([content]))
        return {
            "_type": kind,
            "path": relative.as_posix(),
            "sha256": digest,
            "size": len(content),
            "format": extension,
        }

    return keep


def keep_console(folder: Path, run: ForeignRun) -> None:
    """Write a run's console output, without secrets, if the log has any."""
    pieces = run.console()
    first = next(pieces, None)
    if first is not None:
        _replace(folder / "console.log", map(_redacted, chain([first], pieces)))


def _without_secrets(extension: str, content: bytes) -> bytes:
    """Tables and pages as recording writes them; other media are pictures, sounds and the like."""
    if extension in ("html", "htm"):
        text = content.decode("utf-8", "surrogateescape")
        return redact_looks(text).encode("utf-8", "surrogateescape")
    if extension != "json":
        return content
    try:
        table = json.loads(content)
    except (ValueError, RecursionError):
        return _redacted(content)
    clean = redact_value("", table)
    return content if clean == table else json.dumps(clean, ensure_ascii=False).encode()


def _redacted(piece: bytes) -> bytes:
    return redact_text(piece.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _replace(path: Path, content: Iterator[bytes]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns()}")
    try:
        with open(temporary, "xb") as file:
            file.writelines(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
