"""What scripts written for W&B ask its `Api` and its runs for, and what there is here instead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from trackerlite.errors import BadInput, NotHere, Unsupported
from trackerlite.text import nearest

if TYPE_CHECKING:
    from trackerlite.readers.api import ApiRun

_REMOTE = "`trackerlite search --on wandb` looks at the server, `wandb.Api` changes it"
_ARTIFACTS = "`trackerlite artifacts` lists them, Api.artifact(name) gets one"

#: attributes of W&B's public Run → what to write
OF_RUN = {
    "beta_scan_history": "write run.scan_history()",
    "console_logs": "read console.log in run.folder",
    "delete": "`trackerlite rm` puts a run into the trash",
    "display": "`trackerlite report` writes a page",
    "download_history_exports": "`trackerlite export` writes Parquet",
    "file": "the run's files are in run.folder",
    "files": "the run's files are in run.folder",
    "history_keys": "run.metrics names them",
    "json_config": "run.config is a dict",
    "load": "Api.run(path) gives the run as it is now; metrics and summary are always read anew",
    "load_full_data": "nothing of a run is left out",
    "log_artifact": "log it while the run is recorded: init(id=…, resume=\"must\") continues one",
    "save": "`trackerlite note`, `tag` and `rename` change a run",
    "stop": "end the training's own process",
    "sweep": "runs that belong together share a group",
    "sweep_name": "runs that belong together share a group",
    "system_metrics": "run.metric(\"system.cpu\") is the whole curve; `trackerlite show` names the rest",
    "to_html": "`trackerlite report` writes a page",
    "update": "`trackerlite note`, `tag` and `rename` change a run",
    "update_state": "`trackerlite note`, `tag` and `rename` change a run",
    "upload_file": "log it while the run is recorded: init(id=…, resume=\"must\") continues one",
    "use_artifact": "Api.artifact(name) reads one, run.use_artifact notes it while a run is recorded",
    "user": "whose it is, is known when it is synced",
    "username": "whose it is, is known when it is synced",
    "wait_until_finished": "`trackerlite tail RUN` follows a run to its end",
}  # fmt: skip
#: attributes of W&B's public Api → what to write
OF_API = {
    "artifact_exists": _ARTIFACTS,
    "artifact_type": _ARTIFACTS,
    "artifact_types": _ARTIFACTS,
    "artifact_versions": _ARTIFACTS,
    "artifacts": _ARTIFACTS,
    "create_run": "init() records one",
    "from_path": "Api.run(path) and Api.artifact(name) find what is in this store",
    "project": "Api.runs(project) lists its runs",
    "projects": "{run.project for run in Api().runs()} names them",
    "reports": "`trackerlite report` writes a page",
    "sweep": "runs that belong together share a group",
    "sync_tensorboard": "`trackerlite import` takes TensorBoard's logs in",
}
_SERVERS = (
    "artifact_collection", "artifact_collection_exists", "artifact_collections", "automation", "automations",
    "create_automation", "create_custom_chart", "create_project", "create_registry", "create_run_queue", "create_team",
    "create_user", "default_entity", "delete_automation", "flush", "integrations", "job", "list_jobs", "organization",
    "queued_run", "registries", "registry", "run_queue", "slack_integrations", "team", "update_automation",
    "upsert_run_queue", "user", "users", "viewer", "webhook_integrations",
)  # fmt: skip
OF_API |= dict.fromkeys(_SERVERS, f"it reads this store, and asks no server: {_REMOTE}")
#: arguments of W&B's → what to write; those that change nothing here are empty
_ARGUMENTS = {
    "Api.runs()": {
        "filters": 'write filter="state:finished config.lr>=1e-4 val/f1>0.9" (`trackerlite help filters`)',
        "order": 'write sort="-started", or a metric or config key: sort="val/loss"',
        "per_page": "", "include_sweeps": "", "lazy": "",
    },
    "run.history()": {
        "x_axis": 'write x="epoch"',
        "pandas": ".to_pandas() makes a DataFrame of what it returns, .rows() dicts",
        "stream": 'write run.metric("system.cpu")',
    },
    "run.scan_history()": {"page_size": "", "use_cache": ""},
}  # fmt: skip


class Familiar:
    """The names that W&B's users know parts of a run by."""

    #: a local run has no page anywhere, and whose it is, is known when it is synced
    url = entity = None

    @property
    def display_name(self) -> str:
        """Its name."""
        return self._run.info.name

    @property
    def path(self) -> list[str]:
        """Project and id; joined by "/" what `Api.run` takes."""
        return [self._run.info.project, self._run.info.id]

    @property
    def created_at(self) -> str | None:
        """When it was begun, in UTC as W&B writes it: "2026-01-02T03:04:05Z"."""
        started = self._run.info.started
        if started is None:
            return None
        return datetime.fromtimestamp(started, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def lastHistoryStep(self) -> int:  # noqa: N802 - W&B's name
        """The last step, -1 before the first."""
        steps = self._run.info.steps
        return -1 if steps is None else steps

    @property
    def summary_metrics(self) -> dict[str, Any]:
        """The summary."""
        return self._run.summary

    @property
    def rawconfig(self) -> dict[str, Any]:
        """The config."""
        return self._run.config

    @property
    def metadata(self) -> dict[str, Any]:
        """The environment."""
        return self._run.environment

    @property
    def _run(self) -> ApiRun:
        return cast("ApiRun", self)


def missing(what: str, name: str, instead: dict[str, str], known: Iterable[str]) -> NotHere:
    """The error for an attribute `name` that `what` ("run", "Api") does not have."""
    if name in instead:
        return NotHere(f"trackerlite has no {what}.{name}; {instead[name]}.")
    public = [one for one in known if not one.startswith("_")]
    return NotHere(f"There is no {what}.{name}.{nearest(name, public, cutoff=0.7)}")


def refuse(call: str, theirs: dict[str, Any]) -> None:
    """Say what to write in place of arguments that only W&B's `call` takes.

    Raises:
        Unsupported: one of them means something there.
        TypeError: neither knows it.
    """
    for name in theirs:
        instead = _ARGUMENTS[call].get(name)
        if instead is None:
            raise TypeError(f"{call} got an unexpected keyword argument {name!r}")
        if instead:
            raise Unsupported(f"trackerlite's {call} has no {name}=; {instead}.")


def text(what: str, given: object, example: str = "") -> str:
    """`given`, if it is a text.

    Raises:
        BadInput: it is none.
    """
    if not isinstance(given, str):
        such = f", such as {example}" if example else ""
        raise BadInput(f"{what}={given!r:.80} has to be a text{such}.")
    return given
