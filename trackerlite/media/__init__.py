"""What is logged besides numbers: `tl.Image`, `tl.Table`, `tl.Histogram`, `tl.Html`, `tl.Audio`, `tl.Video`.

Each becomes W&B's own JSON in the journal and, where it holds more than a line, a file in
the run's `media/`. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

from trackerlite.media.base import Media, Several, wrap
from trackerlite.media.files import Audio, Html, Video
from trackerlite.media.histogram import Histogram
from trackerlite.media.image import Image
from trackerlite.media.queue import MediaQueue
from trackerlite.media.table import Plot, Table

__all__ = [
    "Audio",
    "Histogram",
    "Html",
    "Image",
    "Media",
    "MediaQueue",
    "Plot",
    "Several",
    "Table",
    "Video",
    "wrap",
]
