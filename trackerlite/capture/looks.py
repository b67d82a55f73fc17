"""The look of a secret: tokens of well-known services, private keys, passwords in URLs."""

from __future__ import annotations

import re
from collections.abc import Callable

from trackerlite.capture.names import compiled


def has_digit(found: str) -> bool:
    """Whether there is a digit in it."""
    return any(c.isdigit() for c in found)


def without_lookalikes(text: str, mark: str) -> str:
    """`text` with `mark` for all that looks like a secret, whatever stands beside it."""
    text = _without_private_keys(text, mark)
    for prefix, pattern, accept in _TOKENS:
        if prefix in text:
            text = compiled(pattern).sub(_Replace(accept, mark), text)
    if "://" in text:
        text = compiled(_URL_PAIR).sub(rf"://{mark}@", text)
        text = compiled(_URL_USER).sub(rf"\1{mark}@", text)
    return text


_DENSE = r"[A-Za-z0-9]{16}"


def _is_dense(found: str) -> bool:
    """A key has a long unbroken run with digits; `sk-learn-baseline-2024` has not."""
    return has_digit(found) and compiled(_DENSE).search(found) is not None


def _is_mixed(found: str) -> bool:
    """Random letters are of both cases; `hf_` before a long word in one is a name."""
    return found[3:].upper() != found[3:] != found[3:].lower()


def _always(found: str) -> bool:  # noqa: ARG001
    return True


class _Replace:
    """A replacement that leaves alone what only starts like a secret."""

    def __init__(self, accept: Callable[[str], bool], mark: str) -> None:
        self.accept, self.mark = accept, mark

    def __call__(self, match: re.Match[str]) -> str:
        found, start = match.group(), match.start()
        inside_word = start > 0 and (
            match.string[start - 1].isalnum() or match.string[start - 1] == "_"
        )
        return found if inside_word or not self.accept(found) else self.mark


# (a literal that must be there, the pattern, what a match must also satisfy).
# The literal is looked for first: on ordinary text no pattern runs at all. A pattern
# begins with its literal, not with \\b, so that the engine can skip to it.
_TOKENS: list[tuple[str, str, Callable[[str], bool]]] = [
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
        ("_test_", r"[spr]k_test_[0-9A-Za-z]{16,}", has_digit),
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
        ("earer ", r"(?<=earer )[0-9A-Za-z._~+/=-]{16,}", has_digit),
    )
]

# user:password@, where the password may hold slashes but the whole is no host:port/path.
_URL_PAIR = r"://[^\s:/?#@\"'<>]{0,256}:(?![0-9]{1,5}(?:[/?#\s]|$))[^\s@\"'<>]{1,512}@(?:[^\s@/\"'<>]{1,256}@)?"
# https://TOKEN@host; a bare user is kept elsewhere (ssh://git@host says nothing secret).
_URL_USER = r"(?i)(https?://)[^\s:/?#@\"'<>]{1,512}@"

_BEGIN, _END = "-----BEGIN ", "-----END "


def _without_private_keys(text: str, mark: str) -> str:
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
            out += [text[done:at], mark]
            done = stop
            at = text.find(_BEGIN, stop)
        else:
            at = text.find(_BEGIN, at + len(_BEGIN))
    out.append(text[done:])
    return "".join(out)
