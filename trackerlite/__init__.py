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
    from trackerlite.integrations.wandb_api import AlertLevel, Settings
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
    from trackerlite.recording.shortcuts import (
        log_artifact,
        log_code,
        log_model,
        save,
        unwatch,
        use_artifact,
        use_model,
        watch,
    )

__version__ = "0.1.0"

#: public name → the module that defines it
_HOMES = {
    "AlertLevel": "trackerlite.integrations.wandb_api",
    "Api": "trackerlite.readers.api",
    "Artifact": "trackerlite.artifacts",
    "Audio": "trackerlite.media",
    "Histogram": "trackerlite.media",
    "Html": "trackerlite.media",
    "Image": "trackerlite.media",
    "Run": "trackerlite.recording.run",
    "Settings": "trackerlite.integrations.wandb_api",
    "Table": "trackerlite.media",
    "Video": "trackerlite.media",
    "alert": "trackerlite.recording.current",
    "define_metric": "trackerlite.recording.current",
    "finish": "trackerlite.recording.current",
    "init": "trackerlite.recording.current",
    "log": "trackerlite.recording.current",
    "log_artifact": "trackerlite.recording.shortcuts",
    "log_code": "trackerlite.recording.shortcuts",
    "log_model": "trackerlite.recording.shortcuts",
    "mark_preempting": "trackerlite.recording.current",
    "save": "trackerlite.recording.shortcuts",
    "unwatch": "trackerlite.recording.shortcuts",
    "use_artifact": "trackerlite.recording.shortcuts",
    "use_model": "trackerlite.recording.shortcuts",
    "watch": "trackerlite.recording.shortcuts",
}
#: what W&B scripts know besides, so that `import trackerlite as wandb` runs them
_FAMILIAR = {
    "CommError": "trackerlite.errors",
    "Config": "trackerlite.recording.config",
    "Error": "trackerlite.errors",
    "UsageError": "trackerlite.errors",
    "ensure_configured": "trackerlite.integrations.wandb_api",
    "join": "trackerlite.integrations.wandb_api",
    "login": "trackerlite.integrations.wandb_api",
    "plot_table": "trackerlite.plot",
    "require": "trackerlite.integrations.wandb_api",
    "setup": "trackerlite.integrations.wandb_api",
    "teardown": "trackerlite.integrations.wandb_api",
    "termerror": "trackerlite.integrations.wandb_api",
    "termlog": "trackerlite.integrations.wandb_api",
    "termwarn": "trackerlite.integrations.wandb_api",
}
#: what W&B has and trackerlite does not: using it says so in one sentence
_NOT_HERE = {
    "ArtifactTTL", "Classes", "EvalTable", "Graph", "JoinedTable", "Molecule", "Object3D",
    "Plotly", "agent", "api", "apis", "attach", "box3d", "catboost", "controller", "data_types",
    "gym", "integration", "keras", "launch", "lightgbm", "link_artifact", "link_model",
    "restore", "sacred", "sdk", "sklearn", "sweep", "tensorboard", "tensorflow", "util",
    "visualize", "wandb_sdk", "xgboost",
}  # fmt: skip
#: what belongs to the current run
_CURRENT = ("config", "run", "summary")

__all__ = [
    "AlertLevel",
    "Api",
    "Artifact",
    "Audio",
    "Histogram",
    "Html",
    "Image",
    "Run",
    "Settings",
    "Table",
    "Video",
    "alert",
    "define_metric",
    "finish",
    "init",
    "log",
    "log_artifact",
    "log_code",
    "log_model",
    "mark_preempting",
    "plot",
    "save",
    "unwatch",
    "use_artifact",
    "use_model",
    "watch",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name) or _FAMILIAR.get(name)
    if home is not None:
        value = globals()[name] = getattr(import_module(home), name)
        return value
    if name in ("errors", "plot"):
        return import_module(f"trackerlite.{name}")
    if name in _CURRENT:
        from trackerlite.recording.current import attribute

        return attribute(name)
    if name in _NOT_HERE:
        from trackerlite.integrations.wandb_names import missing

        return missing(name)
    raise AttributeError(f"module 'trackerlite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_CURRENT, "__version__"})
