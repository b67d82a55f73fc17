"""What commands take as a secret without naming it: `mysql -pSECRET`, `curl -u user:SECRET`.

An option means what its program says it does (`-p` is a port, a partition or a path elsewhere),
so it counts only behind the name of such a program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trackerlite.capture.names import compiled, is_secret_name


class _Takes(NamedTuple):
    """The options that take a secret: `-pSECRET`, `-p SECRET`, `-u user:SECRET` either way.

    sub: a word that must stand before (`docker login`).
    """

    joined: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    sub: str = ""


_PROGRAMS = {
    **dict.fromkeys(
        ("mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump"),
        _Takes(joined=("-p",)),  # `-p db` asks for the password and opens a database
    ),
    **dict.fromkeys(
        ("mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "mongoexport"),
        _Takes(joined=("-p",), apart=("-p",)),
    ),
    **dict.fromkeys(
        ("docker", "podman", "skopeo", "helm", "az", "oc"), _Takes(("-p",), ("-p",), sub="login")
    ),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify"), _Takes(("-w",), ("-w",))),
    **dict.fromkeys(("7z", "7za", "7zr", "7zz"), _Takes(joined=("-p",))),
    **dict.fromkeys(("zip", "unzip"), _Takes(("-P",), ("-P",))),
    "sshpass": _Takes(("-p",), ("-p",)),
    "redis-cli": _Takes(apart=("-a",)),
    "curl": _Takes(pair=("-u", "--user", "-U", "--proxy-user")),
    "smbclient": _Takes(pair=("-U", "--user")),
    "openssl": _Takes(apart=("-k",), pair=("-pass", "-passin", "-passout")),
}
# One of these is in every command line that matters: searching for them costs next to nothing.
_HINTS = ["mysql", "mariadb", "mongo", "login", "ldap", "7z", "zip", "sshpass", "redis-cli"]
_HINTS += ["curl", "smbclient", "openssl", "setenv"]
_USER = r"[^:%\s\"']{1,128}[:%](?!//)(?=[^\s\"'])"
_WORD = r"[^\s\"'`;|&]+|[;|&]+"
_PLACEHOLDER = r"[$<*%{]|\[redacted\]"
_NAMES = rf"(?<![\w.-])(?:{'|'.join(map(re.escape, (*_PROGRAMS, 'setenv')))})(?![\w.-])"


def secrets_in(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(which word, from which character on) of each secret in a command line."""
    takes, armed, since = _Takes(), False, 0
    for at, word in enumerate(words):
        name = word.rpartition("/")[2]
        if name in _PROGRAMS:
            takes, since = _PROGRAMS[name], at
            armed = not takes.sub
        elif (
            word == "setenv"
            and at + 2 < len(words)
            and is_secret_name(words[at + 1], words[at + 2])
        ):
            yield at + 2, 0
        elif takes.sub and word == takes.sub:
            armed = True
        found = list(_of_option(takes, words, at)) if armed and at > since else []
        yield from found
        if found or word[:1] in (";", "|", "&"):
            takes, armed = _Takes(), False  # `sshpass -p SECRET ssh -p 2222`


def _of_option(takes: _Takes, words: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    if word in takes.apart and _is_secret(following):
        yield at + 1, 0
    for option in takes.joined:
        if word.startswith(option) and _is_secret(word[len(option) :]):
            yield at, len(option)
    for option in takes.pair:
        if word == option and compiled(_USER).match(following):
            yield at + 1, 0
        elif len(option) == 2 and word.startswith(option) and compiled(_USER).match(word, 2):
            yield at, 2


def _is_secret(value: str) -> bool:
    """Whether it may be one: no option, no variable that holds one, nothing very short."""
    return len(value) >= 4 and value[0] != "-" and not compiled(_PLACEHOLDER).match(value)


def without_secrets(text: str, mark: str) -> str:
    """`text` with the secrets of the command lines in it replaced by `mark`."""
    if " -" not in text and "setenv " not in text:
        return text
    for hint in _HINTS:
        if hint in text:
            return "".join([_line(line, mark) for line in text.splitlines(keepends=True)])
    return text


def _line(line: str, mark: str) -> str:
    if not (" -" in line or "setenv " in line) or not compiled(_NAMES).search(line):
        return line
    found = list(compiled(_WORD).finditer(line))
    out, done = [], 0
    for which, begin in secrets_in([match.group() for match in found]):
        start = found[which].start() + begin
        if start >= done:
            out += [line[done:start], mark]
            done = found[which].end()
    out.append(line[done:])
    return "".join(out)
