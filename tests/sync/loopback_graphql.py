"""What the loopback server knows and answers: runs, files, artifacts, as W&B's GraphQL has them."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from sync.loopback_filters import matches

Answer = tuple[int, Any]


@dataclass
class RemoteRun:
    """One run at the server: raw lines and the last word on everything else."""

    entity: str
    project: str
    name: str
    serial: int
    history: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    console: dict[int, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # name -> storage id
    fields: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    state: str = "running"
    exit_code: int | None = None
    gaps: int = 0
    posts: int = 0
    created: float = field(default_factory=time.time)

    @property
    def id(self) -> str:
        return f"run-{self.serial}"

    def plain_config(self) -> dict[str, Any]:
        return {k: v.get("value") for k, v in self.config.items() if isinstance(v, dict)}


@dataclass
class RemoteArtifact:
    """One version of an artifact."""

    id: str
    type: str
    name: str
    digest: str
    version: int
    run: str
    state: str = "PENDING"
    aliases: list[str] = field(default_factory=list)
    metadata: str | None = None
    description: str | None = None
    client_id: str = ""
    used_by: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    manifest: str | None = None


class World:
    """All state behind the port. Called under the server's lock."""

    def __init__(self, entity: str) -> None:
        self.entity = entity
        self.url = ""
        self.runs: dict[tuple[str, str, str], RemoteRun] = {}
        self.artifacts: dict[str, RemoteArtifact] = {}
        self.storage: dict[str, bytes] = {}
        self.deleted: set[tuple[str, str, str]] = set()
        self.missing_projects: set[str] = set()
        self.features: dict[str, bool] = {"CLIENT_IDS": True}
        self.unknown: list[str] = []

    # -- the door -------------------------------------------------------------------------------

    def handle(self, place: str, request: Any, path: str, body: bytes, lie: str) -> Answer:
        if place.startswith("graphql:"):
            name = place.partition(":")[2]
            if name.startswith("ProbeServer"):  # an old wandb asks what the schema has
                return data(dict.fromkeys(_PROBED, _TYPE))
            method = getattr(self, f"do_{name}", None)
            if method is None:
                self.unknown.append(name)
                return 400, {"errors": [{"message": f"loopback does not know {name}"}]}
            try:
                answer: Answer = method(request.get("variables") or {})
            except Refused as refused:
                return refused.status, {"errors": [{"message": str(refused)}]}
            return answer
        if place == "file_stream":
            return self._file_stream(request, path, lie)
        if place == "upload":
            self.storage[path.rpartition("/")[2]] = body
            return 200, b""
        if place == "storage":
            key = path.rpartition("/")[2]
            return (200, self.storage[key]) if key in self.storage else (404, b"")
        self.unknown.append(path)
        return 404, {"errors": [{"message": path}]}

    def find(self, v: dict[str, Any], key: str = "name") -> RemoteRun | None:
        entity = v.get("entity") or v.get("entityName") or self.entity
        return self.runs.get((entity, v.get("project") or "", v.get(key) or ""))

    # -- rows -----------------------------------------------------------------------------------

    def _file_stream(self, request: Any, path: str, lie: str) -> Answer:
        parts = path.split("/")
        run = self.runs.get((parts[2], parts[3], parts[4]))
        if run is None:
            return 404, {"error": "run not found"}
        run.posts += 1
        for name, chunk in (request.get("files") or {}).items():
            offset, lines = int(chunk.get("offset", 0)), chunk.get("content") or []
            if name == "wandb-history.jsonl":
                _put(run, run.history, offset, lines, lie)
            elif name == "wandb-events.jsonl":
                _put(run, run.events, offset, lines, "")
            elif name == "wandb-summary.json":
                run.summary = json.loads(lines[-1]) if lines else run.summary
            elif name == "output.log":
                for at, line in enumerate(lines):
                    run.console[offset + at] = line
        if request.get("complete"):
            run.exit_code = int(request.get("exitcode") or 0)
            run.state = "finished" if run.exit_code == 0 else "failed"
            if run.exit_code != 0 and run.fields.get("preempting"):
                run.state = "preempted"
        if request.get("preempting"):
            run.fields["preempting"] = True
        return 200, {"limits": {}}

    # -- the writing side (wandb sync) ------------------------------------------------------------

    def do_ServerFeaturesQuery(self, v: dict[str, Any]) -> Answer:
        features = [{"name": n, "isEnabled": on} for n, on in self.features.items()]
        return data({"serverInfo": {"features": features}})

    def do_Viewer(self, v: dict[str, Any]) -> Answer:
        viewer = {
            "id": "VXNlcjox",
            "entity": self.entity,
            "username": self.entity,
            "name": "Loop Back",
            "email": "loop@example.com",
            "admin": False,
            "flags": "{}",
            "deletedAt": None,
            "apiKeys": {"edges": []},
            "teams": {"edges": [{"node": {"name": self.entity}}]},
        }
        return data(
            {"viewer": viewer, "serverInfo": {"cliVersionInfo": {}, "latestLocalVersionInfo": None}}
        )

    do_GetViewer = do_TrackerliteViewer = do_GetDefaultEntity = do_Viewer

    def do_UpsertBucket(self, v: dict[str, Any]) -> Answer:
        entity = v.get("entity") or self.entity
        project = v.get("project") or "uncategorized"
        if project in self.missing_projects:
            raise Refused(404, f"project {project} not found")
        key = (entity, project, v.get("name") or "")
        if not key[2]:
            for candidate in self.runs.values():
                if candidate.id == v.get("id"):
                    key = (candidate.entity, candidate.project, candidate.name)
                    entity, project = candidate.entity, candidate.project
        if key in self.deleted:
            raise Refused(
                409, f"run {key[2]} was previously created and deleted; try a new run name"
            )
        inserted = key not in self.runs
        run = self.runs.setdefault(key, RemoteRun(*key, serial=len(self.runs) + 1))
        for name, value in v.items():
            if value is not None and name not in ("config", "summaryMetrics", "name", "id"):
                run.fields[name] = value
        if v.get("config"):
            run.config = json.loads(v["config"])
        if v.get("summaryMetrics"):
            run.summary = json.loads(v["summaryMetrics"])
        if v.get("project"):  # an edit by id alone, as wandb.Api does it, leaves the state alone
            run.state = "running"
        bucket = {
            "id": run.id,
            "name": run.name,
            "displayName": run.fields.get("displayName") or run.name,
            "description": None,
            "config": json.dumps(run.config),
            "sweepName": None,
            "project": self._project(entity, project),
            "historyLineCount": len(run.history),
        }
        return data({"upsertBucket": {"bucket": bucket, "inserted": inserted}})

    def _project(self, entity: str, project: str) -> dict[str, Any]:
        return {
            "id": f"project-{project}",
            "internalId": "1",
            "name": project,
            "entity": {"id": f"entity-{entity}", "name": entity},
        }

    def do_CreateRunFiles(self, v: dict[str, Any]) -> Answer:
        run = self.runs[(v["entity"], v["project"], v["run"])]
        files = []
        for name in v["files"]:
            store = f"f{run.serial}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
            run.files[name] = store
            files.append({"name": name, "uploadUrl": f"{self.url}/storage/{store}"})
        return data({"createRunFiles": {"runID": run.id, "uploadHeaders": [], "files": files}})

    def do_RunUploadUrls(self, v: dict[str, Any]) -> Answer:
        run = self.runs[(v.get("entity") or self.entity, v["name"], v["run"])]
        edges = []
        for name in v.get("files") or []:
            store = f"f{run.serial}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
            run.files[name] = store
            url = f"{self.url}/storage/{store}"
            edges.append({"node": {"name": name, "url": url, "updatedAt": None}})
        files = {"uploadHeaders": [], "edges": edges}
        return data({"model": {"bucket": {"id": run.id, "files": files}}})

    def do_MarkRunFilesUploaded(self, v: dict[str, Any]) -> Answer:
        return data({"markRunFilesUploaded": {"success": True}})

    def do_NotifyScriptableRunAlert(self, v: dict[str, Any]) -> Answer:
        run = self.runs[(v["entityName"], v["projectName"], v["runName"])]
        since = time.time() - int(v.get("waitDuration") or 0) / 1e9
        if not any(a["title"] == v["title"] and a["at"] >= since for a in run.alerts):
            run.alerts.append({**v, "at": time.time()})
        return data({"notifyScriptableRunAlert": {"success": True}})

    # -- cursor and reading back ------------------------------------------------------------------

    def do_RunResumeStatus(self, v: dict[str, Any]) -> Answer:
        entity, project = v.get("entity") or self.entity, v.get("project") or ""
        if project in self.missing_projects:
            return data({"model": None})
        run = self.find(v)
        bucket = None
        if run is not None:
            bucket = {
                "id": run.id,
                "name": run.name,
                "displayName": run.fields.get("displayName"),
                "state": run.state,
                "summaryMetrics": json.dumps(run.summary),
                "logLineCount": (max(run.console) + 1) if run.console else 0,
                "historyLineCount": len(run.history),
                "eventsLineCount": len(run.events),
                "historyTail": json.dumps(run.history[-1:]),
                "eventsTail": json.dumps(run.events[-1:]),
                "config": json.dumps(run.config),
                "tags": run.fields.get("tags") or [],
                "notes": run.fields.get("notes"),
                "wandbConfig": json.dumps({"t": 1}),
            }
        return data({"model": {**self._project(entity, project), "bucket": bucket}})

    def do_TrackerliteCursors(self, v: dict[str, Any]) -> Answer:
        found = {}
        for number in range(len(v) // 3):
            asked = {word: v[f"{word}{number}"] for word in ("entity", "project", "name")}
            found[f"model{number}"] = self.do_RunResumeStatus(asked)[1]["data"]["model"]
        return data(found)

    def do_HistoryPage(self, v: dict[str, Any]) -> Answer:
        run = self.find(v, "run")
        if run is None:
            return data({"project": None})
        low, high = int(v["minStep"]), int(v["maxStep"])
        steps = _steps(run)
        lines = [run.history[i] for i, step in enumerate(steps) if low <= step < high]
        return data({"project": {"run": {"history": lines[: int(v["pageSize"])]}}})

    def do_RunParquetHistory(self, v: dict[str, Any]) -> Answer:
        run = self.find(v, "runName")
        live = [json.loads(line) for line in run.history] if run else []
        return data({"project": {"run": {"parquetHistory": {"parquetUrls": [], "liveData": live}}}})

    def do_RunFullHistory(self, v: dict[str, Any]) -> Answer:
        run = self.find(v)
        samples = int(v.get("samples") or 500)
        rows = {"history": run.history[:samples], "events": run.events[:samples]} if run else None
        return data({"project": {"run": rows}})

    def do_TrackerliteFiles(self, v: dict[str, Any]) -> Answer:
        run = self.find(v)
        edges = [
            {"node": {"name": name, "sizeBytes": len(self.storage.get(store, b""))}, "cursor": name}
            for name, store in (run.files.items() if run else ())
            if store in self.storage
        ]
        page = {"endCursor": None, "hasNextPage": False}
        return data({"project": {"run": {"files": {"edges": edges, "pageInfo": page}}}})

    # -- wandb.Api --------------------------------------------------------------------------------

    def _run_node(self, run: RemoteRun) -> dict[str, Any]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(run.created))
        last = json.loads(run.history[-1])["_step"] if run.history else -1
        keys: dict[str, Any] = {}
        return {
            "id": run.id,
            "projectId": "1",
            "name": run.name,
            "displayName": run.fields.get("displayName") or run.name,
            "tags": run.fields.get("tags") or [],
            "sweepName": None,
            "state": run.state,
            "config": json.dumps(run.config),
            "group": run.fields.get("groupName"),
            "jobType": run.fields.get("jobType"),
            "commit": run.fields.get("commit"),
            "readOnly": False,
            "createdAt": stamp,
            "heartbeatAt": stamp,
            "description": None,
            "notes": run.fields.get("notes"),
            "systemMetrics": "{}",
            "summaryMetrics": json.dumps(run.summary),
            "historyLineCount": len(run.history),
            "user": {"name": "Loop", "username": self.entity},
            "historyKeys": {"lastStep": last, "keys": keys, "sets": []},
        }

    def do_Run(self, v: dict[str, Any]) -> Answer:
        run = self.find(v)
        return data({"project": {"internalId": "1", "run": self._run_node(run) if run else None}})

    def do_GetProjects(self, v: dict[str, Any]) -> Answer:
        names = sorted({p for (e, p, _) in self.runs if e == v.get("entity")})
        node = {"__typename": "Project", "entityName": v.get("entity"), "isBenchmark": False}
        node |= {"createdAt": "2026-01-01T00:00:00Z", "user": None}
        edges = [{"node": {**node, "id": f"project-{name}", "name": name}} for name in names]
        info = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        return data({"models": {"pageInfo": info, "edges": edges}})

    def do_RunHistoryKeys(self, v: dict[str, Any]) -> Answer:
        run = self.find(v)
        keys = self._run_node(run)["historyKeys"] if run else None
        return data({"project": {"run": {"historyKeys": keys}}})

    def do_Runs(self, v: dict[str, Any]) -> Answer:
        entity = v.get("entity") or self.entity
        filters = json.loads(v.get("filters") or "{}")
        found = [
            run
            for (owner, project, _), run in self.runs.items()
            if owner == entity and project == v["project"] and matches(run, filters)
        ]
        start, size = int(v.get("cursor") or 0), int(v.get("perPage") or 50)
        page = found[start : start + size]
        edges = [
            {"node": self._run_node(r), "cursor": str(start + i + 1)} for i, r in enumerate(page)
        ]
        more = start + size < len(found)
        info = {"endCursor": str(start + len(page)), "hasNextPage": more}
        answer = {"internalId": "1", "runCount": len(found), "readOnly": False}
        return data({"project": {**answer, "runs": {"edges": edges, "pageInfo": info}}})

    # -- artifacts --------------------------------------------------------------------------------

    def do_CreateArtifact(self, v: dict[str, Any]) -> Answer:
        given = v["input"]
        names = given.get("artifactCollectionNames") or [given["artifactCollectionName"]]
        name, digest = names[0], given["digest"]
        family = [a for a in self.artifacts.values() if a.name == name]
        same = next((a for a in family if a.digest == digest and a.state == "COMMITTED"), None)
        if same is None:
            serial = f"artifact-{len(self.artifacts) + 1}"
            run = str(given.get("runName") or "")
            version = sum(a.state == "COMMITTED" for a in family)
            same = RemoteArtifact(serial, given["artifactTypeName"], name, digest, version, run)
            same.client_id = given.get("clientID") or ""
            same.metadata, same.description = given.get("metadata"), given.get("description")
            self.artifacts[same.id] = same
        for alias in given.get("aliases") or []:
            for other in family:
                if alias["alias"] in other.aliases:
                    other.aliases.remove(alias["alias"])
            same.aliases.append(alias["alias"])
        latest = family[-1].id if family else None
        sequence = {"latestArtifact": {"id": latest} if latest else None}
        node = {"id": same.id, "state": same.state, "artifactSequence": sequence}
        return data({"createArtifact": {"artifact": node}})

    def do_CreateArtifactManifest(self, v: dict[str, Any]) -> Answer:
        artifact = self.artifacts[v["artifactID"]]
        store = f"m{artifact.id}"
        artifact.manifest = store
        file = {"id": store, "uploadUrl": f"{self.url}/storage/{store}", "uploadHeaders": []}
        manifest = {"id": f"manifest-{artifact.id}", "file": file}
        return data({"createArtifactManifest": {"artifactManifest": manifest}})

    def do_UpdateArtifactManifest(self, v: dict[str, Any]) -> Answer:
        artifact = self.artifacts[v["artifactManifestID"].removeprefix("manifest-")]
        store = f"m{artifact.id}"
        artifact.manifest = store
        file = {"id": store, "uploadUrl": f"{self.url}/storage/{store}", "uploadHeaders": []}
        manifest = {"id": f"manifest-{artifact.id}", "file": file}
        return data({"updateArtifactManifest": {"artifactManifest": manifest}})

    def do_CreateArtifactFiles(self, v: dict[str, Any]) -> Answer:
        edges = []
        for spec in v["input"]["artifactFiles"]:
            artifact = self.artifacts[spec["artifactID"]]
            store = f"a{artifact.id}-{hashlib.sha256(spec['name'].encode()).hexdigest()[:16]}"
            artifact.files[spec["name"]] = store
            node = {
                "storagePath": f"wandb_artifacts/{store}",
                "uploadUrl": f"{self.url}/storage/{store}",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": artifact.id},
            }
            edges.append({"node": node})
        return data({"createArtifactFiles": {"files": {"edges": edges}}})

    def do_CommitArtifact(self, v: dict[str, Any]) -> Answer:
        artifact = self.artifacts[v["artifactID"]]
        artifact.state = "COMMITTED"
        node = {"id": artifact.id, "digest": artifact.digest}
        return data({"commitArtifact": {"artifact": node}})

    def do_UseArtifact(self, v: dict[str, Any]) -> Answer:
        given = v["input"]
        used_by = self.artifacts[given["artifactID"]].used_by
        if given["runName"] not in used_by:
            used_by.append(given["runName"])
        return data({"useArtifact": {"artifact": {"id": given["artifactID"]}}})

    def do_ClientIDMapping(self, v: dict[str, Any]) -> Answer:
        for artifact in self.artifacts.values():
            if artifact.client_id == v["clientID"]:
                return data({"clientIDMapping": {"serverID": artifact.id}})
        return data({"clientIDMapping": None})

    def do_TrackerliteArtifacts(self, v: dict[str, Any]) -> Answer:
        run = self.find(v)
        edges = [
            {
                "node": {
                    "digest": a.digest,
                    "versionIndex": a.version,
                    "state": a.state,
                    "aliases": [{"alias": alias} for alias in a.aliases],
                    "artifactType": {"name": a.type},
                    "artifactSequence": {"name": a.name},
                }
            }
            for a in self.artifacts.values()
            if run is not None and a.run == run.name
        ]
        page = {"endCursor": None, "hasNextPage": False}
        answer = {"edges": edges, "pageInfo": page}
        return data({"project": {"run": {"outputArtifacts": answer}}})

    def do_TrackerliteArtifact(self, v: dict[str, Any]) -> Answer:
        name, _, alias = v["name"].partition(":")
        for a in self.artifacts.values():
            if a.name == name and (alias in a.aliases or alias == f"v{a.version}"):
                node = {"id": a.id, "artifactType": {"name": a.type}, "digest": a.digest}
                return data({"project": {"artifact": node}})
        return data({"project": {"artifact": None}})


_TYPE = {"fields": [], "inputFields": [], "args": []}
_PROBED = [
    "QueryType",
    "MutationType",
    "ServerInfoType",
    "UpsertBucketInputType",
    "UseArtifactInputType",
    "CreateArtifactInputType",
    "ArtifactInfoType",
]


class Refused(Exception):
    """An HTTP status with a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def data(answer: Any) -> Answer:
    return 200, {"data": answer}


def _put(run: RemoteRun, lines: list[str], offset: int, new: list[str], lie: str) -> None:
    """Store lines at their offset, as W&B does; a liar stores something else."""
    if lie == "drop":
        lines.extend(line for i, line in enumerate(new) if i % 7)
        return
    if lie == "double":
        lines.extend(line for line in new for _ in (0, 1))
        return
    if lie == "alter":
        new = [re.sub(r'("loss":\s*)[-\d.e]+', r"\g<1>0.125", line) for line in new]
    if offset > len(lines):
        run.gaps += 1
        offset = len(lines)
    lines[offset : offset + len(new)] = new


_STEP = re.compile(r'"_step":\s*(-?\d+)')


def _steps(run: RemoteRun) -> list[int]:
    return [int(found.group(1)) if (found := _STEP.search(line)) else -1 for line in run.history]
