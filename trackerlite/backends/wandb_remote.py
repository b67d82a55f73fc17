"""One run at a W&B server: how far it has come, and reading back what is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trackerlite.backends import wandb_queries as queries
from trackerlite.backends.base import Cursor
from trackerlite.backends.errors import NotThere
from trackerlite.backends.wandb_http import WandbHttp

PAGE = 25  # runs that one request asks about
Place = tuple[str, str, str]  # entity, project, id


@dataclass(frozen=True)
class Viewer:
    """Who the key belongs to."""

    entity: str
    username: str


@dataclass(frozen=True)
class RemoteArtifact:
    """A committed or pending version at the server."""

    name: str
    type: str
    digest: str
    version: str
    state: str
    aliases: tuple[str, ...] = field(default_factory=tuple)


class WandbRemote:
    """Questions about the runs of one entity and project."""

    def __init__(self, http: WandbHttp, entity: str, project: str) -> None:
        self.http, self.entity, self.project = http, entity, project

    def url(self, run: str) -> str:
        """The run's page."""
        base = self.http.base_url.replace("//api.wandb.ai", "//wandb.ai")
        return f"{base}/{self.entity}/{self.project}/runs/{run}"

    def cursor(self, run: str) -> Cursor:
        """How far the run has come at the server.

        Raises:
            RemoteError: the server cannot be asked.
        """
        place = (self.entity, self.project, run)
        return cursors(self.http, [place])[place]

    def rows(self, run: str, low: int, high: int, most: int) -> list[dict[str, Any]]:
        """Rows with `low` <= step < `high`, at most `most` of them, in the server's order."""
        answer = self.http.query(
            "HistoryPage",
            queries.HISTORY,
            {
                "entity": self.entity,
                "project": self.project,
                "run": run,
                "minStep": low,
                "maxStep": high,
                "pageSize": most,
            },
        )
        found = (answer.get("project") or {}).get("run")
        if found is None:
            raise NotThere(
                f"The run {run} is not at {self.http.host}; it may just have been deleted."
            )
        return [
            json.loads(line) if isinstance(line, str) else line for line in found["history"] or []
        ]

    def set_summary(self, cursor: Cursor, values: Mapping[str, Any]) -> None:
        """Add values to the summary, as `wandb.Api` does it."""
        text = json.dumps({**cursor.summary, **values})
        self.http.query("UpsertBucket", queries.SUMMARY, {"id": cursor.id, "summaryMetrics": text})

    def set_labels(self, cursor: Cursor, name: str, notes: str, tags: Sequence[str]) -> None:
        """Write a run's name, notes and tags over those that it has there."""
        given = {"id": cursor.id, "displayName": name, "notes": notes, "tags": list(tags)}
        self.http.query("UpsertBucket", queries.LABELS, given)

    def files(self, run: str, names: Iterable[str]) -> dict[str, int]:
        """Those of `names` that the server has, with their sizes in bytes."""
        wanted, found = list(names), dict[str, int]()
        for start in range(0, len(wanted), 200):
            part = wanted[start : start + 200]
            for node in self._pages(
                "TrackerliteFiles", queries.FILES, run, "files", {"names": part}
            ):
                if node["name"] in part:
                    found[node["name"]] = int(node.get("sizeBytes") or 0)
        return found

    def artifacts(self, run: str) -> list[RemoteArtifact]:
        """The versions that the run logged."""
        return [
            RemoteArtifact(
                node["artifactSequence"]["name"],
                node["artifactType"]["name"],
                node["digest"],
                f"v{node['versionIndex']}",
                node["state"],
                tuple(a["alias"] for a in node.get("aliases") or ()),
            )
            for node in self._pages(
                "TrackerliteArtifacts", queries.ARTIFACTS, run, "outputArtifacts", {}
            )
        ]

    def use_artifact(self, run: str, artifact_id: str) -> None:
        """Note that the run read an artifact; saying it twice is saying it once."""
        given = {
            "artifactID": artifact_id,
            "entityName": self.entity,
            "projectName": self.project,
            "runName": run,
        }
        self.http.query("UseArtifact", queries.USE, {"input": given})

    def alert(self, run: str, title: str, text: str, level: str, wait: float = 0.0) -> None:
        """Tell an alert of a run; not if one of the same title was told in the last `wait` seconds.

        Without `wait` it is said once and never tried again here.

        Raises:
            RemoteError: it was not told, or nobody knows.
        """
        given = {
            "entityName": self.entity,
            "projectName": self.project,
            "runName": run,
            "title": title,
            "text": text,
            "severity": level,
            "waitDuration": int(wait * 1e9),  # nanoseconds, as wandb gives it
        }
        self.http.query("NotifyScriptableRunAlert", queries.ALERT, given, once=not wait)

    def artifact_id(self, name: str) -> tuple[str, str] | None:
        """The server's (id, digest) of `name:alias`, None if there is no such version."""
        variables = {"entity": self.entity, "project": self.project, "name": name}
        try:
            answer = self.http.query("TrackerliteArtifact", queries.ARTIFACT, variables)
        except NotThere:
            return None
        found = (answer.get("project") or {}).get("artifact")
        return (str(found["id"]), str(found.get("digest") or "")) if found else None

    def _pages(
        self, name: str, text: str, run: str, node: str, more: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            variables = {
                "entity": self.entity,
                "project": self.project,
                "name": run,
                "after": after,
            }
            answer = self.http.query(name, text, {**variables, **more})
            found = ((answer.get("project") or {}).get("run") or {}).get(node)
            if not found:
                return
            yield from (edge["node"] for edge in found["edges"])
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]


