"""Media that are files of their own: HTML, sound, film."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackerlite.capture.redact import redact_looks
from trackerlite.errors import BadInput
from trackerlite.journal import events
from trackerlite.media import tensorboard
from trackerlite.media.base import Body, Later, Media, Written, array, write_file

AT_ONCE = 64 << 10
_BLOCK = 1 << 20
_SOUNDS = (".wav", ".mp3", ".flac", ".ogg", ".m4a")
_FILMS = ("gif", "mp4", "webm", "ogg")


class Html(Media):
    """A page or a piece of one; a path, an open file, text, or a plotly figure.

    >>> import trackerlite as tl
    >>> with tl.init(mode="disabled") as run:
    ...     _ = run.log({"note": tl.Html("<b>bold</b>")})
    """

    folder = "html"

    def __init__(self, data: Any, inject: bool = True, data_is_not_path: bool = False) -> None:  # noqa: ARG002
        if isinstance(data, Path) or (
            isinstance(data, str) and not data_is_not_path and _is_file(data, (".html", ".htm"))
        ):
            self.html = Path(data).read_text("utf-8", "replace")
        elif isinstance(data, str):
            self.html = data
        elif hasattr(data, "read"):
            self.html = str(data.read())
        elif hasattr(data, "to_html"):
            self.html = str(data.to_html(include_plotlyjs="cdn"))
        else:
            raise BadInput(
                f"tl.Html takes text, a path or an open file, not {type(data).__name__}."
            )
        self.html = redact_looks(self.html)

    def _trackerlite_media(
        self, folder: Path, key: str, step: int, later: Later | None = None
    ) -> Written:
        name = self._file(key, step, ".html")
        body: Body = {"_type": "html-file", "path": name}
        data = self.html.encode("utf-8", "backslashreplace")

        def write() -> Written:
            sha256, size = write_file(folder / name, [data])
            shown = events.text_fields(self.html[:20_000].encode("utf-8", "replace").decode())
            return {**body, "sha256": sha256, "size": size}, shown

        if later is not None and len(data) > AT_ONCE and later(write, len(data)):
            return body, b""
        return write()

    @staticmethod
    def _together(bodies: list[Body]) -> Body:
        return {"_type": "html", "count": len(bodies), "html": bodies}


class Audio(Media):
    """A sound.

    Args:
        data_or_path: a file, or samples: (frames,) or (frames, channels), floats of −1…1 or int16.
        sample_rate: per second; needed for samples.
        caption: a line below it.
    """

    folder = "audio"

    def __init__(
        self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        self.caption, self.sample_rate = caption, sample_rate
        self._path: Path | None = None
        self._samples: Any = None
        if isinstance(data_or_path, (str, Path)):
            self._path = _existing(data_or_path, "sound")
            return
        if not sample_rate:
            raise BadInput("tl.Audio needs sample_rate= for samples; the sound was not made.")
        samples = array(data_or_path)
        if samples.ndim not in (1, 2) or not samples.size:
            raise BadInput(
                f"Samples of shape {samples.shape} are no sound: (frames,) or (frames, channels)."
            )
        self._samples = samples.copy()

    def _trackerlite_media(
        self, folder: Path, key: str, step: int, later: Later | None = None
    ) -> Written:
        suffix = self._path.suffix.lower() if self._path is not None else ".wav"
        name = self._file(key, step, suffix if suffix in _SOUNDS else ".wav")
        body: Body = {"_type": "audio-file", "path": name}
        if self.caption is not None:
            body["caption"] = str(self.caption)

        def write() -> Written:
            if self._path is not None:
                sha256, size = write_file(folder / name, _pieces(self._path))
                return {**body, "sha256": sha256, "size": size}, b""
            data = wav(self._samples, int(self.sample_rate or 1))
            sha256, size = write_file(folder / name, [data])
            frames = len(self._samples)
            channels = 1 if self._samples.ndim == 1 else self._samples.shape[1]
            shown = tensorboard.audio(float(self.sample_rate or 1), channels, frames, data)
            return {**body, "sha256": sha256, "size": size}, shown

        weight = self._path.stat().st_size if self._path is not None else self._samples.nbytes
        if later is not None and weight > AT_ONCE and self._path is None and later(write, weight):
            return body, b""
        return write()

    @staticmethod
    def _together(bodies: list[Body]) -> Body:
        return {"_type": "audio", "count": len(bodies), "audio": bodies}


class Video(Media):
    """A film: a file (mp4, webm, ogg, gif), or frames: (time, channels, height, width) of 0…255.

    Frames are written as a GIF and need Pillow.
    """

    folder = "videos"

    def __init__(
        self,
        data_or_path: Any,
        caption: str | None = None,
        fps: int | None = None,
        format: str | None = None,
    ) -> None:
        self.caption, self.fps = caption, fps or 4
        self._path: Path | None = None
        self._frames: Any = None
        self.width = self.height = 0
        if isinstance(data_or_path, (str, Path)):
            self._path = _existing(data_or_path, "film")
            self.format = self._path.suffix.lower().lstrip(".")
            if self.format not in _FILMS:
                raise BadInput(f"A film is one of {', '.join(_FILMS)}, not {self.format!r:.20}.")
            return
        if format not in (None, "gif"):
            raise BadInput(
                "tl.Video writes frames as GIF; make another format yourself, and give its path."
            )
        self.format = "gif"
        frames = array(data_or_path)
        if frames.ndim == 5 and frames.shape[0] == 1:
            frames = frames[0]
        if frames.ndim != 4 or frames.shape[1] not in (1, 3, 4):
            raise BadInput(
                f"Frames of shape {frames.shape} are no film: (time, channels, height, width)."
            )
        self._frames = frames.copy()
        self.height, self.width = frames.shape[2:]

    def _trackerlite_media(
        self, folder: Path, key: str, step: int, later: Later | None = None
    ) -> Written:
        name = self._file(key, step, f".{self.format}")
        body: Body = {"_type": "video-file", "path": name}
        if self.caption is not None:
            body["caption"] = str(self.caption)
        if self.width:
            body |= {"width": self.width, "height": self.height}

        def write() -> Written:
            if self._path is not None:
                pieces: Any = _pieces(self._path)
            else:
                pieces = [_gif(self._frames, self.fps)]
            sha256, size = write_file(folder / name, pieces)
            return {**body, "sha256": sha256, "size": size}, b""

        if later is not None and self._frames is not None and later(write, self._frames.nbytes):
            return body, b""
        return write()

    @staticmethod
    def _together(bodies: list[Body]) -> Body:
        together: Body = {"_type": "videos", "count": len(bodies), "videos": bodies}
        captions = [b.get("caption") or "" for b in bodies]
        return {**together, "captions": captions} if any(captions) else together


def wav(samples: Any, rate: int) -> bytes:
    """Samples as a 16-bit WAV file."""
    import numpy as np

    if samples.dtype != np.int16:
        if samples.dtype.kind == "f":
            samples = np.nan_to_num(np.clip(samples, -1, 1)) * 32767
        samples = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    data: bytes = samples.astype("<i2").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, channels, rate,
        rate * channels * 2, channels * 2, 16, b"data", len(data),
    )  # fmt: skip
    return head + data


def _gif(frames: Any, fps: int) -> bytes:
    import io

    try:
        from PIL import Image as Pillow
    except ImportError:
        raise BadInput("Frames become a GIF through Pillow, which is not installed.") from None
    from trackerlite.media.image import to_bytes

    pictures = []
    for frame in to_bytes(frames).transpose(0, 2, 3, 1):
        pictures.append(Pillow.fromarray(frame[:, :, 0] if frame.shape[2] == 1 else frame))
    out = io.BytesIO()
    pictures[0].save(
        out, "GIF", save_all=True, append_images=pictures[1:], duration=1000 // max(1, fps), loop=0
    )
    data: bytes = out.getvalue()
    return data


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(_BLOCK):
            yield piece


def _existing(path: str | Path, what: str) -> Path:
    found = Path(path)
    if not found.is_file():
        raise BadInput(f"The {what} {str(path)[:200]!r} is not there.")
    return found


def _is_file(text: str, suffixes: tuple[str, ...]) -> bool:
    return len(text) < 4096 and text.lower().endswith(suffixes) and Path(text).is_file()
