"""The store on this machine, as one backend among others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite import paths
from trackerlite.backends.base import (
    ArtifactRef,
    Backend,
    Cursor,
    Experiment,
    RunSpec,
)
from trackerlite.errors import BadInput, RunNotFound, StoreNotFound
from trackerlite.readers import Reader
from trackerlite.readers.history_rows import HistoryRows
from trackerlite.readers.info import RunInfo
from trackerlite.readers.select import select_runs

if TYPE_CHECKING:
    from trackerlite.artifacts import Artifact
    from trackerlite.recording.run import Run


class LocalBackend(Backend):
    """Records with `trackerlite.init` and reads with the reader; `dir` as `init` takes it."""

    name = "local"

    def __init__(self, dir: str | os.PathLike[str] | None = None) -> None:
        self.store = paths.store_dir(dir)
        self._open: dict[str, Run] = {}

    def create_run(self, spec: RunSpec) -> str:
        from trackerlite.recording.current import init

        run = init(
            spec.project, spec.name, dict(spec.config), dir=self.store, id=spec.id, resume="never",
            tags=list(spec.tags), notes=spec.notes, group=spec.group, job_type=spec.job_type, reinit="create_new",
        )  # fmt: skip
        reference = f"{run.project}/{run.id}"
        self._open[reference] = run
        return reference

    def resume_run(self, run: str) -> None:
        from trackerlite.recording.current import init

        project, _, run_id = run.rpartition("/")
        if run in self._open:
            raise BadInput(f"The run {run} is open already; finish it first.")
        self._open[run] = init(
            project, id=run_id, resume="must", dir=self.store, reinit="create_new"
        )

    def finish_run(self, run: str, exit_code: int = 0, reason: str | None = None) -> None:
        found = self._writing(run)
        if exit_code and reason:
            found._end("failed", exit_code, reason)
        else:
            found.finish(exit_code)
        del self._open[run]

    def flush(self, run: str) -> None:
        """Bring what was recorded into the database, so that readers see it."""
        from trackerlite.store.projector import Projector

        projector = Projector(self.store)
        try:
            projector.project_run(self._writing(run).folder, timeout=10.0)
        finally:
            projector.close()

    def log_metrics(self, run: str, values: Mapping[str, Any], step: int | None = None) -> None:
        self._writing(run).log(values, step=step)

    def define_metric(
        self,
        run: str,
        pattern: str,
        step_metric: str | None = None,
        summary: str | None = None,
        goal: str | None = None,
    ) -> None:
        self._writing(run).define_metric(pattern, step_metric, summary=summary, goal=goal)

    def log_params(self, run: str, params: Mapping[str, Any]) -> None:
        self._writing(run).config.update(dict(params))

    def set_tags(self, run: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        found = self._writing(run)
        gone = set(remove)
        found.tags = tuple(dict.fromkeys([*(t for t in found.tags if t not in gone), *add]))

    def set_notes(self, run: str, notes: str) -> None:
        self._writing(run).notes = notes

    def log_artifact(
        self,
        run: str,
        path: Path,
        name: str,
        type: str = "dataset",
        aliases: Sequence[str] = ("latest",),
        metadata: Mapping[str, Any] | None = None,
    ) -> ArtifactRef:
        from trackerlite import artifacts

        return _ref(artifacts.log(self._writing(run), path, name, type, aliases, metadata))

    def use_artifact(self, run: str, name: str) -> ArtifactRef:
        return _ref(self._writing(run).use_artifact(name))

    def cursor(self, run: str) -> Cursor:
        with self._reader() as reader:
            if reader is None:
                return Cursor(exists=False)
            try:
                info = reader.run(run)
            except RunNotFound:
                return Cursor(exists=False)
            rows = HistoryRows(reader.connection, info.key)
            count, last = rows.tally()
            system = HistoryRows(reader.connection, info.key, "system").tally()[0]
            return Cursor(
                exists=True,
                id=info.id,
                rows=count,
                last_step=last,
                system_rows=system,
                state=info.state,
                config=reader.params([info.key])[info.key],
                summary=reader.summaries([info.key])[info.key],
                tags=info.tags,
                name=info.name,
                notes=info.notes,
            )

    def rows(self, run: str, after: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        with self._reader() as reader:
            if reader is None:
                return
            rows = HistoryRows(reader.connection, reader.run(run).key)
            yield from ((row.step, row.values) for row in rows.streamed(after))

    def get_experiment(self, run: str) -> Experiment:
        with self._reader() as reader:
            if reader is None:
                raise RunNotFound(
                    f"There is no run {run!r:.80}: nothing was recorded in {self.store}."
                )
            return self._experiments(reader, [reader.run(run)])[0]

    def search_experiments(
        self, filter: str = "", project: str | None = None, limit: int | None = None
    ) -> Iterator[Experiment]:
        with self._reader() as reader:
            if reader is not None:
                found = select_runs(reader, filter or None, project=project)[:limit]
                yield from self._experiments(reader, found)

    def close(self) -> None:
        for run in list(self._open):
            self.finish_run(run)

    def _writing(self, run: str) -> Run:
        found = self._open.get(run)
        if found is None:
            raise RunNotFound(
                f"The run {run!r:.80} is not open for writing: create or resume it first."
            )
        return found

    def _reader(self) -> _Maybe:
        return _Maybe(self.store)

    def _experiments(self, reader: Reader, runs: list[RunInfo]) -> list[Experiment]:
        keys = [run.key for run in runs]
        params, summaries = reader.params(keys), reader.summaries(keys)
        return [
            Experiment(
                backend=self.name,
                id=run.ref,
                project=run.project,
                name=run.name,
                state=run.state,
                config=params.get(run.key, {}),
                summary=summaries.get(run.key, {}),
                tags=run.tags,
                notes=run.notes,
                group=run.group,
                job_type=run.job_type,
                started=run.started,
                steps=run.steps,
            )
            for run in runs
        ]


class _Maybe:
    """A reader, or None for a store that holds nothing yet."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._reader: Reader | None = None

    def __enter__(self) -> Reader | None:
        try:
            self._reader = Reader.open(self._store)
        except StoreNotFound:
            self._reader = None
        return self._reader

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.close()


def _ref(artifact: Artifact) -> ArtifactRef:
    return ArtifactRef(
        artifact.name,
        artifact.type,
        artifact.version or "",
        artifact.digest,
        tuple(artifact.aliases),
        dict(artifact.metadata),
    )
