"""Images: from files, PIL, NumPy, torch and matplotlib."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackerlite.errors import BadInput, Unsupported
from trackerlite.media import tensorboard
from trackerlite.media.base import Body, Later, Media, Written, array, origin, write_file

AT_ONCE = 64 * 64 * 3  # bytes of pixels that are encoded within the log call
_SUFFIXES = {"png": ".png", "jpeg": ".jpg", "gif": ".gif", "webp": ".webp", "bmp": ".bmp"}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"BM", "bmp"),
)  # fmt: skip


class Image(Media):
    """A picture.

    Args:
        data_or_path: a file (PNG, JPEG, GIF, WebP, BMP), a PIL image, a matplotlib figure (or
            `pyplot`, for the current one), or pixels: height × width, height × width × (1, 3, 4),
            or a tensor of (1, 3, 4) × height × width. Floats are taken as 0…1 (or spread, if any
            is below 0), else 0…255.
        mode: PIL's mode, to convert a PIL image.
        caption: a line below it.

    >>> import trackerlite as tl
    >>> with tl.init(mode="disabled") as run:
    ...     _ = run.log({"noise": tl.Image([[0, 255], [255, 0]], caption="checks")})
    """

    folder = "images"

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        boxes: Any = None,
        masks: Any = None,
        **_: Any,
    ) -> None:
        if boxes or masks:
            raise Unsupported(
                "tl.Image does not record boxes= and masks=. Draw them into the pixels, "
                "or log them as a tl.Table."
            )
        self.caption, self.grouping = caption, grouping
        self._pixels: Any = None  # uint8, or what becomes it in the background
        self._encoded: bytes | None = None
        self.format = "png"
        self.width = self.height = 0
        if isinstance(data_or_path, Image):
            self.__dict__.update(data_or_path.__dict__, caption=caption or data_or_path.caption)
        elif isinstance(data_or_path, (str, Path)):
            self._from_file(Path(data_or_path))
        else:
            self._from_object(data_or_path, mode)

    def _from_file(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(
                f"The image {str(path)[:200]!r} cannot be read ({error.strerror})."
            ) from None
        self.format = _format_of(data)
        self.width, self.height = _size_of(data, self.format)
        self._encoded = data

    def _from_object(self, value: Any, mode: str | None) -> None:
        module = origin(value)
        if module.startswith("matplotlib"):
            self._from_figure(value)
        elif module.startswith("PIL"):
            value = value.convert(mode) if mode else value
            if value.mode not in ("L", "RGB", "RGBA"):
                value = value.convert("RGBA" if "A" in value.mode or value.mode == "P" else "RGB")
            self._keep(array(value), copy=True)
        else:
            # A tensor's channels come first, an array's come last.
            self._keep(array(value), copy=True, first=hasattr(value, "detach"))

    def _from_figure(self, value: Any) -> None:
        """Drawn at once: matplotlib is not made for other threads."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure = value.get_figure() if hasattr(value, "get_figure") else value
        figure = figure.gcf() if hasattr(figure, "gcf") else figure  # the pyplot module itself
        shown_on = figure.canvas
        try:
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            self._keep(array(canvas.buffer_rgba()), copy=True)
        finally:
            figure.set_canvas(shown_on)  # a window, or what a notebook goes on drawing

    def _keep(self, pixels: Any, copy: bool, first: bool = False) -> None:
        pixels = pixels.squeeze(0) if pixels.ndim == 4 and pixels.shape[0] == 1 else pixels
        if pixels.ndim == 3:
            front, back = pixels.shape[0] in (1, 3, 4), pixels.shape[2] in (1, 3, 4)
            if front and (first or not back):
                pixels = pixels.transpose(1, 2, 0)
            elif not back:
                raise BadInput(f"An array of shape {pixels.shape} is no image: 1, 3 or 4 channels.")
        elif pixels.ndim != 2:
            raise BadInput(
                f"An array of shape {pixels.shape} is no image: two or three dimensions."
            )
        if not pixels.size:
            raise BadInput(f"An array of shape {pixels.shape} is an empty image.")
        if pixels.dtype.kind == "c":
            raise BadInput("Complex numbers are no pixels; log their absolute values.")
        self._pixels = pixels.copy() if copy else pixels
        self.height, self.width = pixels.shape[:2]

    def _trackerlite_media(
        self, folder: Path, key: str, step: int, later: Later | None = None
    ) -> Written:
        name = self._file(key, step, _SUFFIXES[self.format])
        body: Body = {"_type": "image-file", "path": name, "format": self.format}
        body |= {"width": self.width, "height": self.height}
        if self.caption is not None:
            body["caption"] = str(self.caption)
        if self.grouping is not None:
            body["grouping"] = self.grouping
        size = self._pixels.nbytes if self._encoded is None else len(self._encoded)

        def write() -> Written:
            encoded = self._encode()
            sha256, length = write_file(folder / name, [encoded])
            shown = tensorboard.image(self.width, self.height, encoded)
            return {**body, "sha256": sha256, "size": length}, shown

        if later is not None and size > AT_ONCE and later(write, size):
            return body, b""
        return write()

    def _encode(self) -> bytes:
        if self._encoded is None:
            return b"".join(png(to_bytes(self._pixels)))
        return self._encoded

    @staticmethod
    def _together(bodies: list[Body]) -> Body:
        first = bodies[0]
        together: Body = {
            "_type": "images/separated", "width": first["width"], "height": first["height"],
            "format": first["format"], "count": len(bodies), "filenames": [b["path"] for b in bodies],
        }  # fmt: skip
        captions = [b.get("caption") or "" for b in bodies]
        if any(captions):
            together["captions"] = captions
        return together


