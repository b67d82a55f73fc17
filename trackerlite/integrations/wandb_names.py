"""Names of W&B's that a script reaches for: those that mean something here, and what to do without the others."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NoReturn

from trackerlite.errors import Unsupported

#: what there is in W&B and not here → what to do instead
UNSUPPORTED = {
    "sweep": "start each trial as a run of its own with init(group=…, config=…), and compare them with `trackerlite ls`",
    "agent": "start each trial as a run of its own with init(group=…, config=…)",
    "controller": "start each trial as a run of its own with init(group=…, config=…)",
    "launch": "start the training yourself, or let SLURM do it",
    "Object3D": "log a rendered picture with Image, or keep the file with log_artifact",
    "Plotly": "log the figure itself, or its HTML with Html",
    "Molecule": "keep the file with log_artifact",
    "Graph": "log it as a picture with Image",
    "JoinedTable": "join the rows yourself and log one Table",
    "EvalTable": "log a Table",
    "Classes": "draw the masks into the picture and log it with Image",
    "box3d": "log a rendered picture with Image",
    "ArtifactTTL": "remove what is not needed any more with `trackerlite gc`",
    "attach": 'resume the run by its id: init(id=…, resume="must")',
    "link_artifact": "give the artifact an alias",
    "link_model": "give the artifact an alias",
    "restore": "keep the file with log_artifact, and get it back with use_artifact",
    "sklearn": "log what it plots with plot.confusion_matrix, plot.roc_curve and plot.pr_curve",
    "tensorboard": "follow the logs with `trackerlite watch DIR`, or use trackerlite.integrations.summary_writer",
    "tensorflow": "follow the logs with `trackerlite watch DIR`",
    "keras": "use trackerlite.integrations.keras.TrackerliteCallback",
    "integration": "use trackerlite.integrations",
    "xgboost": "log the evaluation results with log",
    "lightgbm": "log the evaluation results with log",
    "catboost": "log the evaluation results with log",
    "gym": "log the film with Video",
    "sacred": "log the metrics with log",
    "api": "use Api for the local store",
    "apis": "use Api for the local store; `trackerlite search --on wandb` looks at the remote",
    "sdk": "use trackerlite's own names",
    "data_types": "use trackerlite's own Table, Image, Histogram, Html, Video and Audio",
    "util": "use trackerlite's own names",
    "visualize": "use plot",
    "wandb_sdk": "use trackerlite's own names",
}

#: what W&B keeps in its inner modules, and scripts name all the same → (module, name) of ours
_WITHIN = {
    "apis.PublicApi": ("trackerlite", "Api"),
    "apis.public.Api": ("trackerlite", "Api"),
    "apis.public.Run": ("trackerlite.readers.api_run", "ApiRun"),
    "sdk.lib.runid.generate_id": ("trackerlite.recording.settings", "new_id"),
    "sdk.wandb_config.Config": ("trackerlite.recording.config", "Config"),
    "sdk.wandb_run.Run": ("trackerlite", "Run"),
    "sdk.wandb_settings.Settings": ("trackerlite", "Settings"),
    "sdk.wandb_summary.Summary": ("trackerlite.recording.config", "Summary"),
    "util.generate_id": ("trackerlite.recording.settings", "new_id"),
    **{f"data_types.{name}": ("trackerlite", name) for name in ("Audio", "Histogram", "Html", "Image", "Table", "Video")},
}  # fmt: skip
_WITHIN |= {f"wandb_{name}": home for name, home in _WITHIN.items() if name.startswith("sdk.")}


class Missing:
    """Something W&B has and trackerlite does not: using it says so. What there is within it is found."""

    def __init__(self, name: str, instead: str):
        self.__name__ = name
        self._instead = instead

    def _refuse(self) -> NoReturn:
        raise Unsupported(f"trackerlite has no {self.__name__}; {self._instead}.")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        inner = f"{self.__name__}.{name}"
        if inner in _WITHIN:
            module, ours = _WITHIN[inner]
            return getattr(import_module(module), ours)
        if any(known.startswith(f"{inner}.") for known in _WITHIN):
            return Missing(inner, self._instead)
        return self._refuse()

    def __instancecheck__(self, thing: object) -> bool:
        return False  # isinstance(x, wandb.Object3D) is a fair question

    def __repr__(self) -> str:
        return f"<{self.__name__}: not in trackerlite>"


def missing(name: str) -> Missing | None:
    """The stand-in for a name of W&B's that trackerlite does not have; None for any other name."""
    instead = UNSUPPORTED.get(name)
    return None if instead is None else Missing(name, instead)
