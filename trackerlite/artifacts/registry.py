"""Which versions of an artifact there are, and what its aliases mean.

A version is one file that is linked into place under the next free number: two runs that
log the same name at the same instant get two numbers, on network file systems as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackerlite import paths, values
from trackerlite.capture.redact import redact_name
from trackerlite.errors import ArtifactNotFound, BadInput

_NUMBER = re.compile(r"v(0|[1-9][0-9]{0,8})$")
MAX_NAME = 128
_FARTHEST = 1_000_000  # no further ahead is a number from elsewhere believed


class Registry:
    """The versions below `store/artifacts`."""

    def __init__(self, store: Path) -> None:
        self.root = store / "artifacts"

    def folder(self, project: str, name: str) -> Path:
        """Where the versions of one artifact are."""
        return self.root / paths.safe_name(project) / paths.safe_name(name, limit=MAX_NAME)

    def add(
        self, project: str, name: str, body: dict[str, Any], aliases: list[str]
    ) -> dict[str, Any]:
        """Give `body` the next version, or that of the newest if its contents are the same.

        Returns the body with `version` and `aliases` in it.
        """
        folder = self.folder(project, name)
        folder.mkdir(parents=True, exist_ok=True)
        numbers = self._numbers(folder)
        last = self._read(folder / f"v{numbers[-1]}.json") if numbers else None
        if last is not None and last.get("digest") == body["digest"]:
            self._again(folder, last, body, aliases)
            self._point(folder, aliases, last["version"])
            return {**body, "project": project, "version": last["version"], "aliases": aliases}
        number = numbers[-1] + 1 if numbers else 0
        while True:
            whole = {**body, "name": name, "project": project, "version": f"v{number}"}
            if self._link(folder / f"v{number}.json", {**whole, "aliases": aliases}):
                break
            number += 1
        self._point(folder, aliases, f"v{number}")
        return {**whole, "aliases": aliases}

    def put(self, body: dict[str, Any]) -> str:
        """Take in a version that was made elsewhere: under its number, or the next if that is taken.

        Returns the version that it is here. Aliases stay as they are.
        """
        folder = self.folder(body["project"], body["name"])
        folder.mkdir(parents=True, exist_ok=True)
        numbers = self._numbers(folder)
        behind = numbers[-1] + 1 if numbers else 0
        number = number_of(body["version"])
        number = behind if number is None or number > behind + _FARTHEST else number
        while not self._link(folder / f"v{number}.json", {**body, "version": f"v{number}"}):
            number = max(number + 1, behind)
        return f"v{number}"

    def get(self, project: str, reference: str) -> dict[str, Any]:
        """The version that `name`, `name:v3`, `name:best` or `project/name:…` means.

        Raises:
            ArtifactNotFound: none does; the message names those that are there.
        """
        reference = redact_name(reference)
        path, _, wanted = reference.rpartition(":") if ":" in reference else (reference, "", "")
        *where, name = path.split("/")
        project = where[-1] if where else project
        folder = self.folder(project, name)
        numbers, newest = self._numbers(folder), self._newest(folder)
        if not newest:
            raise ArtifactNotFound(
                f"There is no artifact {name!r} in project {project!r} here. `trackerlite artifacts` lists all."
            )
        version = wanted or "latest"
        if not _NUMBER.match(version):
            version = newest if version == "latest" else self._aliases(folder).get(version, "")
        found = self._read(folder / f"{version}.json") if version else None
        if found is None:
            known = ", ".join([f"v{n}" for n in numbers[-5:]] + sorted(self.aliases(project, name)))
            raise ArtifactNotFound(
                f"The artifact {name!r} has no version {wanted!r}; it has {known}."
            )
        return {**found, "aliases": self.aliases_of(project, name, found["version"])}

    def find(self, reference: str, project: str | None = None) -> dict[str, Any]:
        """As `get`; where no project is said, of whichever project has an artifact of that name.

        Raises:
            ArtifactNotFound: none does.
            BadInput: several do.
        """
        if project is not None or "/" in reference:
            return self.get(project or "", reference)
        name = reference.rpartition(":")[0] or reference
        projects = sorted({version["project"] for version in self.versions(name=name)})
        if len(projects) > 1:
            raise BadInput(f"{name} is in {', '.join(projects)}; say which: PROJECT/{reference}.")
        if not projects:
            raise ArtifactNotFound(
                f"There is no artifact {name!r} here. `trackerlite artifacts` lists all."
            )
        return self.get(projects[0], reference)

    def versions(
        self, project: str | None = None, name: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every version, by project, name and number; aliases as they are now."""
        for project_folder in _folders(self.root):
            if project is not None and project_folder.name != paths.safe_name(project):
                continue
            for folder in _folders(project_folder):
                if name is not None and folder.name != paths.safe_name(name, limit=MAX_NAME):
                    continue
                aliases, newest_one = self._aliases(folder), self._newest(folder)
                for number in self._numbers(folder):
                    body = self._read(folder / f"v{number}.json")
                    if body is not None:
                        mine = [a for a, v in aliases.items() if v == body["version"]]
                        newest = ["latest"] if body["version"] == newest_one else []
                        yield {**body, "aliases": sorted({*mine, *newest} - {""})}

    def aliases(self, project: str, name: str) -> dict[str, str]:
        """alias → version."""
        folder = self.folder(project, name)
        newest = self._newest(folder)
        return {**self._aliases(folder), **({"latest": newest} if newest else {})}

    def aliases_of(self, project: str, name: str, version: str) -> list[str]:
        """The aliases that mean this version."""
        return sorted(a for a, v in self.aliases(project, name).items() if v == version)

    def point(self, project: str, name: str, alias: str, version: str) -> None:
        """Let an alias mean another version."""
        self._point(self.folder(project, name), [alias], version)

    def abandon(self, project: str, run_id: str, step: int) -> None:
        """The run goes back to `step`: an alias of what it made later means again what it meant before.

        The versions stay; `latest` is one of them only where there is no other.
        """
        for folder in _folders(self.root / paths.safe_name(project)):
            bodies = [self._read(folder / f"v{number}.json") for number in self._numbers(folder)]
            versions = [body for body in bodies if body is not None]
            left = [v for v in versions if v.get("run") == run_id and v.get("step", -1) > step]
            for version in left:
                self._write(folder / f"{version['version']}.json", {**version, "abandoned": True})
            names = {version["version"] for version in left}
            kept = [v for v in versions if v["version"] not in names and not v.get("abandoned")]
            for alias, meant in self._aliases(folder).items():
                if meant in names:
                    before = [v["version"] for v in kept if alias in v.get("aliases", ())]
                    if before:
                        self._point(folder, [alias], before[-1])
                    else:
                        self._alias_path(folder, alias).unlink(missing_ok=True)

    def remove(self, version: dict[str, Any]) -> None:
        """Forget a version (its contents go with `gc`). Its number is never given again."""
        folder = self.folder(version["project"], version["name"])
        self._write(folder / f"{version['version']}.json", {"removed": version["version"]})
        for alias, meant in self._aliases(folder).items():
            if meant == version["version"]:
                self._alias_path(folder, alias).unlink(missing_ok=True)

    # -- files ----------------------------------------------------------------

    def _numbers(self, folder: Path) -> list[int]:
        try:
            names = os.listdir(folder)
        except OSError:
            return []
        found = (_NUMBER.match(name[:-5]) for name in names if name.endswith(".json"))
        return sorted(int(match.group(1)) for match in found if match)

    def _link(self, path: Path, body: dict[str, Any]) -> bool:
        """Put a finished file in place; False if the name is taken."""
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        temporary.write_text(values.dumps(body), "utf-8")
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without links: reserve the name, then fill it
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            except FileExistsError:
                return False
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        ok = isinstance(found, dict) and {"name", "version", "digest", "project"} <= set(found)
        return found if ok else None

    def _point(self, folder: Path, aliases: list[str], version: str) -> None:
        for alias in aliases:
            if alias == "latest":
                continue
            body = {"alias": alias, "version": version}
            self._write(self._alias_path(folder, alias), body)

    def _alias_path(self, folder: Path, alias: str) -> Path:
        return folder / f"alias-{paths.safe_name(alias)}"

    def _again(
        self, folder: Path, last: dict[str, Any], body: dict[str, Any], aliases: list[str]
    ) -> None:
        """A version that is logged once more keeps its aliases, and is abandoned no longer."""
        whole = {**last, "aliases": list(dict.fromkeys([*last.get("aliases", ()), *aliases]))}
        if whole.pop("abandoned", False):
            whole |= {"run": body.get("run"), "step": body.get("step", -1)}
        if whole != last:
            self._write(folder / f"{last['version']}.json", whole)

    def _newest(self, folder: Path) -> str:
        abandoned = ""
        for number in reversed(self._numbers(folder)):
            body = self._read(folder / f"v{number}.json")
            if body is not None and not body.get("abandoned"):
                return f"v{number}"
            if body is not None:
                abandoned = abandoned or f"v{number}"
        return abandoned

    def _write(self, path: Path, body: dict[str, Any]) -> None:
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        temporary.write_text(values.dumps(body), "utf-8")
        os.replace(temporary, path)

    def _aliases(self, folder: Path) -> dict[str, str]:
        found = {}
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                if name.startswith("alias-"):
                    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                        body = json.loads((folder / name).read_text("utf-8"))
                        found[str(body["alias"])] = str(body["version"])
        return found


def number_of(version: str) -> int | None:
    """The number of a version ("v10"), or None for what is none."""
    match = _NUMBER.match(version)
    return int(match.group(1)) if match else None


def check_name(name: str) -> str:
    """`name` if an artifact can be called so.

    Raises:
        BadInput: it is empty, too long, or holds `/` or `:`, which mean something in references.
    """
    if not name or len(name) > MAX_NAME or "/" in name or ":" in name:
        raise BadInput(
            f"An artifact cannot be called {name[:80]!r}: 1 to {MAX_NAME} characters without '/' and ':'."
        )
    return redact_name(values.encodable(name))


def check_alias(alias: str) -> str:
    """`alias` if it can be one: no `:` or `/`, and not like a version.

    Raises:
        BadInput: it cannot.
    """
    alias = str(alias)
    if not alias or len(alias) > MAX_NAME or "/" in alias or ":" in alias or _NUMBER.match(alias):
        raise BadInput(f"{alias[:80]!r} cannot be an alias: no '/', no ':', and nothing like v3.")
    return redact_name(values.encodable(alias))


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(Path(e.path) for e in os.scandir(path) if e.is_dir(follow_symlinks=False))
    except OSError:
        return []