def to_bytes(pixels: Any) -> Any:
    """Pixels of any type as uint8; NaN is black."""
    import numpy as np

    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * 255
    values = np.nan_to_num(pixels.astype(np.float32), nan=0.0, posinf=255.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if pixels.dtype.kind == "f":
        if low < 0:
            values = (values - low) * (255.0 / ((high - low) or 1.0))
        elif high <= 1:
            values = values * 255.0
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def png(pixels: Any) -> Iterator[bytes]:
    """uint8 pixels (h, w) or (h, w, 1 | 3 | 4) as a PNG file, a few rows at a time."""
    import numpy as np

    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = {1: 0, 3: 2, 4: 6}[channels]
    rows = np.ascontiguousarray(pixels).reshape(height, width * channels)
    yield b"\x89PNG\r\n\x1a\n"
    yield _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
    squeeze = zlib.compressobj(6 if rows.size < 1 << 20 else 3)
    step = max(1, (1 << 20) // max(1, width * channels))
    above = np.zeros((1, width * channels), np.uint8)
    for start in range(0, height, step):
        block = rows[start : start + step]
        previous = np.concatenate([above, block[:-1]])
        # Filter 2, the difference to the row above: good for pictures, one subtraction.
        filtered = np.empty((len(block), width * channels + 1), np.uint8)
        filtered[:, 0] = 2
        np.subtract(block, previous, out=filtered[:, 1:])
        above = block[-1:]
        data = squeeze.compress(filtered.tobytes())
        if data:
            yield _chunk(b"IDAT", data)
    yield _chunk(b"IDAT", squeeze.flush())
    yield _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _format_of(data: bytes) -> str:
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    raise BadInput("The file is none of PNG, JPEG, GIF, WebP and BMP; log it as an artifact.")


def _size_of(data: bytes, kind: str) -> tuple[int, int]:
    """Width and height from the header; by PIL, if it is there, where the header is intricate."""
    try:
        if kind == "png":
            width, height = struct.unpack(">II", data[16:24])
            return width, height
        if kind == "gif":
            width, height = struct.unpack("<HH", data[6:10])
            return width, height
        if kind == "bmp":
            width, height = struct.unpack("<ii", data[18:26])
            return width, abs(height)
        from PIL import Image as Pillow

        with Pillow.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            return int(width), int(height)
    except (struct.error, ImportError, OSError, ValueError):
        return 0, 0
