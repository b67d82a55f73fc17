"""Secrets, taken out before anything reaches a file.

Three nets, each catching what the others miss: the *name* beside a value
(``api_key``), the *look* of a value (``hf_…``, a private key, ``user:pass@host``),
and values already *known* to be secret in this process (environment variables,
``~/.netrc``, whatever a name gave away earlier), plain, URL-quoted or base64.
Every pattern is linear in its input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trackerlite.capture import known
from trackerlite.capture.commands import secrets_in, without_secrets
from trackerlite.capture.names import (
    compiled,
    is_secret_box,
    is_secret_name,
    is_secret_word,
    secret_kind,
)

REDACTED = "[redacted]"

MAX_DEPTH = 64


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
    text = _private_keys(text)
    for prefix, pattern, accept in _TOKENS:
        if prefix in text:
            text = compiled(pattern).sub(_Replace(accept), text)
    if "://" in text:
        text = compiled(_URL_PAIR).sub(rf"://{REDACTED}@", text)
        text = compiled(_URL_USER).sub(rf"\1{REDACTED}@", text)
    return text


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
    text = without_secrets(text, REDACTED)
    if _suspect(text):
        lines = text.splitlines(keepends=True)
        text = "".join([_assignments(line) if _suspect(line) else line for line in lines])
    return text


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


# -- the look of a value --------------------------------------------------


def _has_digit(found: str) -> bool:
    return any(c.isdigit() for c in found)


_LONG = r"[A-Za-z0-9_+/-]{20}"
_DENSE = r"[A-Za-z0-9]{16}"


def _is_dense(found: str) -> bool:
    """A key has a long unbroken run with digits; `sk-learn-baseline-2024` has not."""
    return _has_digit(found) and compiled(_DENSE).search(found) is not None


def _is_mixed(found: str) -> bool:
    """Random letters are of both cases; `hf_` before a long word in one is a name."""
    return found[3:].upper() != found[3:] != found[3:].lower()


def _always(found: str) -> bool:  # noqa: ARG001
    return True


class _Replace:
    """A replacement that leaves alone what only starts like a secret."""

    def __init__(self, accept: Any) -> None:
        self.accept = accept

    def __call__(self, match: re.Match[str]) -> str:
        found, start = match.group(), match.start()
        inside_word = start > 0 and (
            match.string[start - 1].isalnum() or match.string[start - 1] == "_"
        )
        return found if inside_word or not self.accept(found) else REDACTED


# (a literal that must be there, the pattern, what a match must also satisfy).
# The literal is looked for first: on ordinary text no pattern runs at all. A pattern
# begins with its literal, not with \\b, so that the engine can skip to it.
_TOKENS: list[tuple[str, str, Any]] = [
    (literal, pattern, accept)
    for literal, pattern, accept in (
        ("hf_", r"hf_[A-Za-z0-9]{30,}", _is_mixed),
        ("api_org_", r"api_org_[A-Za-z0-9]{30,}", _is_mixed),
        ("sk-", r"sk-[A-Za-z0-9_-]{16,}", _is_dense),
        ("gsk_", r"gsk_[A-Za-z0-9]{20,}", _always),
        ("xai-", r"xai-[A-Za-z0-9]{20,}", _always),
        ("r8_", r"r8_[A-Za-z0-9]{30,}", _always),
        ("nvapi-", r"nvapi-[A-Za-z0-9_-]{20,}", _always),
        ("wandb_v", r"wandb_v\d_[A-Za-z0-9_]{16,}", _always),
        ("local-", r"local-[0-9a-f]{40}\b", _always),
        ("gh", r"gh[pousr]_[A-Za-z0-9]{20,}", _always),
        ("github_pat_", r"github_pat_[A-Za-z0-9_]{20,}", _always),
        ("gl", r"gl(?:pat|ptt|rt|dt|soat|cbt|ft|agent|imt)-[A-Za-z0-9_.-]{16,}", _always),
        ("xox", r"xox[a-z]-[A-Za-z0-9-]{10,}", _always),
        ("xapp-", r"xapp-[A-Za-z0-9-]{10,}", _always),
        ("hooks.slack.com/", r"hooks\.slack\.com/[A-Za-z]+/[A-Za-z0-9/_-]{10,}", _always),
        ("/api/webhooks/", r"/api/webhooks/[0-9]+/[A-Za-z0-9_-]{10,}", _always),
        ("AKIA", r"AKIA[0-9A-Z]{16}\b", _always),
        ("ASIA", r"ASIA[0-9A-Z]{16}\b", _always),
        ("AIza", r"AIza[0-9A-Za-z_-]{30,}", _always),
        ("ya29.", r"ya29\.[0-9A-Za-z_-]{20,}", _always),
        ("GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{20,}", _always),
        ("_live_", r"[spr]k_live_[0-9A-Za-z]{16,}", _always),
        ("_test_", r"[spr]k_test_[0-9A-Za-z]{16,}", _has_digit),
        ("whsec_", r"whsec_[0-9A-Za-z+/=]{16,}", _always),
        ("SG.", r"SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}", _always),
        ("npm_", r"npm_[0-9A-Za-z]{30,}", _always),
        ("pypi-", r"pypi-[0-9A-Za-z_-]{40,}", _always),
        ("_v1_", r"do[opr]_v1_[0-9a-f]{40,}", _always),
        ("dapi", r"dapi[0-9a-f]{32}\b", _always),
        ("lin_api_", r"lin_api_[0-9A-Za-z]{30,}", _always),
        ("dckr_pat_", r"dckr_pat_[0-9A-Za-z_-]{20,}", _always),
        ("hvs.", r"hvs\.[0-9A-Za-z_-]{20,}", _always),
        ("SK", r"SK[0-9a-f]{32}\b", _always),
        (
            "eyJ",
            r"(?<![0-9A-Za-z_-])eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}(?:\.[0-9A-Za-z_-]*)?",
            _always,
        ),
        ("earer ", r"(?<=earer )[0-9A-Za-z._~+/=-]{16,}", _has_digit),
    )
]

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
# user:password@, where the password may hold slashes but the whole is no host:port/path.
_URL_PAIR = r"://[^\s:/?#@\"'<>]{0,256}:(?![0-9]{1,5}(?:[/?#\s]|$))[^\s@\"'<>]{1,512}@(?:[^\s@/\"'<>]{1,256}@)?"
# https://TOKEN@host; a bare user is kept elsewhere (ssh://git@host says nothing secret).
_URL_USER = r"(?i)(https?://)[^\s:/?#@\"'<>]{1,512}@"

_BEGIN, _END = "-----BEGIN ", "-----END "


def _private_keys(text: str) -> str:
    """Cuts PEM private keys; one whose end is missing is cut to the end of the text."""
    at = text.find(_BEGIN)
    if at < 0:
        return text
    out, done = [], 0
    while at >= 0:
        head = text[at : at + 64].split("-----", 2)
        label = head[1] if len(head) > 2 else ""
        if "PRIVATE KEY" in label:
            end = text.find(_END, at)
            stop = len(text) if end < 0 else text.find("-----", end + len(_END)) + 5
            stop = len(text) if stop < 5 else stop
            out += [text[done:at], REDACTED]
            done = stop
            at = text.find(_BEGIN, stop)
        else:
            at = text.find(_BEGIN, at + len(_BEGIN))
    out.append(text[done:])
    return "".join(out)


# -- names inside text ----------------------------------------------------

# Substring search is an order faster than one pattern with alternatives.
_SUSPECT = ["passw", "passphrase", "pwd", "secret", "token", "credential", "auth", "cookie"]
_SUSPECT += ["signature", "sig=", "apikey", "accesskey", "accountkey", "privatekey"]
_KEYS = (
    r"(?:api|access|account|private|encryption|signing|master|shared|service|ssh|wandb|"
    r"license|storage)[ _-]key"
)


def _suspect(text: str) -> bool:
    if "=" not in text and ":" not in text and "--" not in text:
        return False
    text = text.lower()
    for word in _SUSPECT:
        if word in text:
            return True
    return "key" in text and compiled(_KEYS).search(text) is not None


_ASSIGN = (
    r"(?<![\w.-])(?=[\w-])(?:(-{0,2}[A-Za-z_][\w.-]{0,80})"  # the name, from its own beginning
    r"(\\{0,3}[\"']?\]?\s{0,4}(?:=>|:=|[:=])\s{0,4})|"  # = or :
    r"(--[A-Za-z_][\w.-]{0,80})[ \t]{1,4})"  # `--flag value`
    r"([fbruFBRU]{0,2}\\{0,3}[\"'])?"  # an opening quote, escaped when JSON sits in JSON
)
# Looked at up to a length, or a line of nothing but `password=` would cost its square.
_BARE = r"[^\s\"',;&|)}\]]{1,512}"
_BARE_WORD = r"[^\s\"',;&|)}\]=:]{1,512}={0,2}"
_REST = r"[^\s\"',;&|)}\]]*"
_HEADER = r"(?i)(?:proxy-)?authorization$|(?:set-)?cookie$"
_WHOLE_LINE = r"[^\"'\r\n]*"
# Unquoted, these are code, or nothing at all.
_EXPRESSION = (
    r"(?i)(?:none|null|true|false|nil|self|str|int|\*+|<.*|\$.*|%.*|\[redacted\])$|.*[(\[{]"
)
_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$"


def _assignments(line: str) -> str:
    """One line with the values of secret names replaced: code, YAML, JSON, header or shell."""
    out, done, at = [], 0, 0
    while match := compiled(_ASSIGN).search(line, at):
        named, _, option, quote = match.groups()
        name, flag = named or option, named is None
        at = match.end(3 if flag else 1)  # the value may itself be `name=value`
        kind, spoken = secret_kind(name), False
        if not kind and not flag:
            # `Your API key: …`, as people write it: sure only of what looks like one.
            before = line[max(0, match.start() - 24) : match.start()].split(" ")
            if len(before) > 1 and secret_kind(f"{before[-2]} {name}") == "strong":
                name, kind, spoken = f"{before[-2]} {name}", "strong", True
        if not kind:
            continue
        start = match.end()
        header = compiled(_HEADER).search(name) is not None
        if header:
            stop = _end(_WHOLE_LINE, line, start)
        elif quote:
            stop = _closing(line, start, quote[-1])
        else:
            stop = _end(_BARE if kind == "strong" else _BARE_WORD, line, start)
        value = line[start:stop]
        if not value.strip() or value == REDACTED or not is_secret_name(name, value):
            continue
        if spoken and not (_has_digit(value) and compiled(_LONG).search(value)):
            continue
        if not quote and not header:
            if _is_code(name, value, kind, flag):
                continue
            stop = _end(_REST, line, stop)
        out += [line[done:start], REDACTED]
        done = at = stop
    out.append(line[done:])
    return "".join(out)


def _end(pattern: str, line: str, start: int) -> int:
    match = compiled(pattern).match(line, start)
    return match.end() if match else start


def _is_code(name: str, value: str, kind: str, flag: bool) -> bool:
    """Whether an unquoted value only fetches a secret (`password=args.password`)."""
    if (
        compiled(_EXPRESSION).match(value)
        or compiled(_DOTTED).match(value)
        or value.lower() in name.lower()
    ):
        return True
    if kind != "strong" and not (len(value) >= 8 and _has_digit(value)):
        return True
    return (flag and value.startswith("-")) or value.isdigit()


def _closing(line: str, start: int, quote: str) -> int:
    """Where a quoted value ends: its closing quote, or the end of the line."""
    at = line.find(quote, start)
    while at > 0 and line[at - 1] == "\\" and (at < 2 or line[at - 2] != "\\"):
        # An escaped quote ends the value only where the opening one was escaped as well.
        if start >= 2 and line[start - 2] == "\\":
            return at - 1
        at = line.find(quote, at + 1)
    return at if at >= 0 else len(line.rstrip("\r\n"))
