"""The runs of a store: listed, and found by what a person calls them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trackerlite.errors import AmbiguousRun, RunNotFound
from trackerlite.readers.info import RunInfo
from trackerlite.store import summary
from trackerlite.store.states import now_gone
from trackerlite.text import nearest

_COLUMNS = (
    "key, run_id, id, project, name, state, run_group, job_type, notes, host, pid, started, ended, heartbeat, "
    "exit_code, reason, last_step, dropped, folder, trashed, boot_id"
)


class Runs:
    """The runs of the store at `path`, over the connection of one who reads it."""

    def __init__(self, path: Path, connection: sqlite3.Connection):
        self.path = path
        self.connection = connection

    def listed(self, project: str | None, trashed: bool) -> list[RunInfo]:
        """All runs, the newest first; those of one project, or in the trash."""
        where, bound = ["trashed = ?", "run_id IS NOT NULL"], [int(trashed)]
        if project is not None:
            where.append("project = ?")
            bound.append(project)  # type: ignore[arg-type]
        return self._where(f"{' AND '.join(where)} ORDER BY started DESC, key DESC", bound)

    def called(self, ref: str, trashed: bool) -> RunInfo:
        """The run meant by `ref`: an id, a unique prefix of one, or a name; `project/` may lead.

        Raises:
            RunNotFound, AmbiguousRun.
        """
        project, _, rest = ref.rpartition("/")
        every = self._like([ref, rest], trashed)
        last = project.rpartition("/")[2]  # an entity may lead, as in W&B's paths
        for wanted, within in ((ref, None), (rest, project or None), (rest, last or None)):
            some = [r for r in every if within is None or r.project == within]
            exact = [r for r in some if wanted in (r.id, r.run_id)] or [
                r for r in some if r.name == wanted
            ]
            found = exact or [r for r in some if wanted and r.id.startswith(wanted)]
            if len(found) == 1:
                return found[0]
            if found:
                choices = ", ".join(sorted(r.ref for r in found)[:8])
                raise AmbiguousRun(
                    f"{ref!r:.80} could be any of {len(found)} runs: {choices}. Write more of the id."
                )
        raise RunNotFound(self._unanswered(ref, last, rest, trashed))

    def _unanswered(self, ref: str, project: str, rest: str, trashed: bool) -> str:
        """That no run answers to `ref`, and which may have been meant."""
        others = self._like([ref, rest], not trashed) if rest else []
        others = [run for run in others if project in ("", run.project)]
        if len(others) == 1 and trashed:
            return f"No run answers to {ref!r:.80} in the trash; {others[0].ref} is not there."
        if len(others) == 1:
            return (
                f"No run answers to {ref!r:.80}; {others[0].ref} is in the trash. "
                f"`trackerlite restore {others[0].ref}` brings it back."
            )
        words = self.connection.execute(
            "SELECT id, name, project || '/' || id FROM run WHERE trashed = ? AND run_id IS NOT NULL",
            (int(trashed),),
        )
        near = nearest(ref, {word for row in words for word in row if word}, cutoff=0.7)
        return (
            f"No run answers to {ref!r:.80} in {self.path}.{near} `trackerlite ls` lists the runs; write "
            "an id, the beginning of one, or a name."
        )

    def _like(self, words: Sequence[str], trashed: bool) -> list[RunInfo]:
        """The runs that have one of some words as id or name, or as the beginning of the id."""
        likely = "id = :word OR run_id = :word OR name = :word OR substr(id, 1, :long) = :word"
        found: dict[int, RunInfo] = {}
        for word in words:
            clause = f"({likely}) AND trashed = :trashed AND run_id IS NOT NULL"
            try:
                runs = self._where(
                    clause, {"word": word, "long": len(word), "trashed": int(trashed)}
                )
            except UnicodeEncodeError:  # a lone surrogate, which no id or name has
                continue
            found |= {run.key: run for run in runs}
        return list(found.values())

    def in_folder(self, folder: Path) -> RunInfo:
        """The run whose files are in `folder`.

        Raises:
            RunNotFound: the store knows no run there.
        """
        name = folder.relative_to(self.path).as_posix()
        found = self._where("folder = ?", [name])
        if not found:
            raise RunNotFound(f"The store {self.path} knows no run in {folder}.")
        return found[0]

    def _where(self, clause: str, bound: Sequence[Any] | Mapping[str, Any]) -> list[RunInfo]:
        query = f"SELECT {_COLUMNS} FROM run WHERE {clause}"  # noqa: S608
        rows = self.connection.execute(query, bound).fetchall()
        tags: dict[int, list[str]] = {}
        few = summary.among("run_key", [row[0] for row in rows]) if len(rows) < 100 else ""
        for key, tag in self.connection.execute(
            f"SELECT run_key, tag FROM tag {few or 'WHERE 1'} AND present = 1 ORDER BY at, tag"  # noqa: S608
        ):
            tags.setdefault(key, []).append(tag)
        return [self._info(row, tuple(tags.get(row[0], ()))) for row in rows]

    def _info(self, row: tuple[Any, ...], tags: tuple[str, ...]) -> RunInfo:
        (
            key, run_id, id_, project, name, state, group, job_type, notes, host, pid, started, ended, heartbeat,
            exit_code, reason, last_step, dropped, folder, trashed, boot,
        ) = row  # fmt: skip
        if state == "running":
            state = now_gone(self.path, folder, host, boot, pid, heartbeat) or state
            ended = heartbeat if state != "running" else None
        return RunInfo(
            key, run_id, id_, project, name, state, group, job_type, notes, tags, host, pid, started, ended,
            heartbeat, exit_code, reason, last_step, dropped, Path(f"{self.path}/{folder}"), bool(trashed),
        )  # fmt: skip
