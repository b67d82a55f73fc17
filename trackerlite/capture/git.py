"""Which code ran: commit, branch, remote, and the patch against it.

A repository is somebody else's configuration: asking it must not run its hooks, filters,
external diffs or file-system monitors, must not prompt, take locks or last long.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from trackerlite.capture.redact import REDACTED, redact_text

MAX_PATCH = 1 << 20  # bytes; what a person can read ends long before
MAX_UNTRACKED = 100

_SAFE = ["--no-optional-locks", "--no-pager"]
for _setting in (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.quotePath=true",
    "diff.external=",
    "diff.ignoreSubmodules=all",
    "log.showSignature=false",
    "protocol.allow=never",
    "submodule.recurse=false",
):
    _SAFE += ["-c", _setting]
_ASKED = r"^(remote\..*\.url|branch\..*\.remote|filter\..*\.(clean|process|required))$"
_DIFF = [
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--submodule=short",
]

# Files whose purpose is to hold secrets: their changes are named, not recorded.
_PRIVATE = re.compile(
    r"(?i)(?:^|/)(?:\.env(?:\.[\w-]+)?|\.netrc|_netrc|\.pypirc|\.npmrc|\.htpasswd|id_[a-z0-9]+|"
    r"credentials(?:\.\w+)?|secrets?\.(?:ya?ml|json|toml|ini|env)|"
    r"[^/]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx))$"
)
_HEADER = re.compile(r"(?m)^diff --git (.*)$")


def capture(folder: str | None = None, timeout: float = 10.0) -> dict[str, Any]:
    """{commit, branch, remote, root, dirty, patch, untracked} of the script's repository.

    {} outside a repository, without git, or where git does not trust the folder's owner.
    `patch_truncated` is there when the patch was longer than MAX_PATCH.
    """
    ask = _Git(timeout)
    for start in [folder] if folder else _places():
        ask.folder = start
        root = ask.line("rev-parse", "--show-toplevel")
        if root:
            break
    else:
        return {}
    found: dict[str, Any] = {"root": redact_text(root)}
    commit, branch = _head(ask)
    settings = ask.settings()
    ask.without_filters(settings)
    remote = _remote(settings, branch)
    for key, value in (("commit", commit), ("branch", branch), ("remote", remote)):
        if value:
            found[key] = redact_text(value)
    if commit:
        patch, whole = ask.output(*_DIFF, commit, "--")
        if patch is not None:
            found["dirty"] = bool(patch)
            if patch:
                found["patch"] = clean(patch)
            if not whole:
                found["patch_truncated"] = True
    listed, _ = ask.output("ls-files", "--others", "--exclude-standard", "-z")
    names = [name for name in (listed or "").split("\0") if name]
    if names:
        found["untracked"] = [redact_text(name) for name in names[:MAX_UNTRACKED]]
    if ask.late:
        found["incomplete"] = f"git took longer than {timeout:g} s"
    return found


def clean(patch: str) -> str:
    """A patch without secrets: private files' hunks dropped, the rest redacted line by line."""
    out = []
    headers = list(_HEADER.finditer(patch))
    if not headers:
        return redact_text(patch)
    out.append(redact_text(patch[: headers[0].start()]))
    for at, header in enumerate(headers):
        stop = headers[at + 1].start() if at + 1 < len(headers) else len(patch)
        name = header.group(1).rsplit(" b/", 1)[-1].strip('"')
        if _PRIVATE.search(name):
            out.append(f"{redact_text(header.group())}\n{REDACTED}\n")
        else:
            out.append(redact_text(patch[header.start() : stop]))
    return "".join(out)


def _places() -> list[str]:
    """Where the code may be: the script's folder, unless it is an installed command; then here."""
    places = []
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script:
        folder = str(Path(script).resolve().parent)
        if not folder.startswith((sys.prefix + os.sep, sys.base_prefix + os.sep)):
            places.append(folder)
    try:
        places.append(str(Path.cwd()))
    except OSError:  # deleted under us
        pass
    return places


