"""Keys: found where wandb keeps them, written 0600 without touching a neighbour, shown nowhere."""

from __future__ import annotations

import stat
import types
from pathlib import Path

import pytest

from trackerlite.backends import credentials
from trackerlite.backends.errors import for_status, unreachable
from trackerlite.errors import BadInput

KEY = "a1" * 20
URL = "https://wandb.example.com"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_keyring", lambda: None)


def test_round_trip_beside_other_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored, found, replaced and forgotten; comments, macros and other machines stay as they were."""
    netrc = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(netrc))
    others = "# mine\nmachine a.example\n  login x\n  password y\n\nmacdef init\ncd /tmp\n\nmachine z login q password r\n"
    netrc.write_text(others)
    assert credentials.store(URL, KEY) == str(netrc)
    assert stat.S_IMODE(netrc.stat().st_mode) == 0o600
    assert credentials.find(URL).key == KEY
    credentials.store(URL, "b2" * 20)
    assert credentials.find(URL).key == "b2" * 20
    assert netrc.read_text().count("wandb.example.com") == 1
    assert credentials.forget(URL) == [str(netrc)]
    assert netrc.read_text() == others
    assert credentials.find(URL).key is None


def test_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WANDB_API_KEY and WANDB_BASE_URL before stored ones, as wandb has it."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    credentials.store(URL, KEY)
    monkeypatch.setenv("WANDB_API_KEY", "c3" * 20)
    monkeypatch.setenv("WANDB_BASE_URL", URL + "/")
    found = credentials.find()
    assert (found.url, found.key, found.source) == (URL, "c3" * 20, "WANDB_API_KEY")


def test_the_settings_file_of_wandb_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A base_url that `wandb login --host` left in its settings file is ours too."""
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    (tmp_path / "settings").write_text("[default]\nbase_url = https://own.example\n")
    assert credentials.base_url() == "https://own.example"


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://own.example"])
def test_what_is_no_address_is_said(url: str) -> None:
    """An address without http, https or a host is named as such, not looked up."""
    with pytest.raises(BadInput, match="is no server's address"):
        credentials.find(url)


def test_a_keyring_is_used_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a keyring the netrc file is not written."""
    kept: dict[tuple[str, str], str] = {}
    ring = types.SimpleNamespace(
        get_password=lambda service, name: kept.get((service, name)),
        set_password=lambda service, name, key: kept.__setitem__((service, name), key),
        delete_password=lambda service, name: kept.pop((service, name)),
    )
    monkeypatch.setattr(credentials, "_keyring", lambda: ring)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert credentials.store(URL, KEY) == "keyring"
    assert credentials.find(URL).source == "keyring"
    assert not (tmp_path / "netrc").exists()
    assert credentials.forget(URL) == ["keyring"]


@pytest.mark.parametrize("bad", ["", "short", "has space " * 5, "x" * 600, "ключ" * 12])
def test_what_is_no_key_is_not_repeated(bad: str) -> None:
    """A refused key is not in the message."""
    with pytest.raises(BadInput) as caught:
        credentials.store(URL, bad)
    assert bad.strip() not in str(caught.value) or not bad.strip()


def test_a_key_is_not_in_a_repr() -> None:
    """Printing the credentials does not print the key."""
    assert KEY not in repr(credentials.Credentials(URL, KEY, "netrc"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 418, 429, 500, 503])
def test_each_status_says_what_happened_what_is_safe_and_what_to_do(status: int) -> None:
    """The server's name, the number, that nothing is lost; control characters made visible."""
    text = str(for_status(status, "api.example", "bad\x1b[31m", wait=12))
    assert "api.example" in text
    assert str(status) in text
    assert "safe" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("[SSL: CERTIFICATE_VERIFY_FAILED] self signed"), "SSL_CERT_FILE"),
        (OSError("Tunnel connection failed: 407"), "HTTPS_PROXY"),
        (OSError("[Errno -2] Name or service not known"), "offline"),
        (TimeoutError("timed out"), "in time"),
        (ConnectionRefusedError("refused"), "WANDB_BASE_URL"),
        (ConnectionResetError("reset by peer"), "broke"),
    ],
)
def test_each_kind_of_no_connection_has_its_words(error: Exception, words: str) -> None:
    """Certificate, proxy, name, time, refusal: what to look at."""
    assert words in str(unreachable("api.example", error))
