"""Our own questions to a server: through a proxy, over TLS, on connections that die."""

from __future__ import annotations

import http.server
import shutil
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sync.loopback import KEY, Loopback
from trackerlite.backends.errors import Forbidden, RateLimited, ServerTrouble, Unreachable
from trackerlite.backends.wandb_http import WandbHttp
from trackerlite.backends.wandb_remote import WandbRemote, viewer


class _Proxy(http.server.BaseHTTPRequestHandler):
    """Forwards requests whose line holds a whole address, as HTTP proxies get them."""

    seen: ClassVar[list[tuple[str, str]]] = []

    def do_POST(self) -> None:
        self.seen.append((self.path, self.headers.get("Proxy-Authorization", "")))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {k: v for k, v in self.headers.items() if not k.startswith("Proxy")}
        request = urllib.request.Request(self.path, body, headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request) as response:
            data = response.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[int]:
    _Proxy.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Proxy) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield int(served.server_address[1])
        served.shutdown()


def test_a_proxy_is_used_and_bypassed(
    server: Loopback, proxy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY with a password is asked, with its authorisation; NO_PROXY goes around it."""
    monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{proxy}")
    monkeypatch.delenv("no_proxy", raising=False)
    assert viewer(WandbHttp(server.url, KEY)) is not None
    ((path, auth),) = _Proxy.seen
    assert path == f"{server.url}/graphql"
    assert auth == "Basic bWU6cEBzcw=="
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert viewer(WandbHttp(server.url, KEY)) is not None
    assert len(_Proxy.seen) == 1


def test_a_dead_proxy_is_named(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is not there: refused, in plain words."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(Unreachable):
        viewer(WandbHttp(server.url, KEY, patience=0.1))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_of_ones_own(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown certificate is refused with the setting that helps; with it, all is well."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext"
    subprocess.run(
        [*make.split(), "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    url = f"https://127.0.0.1:{server.port}"
    with pytest.raises(Unreachable, match="SSL_CERT_FILE"):
        viewer(WandbHttp(url, KEY, patience=0.1))
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    assert viewer(WandbHttp(url, KEY)) is not None


def test_waiting_as_told(server: Loopback) -> None:
    """429 is waited out when patience allows, and said; else it is raised with its wait."""
    said: list[str] = []
    server.fault("graphql", status=429, times=1, retry_after=1.0)
    assert viewer(WandbHttp(server.url, KEY, notice=said.append)) is not None
    assert "asks to wait 1 s" in said[0]
    server.fault("graphql", status=429, retry_after=40.0)
    with pytest.raises(RateLimited, match="40 s"):
        viewer(WandbHttp(server.url, KEY, patience=1.0))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no.such.host.invalid"])
def test_nobody_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody ever answered the wait is short: one who works offline is told so at once."""
    monkeypatch.setattr("trackerlite.backends.wandb_http.ABSENT", 0.5)
    with pytest.raises(Unreachable, match="cannot be reached"):
        viewer(WandbHttp(url, KEY, patience=3600.0))


def test_trouble_that_passes_and_that_does_not(server: Loopback) -> None:
    """5xx, cut and stale connections are tried again; a 403 is not."""
    http = WandbHttp(server.url, KEY, patience=5.0)
    fault = server.fault("graphql", status=502, times=2)
    assert viewer(http) is not None
    assert fault.hits == 2
    server.fault("graphql", "cut_before", times=1)
    assert viewer(http) is not None
    server.faults.clear()
    fault = server.fault("graphql", status=403, message="not yours")
    with pytest.raises(Forbidden, match="not yours"):
        WandbRemote(http, "loop", "p").cursor("x")
    assert fault.hits == 1
    server.faults.clear()
    server.fault("graphql", status=500)
    with pytest.raises(ServerTrouble):
        viewer(WandbHttp(server.url, KEY, patience=0.3))
