"""The one door for paths: where the store is, and file names made of user text."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trackerlite.errors import BadInput, StoreError, StoreNotFound

STORE_NAME = ".trackerlite"
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=@-]+")
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))}


def home() -> Path:
    """The user's home folder; for one who has none (a container's nameless user) a path where
    nothing is and nothing can be written."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name beside `path` to write under: what stands there becomes `path` when it is complete.

    An error leaves `path` as it was, and is about `path`, not about a name that nobody asked for.
    """
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        out_of_room = error.filename is None and error.errno in _NO_ROOM
        if out_of_room or error.filename in (beside, str(beside)):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):  # on a read-only disk it says so though nothing is there
            beside.unlink(missing_ok=True)


def safe_name(text: str, limit: int = 64) -> str:
    """A file name for `text`: readable, one path component, different for different texts.

    A text that is already safe keeps its name; any other is cleaned and given a
    short hash of the original, so that two texts never share a file.

    >>> safe_name("llama3-lora")
    'llama3-lora'
    >>> safe_name("../etc/passwd")
    'etc-passwd~7fef78f5'
    """
    cleaned = _UNSAFE.sub("-", text).strip(".-")[:limit].rstrip(".-")
    reserved = cleaned.split(".")[0].lower() in _RESERVED
    if cleaned == text and cleaned and not reserved:
        return cleaned
    import hashlib  # only where a name needs cleaning

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{'x-' if reserved else ''}{cleaned or 'x'}~{digest}"


def check_id(run_id: str) -> str:
    """`run_id` if it can be one: up to 128 of `A-Z a-z 0-9 . _ -`, not led by `.` or `-`.

    Raises:
        BadInput: it cannot.
    """
    if not isinstance(run_id, str) or not _ID.fullmatch(run_id):
        raise BadInput(
            f"The run id {str(run_id)[:80]!r} cannot be used: an id has 1 to 128 of the characters "
            "A-Z a-z 0-9 . _ - and starts with a letter, a digit or _. Choose another, "
            "or leave it out and use name= for free text."
        )
    return run_id


def store_dir(dir: str | os.PathLike[str] | None = None) -> Path:
    """Where the store is or would be made.

    First of: `dir`, `$TRACKERLITE_DIR`, the nearest `.trackerlite` in this folder
    or above it, `./.trackerlite`.

    Raises:
        BadInput: `dir` is no path.
    """
    given = dir or os.environ.get("TRACKERLITE_DIR") or os.environ.get("WANDB_DIR")
    if given:
        path = _absolute(given)
        return path if path.name == STORE_NAME or is_store(path) else path / STORE_NAME
    here = _absolute(".")
    for folder in (here, *here.parents):
        if os.path.isdir(folder / STORE_NAME):  # False also where we may not look
            return folder / STORE_NAME
    return here / STORE_NAME


def _absolute(given: str | os.PathLike[str]) -> Path:
    try:
        text = os.fsdecode(given)
        if "\0" in text:
            raise ValueError("a NUL character in it")
        path = Path(text).expanduser()
    except (TypeError, ValueError, RuntimeError) as error:  # no path; `~nobody`
        raise BadInput(f"dir={given!r:.100} cannot be a folder ({error}).") from None
    try:
        return path.absolute()
    except OSError:  # the folder that we are in is gone; whoever opens the path will be told
        return path


def is_store(path: Path) -> bool:
    """Whether a folder, whatever its name, is a store (a `runs` folder alone is TensorBoard's default)."""
    if not os.path.isdir(path / "runs"):
        return False
    if any(os.path.isfile(path / name) for name in ("trackerlite.db", "trackerlite.lock")):
        return True
    try:
        return (path / ".gitignore").read_text() == "*\n"
    except (OSError, ValueError):
        return False


def existing_store(dir: str | os.PathLike[str] | None = None) -> Path:
    """As `store_dir`, but the store must be there.

    Raises:
        StoreNotFound: it is not.
        StoreError: we may not look into it.
    """
    path = store_dir(dir)
    if path.parent.is_file():
        raise StoreNotFound(f"{path.parent} is a file; a store is a folder. Nothing was touched.")
    if not path.is_dir():
        raise StoreNotFound(
            f"There is no store at {path}. Nothing was recorded there yet: "
            "run a script that calls trackerlite.init(), `trackerlite demo`, or name a store with --dir."
        )
    if not os.access(path, os.X_OK):
        raise StoreError(f"The runs in {path} cannot be read: {os.strerror(errno.EACCES)}.")
    return path


def inside(root: Path, relative: str) -> Path:
    """The path of `relative` below `root`, refused if it would lead out of it.

    Raises:
        BadInput: it is absolute, goes up, or passes a symbolic link that leaves `root`.
    """
    if (
        "\0" in relative
        or "\\" in relative
        or Path(relative).is_absolute()
        or ".." in Path(relative).parts
    ):
        raise BadInput(f"The path {relative[:200]!r} leads out of its folder; it was not touched.")
    path = root / relative
    if not path.resolve().is_relative_to(root.resolve()):
        raise BadInput(
            f"The path {relative[:200]!r} leads out of its folder through a link; it was not touched."
        )
    return path
