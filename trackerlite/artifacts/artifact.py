"""An artifact: what a script puts together and logs, or asks for and uses."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NoReturn
from urllib.parse import unquote

from trackerlite import paths, values
from trackerlite.artifacts.entry import Entry
from trackerlite.artifacts.objects import Objects
from trackerlite.artifacts.registry import check_name
from trackerlite.capture.redact import redact_config, redact_name, redact_text
from trackerlite.errors import ArtifactDamaged, ArtifactNotFound, BadInput

_UNDECODED = re.compile("[\ud800-\udfff]")


class Artifact:
    """Files under one name, in versions.

    Args:
        name: no `/` and no `:`.
        type: what it is: "model", "dataset", …
        description, metadata: for people; secrets in it are redacted.

    >>> import trackerlite as tl
    >>> artifact = tl.Artifact("scanner-model", type="model", metadata={"f1": 0.93})
    >>> artifact.add_file("pyproject.toml", name="config/pyproject.toml")
    """

    def __init__(
        self,
        name: str,
        type: str = "artifact",
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self.name = check_name(str(name))
        self.type = str(type)
        self.description = description
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.project = ""
        self.version = ""
        self.aliases: list[str] = []
        self.entries: list[dict[str, Any]] = []  # once logged or found: path, sha256, size, ref
        self._sources: dict[str, Path | str] = {}  # until then: path → file, or "uri:…"
        self._left_out: list[Path] = []  # what of a folder is no file
        self._scratch: Any = None
        self._objects: Objects | None = None

    # -- putting together -----------------------------------------------------

    def add_file(
        self, local_path: str | os.PathLike[str], name: str | None = None, **_: Any
    ) -> None:
        """Add one file, as `name` inside the artifact (default: its own).

        Raises:
            BadInput: it is no file, or the name leads out of the artifact.
        """
        path = Path(local_path)
        if not path.is_file():
            raise BadInput(
                f"{str(local_path)[:200]!r} is no file; it was not added to {self.name!r}."
            )
        self._add(name or _own(path.name), path)

    def add_dir(
        self, local_path: str | os.PathLike[str], name: str | None = None, **_: Any
    ) -> None:
        """Add all files below a folder, also those that a link names. Links to folders or to
        nothing, FIFOs, sockets, devices and stores of runs are left out, which is told when it is logged.

        Raises:
            BadInput: it is no folder.
            OSError: a folder below it cannot be read.
        """
        root = Path(local_path)
        if not root.is_dir():
            raise BadInput(
                f"{str(local_path)[:200]!r} is no folder; it was not added to {self.name!r}."
            )
        prefix = PurePosixPath(name or ".")
        for folder, folders, files in os.walk(root, onerror=_raise):
            inner_folders = [Path(folder, name) for name in sorted(folders)]
            # A store would grow by itself each time, and its database is not to be opened as a file.
            stores = [path for path in inner_folders if paths.is_store(path)]
            self._left_out += [p for p in inner_folders if p.is_symlink() or p in stores]
            folders[:] = [path.name for path in inner_folders if path not in stores]
            for file in sorted(files):
                path = Path(folder) / file
                if path.is_file():
                    inner = prefix / _own(path.relative_to(root).as_posix())
                    self._add(str(inner), path)
                else:
                    self._left_out.append(path)

    def add(self, obj: Any, name: str) -> None:
        """Add a media value (`tl.Table`, `tl.Image`, …) as the file it becomes."""
        from trackerlite.media import wrap

        media = wrap(obj)
        if media is None:
            raise BadInput(f"A {type(obj).__name__} cannot be added; add its file with add_file().")
        body, _ = media._trackerlite_media(self._folder(), "x", 0)
        if "path" not in body:
            raise BadInput(f"A {type(obj).__name__} has no file to add.")
        path = self._folder() / body["path"]
        suffix = "".join(path.suffixes[-2:])
        self._add(name if name.endswith(path.suffix) else f"{name}{suffix}", path)

    def add_reference(
        self, uri: str, name: str | None = None, checksum: bool = True, **_: Any
    ) -> None:
        """Name something without copying it. Of a `file://` that is there size and digest are
        noted, unless `checksum=False`."""
        uri = str(uri)
        if "://" not in uri:
            raise BadInput(f"{uri[:200]!r} is no URI; use add_file() to copy a file in.")
        local = _local(uri)
        last = local.name if local else uri.partition("?")[0].rstrip("/").rsplit("/", 1)[-1]
        inner = name or last or "reference"
        self._check(inner)
        self._sources[inner] = f"uri:{int(checksum)}:{uri}"

    @contextmanager
    def new_file(self, name: str, mode: str = "w") -> Iterator[IO[Any]]:
        """Write a new file right into the artifact."""
        path = self._folder() / f"new-{len(self._sources)}"
        with open(path, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
        self._add(name, path)

    def _add(self, name: str, path: Path) -> None:
        self._check(name)
        if self.version:
            raise BadInput(
                f"{self.name}:{self.version} is logged and does not change; make a new one."
            )
        self._sources[str(PurePosixPath(name))] = path

    def _check(self, name: str) -> None:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
            raise BadInput(f"The name {name[:200]!r} leads out of the artifact; it was not added.")

    def _folder(self) -> Path:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="trackerlite-artifact-")
        return Path(self._scratch.name)

    # -- what it is -----------------------------------------------------------

    @property
    def digest(self) -> str:
        """A SHA-256 over names and contents: equal for equal artifacts."""
        whole = hashlib.sha256()
        for entry in sorted(self.entries, key=lambda e: str(e["path"])):
            line = [entry["path"], entry.get("sha256", ""), entry.get("ref", "")]
            whole.update(json.dumps(line).encode() + b"\n")
        return whole.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all contents, references included where known."""
        return sum(int(entry.get("size") or 0) for entry in self.entries)

    @property
    def qualified_name(self) -> str:
        """`project/name:version`."""
        return f"{self.project}/{self.name}:{self.version}"

    def wait(self, timeout: float | None = None) -> Artifact:  # noqa: ARG002
        """Nothing to wait for: it is stored when `log_artifact` returns."""
        return self

    # -- using it -------------------------------------------------------------

    def download(self, root: str | os.PathLike[str] | None = None) -> str:
        """Copy all files into a folder (default `./artifacts/<name>-<version>`), each checked.

        Raises:
            ArtifactDamaged: a content is missing or damaged; files before it are there.
            BadInput: a name leads out of the folder, or a link does.
        """
        folder = Path(root) if root is not None else self._default_folder()
        folder.mkdir(parents=True, exist_ok=True)
        for entry in self.entries:
            if not entry.get("ref"):
                self._out(entry, folder)
        return str(folder)

    def file(self, root: str | os.PathLike[str] | None = None) -> str:
        """The path of the only file, downloaded."""
        entries = [entry for entry in self.entries if not entry.get("ref")]
        if len(entries) != 1:
            raise BadInput(f"{self.name} holds {len(entries)} files; use download().")
        return str(Path(self.download(root)) / entries[0]["path"])

    def get_entry(self, name: str) -> Entry:
        """One file of it, by its path inside.

        Raises:
            ArtifactNotFound: there is no such file in it.
        """
        for entry in self.entries:
            if entry["path"] == str(name):
                return Entry(self, entry["path"], *map(entry.get, ("sha256", "size", "ref")))
        raise ArtifactNotFound(
            f"There is no file {str(name)[:200]!r} in {self.name}:{self.version}."
        )

    get_path = get_entry

    def _default_folder(self) -> Path:
        return Path("artifacts") / f"{paths.safe_name(self.name)}-{self.version}"

    def _out(self, entry: dict[str, Any], folder: Path) -> Path:
        if self._objects is None:
            raise BadInput(
                f"The artifact {self.name!r} is not logged yet; there is nothing to download."
            )
        target = paths.inside(folder, str(entry["path"]))
        target.parent.mkdir(parents=True, exist_ok=True)
        target = paths.inside(folder, str(entry["path"]))  # again, now that its folders are there
        if target.is_dir():
            raise BadInput(
                f"{target} is a folder where the artifact has a file; it was not touched."
            )
        self._objects.export(str(entry["sha256"]), target)
        return target

    def _store(self, objects: Objects) -> None:
        """Copy everything in; after it `entries` says what is inside."""
        found = []
        sources = sorted(self._sources.items())
        stored = iter(objects.add_all([s for _, s in sources if isinstance(s, Path)]))
        for name, source in sources:
            if isinstance(source, Path):
                digest, size = next(stored)
                found.append({"path": _inner(name), "sha256": digest, "size": size})
            else:
                found.append(_reference(name, source))
        self.entries, self._objects = found, objects
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "digest": self.digest,
            "size": self.size,
            "files": len(self.entries),
            "metadata": redact_config(values.jsonable(self.metadata)),
            "entries": self.entries,
        }
        if self.description:
            body["description"] = redact_text(str(self.description))
        return body

    @classmethod
    def _from(cls, body: dict[str, Any], store: Path) -> Artifact:
        artifact = cls(str(body["name"]), str(body.get("type") or "artifact"))
        artifact.description = body.get("description")
        artifact.metadata = dict(body.get("metadata") or {})
        artifact.project = str(body.get("project") or "")
        artifact.version = str(body["version"])
        artifact.aliases = list(body.get("aliases") or ())
        artifact._objects = Objects(store)
        artifact.entries = entries_of(body, artifact._objects)
        return artifact

    def __repr__(self) -> str:
        return f"<Artifact {self.name}:{self.version or '(not logged)'} {self.type}>"


