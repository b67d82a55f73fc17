"""W&B's GraphQL over plain HTTP: the questions `sync` asks before and after an upload.

The standard library only: a cursor must not cost the second that importing wandb takes. Connections
are kept open, one per thread; HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are honoured.
"""

from __future__ import annotations

import base64
import errno
import http.client
import json
import os
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from trackerlite.backends.errors import NotThere, RateLimited, RemoteError, for_status, unreachable

Notice = Callable[[str], None]


ABSENT = 5.0  # seconds


class WandbHttp:
    """A GraphQL client for one server and one key.

    patience: seconds to keep trying when the server is busy, failing or gone; where nobody was there
        from the beginning, five: this machine is offline, or the address is wrong.
    notice: told, in a sentence, when it waits.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None,
        *,
        timeout: float = 30.0,
        patience: float = 30.0,
        notice: Notice | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        parts = urlsplit(self.base_url)
        self.host = parts.netloc.rpartition("@")[2]
        self._secure = parts.scheme == "https"
        self._path = parts.path.rstrip("/") + "/graphql"
        self._auth = base64.b64encode(f"api:{key}".encode()).decode() if key else None
        self._timeout, self._patience = timeout, patience
        self._notice = notice or (lambda _: None)
        self._answered = False
        self._local = threading.local()

    def query(
        self, name: str, text: str, variables: dict[str, Any], *, once: bool = False
    ) -> dict[str, Any]:
        """The `data` of an answer.

        once: for what must not be said twice; without it trouble that may pass is tried again.

        Raises:
            RemoteError: the server cannot be reached, or says no.
        """
        body = json.dumps({"operationName": name, "query": text, "variables": variables}).encode()
        began, pause = time.monotonic(), 0.2
        while True:
            try:
                return self._ask(body, once)
            except RemoteError as error:
                if once:
                    raise
                wait = error.wait if isinstance(error, RateLimited) else pause
                patience = self._patience
                if not self._answered and _is_absent(error.__cause__):
                    patience = min(patience, ABSENT)
                if not error.passing or time.monotonic() + wait > began + patience:
                    raise
                if wait >= 1:
                    asked = isinstance(error, RateLimited)
                    why = (
                        "is busy, and asks to wait" if asked else "does not answer; trying again in"
                    )
                    self._notice(f"{self.host} {why} {wait:.0f} s.")
                time.sleep(wait)
                pause = min(pause * 2, 5.0)

    def _ask(self, body: bytes, once: bool = False) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "User-Agent": "trackerlite"}
        if self._auth:
            headers["Authorization"] = f"Basic {self._auth}"
        for fresh in (True,) if once else (False, True):
            connection, target, reused = self._connection(fresh)
            try:
                connection.request("POST", target, body, {**headers, **self._proxy_headers})
                response = connection.getresponse()
                data = response.read()
                self._answered = True
                break
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                if reused:  # the server closed an idle connection: once more on a new one
                    continue
                raise unreachable(self.host, error) from error
        else:  # pragma: no cover - the second turn is never a reused connection
            raise AssertionError
        if response.status != 200:
            said, wait = _said(data), _retry_after(response.headers.get("Retry-After"))
            raise for_status(response.status, self.host, said, wait)
        try:
            answer = json.loads(data)
        except ValueError as error:
            raise unreachable(self.host, error) from error
        errors = answer.get("errors")
        if errors:
            said = _said(data)
            lowered = said.lower()
            if "permission" in lowered or "forbidden" in lowered:
                raise for_status(403, self.host, said)
            if "not found" in lowered:
                raise for_status(404, self.host, said)
            raise for_status(400, self.host, said)
        found = answer.get("data")
        if not isinstance(found, dict):
            raise NotThere(f"{self.host} gave an empty answer; is WANDB_BASE_URL a W&B server?")
        return found

    _proxy_headers: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed in place

    def _connection(self, fresh: bool) -> tuple[http.client.HTTPConnection, str, bool]:
        kept = getattr(self._local, "kept", None)
        if kept is not None and not fresh:
            return kept[0], kept[1], True
        kept = self._connect()
        self._local.kept = kept
        return kept[0], kept[1], False

    def _connect(self) -> tuple[http.client.HTTPConnection, str]:
        scheme = "https" if self._secure else "http"
        proxy = urllib.request.getproxies().get(scheme)
        if proxy and not urllib.request.proxy_bypass(self.host):
            return self._through(proxy)
        if self._secure:
            return http.client.HTTPSConnection(
                self.host, timeout=self._timeout, context=_tls()
            ), self._path
        return http.client.HTTPConnection(self.host, timeout=self._timeout), self._path

    def _through(self, proxy: str) -> tuple[http.client.HTTPConnection, str]:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        where = f"{parts.hostname}:{parts.port or 8080}"
        auth = {}
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            auth = {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        if self._secure:
            tunnel = http.client.HTTPSConnection(where, timeout=self._timeout, context=_tls())
            tunnel.set_tunnel(self.host, headers=auth)
            return tunnel, self._path
        self._proxy_headers = auth
        return http.client.HTTPConnection(where, timeout=self._timeout), self.base_url + "/graphql"

    def _drop(self) -> None:
        kept = getattr(self._local, "kept", None)
        if kept is not None:
            kept[0].close()
            self._local.kept = None


def _is_absent(error: BaseException | None) -> bool:
    """Whether there was nobody to connect to: no such name, no way there, or nothing that listens."""
    return isinstance(error, (socket.gaierror, ConnectionRefusedError)) or (
        isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    )


def _tls() -> ssl.SSLContext:
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    return ssl.create_default_context(cafile=bundle or None)


def _said(data: bytes) -> str:
    try:
        errors = json.loads(data).get("errors") or []
        return "; ".join(
            str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in errors
        )
    except (ValueError, AttributeError):
        return ""


def _retry_after(header: str | None) -> float:
    try:
        return min(max(float(header or 5), 0.0), 600.0)
    except ValueError:
        return 5.0