def _head(ask: _Git) -> tuple[str, str]:
    """(commit, branch): "" where there is no commit yet, and where no branch is checked out."""
    said, _ = ask.output("rev-parse", "HEAD", "--symbolic-full-name", "HEAD")
    if said is None:
        return "", ask.line("symbolic-ref", "--quiet", "--short", "HEAD")
    commit, name, *_ = [*said.splitlines(), "", ""]
    return commit, name.removeprefix("refs/heads/") if name != "HEAD" else ""


def _remote(settings: dict[str, str], branch: str) -> str:
    for name in (settings.get(f"branch.{branch}.remote", "origin"), "origin"):
        if address := settings.get(f"remote.{name}.url"):
            return address
    return next((value for key, value in settings.items() if key.startswith("remote.")), "")


class _Git:
    """Runs git in `folder` until the time is up; afterwards every answer is empty."""

    def __init__(self, timeout: float) -> None:
        self.folder = "."
        self.late = False
        self._end = time.monotonic() + timeout
        self._options = list(_SAFE)
        self._environment = {
            **os.environ,
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS": "true",
            "GIT_PAGER": "cat",
            "GIT_NO_LAZY_FETCH": "1",
            "LC_ALL": "C",
        }
        for name in ("GIT_EXTERNAL_DIFF", "GIT_TRACE", "GIT_TRACE2", "GIT_DIFF_OPTS"):
            self._environment.pop(name, None)

    def settings(self) -> dict[str, str]:
        """What the repository's configuration says of remotes and filters."""
        listed, _ = self.output("config", "-z", "--get-regexp", _ASKED)
        pairs = [entry.partition("\n") for entry in (listed or "").split("\0")]
        return {key: value for key, _, value in pairs if key}

    def without_filters(self, settings: dict[str, str]) -> None:
        """Switches off every filter that the configuration names: a diff runs them."""
        for name in settings:
            if name.startswith("filter.") and "=" not in name:
                self._options += ["-c", f"{name}={'false' if name.endswith('required') else ''}"]

    def line(self, *args: str) -> str:
        """The first line of the answer, "" when there is none."""
        text, _ = self.output(*args)
        return text.partition("\n")[0].rstrip("\r\0") if text else ""

    def output(self, *args: str) -> tuple[str | None, bool]:
        """(answer or None when git failed, whether it is whole), at most MAX_PATCH bytes."""
        left = self._end - time.monotonic()
        if left <= 0:
            self.late = True
            return None, False
        try:
            process = subprocess.Popen(
                ["git", *self._options, *args],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError):  # no git, no folder
            return None, False
        try:
            data = self._read(process)
            whole = len(data) <= MAX_PATCH
            if not whole:
                self._stop(process, late=False)
            code = process.wait(max(1.0, self._end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._stop(process)
            process.wait()
            return None, False
        finally:
            if process.stdout:
                process.stdout.close()
        if whole and code != 0:
            return None, False
        text = data[:MAX_PATCH].decode("utf-8", "replace")
        return (text if whole else text[: text.rfind("\n") + 1]), whole

    def _read(self, process: subprocess.Popen[bytes]) -> bytes:
        """What git says, to a byte more than is kept. Without a thread to mind the time: there is
        none to be had while the interpreter ends.

        Raises:
            TimeoutExpired: the time is up.
        """
        assert process.stdout is not None
        said, pipe = bytearray(), process.stdout.fileno()
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while len(said) <= MAX_PATCH:
                left = self._end - time.monotonic()
                if left <= 0 or not ready.select(left):
                    raise subprocess.TimeoutExpired("git", left)
                some = os.read(pipe, MAX_PATCH + 1 - len(said))
                if not some:
                    break
                said += some
        return bytes(said)

    def _stop(self, process: subprocess.Popen[bytes], late: bool = True) -> None:
        self.late = self.late or late
        try:
            os.killpg(process.pid, 9)  # with whatever git started
        except (AttributeError, OSError):
            process.kill()