def entries_of(body: Mapping[str, Any], objects: Objects) -> list[dict[str, Any]]:
    """The entries of an artifact's record, from the content that holds a long list of them.

    Raises:
        ArtifactDamaged: that content is missing or damaged.
    """
    if body.get("manifest"):
        found = json.loads(objects.read(str(body["manifest"])))
        if not isinstance(found, list):
            raise ArtifactDamaged(f"The manifest of {body.get('name')!r} is no list of files.")
        return found
    return [dict(entry) for entry in body.get("entries") or ()]


def _own(path: str) -> str:
    """A file's own path as a path inside: a backslash, which leads into folders elsewhere, as `%5C`."""
    return path.replace("\\", "%5C")


def _inner(name: str) -> str:
    """A path inside, as every file system can have it: bytes that are no text as `%FF`."""
    return redact_name(_UNDECODED.sub(lambda found: f"%{ord(found[0]) & 0xFF:02X}", name))


def _raise(error: OSError) -> NoReturn:
    raise error


def _local(uri: str) -> Path | None:
    """What a `file://` URI names here, as it stands or, as `Path.as_uri` writes it, percent-encoded."""
    if not uri.startswith("file://"):
        return None
    plain, decoded = Path(uri[7:]), Path(unquote(uri[7:]))
    return plain if os.path.exists(plain) or not os.path.exists(decoded) else decoded


def _reference(name: str, source: str) -> dict[str, Any]:
    _, checksum, uri = source.split(":", 2)
    entry: dict[str, Any] = {
        "path": _inner(name),
        "ref": redact_text(values.encodable(uri)),
    }
    path = _local(uri)
    if path is not None:
        try:
            if path.is_file():
                entry["size"] = path.stat().st_size
                if checksum == "1":
                    with open(path, "rb") as file:
                        found = hashlib.sha256()
                        while block := file.read(1 << 20):
                            found.update(block)
                    entry["sha256"] = found.hexdigest()
        except OSError:
            pass
    return entry
