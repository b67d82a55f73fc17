"""Where W&B's key is kept: its own places, so that logging in once is enough for both.

Read: $WANDB_API_KEY, the keyring (if the `keyring` package is installed), the netrc file. Written:
the keyring or the netrc file (mode 0600), on `login` only. A key is never printed, never put into a
store, a log, an error or a command line.
"""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import os
import re
import tempfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trackerlite import paths
from trackerlite.errors import BadInput, TrackerliteError

DEFAULT_URL = "https://api.wandb.ai"
_SERVICE = "trackerlite-wandb"
_KEY = re.compile(r"[!-~]{16,512}")


class CredentialsError(TrackerliteError):
    """The file or keyring that holds keys could not be read or written."""


@dataclass(frozen=True)
class Credentials:
    """A server and the key for it. `source` says where the key was found; repr never shows it."""

    url: str
    key: str | None = field(default=None, repr=False)
    source: str = ""


def base_url() -> str:
    """$WANDB_BASE_URL, or W&B's settings file, or api.wandb.ai."""
    given = os.environ.get("WANDB_BASE_URL")
    if given:
        return given.rstrip("/")
    folder = os.environ.get("WANDB_CONFIG_DIR") or paths.home() / ".config" / "wandb"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(Path(folder) / "settings", encoding="utf-8")
        return parser.get("default", "base_url", fallback=DEFAULT_URL).rstrip("/")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return DEFAULT_URL


def find(url: str | None = None) -> Credentials:
    """The key for a server, from the first place that has one; `key` is None without.

    Raises:
        BadInput: the address is none.
    """
    url = url or base_url()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(
            f"{url!r:.80}, from WANDB_BASE_URL or W&B's settings, is no server's address: write it "
            f"such as {DEFAULT_URL}."
        )
    given = os.environ.get("WANDB_API_KEY")
    if given:
        return Credentials(url, given.strip(), "WANDB_API_KEY")
    ring = _keyring()
    if ring is not None:
        try:
            kept = ring.get_password(_SERVICE, _host(url))
        except Exception:
            kept = None
        if kept:
            return Credentials(url, kept, "keyring")
    kept = _from_netrc(_host(url))
    return Credentials(url, kept, str(netrc_path())) if kept else Credentials(url)


def check(key: str) -> str:
    """`key` if it looks like one.

    Raises:
        BadInput: it does not; the message does not repeat it.
    """
    key = key.strip()
    if not _KEY.fullmatch(key):
        raise BadInput(
            "That does not look like a W&B API key: one is 40 or more letters and digits without "
            "spaces. Nothing was stored. Copy it from the server's settings page (…/authorize)."
        )
    return key


def store(url: str, key: str, use_keyring: bool = True) -> str:
    """Keep a key; returns where.

    Raises:
        BadInput: it does not look like a key.
        CredentialsError: it could not be written.
    """
    key = check(key)
    ring = _keyring() if use_keyring else None
    if ring is not None:
        try:
            ring.set_password(_SERVICE, _host(url), key)
            return "keyring"
        except Exception:  # noqa: S110 - a locked or broken keyring: then the netrc file
            pass
    path = netrc_path()
    _rewrite(path, _host(url), key)
    return str(path)


def forget(url: str) -> list[str]:
    """Remove the key for a server everywhere; returns where it was."""
    gone = []
    ring = _keyring()
    if ring is not None:
        try:
            if ring.get_password(_SERVICE, _host(url)):
                ring.delete_password(_SERVICE, _host(url))
                gone.append("keyring")
        except Exception:  # noqa: S110 - nothing can be removed from a broken keyring
            pass
    if _from_netrc(_host(url)):
        _rewrite(netrc_path(), _host(url), None)
        gone.append(str(netrc_path()))
    return gone


def netrc_path() -> Path:
    """$NETRC, ~/.netrc, or ~/_netrc where that is the one there is."""
    given = os.environ.get("NETRC")
    if given:
        return Path(given).expanduser()
    home = paths.home()
    other = home / "_netrc"
    return other if other.exists() and not (home / ".netrc").exists() else home / ".netrc"


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _keyring() -> Any:
    if importlib.util.find_spec("keyring") is None:
        return None
    try:
        return importlib.import_module("keyring")
    except Exception:
        return None


def _from_netrc(host: str) -> str | None:
    try:
        text = netrc_path().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for machine, body in _entries(text):
        if machine == host:
            words = body.split()
            for word, following in pairwise(words):
                if word == "password":
                    return following
    return None


def _entries(text: str) -> list[tuple[str | None, str]]:
    """The file cut into pieces: (machine, its text), None for what belongs to no machine."""
    pieces: list[tuple[str | None, str]] = []
    cuts = [m.start() for m in re.finditer(r"(?m)^[ \t]*(?:machine|default|macdef)\b", text)]
    edges = [0, *cuts, len(text)] if not cuts or cuts[0] else [*cuts, len(text)]
    for start, stop in pairwise(edges):
        piece = text[start:stop]
        words = piece.split()
        machine = words[1] if len(words) > 1 and words[0] == "machine" else None
        pieces.append((machine, piece))
    return pieces


def _rewrite(path: Path, host: str, key: str | None) -> None:
    """Replace one machine's entry; everything else stays byte for byte; 0600, all or nothing."""
    try:
        target = path.resolve() if path.is_symlink() else path
        old = target.read_text(encoding="utf-8") if target.exists() else ""
        kept = "".join(piece for machine, piece in _entries(old) if machine != host)
        if key is not None:
            if kept and not kept.endswith("\n"):
                kept += "\n"
            kept += f"machine {host}\n  login user\n  password {key}\n"
        descriptor, name = tempfile.mkstemp(prefix=".netrc-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(kept)  # mkstemp made it 0600
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"{path} could not be written ({getattr(error, 'strerror', None) or error}). "
            "Nothing was changed. Set WANDB_API_KEY instead, or name another file with NETRC."
        ) from None
