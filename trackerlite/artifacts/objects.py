"""Contents by their SHA-256: each once, whole or absent, whatever interrupts the copy."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from trackerlite.errors import ArtifactDamaged, BadInput

BLOCK = 1 << 20  # bytes in memory at a time, however large the file
SMALL = 1 << 16  # bytes that are looked at before anything is written: they may be there already
MANY = 16  # files that wait for the disk together
STALE = 24 * 3600.0  # seconds after which an unfinished copy is taken to be abandoned
_FICLONE = 0x40049409
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Objects:
    """The contents below `store/objects`.

    Attributes:
        unsteady: files that somebody wrote while they were copied in: what is kept may be part old,
            part new.
    """

    def __init__(self, store: Path) -> None:
        self.folder = store / "objects"
        self.unsteady: list[Path] = []
        self._unfinished = self.folder / "unfinished"

    def path(self, digest: str) -> Path:
        """Where a content is or would be.

        Raises:
            BadInput: `digest` is no SHA-256 in hexadecimal.
        """
        if len(digest) != 64 or not all(c in "0123456789abcdef" for c in digest):
            raise BadInput(f"{digest[:80]!r} is no SHA-256 digest.")
        return self.folder / digest[:2] / digest

    def add(self, source: str | os.PathLike[str]) -> tuple[str, int]:
        """Take in a file; (sha256, size) of what was read, even if it changes meanwhile.

        Where the file system can, the copy shares the file's blocks and takes no room.

        Raises:
            BadInput: it is no regular file.
            OSError: it cannot be read, or the disk is full; nothing is left behind.
        """
        # Not blocking: a FIFO that was put there would otherwise hold us for ever.
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise BadInput(f"{os.fspath(source)[:200]!r} is no regular file; it was left out.")
            if about.st_size <= SMALL:
                data = os.pread(descriptor, SMALL + 1, 0)
                if len(data) <= SMALL:
                    return self.add_bytes(data)
            self._unfinished.mkdir(parents=True, exist_ok=True)
            temporary = self._unfinished / f"{os.getpid()}-{secrets.token_hex(8)}"
            try:
                digest, size = _copy(descriptor, temporary)
                self._keep(temporary, digest, size)
            finally:
                temporary.unlink(missing_ok=True)
            after = os.fstat(descriptor)
            if (after.st_mtime_ns, after.st_size) != (about.st_mtime_ns, about.st_size):
                self.unsteady.append(Path(source))
        finally:
            os.close(descriptor)
        return digest, size

    def add_all(self, sources: Sequence[Path]) -> list[tuple[str, int]]:
        """`add` each, in that order. Of many, several wait at once until the disk has them."""
        if len(sources) < MANY:
            return [self.add(source) for source in sources]
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(8)
        try:
            return list(pool.map(self.add, sources))
        except RuntimeError:  # no more threads, or the interpreter is on its way out
            return [self.add(source) for source in sources]
        finally:
            pool.shutdown(cancel_futures=True)

    def add_bytes(self, data: bytes) -> tuple[str, int]:
        """Take in a content that is in memory."""
        digest = hashlib.sha256(data).hexdigest()
        if self._is_kept(digest, len(data)):
            return digest, len(data)
        self._unfinished.mkdir(parents=True, exist_ok=True)
        temporary = self._unfinished / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            temporary.write_bytes(data)
            self._keep(temporary, digest, len(data))
        finally:
            temporary.unlink(missing_ok=True)
        return digest, len(data)

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether a content is there (and of this size)."""
        try:
            found = self.path(digest).stat()
        except OSError:
            return False
        return size is None or found.st_size == size

    def export(self, digest: str, target: Path) -> None:
        """Copy a content out to `target`, checked on the way; whole or absent, never half.

        Raises:
            ArtifactDamaged: it is missing, or its bytes are not those of its name.
        """
        source = self.path(digest)
        try:
            descriptor = os.open(source, os.O_RDONLY | _NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            raise ArtifactDamaged(
                f"The content {digest[:12]}… is missing from {self.folder}."
            ) from None
        temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
        try:
            found, _ = _copy(descriptor, temporary)
            if found != digest:
                raise ArtifactDamaged(
                    f"{source} is damaged: its bytes are not those of its name. It was not copied."
                )
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        finally:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)

    def read(self, digest: str) -> bytes:
        """A small content (a manifest) in memory.

        Raises:
            ArtifactDamaged: as `export`.
        """
        try:
            data = self.path(digest).read_bytes()
        except OSError:
            raise ArtifactDamaged(
                f"The content {digest[:12]}… is missing from {self.folder}."
            ) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise ArtifactDamaged(
                f"{self.path(digest)} is damaged: its bytes are not those of its name."
            )
        return data

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """(digest, size) of every content, in order."""
        try:
            folders = sorted(f for f in os.listdir(self.folder) if len(f) == 2)
        except OSError:
            return
        for folder in folders:
            for entry in sorted(os.scandir(self.folder / folder), key=lambda e: e.name):
                if len(entry.name) == 64 and entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_size

    def unfinished(self, now: float | None = None) -> Iterator[tuple[Path, int]]:
        """Copies that nobody will finish: (path, size). Those of living processes are younger."""
        now = time.time() if now is None else now
        try:
            entries = list(os.scandir(self._unfinished))
        except OSError:
            return
        for entry in entries:
            try:
                about = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            pid = entry.name.partition("-")[0]
            if now - about.st_mtime > STALE or (pid.isdigit() and _is_gone(int(pid))):
                yield Path(entry.path), about.st_size

    def _keep(self, temporary: Path, digest: str, size: int) -> None:
        """Give a finished copy its name, unless the content is there already."""
        if self._is_kept(digest, size):
            return
        target = self.path(digest)
        target.parent.mkdir(exist_ok=True)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fchmod(descriptor, 0o444)  # a content never changes
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, target)

    def _is_kept(self, digest: str, size: int) -> bool:
        """Whether a content is there; if so, it is wanted again: `gc` takes only what is old."""
        if not self.has(digest, size):
            return False
        try:
            os.utime(self.path(digest))
        except FileNotFoundError:  # `gc` had just taken it
            return False
        return True


def _copy(source: int, target: Path) -> tuple[str, int]:
    """Copy an open file from its beginning; (sha256, size) of what was written."""
    out = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        cloned = _clone(source, out)
        digest, size, reading = hashlib.sha256(), 0, out if cloned else source
        while True:
            block = os.pread(reading, BLOCK, size)
            if not block:
                return digest.hexdigest(), size
            digest.update(block)
            if not cloned:
                view = memoryview(block)
                while view:
                    view = view[os.write(out, view) :]
            size += len(block)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        os.close(out)


def _clone(source: int, target: int) -> bool:
    """Share the blocks of a file, where the file system can (btrfs, xfs, …)."""
    try:
        import fcntl

        fcntl.ioctl(target, _FICLONE, source)
    except (ImportError, OSError):
        return False
    return True


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.ESRCH
    return False
