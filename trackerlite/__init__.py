"""trackerlite: a flight recorder for training runs.

    import trackerlite as tl
    run = tl.init(project="scanner", config={"lr": 2e-4})
    run.log({"train/loss": 0.31}, step=10)

Names are loaded when first used, so that `import trackerlite` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackerlite import plot
    from trackerlite.artifacts import Artifact
    from trackerlite.media import Audio, Histogram, Html, Image, Table, Video
    from trackerlite.readers.api import Api
    from trackerlite.recording.current import (
        alert,
        define_metric,
        finish,
        init,
        log,
        mark_preempting,
    )
    from trackerlite.recording.run import Run

__version__ = "0.1.0"

#: public name → the module that defines it
_HOMES = {
    "Api": "trackerlite.readers.api",
    "Artifact": "trackerlite.artifacts",
    "Audio": "trackerlite.media",
    "Histogram": "trackerlite.media",
    "Html": "trackerlite.media",
    "Image": "trackerlite.media",
    "Run": "trackerlite.recording.run",
    "Table": "trackerlite.media",
    "Video": "trackerlite.media",
    "alert": "trackerlite.recording.current",
    "define_metric": "trackerlite.recording.current",
    "finish": "trackerlite.recording.current",
    "init": "trackerlite.recording.current",
    "log": "trackerlite.recording.current",
    "mark_preempting": "trackerlite.recording.current",
}
#: what belongs to the current run
_CURRENT = ("config", "run", "summary")

__all__ = [
    "Api",
    "Artifact",
    "Audio",
    "Histogram",
    "Html",
    "Image",
    "Run",
    "Table",
    "Video",
    "alert",
    "define_metric",
    "finish",
    "init",
    "log",
    "mark_preempting",
    "plot",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is not None:
        value = globals()[name] = getattr(import_module(home), name)
        return value
    if name == "plot":
        return import_module("trackerlite.plot")
    if name in _CURRENT:
        from trackerlite.recording.current import attribute

        return attribute(name)
    raise AttributeError(f"module 'trackerlite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_CURRENT, "__version__"})
