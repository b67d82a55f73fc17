"""Values this process knows to be secret, in every form they may turn up in."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from trackerlite import paths
from trackerlite.capture.names import compiled, is_secret_name

# Shorter values turn up in ordinary text by chance ("abc", "12345", "default").
SHORTEST = 8
MOST = 256

_forms: tuple[str, ...] | None = None  # longest first
_values: dict[str, None] = {}
_learnt: list[str] = []
_lock = threading.Lock()
listeners: list[Callable[[str], None]] = []  # told of every value that becomes known
_ORDINARY = r"[A-Za-z]{1,15}$|[0-9.]{1,9}$|\[redacted\]$|[~.$<{]|/[\w.-]+(?:/|$)"


def remember(value: str) -> None:
    """From now on `value` is cut out of every text that is recorded."""
    global _forms
    if not SHORTEST <= len(value) <= 4096 or value in _values or compiled(_ORDINARY).match(value):
        return
    with _lock:
        if len(_values) >= MOST:
            return
        _values[value] = None
        _learnt.append(value)
        _forms = None
    for tell in list(listeners):
        tell(value)


def learnt() -> list[str]:
    """What became known by `remember`, for another process that knows the rest by itself."""
    return list(_learnt)


def scrub(text: str, mark: str) -> str:
    """`text` with every known secret replaced by `mark`."""
    for form in _forms if _forms is not None else _build():
        if form in text:
            text = text.replace(form, mark)
    return text


def forget() -> None:
    """Drops everything learnt, and looks at the environment again at the next use (for tests)."""
    global _forms, _looked
    with _lock:
        _values.clear()
        _learnt.clear()
        _forms, _looked = None, False


_looked = False


def _build() -> tuple[str, ...]:
    global _forms, _looked
    with _lock:
        if not _looked:
            _looked = True
            for value in (*_environment(), *_netrc()):
                if SHORTEST <= len(value) <= 4096 and not compiled(_ORDINARY).match(value):
                    _values[value] = None
        forms = {form for value in _values for form in _encodings(value)}
        _forms = tuple(sorted(forms, key=len, reverse=True))
        return _forms


_IN_URL = r"://[^\s:/?#@]{0,256}:([^\s/?#@]{1,512})@"


def _environment() -> list[str]:
    """What stands under secret names, and passwords in URLs (`DATABASE_URL`, `HTTPS_PROXY`)."""
    found = []
    for name, value in os.environ.items():
        if value and is_secret_name(name, value):
            found.append(value)
        elif "://" in value:
            found += compiled(_IN_URL).findall(value)
    return found


def _netrc() -> list[str]:
    """Passwords of `~/.netrc`, where W&B and git keep theirs; an unreadable file knows none."""
    path = Path(os.environ.get("NETRC") or paths.home() / ".netrc")
    try:
        if path.stat().st_size > 65536 or not path.is_file():
            return []
        words = path.read_text("utf-8", "replace").split()
    except (OSError, RuntimeError):
        return []
    return [b for a, b in pairwise(words) if a == "password"]


def _encodings(value: str) -> set[str]:
    """The value itself, quoted for URLs, JSON and Python, in hex, and what of its base64 no
    neighbour can change."""
    import json
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogatepass")
    forms = {value, quote(raw, safe=""), quote_plus(raw), repr(value)[1:-1]}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    if len(raw) >= 12:
        forms.add(raw.hex())
        for offset in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                coded = encode(b"\0" * offset + raw).decode().rstrip("=")
                # Cut the characters that mix in a neighbouring byte on either side.
                core = coded[
                    (0, 2, 3)[offset] : len(coded) - (0 if (len(raw) + offset) % 3 == 0 else 1)
                ]
                forms.add(core)
    return forms
