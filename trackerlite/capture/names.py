"""Which names announce a secret, and which only sound like it."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

#: a pattern, ready; most trainings need few of them, and all at import would hold up `init`
compiled = cache(re.compile)
_WORDS = r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+"  # digits say nothing: f1, v2


def _words(text: str) -> set[str]:
    return set(text.split())


def _phrases(text: str) -> list[list[str]]:
    return [phrase.split() for phrase in text.split(",")]


# Each is a run of whole words inside a name, so `tokenizer` and `keyboard` are none.
_STRONG = _phrases(
    """
    password, passwd, passphrase, passcode, passwort, apikey, api key, api token, secret key,
    secret access, access key, access token, auth token, refresh token, id token, bot token,
    session token, deploy token, bearer, bearer token, private key, account key, encryption
    key, signing key, master key, shared key, service key, ssh key, license key, storage key,
    client secret, app secret, webhook secret, credential, credentials, authorization, netrc,
    cookie, cookies, set cookie, access tokens, auth tokens, api tokens, api keys, apikeys,
    access keys, private keys, passwords, wandb key, sas token, connection string, accountkey,
    secretkey, accesskey, authtoken, accesstoken, privatekey, clientsecret, amz signature, amz
    credential, amz security, db pass, dbpass, database pass, smtp pass, mail pass, email pass,
    mysql pass, postgres pass, pg pass, mongo pass, redis pass, ftp pass, ssh pass, proxy pass,
    admin pass, root pass, user pass
    """
)
# Only at the end of a name, and only before a string.
_LAST = {"token", "secret", "secrets", "auth", "pwd", "jwt"}
# Likewise, and only before something long with digits: `signature: serving_default` is none.
_FAINT = {"pat", "sig", "signature"}

# `password_file`, `api_key_count`, `secret_key_f1`: about a secret, not one.
_ABOUT = _words(
    """
    file path dir folder len length size count num number type name names env var strength
    policy min max field fields regex pattern column columns dataset detector class classes
    label labels f loss acc accuracy precision recall auc score rate ratio weight weights
    prob required enabled expires expiry ttl timeout url uri endpoint header prompt version
    format scheme method mode embedding embeddings head heads dim hash_type
    """
)
# What stands below these is about kinds of secrets: `patterns.api_key`, `weights.password`.
_LISTS = _words("patterns regex regexes labels classes weights thresholds counts rules scores")
# Words before `token` that make it a piece of text: `pad_token`, `image_token`.
_TEXT_TOKEN = _words(
    """
    pad eos bos unk sep cls mask image audio video special stop start end begin prompt extra
    per each next first last boi eoi bot eot fim prefix suffix middle sentence word sub
    subword decoder encoder class user assistant system role padding separator blank sos new
    current previous target source control bad forced time num n cost price loss placeholder
    space newline vision speech sentinel dist distillation register
    """
)


def is_secret_name(name: str, value: Any) -> bool:
    """Whether `value` must not be recorded under `name` (a key path, an option, a variable)."""
    kind = secret_kind(name)
    if kind == "":
        return False
    if isinstance(value, str):
        if kind == "strong":
            return True
        if kind == "faint":
            return len(value) >= 16 and any(c.isdigit() for c in value)
        # `token: "<pad>"` and `token: "[MASK]"` are text; a real one is not bracketed.
        return len(value) >= 6 and value[0] not in "<[" and not (kind == "pwd" and _is_path(value))
    # A long number may be one (`password: 12345678`); a class's weight or count is none.
    return kind == "strong" and type(value) is int and abs(value) >= 100_000


def is_secret_word(option: str) -> bool:
    """Whether a command-line option (`--api-key`) takes a secret as its next word."""
    return secret_kind(option.lstrip("-+")) != ""


def is_secret_box(name: str) -> bool:
    """Whether everything inside a mapping of this name is secret (`credentials: {...}`)."""
    kind = secret_kind(name)
    return kind == "strong" or (
        kind == "last" and name.lower().endswith(("secret", "secrets", "auth"))
    )


def secret_kind(name: str) -> str:
    """How sure a name is: "strong", "last", "pwd" or "faint" (only before a string), else ""."""
    return _kind(name[-256:]) if _HINT.search(name, max(0, len(name) - 256)) else ""


_HINT = re.compile(
    r"(?i)pass|key|token|secret|cred|auth|bearer|cookie|netrc|pwd|pat|sig|jwt|connection"
)


@lru_cache(maxsize=4096)
def _kind(name: str) -> str:
    words = [w.lower() for w in compiled(_WORDS).findall(name)]
    if len(words) > 1 and words[-1] in ("value", "default"):  # as config files nest them
        words.pop()
    if not words or words[-1] in _ABOUT or not _LISTS.isdisjoint(words[:-1]):
        return ""
    for phrase in _STRONG:
        n = len(phrase)
        for i in range(len(words) - n + 1):
            if words[i : i + n] == phrase:
                return "strong"
    last = words[-1]
    if last.endswith(("password", "passwd", "apikey")):  # PGPASSWORD, dbpassword
        return "strong"
    if last in _FAINT:
        return "faint"
    if last not in _LAST:
        return ""
    if last == "token" and len(words) > 1 and words[-2] in _TEXT_TOKEN:
        return ""
    return "pwd" if last == "pwd" else "last"


def _is_path(value: str) -> bool:
    return value[0] in "/~." or value[1:3] == ":\\"
