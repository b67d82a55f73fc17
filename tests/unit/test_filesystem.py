"""Network file systems: recognised by the mount table, and given journals only."""

from __future__ import annotations

import builtins
import io
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from trackerlite.store import filesystem

MOUNTS = r"""/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb /home/local xfs rw 0 0
lustre@tcp:/scratch /scratch/big\040disk lustre rw 0 0
gw /mnt/größe cifs rw 0 0
sshfs /mnt/ssh fuse.sshfs rw 0 0
weka /weka wekafs rw 0 0
tmpfs /tmp tmpfs rw 0 0
short line
"""


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with that mount table."""
    real = builtins.open

    def opening(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path) == "/proc/self/mounts":
            return io.StringIO(MOUNTS.replace("short line\n", ""))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", opening)


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/data/x", "ext4", False),
        ("/home/me/.trackerlite", "nfs4", True),
        ("/home/local/x", "xfs", False),
        ("/homeless/x", "ext4", False),
        ("/scratch/big disk/run", "lustre", True),
        ("/mnt/größe/x", "cifs", True),
        ("/mnt/ssh", "fuse.sshfs", True),
        ("/weka", "wekafs", True),
        ("/tmp/x", "tmpfs", False),
    ],
)
@pytest.mark.usefixtures("mounts")
def test_what_holds_a_path(path: str, kind: str, network: bool) -> None:
    """The longest mount point above a path says what it is on, blanks and other letters included."""
    assert filesystem.kind(Path(path)) == kind
    assert filesystem.is_network(Path(path)) is network


@pytest.mark.usefixtures("mounts")
def test_where_the_database_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local store holds its database; a network one's lies in a local cache, never on another network mount."""
    local = Path("/data/.trackerlite")
    assert filesystem.database_path(local) == local / "trackerlite.db"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    far = filesystem.database_path(Path("/weka/.trackerlite"))
    assert far.is_relative_to("/var/cache/me/trackerlite")
    assert far != filesystem.database_path(Path("/weka/other/.trackerlite"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/me/.cache")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    filesystem._private.cache_clear()
    found = filesystem.database_path(Path("/weka/.trackerlite"))
    filesystem._private.cache_clear()
    assert found.is_relative_to(tmp_path)
    assert found.parent.parent.stat().st_mode & 0o777 == 0o700


def test_this_machine() -> None:
    """The real mount table is understood."""
    assert filesystem.kind(Path("/proc/self")) == "proc"
    assert filesystem.kind(Path.cwd())


def test_a_training_on_a_network_store_only_appends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the training process writes its journal and no database anywhere; a reader gets one in its own cache."""
    import time

    import trackerlite as tl
    from trackerlite.readers import Reader

    store = tmp_path / "far" / ".trackerlite"
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    real = filesystem.kind
    monkeypatch.setattr(
        filesystem,
        "kind",
        lambda p: "nfs4" if Path(p).is_relative_to(tmp_path / "far") else real(p),
    )
    with tl.init(dir=store, id="far") as run:
        for step in range(100):
            run.log({"x": float(step)}, step=step)
        time.sleep(0.5)
    assert not cache.exists()
    assert sorted(p.name for p in store.iterdir()) == [".gitignore", "runs"]
    with Reader.open(store) as reader:
        assert reader.points(reader.series()[0].key).value.tolist() == [
            float(n) for n in range(100)
        ]
        assert reader.runs()[0].state == "finished"
    assert list(cache.rglob("trackerlite.db"))
    assert not list(store.glob("trackerlite.db*"))
    with tl.init(dir=store, id="far") as run:
        assert run.step == 100


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_who_may_write_is_what_the_umask_says(umask: int, mode: int, tmp_path: Path) -> None:
    """A team's shared store can be written by the team: the database, its lock, the journals, the edits."""
    script = (
        "import os, sys, trackerlite as tl\n"
        "from trackerlite.edits import add_tags\n"
        "from trackerlite.readers import Reader\n"
        f"os.umask({umask})\n"
        "with tl.init(project='p', id='r', dir=sys.argv[1]) as run:\n"
        "    run.log({'x': 1})\n"
        "with Reader.open(sys.argv[1]) as reader:\n"
        "    add_tags(reader.run('r'), ['ours'])\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    for pattern in ("trackerlite.db", "trackerlite.lock", "runs/*/*/events.*", "runs/*/*/edits.*"):
        [file] = (tmp_path / ".trackerlite").glob(pattern)
        assert stat.S_IMODE(file.stat().st_mode) == mode, pattern
