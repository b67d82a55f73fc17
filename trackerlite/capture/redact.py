"""Secrets, taken out before anything reaches a file.

Three nets, each catching what the others miss: the *name* beside a value
(``api_key``), the *look* of a value (``hf_…``, a private key, ``user:pass@host``),
and values already *known* to be secret in this process (environment variables,
``~/.netrc``, whatever a name gave away earlier), plain, URL-quoted or base64.
Every pattern is linear in its input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trackerlite.capture import known
from trackerlite.capture.assigned import without_assigned
from trackerlite.capture.commands import secrets_in, without_secrets
from trackerlite.capture.looks import without_lookalikes
from trackerlite.capture.names import compiled, is_secret_box, is_secret_name, is_secret_word

REDACTED = "[redacted]"

MAX_DEPTH = 64

_COLOURS = r"\x1b\[[0-9;:?]{0,32}[A-Za-z]"
_LINES = [
    ("wandb login", r"(wandb login )(?!-)[^\s\"']{32,}"),
    # netrc, in one line or several; `password` and a plain word is prose.
    ("login ", r"(?m)(\blogin\s{1,80}\S{1,256}\s{1,80}password[ \t]{1,80})[^\s\"']{6,256}(?=\s*$)"),
    (
        "password",
        r"(?m)(^[+-]?[ \t]{0,80}password[ \t]{1,80})(?=\S{0,256}[0-9])[^\s\"']{6,256}(?=[ \t]*$)",
    ),
]


def redact_value(key_path: str, value: Any) -> Any:
    """`value` as it may be recorded under `key_path` ("a.b.c"); a new object if changed."""
    return _value(key_path, value, (), False)


def redact_config(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """A copy of a (nested) mapping without secrets; keys and other values stay as they are."""
    return {
        _key(key): _value(str(key), value, (), _in_a_box(str(key)))
        for key, value in mapping.items()
    }


def _in_a_box(path: str) -> bool:
    """Whether a flattened key lies below a name that makes all below it secret."""
    at = path.find(".")
    while at >= 0:
        if is_secret_box(path[:at]):
            return True
        at = path.find(".", at + 1)
    return False


def redact_argv(argv: Sequence[str]) -> list[str]:
    """A command line without secrets: `--api-key X`, `a.password=X`, `wandb login X`, `mysql -pX`."""
    out: list[str] = []
    flagged = False  # the word before named a secret, so this one is it
    unnamed = dict(secrets_in(argv))
    for at, word in enumerate(argv):
        if at in unnamed:
            start = unnamed[at]
            known.remember(word[start:].rpartition(":")[2])
            out.append(word[:start] + REDACTED)
            flagged = False
            continue
        if flagged and not (word.startswith("-") and is_secret_word(word)):
            known.remember(word)
            out.append(REDACTED)
            flagged = False
            continue
        flagged = False
        name, equals, value = word.partition("=")
        if equals and " " not in name and is_secret_name(name.lstrip("-+~"), value):
            known.remember(value)
            out.append(f"{name}={REDACTED}")
            continue
        if word.startswith("-") and not equals:
            flagged = is_secret_word(word)
        elif word == "login" and out and out[-1].rsplit("/", 1)[-1].startswith("wandb"):
            flagged = True
        out.append(redact_text(word))
    return out


def redact_name(text: str) -> str:
    """A name that is also an identity or a file's (project, run, artifact): as `redact_text`,
    with a mark that may stand in a path."""
    return redact_text(text).replace(REDACTED, "redacted")


def redact_looks(text: str) -> str:
    """`text` without what is known as, or looks like, a secret; the names in it are not read.

    For pages and scripts, where `token:"…"` is code as often as not.
    """
    text = known.scrub(text, REDACTED)
    return without_lookalikes(text, REDACTED)


def redact_text(text: str) -> str:
    """Any text (patch, console, URL, traceback) without what looks like or is known as secret."""
    if len(text) < 6:
        return text
    if "\x1b[" in text:
        # Colours end words for a reader, not for a pattern: a text with a secret loses both.
        bare = compiled(_COLOURS).sub("", text)
        clean = redact_text(bare)
        return text if clean == bare else clean
    text = redact_looks(text)
    for word, pattern in _LINES:
        if word in text:
            text = compiled(pattern).sub(rf"\1{REDACTED}", text)
    return without_assigned(without_secrets(text, REDACTED), REDACTED)


# -- values ---------------------------------------------------------------


def _value(key: str, value: Any, above: tuple[int, ...], inside: bool) -> Any:
    """`above`: ids of what encloses it. `inside`: an enclosing name says all below is secret."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (Mapping, list, tuple)):
        if id(value) in above or len(above) >= MAX_DEPTH:
            return "..."  # it contains itself, as Python prints it
        above = (*above, id(value))
    if isinstance(value, Mapping):
        below = inside or is_secret_box(key)
        return {_key(k): _value(f"{key}.{k}", v, above, below) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        words = len(value) > 1 and all(isinstance(word, str) for word in value)
        if words and not inside and not is_secret_name(key, "x" * 16):
            return redact_argv(value)  # a command line may be kept as a list
        return [_value(key, v, above, inside) for v in value]
    if isinstance(value, str):
        if value and (inside or is_secret_name(key, value)):
            known.remember(value)
            return REDACTED
        return redact_text(value)
    if isinstance(value, (bytes, bytearray)):
        return REDACTED if inside or is_secret_name(key, "x" * 16) else value
    if isinstance(value, (int, float)):
        return REDACTED if is_secret_name(key, value) else value
    return value


def _key(key: Any) -> Any:
    return redact_text(key) if isinstance(key, str) else key
