"""Pictures as the terminal's own graphics: what is sent to draw one, and to take it away.

Pillow reads, scales and counts the colours; each protocol is only a frame around that. (textual-image
was weighed: on being imported it asks the terminal and reads the answer from under Textual, its
widgets paint apart from ours, its Sixel encoder is private, and it has no iTerm2.)
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite_tui.terminal import Graphics

if TYPE_CHECKING:
    import numpy as np

_CHUNK = 4096  # Kitty takes no longer pieces
_COLORS = 255
_MOST_PIXELS = 2_000_000  # larger pictures take a second to send, and look no better
_NUMBER = 0x7461  # Kitty's name for our one picture

KITTY_AWAY = f"\x1b_Ga=d,d=I,i={_NUMBER},q=2\x1b\\"


@dataclass(frozen=True)
class Placed:
    """A picture on the screen: its first cell, its size in cells, and what draws it there."""

    x: int
    y: int
    columns: int
    rows: int
    data: str

    @property
    def sequence(self) -> str:
        """Go there, draw, come back."""
        return f"\x1b7\x1b[{self.y + 1};{self.x + 1}H{self.data}\x1b8"


def open_image(path: Path, columns: int, rows: int) -> tuple[Any, int, int]:
    """A picture in RGB, and how many cells it takes to be as large as fits; a cell is 1 × 2.

    Raises:
        ValueError: it is no picture, or one too large to be opened safely.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.draft("RGB", (columns * 10, rows * 20))
            flat = _flat(image)
    except UnidentifiedImageError:
        raise ValueError(f"{path.name} is no picture that Pillow can read") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{path.name} has too many pixels to be shown; open {path}") from None
    scale = min(columns / flat.width, rows * 2 / flat.height)
    wide = max(1, min(columns, round(flat.width * scale)))
    high = max(1, min(rows, round(flat.height * scale / 2)))
    return flat, wide, high


def _flat(image: Any) -> Any:
    """RGB; what shines through is laid on a middle grey, so that neither black nor white is lost."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        full = image.convert("RGBA")
        ground = Image.new("RGBA", full.size, (128, 128, 128, 255))
        return Image.alpha_composite(ground, full).convert("RGB")
    return (_eight_bits(image) if image.mode[:1] in "IF" else image).convert("RGB")


def _eight_bits(image: Any) -> Any:
    """Values of 16 bits and more, or floats, from black to white; Pillow would cut them at 255."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image, dtype=np.float64)
    good = values[np.isfinite(values)]
    low, high = (min(0.0, float(good.min())), float(good.max())) if good.size else (0.0, 1.0)
    tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0,)
    top = next((one for one in tops if high <= one), high)
    shares = np.nan_to_num((values - low) / (top - low), nan=0.0, posinf=1.0, neginf=0.0)
    return Image.fromarray((shares * 255).round().astype(np.uint8))


def resized(image: Any, size: tuple[int, int]) -> Any:
    """Smooth when smaller; pixels stay pixels when larger."""
    from PIL import Image

    smaller = size[0] < image.width or size[1] < image.height
    return image.resize(size, Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST)


def encode(image: Any, columns: int, rows: int, graphics: Graphics) -> str:
    """What the terminal is sent to draw an RGB picture over `columns` × `rows` cells from the cursor."""
    wide, high = columns * graphics.cell[0], rows * graphics.cell[1]
    shrink = min(1.0, (_MOST_PIXELS / (wide * high)) ** 0.5) if graphics.way != "sixel" else 1.0
    scaled = resized(image, (max(1, int(wide * shrink)), max(1, int(high * shrink))))
    if graphics.way == "sixel":
        return sixel(scaled)
    out = io.BytesIO()
    scaled.save(out, "PNG", compress_level=3)
    text = base64.b64encode(out.getvalue()).decode()
    if graphics.way == "iterm2":
        about = f"inline=1;width={columns};height={rows};preserveAspectRatio=0"
        return f"\x1b]1337;File={about};size={len(out.getvalue())}:{text}\x07"
    # q=2: no answer, which Textual would take for keys. C=1: the cursor stays.
    head = f"a=T,f=100,i={_NUMBER},p=1,c={columns},r={rows},C=1,q=2,"
    pieces = [text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK)]
    return "".join(
        f"\x1b_G{'' if i else head}m={int(i < len(pieces) - 1)};{piece}\x1b\\"
        for i, piece in enumerate(pieces)
    )


def sixel(image: Any) -> str:
    """An RGB picture as Sixel: bands of six rows, in each band a pass for each of its colours."""
    import numpy as np

    paletted = image.quantize(_COLORS, dither=0)
    table = paletted.getpalette()
    pixels = np.asarray(paletted)
    high, wide = pixels.shape
    out = [f'\x1bP0;1;0q"1;1;{wide};{high}']
    out += [
        f"#{i};2;" + ";".join(str(round(v * 100 / 255)) for v in table[3 * i : 3 * i + 3])
        for i in np.unique(pixels).tolist()
    ]
    weights = (1 << np.arange(6, dtype=np.uint8))[:, None]
    for top in range(0, high, 6):
        band = pixels[top : top + 6]
        passes = []
        for color in np.unique(band).tolist():
            bits = ((band == color) * weights[: len(band)]).sum(axis=0, dtype=np.uint8)
            passes.append(f"#{color}{_runs(bits)}")
        out.append("$".join(passes) + "-")
    return "".join(out) + "\x1b\\"


def _runs(bits: np.ndarray[Any, Any]) -> str:
    """Sixel's characters of one pass, runs of equal ones counted, the empty end left off."""
    import numpy as np

    starts = np.flatnonzero(np.diff(bits, prepend=bits[0] ^ 1))
    counts = np.diff(starts, append=len(bits)).tolist()
    runs = list(zip(counts, bits[starts].tolist(), strict=True))
    if runs and not runs[-1][1]:
        runs.pop()
    return "".join(
        f"!{count}{chr(63 + value)}" if count > 3 else chr(63 + value) * count
        for count, value in runs
    )
