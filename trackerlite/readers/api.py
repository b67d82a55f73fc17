"""`Api`: the store for scripts and notebooks, as NumPy arrays."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trackerlite.readers.api_run import ApiRun
from trackerlite.readers.familiar import OF_API, missing, refuse, text
from trackerlite.readers.info import RunInfo
from trackerlite.readers.nearest import hints
from trackerlite.readers.reader import Reader

if TYPE_CHECKING:
    from trackerlite.artifacts import Artifact

__all__ = ["Api", "ApiRun"]

_FILTER = '"val/f1>0.9 tag:lora"'


class Api:
    """Reads a store.

    Args:
        dir: the store, or a folder in or below the one it is in.

    >>> import trackerlite as tl
    >>> with tl.init(project="demo", id="first") as run:
    ...     for step in range(3):
    ...         _ = run.log({"loss": 1.0 / (step + 1)})
    >>> api = tl.Api()
    >>> api.run("demo/first").metric("loss")["value"].round(2).tolist()
    [1.0, 0.5, 0.33]
    """

    def __init__(
        self,
        dir: str | os.PathLike[str] | None = None,
        *,
        overrides: object = None,  # noqa: ARG002 - W&B's, about its server
        timeout: object = None,  # noqa: ARG002
        api_key: object = None,  # noqa: ARG002
    ):
        self._reader = Reader.open(dir)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise missing("Api", name, OF_API, dir(type(self)))

    def runs(
        self,
        project: str | None = None,
        filter: str | None = None,
        sort: str | None = None,
        *,
        path: str | None = None,
        **theirs: Any,
    ) -> list[ApiRun]:
        """The runs that match, newest first or as `sort` says.

        Warns of a name in them that no run has, with the nearest that some run has.

        Args:
            project: only its runs; `path`, or an entity before it, as W&B's scripts write it.
            filter: in the filter language, e.g. "val/f1>0.9 tag:lora".
            sort: a field, metric or config key; a leading "-" sorts downwards.

        Raises:
            FilterError: `filter` or `sort` cannot be understood.
        """
        refuse("Api.runs()", theirs)
        self._reader.refresh()
        project = self._project(path if project is None else project)
        if filter is None and sort is None:
            found = self._reader.runs(project)
        else:
            found = self._selected(
                project,
                text("filter", filter or "", _FILTER),
                text("sort", sort or "", '"-val/f1"'),
            )
        return [ApiRun(self._reader, info) for info in found]

    def _project(self, given: str | None) -> str | None:
        """The project that is meant, where an entity may lead."""
        if given is None or "/" not in text("project", given) or self._reader.runs(given):
            return given
        return given.rpartition("/")[2]

    def _selected(self, project: str | None, filter: str, sort: str) -> list[RunInfo]:
        from trackerlite.readers.filters import Filter, parse_items
        from trackerlite.readers.select import columns_of, select_runs

        now, parsed = time.time(), Filter(filter) if filter else None
        found = select_runs(self._reader, parsed, sort, project, now=now)
        items = parse_items(sort) if sort else []
        # Who has a value comes first: where the first has it, nobody else need be looked at.
        first = columns_of(self._reader, found[:1], items, now)
        asked = [item for item, column in zip(items, first, strict=True) if not column]
        asked += parsed.operands() if parsed and not found else []
        for sentence in hints(self._reader, asked, project, now) if asked else ():
            warnings.warn(sentence, stacklevel=3)
        return found

    def run(self, ref: str) -> ApiRun:
        """One run, by id, unique prefix or name; `project/` may lead.

        Raises:
            RunNotFound, AmbiguousRun.
        """
        self._reader.refresh()
        return ApiRun(self._reader, self._info(ref))

    def _info(self, ref: str) -> RunInfo:
        return self._reader.run(text("run", ref, '"project/id"'))

    def compare(self, runs: Sequence[ApiRun | str] | ApiRun | str) -> Any:
        """What differs between runs: the object behind `trackerlite diff`."""
        from trackerlite.readers.compare import compare

        runs = [runs] if isinstance(runs, (str, ApiRun)) else runs
        self._reader.refresh()
        infos = [r.info if isinstance(r, ApiRun) else self._info(r) for r in runs]
        return compare(self._reader, infos)

    def artifact(self, name: str, type: str | None = None) -> Artifact:
        """An artifact by `name`, `name:v3`, `name:best`; a project may lead. `download()` copies it out.

        Raises:
            ArtifactNotFound: there is none of that name, or it is of another `type`.
            BadInput: several projects have one.
        """
        from trackerlite.artifacts import Artifact, Registry
        from trackerlite.errors import ArtifactNotFound

        found = Registry(self._reader.path).find(text("name", name, '"model:best"'))
        if type is not None and found.get("type") != type:
            raise ArtifactNotFound(
                f"{name!r:.80} is of type {found.get('type')!r}, not {type!r:.80}."
            )
        return Artifact._from(found, self._reader.path)

    def close(self) -> None:
        """Close the store."""
        self._reader.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._reader.__exit__(None, error, None)