def cursors(http: WandbHttp, places: Sequence[Place]) -> dict[Place, Cursor]:
    """How far each of these runs has come, `PAGE` of them in one request.

    Raises:
        RemoteError: the server cannot be asked about one of them.
    """
    found: dict[Place, Cursor] = {}
    for start in range(0, len(places), PAGE):
        part = places[start : start + PAGE]
        answer = http.query(*_question(part))
        for number, place in enumerate(part):
            model = answer.get("model" if len(part) == 1 else f"model{number}") or {}
            found[place] = _cursor(model.get("bucket"))
    return found


def _question(places: Sequence[Place]) -> tuple[str, str, dict[str, str]]:
    """Name, text and variables of a query for some runs' cursors: wandb's own for one, else aliases."""
    single = len(places) == 1
    heads, fields, given = list[str](), list[str](), dict[str, str]()
    for number, (entity, project, run) in enumerate(places):
        at = "" if single else str(number)
        heads.append(f"$project{at}: String, $entity{at}: String, $name{at}: String!")
        alias = "model" if single else f"model{number}: model"
        fields.append(
            f"{alias}(name: $project{at}, entityName: $entity{at}) {{ {queries.FIELDS % at} }}"
        )
        given |= {f"project{at}": project, f"entity{at}": entity, f"name{at}": run}
    name = "RunResumeStatus" if single else "TrackerliteCursors"
    return name, f"query {name}({', '.join(heads)}) {{ {' '.join(fields)} }}", given


def _cursor(bucket: Any) -> Cursor:
    if bucket is None:
        return Cursor(exists=False)
    tail = _last(bucket.get("historyTail"))
    summary = _object(bucket.get("summaryMetrics"))
    step = (tail or summary).get("_step")
    return Cursor(
        exists=True,
        id=bucket.get("id"),
        rows=int(bucket.get("historyLineCount") or 0),
        last_step=None if step is None else int(step),
        last_row=tail,
        system_rows=int(bucket.get("eventsLineCount") or 0),
        console_lines=int(bucket.get("logLineCount") or 0),
        state=bucket.get("state"),
        config=_config(bucket.get("config")),
        summary=summary,
        tags=tuple(bucket.get("tags") or ()),
        name=bucket.get("displayName"),
        notes=bucket.get("notes"),
    )


def viewer(http: WandbHttp) -> Viewer | None:
    """Who the key belongs to, None when the server takes it for nobody's."""
    found = http.query("TrackerliteViewer", queries.VIEWER, {}).get("viewer")
    return Viewer(found.get("entity") or "", found.get("username") or "") if found else None


def _last(tail: Any) -> dict[str, Any] | None:
    try:
        lines = json.loads(tail) if isinstance(tail, str) else tail or []
        row = lines[-1] if lines else None
        row = json.loads(row) if isinstance(row, str) else row
        return row if isinstance(row, dict) else None
    except (ValueError, TypeError):
        return None


def _object(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _config(text: Any) -> dict[str, Any]:
    return {
        key: body["value"]
        for key, body in _object(text).items()
        if isinstance(body, dict) and "value" in body
    }
