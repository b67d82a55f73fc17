"""`import trackerlite as wandb`: what W&B scripts use besides what trackerlite has of its own.

Arguments of `wandb.init` that mean something here are honoured, those that do not are taken
and ignored; what trackerlite does not do says so in one sentence when it is used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from trackerlite import values
from trackerlite.errors import BadInput, Unsupported
from trackerlite.integrations.wandb_names import UNSUPPORTED
from trackerlite.recording import current
from trackerlite.recording.run import Run
from trackerlite.text import tell

#: wandb.Settings field → argument of our init
_FIELDS = {
    "project": "project", "run_name": "name", "run_id": "id", "run_group": "group", "run_notes": "notes",
    "run_job_type": "job_type", "run_tags": "tags", "mode": "mode", "resume": "resume", "root_dir": "dir",
    "resume_from": "resume_from", "entity": "entity", "reinit": "reinit", "fork_from": "fork_from", "sync_tensorboard": "sync_tensorboard",
}  # fmt: skip
_IGNORED = {"allow_val_change", "anonymous", "force", "magic", "monitor_gym", "save_code"}
_HONOURED = {
    "config_exclude_keys", "config_include_keys", "entity", "fork_from", "settings", "sync_tensorboard",
    "tensorboard",
}  # fmt: skip


class AlertLevel(Enum):
    """How urgent an alert is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class Settings:
    """Stands for `wandb.Settings`: any field may be given; those with a meaning here are used.

    >>> Settings(run_name="first", console="off").run_name
    'first'
    """

    def __init__(self, **fields: Any):
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        if name.startswith("_"):
            raise AttributeError(name)

    def update(self, fields: Any = None, **more: Any) -> None:
        """Set further fields."""
        self.__dict__.update({**_fields(fields), **more})


def init(ours: dict[str, Any], theirs: dict[str, Any]) -> Run:
    """`trackerlite.init` with arguments that only `wandb.init` has.

    Raises:
        TypeError: neither has such an argument.
        Unsupported: `fork_from`.
    """
    unknown = sorted(set(theirs) - _HONOURED - _IGNORED)
    if unknown:
        raise TypeError(f"init() got an unexpected keyword argument {unknown[0]!r}")
    settings = _fields(theirs.get("settings"))
    merged = {
        _FIELDS[name]: value
        for name, value in settings.items()
        if name in _FIELDS and value is not None
    }
    merged.update({key: value for key, value in {**ours, **theirs}.items() if value is not None})
    if merged.get("fork_from"):
        raise Unsupported(
            "trackerlite forks no runs: resume_from='<id>?_step=<n>' goes back in a run, and keeps what came after."
        )
    config = _chosen(merged.get("config"), merged)
    arguments = {key: merged[key] for key in ours if key in merged}
    before = current.current()
    run = current.init(**{**arguments, "config": config})
    if run is before:
        return run
    if merged.get("entity"):
        run._entity = str(merged["entity"])
        run._record("environment", entity=run._entity)
    if merged.get("sync_tensorboard") or merged.get("tensorboard"):
        run._say(
            f"TensorBoard's logs are not taken over from inside; {UNSUPPORTED['tensorboard']}."
        )
    return run


def _chosen(config: Any, rules: Mapping[str, Any]) -> Any:
    """The config without what was asked to be left out; a file's name is read."""
    exclude, include = rules.get("config_exclude_keys"), rules.get("config_include_keys")
    if isinstance(config, (str, os.PathLike)):
        config = _read(Path(config))
    if exclude is None and include is None:
        return config
    items = values.mapping_items(config) or []
    return {
        str(key): value
        for key, value in items
        if key not in (exclude or ()) and (include is None or key in include)
    }


def _read(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    except ImportError:
        raise BadInput(
            f"config={str(path)!r} is YAML, which needs PyYAML; give a dict or JSON."
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"config={str(path)[:200]!r} cannot be read: {error}") from None


def _fields(settings: Any) -> dict[str, Any]:
    """What was set in a dict, in our `Settings` or in W&B's own."""
    if settings is None:
        return {}
    chosen = getattr(settings, "model_fields_set", None)  # W&B's own knows what was set
    if chosen is not None:
        return {name: getattr(settings, name, None) for name in chosen}
    items = values.mapping_items(settings)
    return dict(items if items is not None else vars(settings))


def login(*_: Any, **__: Any) -> bool:
    """Recording needs no account, so there is nothing to log in to. `trackerlite login` keeps a
    key for `trackerlite sync`; one that is given here is not kept."""
    return True


def setup(*_: Any, **__: Any) -> None:
    """There is nothing to set up."""


teardown = require = ensure_configured = setup
join = current.finish


def termlog(text: str = "", *_: Any, **__: Any) -> None:
    """Print a line for people."""
    tell(text)


termwarn = termerror = termlog
