"""Weights & Biases as a backend: record here, replay there, search and compare through its public API.

What is written goes to the store first and is acknowledged by it; `flush` and `finish_run` replay it
with the engine behind `trackerlite sync`, in a process of its own, and raise when it did not verify.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trackerlite.backends import credentials as keys
from trackerlite.backends.base import ArtifactRef, Backend, Cursor, Experiment, RunSpec
from trackerlite.backends.errors import NotLoggedIn, NotThere, RemoteError
from trackerlite.backends.local import LocalBackend
from trackerlite.backends.wandb_api import experiments, one_experiment
from trackerlite.backends.wandb_http import WandbHttp
from trackerlite.backends.wandb_remote import WandbRemote, viewer
from trackerlite.errors import RunNotFound

Replay = Callable[[Path, str, Sequence[str]], None]
_PAGE = 1000
_OWN = ("_step", "_timestamp", "_runtime", "_wandb")


class WandbBackend(Backend):
    """Runs of one entity at one server. A run's reference is `project/id`, as in the store.

    dir: the store to record into. entity: default, the key's own. replay: how rows get there;
    the default starts `python -m trackerlite.sync`.
    """

    name = "wandb"

    def __init__(
        self,
        dir: str | os.PathLike[str] | None = None,
        entity: str | None = None,
        replay: Replay | None = None,
        credentials: keys.Credentials | None = None,
    ) -> None:
        self.local = LocalBackend(dir)
        self.credentials = credentials or keys.find()
        if not self.credentials.key:
            raise NotLoggedIn(
                f"There is no API key for {self.credentials.url}. Run `trackerlite login`, or set WANDB_API_KEY."
            )
        self.http = WandbHttp(self.credentials.url, self.credentials.key)
        self._entity = entity or os.environ.get("WANDB_ENTITY")
        self._replay = replay or replay_in_a_process

    @property
    def entity(self) -> str:
        """The team or user whose runs these are."""
        if not self._entity:
            who = viewer(self.http)
            if who is None:
                raise NotLoggedIn(f"{self.http.host} does not know this API key.")
            self._entity = who.entity or who.username
        return self._entity

    # -- writing: the store acknowledges, the replay delivers -------------------------------------

    def create_run(self, spec: RunSpec) -> str:
        return self.local.create_run(spec)

    def resume_run(self, run: str) -> None:
        self.local.resume_run(run)

    def finish_run(self, run: str, exit_code: int = 0, reason: str | None = None) -> None:
        self.local.finish_run(run, exit_code, reason)
        self._replay(self.local.store, run, ["--entity", self.entity])

    def flush(self, run: str) -> None:
        self.local.flush(run)
        self._replay(self.local.store, run, ["--entity", self.entity])

    def log_metrics(self, run: str, values: Mapping[str, Any], step: int | None = None) -> None:
        self.local.log_metrics(run, values, step)

    def define_metric(
        self,
        run: str,
        pattern: str,
        step_metric: str | None = None,
        summary: str | None = None,
        goal: str | None = None,
    ) -> None:
        self.local.define_metric(run, pattern, step_metric, summary, goal)

    def log_params(self, run: str, params: Mapping[str, Any]) -> None:
        self.local.log_params(run, params)

    def set_tags(self, run: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        self.local.set_tags(run, add, remove)

    def set_notes(self, run: str, notes: str) -> None:
        self.local.set_notes(run, notes)

    def log_artifact(
        self,
        run: str,
        path: Path,
        name: str,
        type: str = "dataset",
        aliases: Sequence[str] = ("latest",),
        metadata: Mapping[str, Any] | None = None,
    ) -> ArtifactRef:
        return self.local.log_artifact(run, path, name, type, aliases, metadata)

    def use_artifact(self, run: str, name: str) -> ArtifactRef:
        return self.local.use_artifact(run, name)

    # -- reading: what the server has ----------------------------------------------------------------

    def cursor(self, run: str) -> Cursor:
        remote, run_id = self._remote(run)
        return remote.cursor(run_id)

    def rows(self, run: str, after: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        remote, run_id = self._remote(run)
        last = remote.cursor(run_id).last_step
        low = 0 if after is None else after + 1
        while last is not None and low <= last:
            for row in remote.rows(run_id, low, low + _PAGE, 2 * _PAGE):
                values = {k: _number(v) for k, v in row.items() if k not in _OWN}
                yield int(row["_step"]), values
            low += _PAGE

    def get_experiment(self, run: str) -> Experiment:
        """One run: `id` within this entity as `project/id`, or `entity/project/id`."""
        *entity, project, run_id = run.split("/")
        where = (entity[0] if entity else self.entity, project, run_id)
        try:
            return one_experiment(self.credentials, *where)
        except NotThere:
            raise RunNotFound(f"{self.http.host} has no run {'/'.join(where)!r:.120}.") from None

    def search_experiments(
        self, filter: str = "", project: str | None = None, limit: int | None = None
    ) -> Iterator[Experiment]:
        return experiments(self.credentials, self.entity, project, filter, limit)

    def close(self) -> None:
        self.local.close()

    def _remote(self, run: str) -> tuple[WandbRemote, str]:
        project, _, run_id = run.rpartition("/")
        return WandbRemote(self.http, self.entity, project), run_id


def replay_in_a_process(store: Path, run: str, options: Sequence[str]) -> None:
    """Sync one run now.

    Raises:
        RemoteError: it did not arrive, or did not verify.
    """
    command = [sys.executable, "-m", "trackerlite.sync", "--once", *options, os.fspath(store), run]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        outcomes = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise RemoteError("".join(last) or "The sync did not come to an end.") from None
    for outcome in outcomes:
        if outcome["status"] not in ("synced", "up to date"):
            raise RemoteError(f"{run}: {outcome['status']}. {outcome['message']}")


def _number(value: Any) -> Any:
    """W&B spells NaN and the infinities as words."""
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value
