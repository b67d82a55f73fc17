"""A W&B server on 127.0.0.1, for tests: real HTTP that the real `wandb` package talks to.

It keeps what arrives (rows at the offsets they were sent to, as W&B does), answers the questions
that `wandb sync`, `wandb.Api` and trackerlite ask, and misbehaves on request (`Fault`).

    with Loopback() as server:
        server.fault("file_stream", status=403)
        ...
        server.run("project", "run-id").history       # raw lines, in order
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sync.loopback_graphql import World

KEY = "0123456789abcdef0123456789abcdef01234567"  # 40 characters, as wandb demands


@dataclass
class Fault:
    """One misbehaviour, applied to requests whose place matches `where`.

    where: "graphql", "graphql:UpsertBucket", "file_stream", "upload" or "*".
    kind: "status", "cut_before" (store nothing, close), "cut_after" (store, close unanswered),
    "hang" (seconds), or a lie told with 200: "drop", "double", "alter" (rows of a file stream).
    match: only requests whose path holds this text (a run's id, say).
    skip: how many matching requests pass first; times: how many are hit (-1 = all).
    """

    where: str
    kind: str = "status"
    status: int = 500
    times: int = -1
    skip: int = 0
    retry_after: float | None = None
    seconds: float = 0.0
    message: str = "injected"
    match: str = ""
    hits: int = 0

    def strikes(self, place: str, path: str) -> bool:
        if self.match not in path:
            return False
        if not (self.where == "*" or place == self.where or place.startswith(self.where + ":")):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times == 0:
            return False
        self.times -= self.times > 0
        self.hits += 1
        return True


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    place: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Loopback:
    """The server: a thread pool behind one port, `world` holds what it was told."""

    def __init__(self, entity: str = "loop", record: bool = False) -> None:
        self.world = World(entity)
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.record = record
        self.key: str | None = KEY
        self.heard = 0  # posts of rows so far
        self.delay = 0.0  # seconds that a post of rows takes before it is stored
        self.lock = threading.RLock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.loopback = self
        self.port = int(self._http.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.world.url = self.url
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fault(self, where: str, kind: str = "status", **options: Any) -> Fault:
        fault = Fault(where, kind, **options)
        self.faults.append(fault)
        return fault

    def run(self, project: str, run: str, entity: str | None = None) -> Any:
        return self.world.runs[(entity or self.world.entity, project, run)]

    def rows(self, project: str, run: str) -> list[dict[str, Any]]:
        """History rows as parsed JSON."""
        return [json.loads(line) for line in self.run(project, run).history]

    def environment(self) -> dict[str, str]:
        """What a client needs in its environment to speak to this server, impatiently.

        The uploader takes whole seconds for its pauses; 0 means its own, longer ones.
        """
        return {
            "WANDB_BASE_URL": self.url,
            "WANDB_API_KEY": KEY,
            "WANDB_ENTITY": self.world.entity,
            "WANDB__FILE_STREAM_TRANSMIT_INTERVAL": "0.05",
            "WANDB__FILE_STREAM_MAX_BYTES": "20000",
            "WANDB__FILE_STREAM_RETRY_WAIT_MIN_SECONDS": "1",
            "WANDB__FILE_STREAM_RETRY_WAIT_MAX_SECONDS": "1",
            "WANDB__GRAPHQL_RETRY_WAIT_MIN_SECONDS": "1",
            "WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS": "1",
            "WANDB__FILE_TRANSFER_RETRY_WAIT_MIN_SECONDS": "1",
            "WANDB__FILE_TRANSFER_RETRY_WAIT_MAX_SECONDS": "1",
        }

    @contextmanager
    def held(self) -> Iterator[World]:
        with self.lock:
            yield self.world


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    loopback: Loopback

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients are killed on purpose


class _Cut(Exception):
    """Close the connection without a word."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        loop = self.server.loopback
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                body = self._chunked()
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            place, request = _place(self.command, self.path, body)
            if loop.record:
                headers = dict(self.headers.items())
                loop.seen.append(Seen(self.command, self.path, place, body, headers))
            fault = None
            with loop.lock:
                fault = next((f for f in loop.faults if f.strikes(place, self.path)), None)
            if fault and self._misbehave(fault):
                return
            if not self._authorised(loop, place):
                self._answer(401, {"errors": [{"message": "user is not logged in"}]})
                return
            loop.heard += place == "file_stream"
            if loop.delay and place == "file_stream":
                time.sleep(loop.delay)
            lie = fault.kind if fault and fault.kind in ("drop", "double", "alter") else ""
            with loop.lock:
                try:
                    status, answer = loop.world.handle(place, request, self.path, body, lie)
                except Exception as error:
                    loop.world.unknown.append(f"{place}: {error!r} {str(request)[-800:]}")
                    status, answer = 400, {"errors": [{"message": "the loopback failed"}]}
            if fault and fault.kind == "cut_after":
                raise _Cut
            self._answer(status, answer)
        except (_Cut, ConnectionError, TimeoutError):
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    do_GET = do_POST = do_PUT = _serve

    def _misbehave(self, fault: Fault) -> bool:
        """True: the request was dealt with here."""
        if fault.kind == "cut_before":
            raise _Cut
        if fault.kind == "hang":
            time.sleep(fault.seconds)
            return False
        if fault.kind == "status":
            extra = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            self._answer(fault.status, {"errors": [{"message": fault.message}]}, extra)
            return True
        return False

    def _authorised(self, loop: Loopback, place: str) -> bool:
        if loop.key is None or place in ("upload", "storage"):
            return True
        given = self.headers.get("Authorization", "")
        wanted = base64.b64encode(f"api:{loop.key}".encode()).decode()
        return given == f"Basic {wanted}"

    def _answer(self, status: int, answer: Any, extra: dict[str, str] | None = None) -> None:
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _chunked(self) -> bytes:
        parts = []
        while True:
            size = int(self.rfile.readline().strip() or b"0", 16)
            if size == 0:
                self.rfile.readline()
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline()


def _place(method: str, path: str, body: bytes) -> tuple[str, Any]:
    """Where a request goes, and its JSON: "graphql:Name", "file_stream", "upload", …"""
    if path.startswith("/graphql"):
        request = json.loads(body or b"{}")
        name = request.get("operationName")
        if not name:
            found = re.search(r"\b(?:query|mutation)\s+(\w+)", request.get("query", ""))
            name = found.group(1) if found else "?"
        return f"graphql:{name}", request
    if path.endswith("/file_stream"):
        return "file_stream", json.loads(body or b"{}")
    if path.startswith("/storage/"):
        return ("upload" if method == "PUT" else "storage"), None
    return "other", None
