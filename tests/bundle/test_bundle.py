"""Bundles: what is packed comes out the same, and what was tampered with does not come in."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.command import environment, record, trackerlite
from trackerlite import edits
from trackerlite.artifacts.registry import Registry
from trackerlite.bundle import MANIFEST, pack
from trackerlite.errors import BundleError
from trackerlite.journal.framing import frame
from trackerlite.readers import Reader
from trackerlite.unbundle import is_bundle, unpack

TRAINING = """
import sys
import trackerlite as tl
with tl.init(project="alpha", name="mine", id="mine0001", mode="offline", config={"lr": 0.1},
             resume="allow") as run:
    for step in range(int(sys.argv[1]), int(sys.argv[2])):
        run.log({"loss": 1 / (step + 1)}, step=step)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "from").mkdir()
    store = record(tmp_path / "from", TRAINING, "0", "20")
    content = b"weights" * 1000
    digest = hashlib.sha256(content).hexdigest()
    (store / "objects" / digest[:2]).mkdir(parents=True)
    (store / "objects" / digest[:2] / digest).write_bytes(content)
    (store / "objects" / "ff").mkdir()
    (store / "objects" / "ff" / ("f" * 64)).write_bytes(b"belongs to nobody")
    [folder] = store.glob("runs/*/*")
    (folder / "media").mkdir(exist_ok=True)
    (folder / "media" / "note.txt").write_text("kept")
    return store


def bundle_of(store: Path, name: str = "b.zip") -> Path:
    target = store.parent / name
    with Reader.open(store) as reader:
        pack(reader, reader.runs(), target, force=True)
    return target


def tree(folder: Path) -> dict[str, str]:
    """Every file that matters, by what is in it (the database is made anew anywhere)."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("trackerlite.")
    }


def losses(store: Path) -> list[float]:
    with Reader.open(store) as reader:
        [series] = reader.series([reader.run("mine0001").key], names=["loss"])
        return reader.points(series.key).value.tolist()


def test_there_and_back(store: Path, tmp_path: Path) -> None:
    """Every file of a run comes out as it was, with the config and every point."""
    [run] = unpack(bundle_of(store), tmp_path / "to")
    assert (run.project, run.id, run.name, run.change) == ("alpha", "mine0001", "mine", "new")
    runs_only = {name: digest for name, digest in tree(store).items() if name.startswith("runs/")}
    assert {n: d for n, d in tree(tmp_path / "to").items() if n.startswith("runs/")} == runs_only
    assert losses(tmp_path / "to") == losses(store) == [1 / (step + 1) for step in range(20)]


def model(store: Path, run_id: str, content: str) -> None:
    """Log an artifact `model` of one file from a run of its own."""
    code = """
import pathlib, sys
import trackerlite as tl
pathlib.Path("weights.bin").write_text(sys.argv[2])
with tl.init(project="alpha", name="trainer", id=sys.argv[1], mode="offline") as run:
    run.log_artifact("weights.bin", name="model", type="model", aliases=["best"])
"""
    record(store.parent, code, run_id, content)


def contents(store: Path) -> dict[str, str]:
    """What `model:v0`, `model:v1` … are here."""
    found = {}
    for version in Registry(store).versions("alpha", "model"):
        [entry] = version["entries"]
        path = store / "objects" / entry["sha256"][:2] / entry["sha256"]
        found[version["version"]] = path.read_text()
    return found


def test_artifacts_come_along(store: Path, tmp_path: Path) -> None:
    """A run's artifacts are found by name where it was taken in; objects of others stay behind."""
    model(store, "train001", "one")
    unpack(bundle_of(store), tmp_path / "to")
    assert contents(tmp_path / "to") == {"v0": "one"}
    assert Registry(tmp_path / "to").aliases("alpha", "model")["best"] == "v0"
    assert len(list((tmp_path / "to").glob("objects/*/*"))) == 1


def test_versions_keep_their_numbers_and_aliases(store: Path, tmp_path: Path) -> None:
    """Of many versions each has its number elsewhere, and an alias means the newest that had it."""
    names = [f"content {number}" for number in range(12)]
    for text in names[:8]:
        model(store, "train001", text)
    unpack(bundle_of(store), tmp_path / "to")
    for text in names[8:]:
        model(store, "train001", text)
    registry = Registry(tmp_path / "to")
    assert registry.aliases("alpha", "model")["best"] == "v7"
    for _ in range(2):
        unpack(bundle_of(store), tmp_path / "to")
        assert contents(tmp_path / "to") == {f"v{n}": text for n, text in enumerate(names)}
        assert registry.aliases("alpha", "model") == {"best": "v11", "latest": "v11"}
    registry.put({**registry.get("alpha", "model:v3"), "run": "other", "version": "v9" * 40})
    assert registry.aliases("alpha", "model")["latest"] == "v12"


def test_artifacts_of_one_name_from_two_machines(store: Path, tmp_path: Path) -> None:
    """Where a version's number is taken the next one is given; a second time changes nothing."""
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / ".trackerlite"
    model(store, "train001", "one")
    model(other, "train002", "two")
    for _ in range(2):
        unpack(bundle_of(store), tmp_path / "to")
        unpack(bundle_of(other), tmp_path / "to")
        assert contents(tmp_path / "to") == {"v0": "one", "v1": "two"}


def test_taken_in_twice(store: Path, tmp_path: Path) -> None:
    """A second time changes nothing, and says so."""
    bundle = bundle_of(store)
    unpack(bundle, tmp_path / "to")
    before = tree(tmp_path / "to")
    assert [run.change for run in unpack(bundle, tmp_path / "to")] == ["same"]
    assert tree(tmp_path / "to") == before


def test_a_run_that_went_on(store: Path, tmp_path: Path) -> None:
    """A later bundle of a run brings what is new; an older one takes nothing away."""
    old = bundle_of(store, "old.zip")
    unpack(old, tmp_path / "to")
    record(store.parent, TRAINING, "20", "30")
    [run] = unpack(bundle_of(store, "new.zip"), tmp_path / "to")
    assert run.change == "grown"
    assert losses(tmp_path / "to") == [1 / (step + 1) for step in range(30)]
    assert [run.change for run in unpack(old, tmp_path / "to")] == ["same"]
    assert losses(tmp_path / "to") == [1 / (step + 1) for step in range(30)]


def test_edits_of_both_places(store: Path, tmp_path: Path) -> None:
    """Tags that were given here and there are all there afterwards."""
    unpack(bundle_of(store), tmp_path / "to")
    for place, tag in ((store, "there"), (tmp_path / "to", "here")):
        with Reader.open(place) as reader:
            edits.add_tags(reader.run("mine"), [tag])
    unpack(bundle_of(store), tmp_path / "to")
    with Reader.open(tmp_path / "to") as reader:
        assert set(reader.run("mine").tags) == {"here", "there"}


def test_another_run_of_that_id(store: Path, tmp_path: Path) -> None:
    """A bundle that contradicts a run that is there is refused, and changes nothing."""
    unpack(bundle_of(store), tmp_path / "to")
    [journal] = (tmp_path / "to").glob("runs/*/*/events*")
    content = bytearray(journal.read_bytes())
    content[200] ^= 1
    journal.write_bytes(content)
    before = tree(tmp_path / "to")
    with pytest.raises(BundleError, match="contradicts"):
        unpack(bundle_of(store), tmp_path / "to")
    assert tree(tmp_path / "to") == before


def test_a_torn_tail_is_not_packed(store: Path, tmp_path: Path) -> None:
    """Half a record at a journal's end stays behind, so that the rest can follow later."""
    [journal] = store.glob("runs/*/*/events*")
    whole = journal.read_bytes()
    journal.write_bytes(whole + frame(bytes(100))[:50])
    unpack(bundle_of(store), tmp_path / "to")
    [copy] = (tmp_path / "to").glob("runs/*/*/events*")
    assert copy.read_bytes() == whole


def rewrite(bundle: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> Path:
    """A bundle whose members and manifest were tampered with."""
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop(MANIFEST))
    change(files, manifest)
    target = bundle.with_name("tampered.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(manifest))
    return target


def listed(
    name: str, content: bytes = b"evil"
) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    """Add a file that the manifest lists truthfully."""

    def change(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
        files[name] = content
        digest = hashlib.sha256(content).hexdigest()
        manifest["files"][name] = {"size": len(content), "sha256": digest}

    return change


EVIL_NAMES = [
    "../evil",
    "/evil",
    "runs/../../evil",
    "runs/a/b/../../../../evil",
    "runs/a/b/./evil",
    "runs/a/b//evil",
    "runs/a/b/..\\evil",
    "C:/evil/a/b",
    "runs/a/C:evil/b",
    "runs/a/b/evil\x1b[31m",
    "runs/a/b/.hidden",
    "runs/evil",
    "trackerlite.db",
    "sync.db",
    ".gitignore",
    "objects/aa/evil",
    "artifacts/a/b/v0.json",
    "artifacts/a/b/evil.json",
    "artifacts/../v0.json",
    "objects/aa/" + "b" * 64,
    "objects/ab/" + "ab" * 32,
    "runs/a/b/" + "x" * 300,
]


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_names_that_lead_elsewhere(store: Path, tmp_path: Path, name: str) -> None:
    """No name in a bundle reaches a place that is not for it, however truthfully listed."""
    bundle = rewrite(bundle_of(store), listed(name))
    outside = set(tmp_path.rglob("*"))
    with pytest.raises(BundleError):
        unpack(bundle, tmp_path / "to" / "s")
    left = set(tmp_path.rglob("*")) - outside
    assert left == {
        tmp_path / "to",
        *(tmp_path / "to" / "s" / n for n in ("", "runs", ".gitignore")),
    }


def _drop(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    del files[next(iter(files))]


def _add_unlisted(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    files["runs/a/b/extra"] = b"x"


def _swap_content(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    name = max(files, key=lambda name: len(files[name]))
    files[name] = bytes(len(files[name]))


def _other_version(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["version"] = 2


def _negative(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    next(iter(manifest["files"].values()))["size"] = -1


def _no_runs(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["runs"] = [{}]


def _bomb(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    listed("runs/a/b/zeros", bytes(80 << 20))(files, manifest)


@pytest.mark.parametrize(
    "change", [_drop, _add_unlisted, _swap_content, _other_version, _negative, _no_runs]
)
def test_manifests_that_lie(store: Path, tmp_path: Path, change: Callable[..., None]) -> None:
    """A manifest that does not fit what is packed refuses the whole bundle."""
    with pytest.raises(BundleError):
        unpack(rewrite(bundle_of(store), change), tmp_path / "to")
    assert set(tree(tmp_path / "to")) == {".gitignore"}


def test_bombs(store: Path, tmp_path: Path) -> None:
    """What unpacks to far more than it is refused before a byte of it is written."""
    bundle = bundle_of(store)
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop(MANIFEST))
    _bomb(files, manifest)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(manifest))
    with pytest.raises(BundleError, match="tightly"):
        unpack(tmp_path / "bomb.zip", tmp_path / "to")
    manifest["files"]["runs/a/b/zeros"]["size"] = 10**18
    with pytest.raises(BundleError, match="as long as"):
        unpack(rewrite(bundle, lambda f, m: m.update(manifest) or f.update(files)), tmp_path / "to")


def test_two_files_of_one_name(store: Path, tmp_path: Path) -> None:
    """Two members of one name, of which another reader might take the other, are refused."""
    bundle = bundle_of(store)
    with zipfile.ZipFile(bundle, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(archive.namelist()[0], b"other")
    with pytest.raises(BundleError, match="two files"):
        unpack(bundle, tmp_path / "to")


def test_links_are_refused(store: Path, tmp_path: Path) -> None:
    """A member that says it is a symbolic link, a device or setuid makes no such thing."""
    for mode in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO):
        bundle = rewrite(bundle_of(store), listed("runs/a/b/link", b"/etc/passwd"))
        content = bytearray(bundle.read_bytes())
        with zipfile.ZipFile(bundle) as archive:
            members = {m.filename: (m, archive.read(m)) for m in archive.infolist()}
        with zipfile.ZipFile(bundle, "w") as archive:
            for name, (member, content) in members.items():
                if name.endswith("link"):
                    member.external_attr = (mode | 0o777) << 16
                archive.writestr(member, content)
        with pytest.raises(BundleError, match="no place for a file"):
            unpack(bundle, tmp_path / "to")


def test_links_in_the_store_are_not_followed(store: Path, tmp_path: Path) -> None:
    """A symbolic link in the store, planted where a run would go, leads nowhere."""
    (tmp_path / "victim").mkdir()
    to = tmp_path / "to"
    (to / "runs").mkdir(parents=True)
    (to / "runs" / "alpha").symlink_to(tmp_path / "victim")
    with pytest.raises(BundleError, match="link"):
        unpack(bundle_of(store), to)
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_packing_is_damage(store: Path, tmp_path: Path, packing: int) -> None:
    """A file whose packing was flipped to one that no bundle uses is refused in a sentence."""
    bundle = bundle_of(store)
    content = bytearray(bundle.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 10 : entry + 12] = packing.to_bytes(2, "little")
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content)
    with pytest.raises(BundleError, match="is damaged"):
        unpack(damaged, tmp_path / "to")


def test_damage_anywhere(store: Path, tmp_path: Path) -> None:
    """A flipped bit or a missing end, wherever it is, is found, or did not matter."""
    whole = bundle_of(store).read_bytes()
    good = None
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        for cut in (False, True):
            content = bytearray(whole[:place] if cut else whole)
            if not cut:
                content[place] ^= 1 << place % 8
            bundle, to = tmp_path / "damaged.zip", tmp_path / f"to{place}{cut}"
            bundle.write_bytes(content)
            try:
                unpack(bundle, to)
            except BundleError:
                assert set(tree(to)) <= {".gitignore"}
            else:
                good = good or {n: d for n, d in tree(store).items() if n.startswith("runs/")}
                assert {n: d for n, d in tree(to).items() if n.startswith("runs/")} == good


def test_what_is_no_bundle(tmp_path: Path) -> None:
    """Other files, zips among them, are not taken for bundles."""
    (tmp_path / "a.txt").write_text("PK")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("a", "b")
    assert not is_bundle(tmp_path / "a.txt")
    assert not is_bundle(tmp_path / "b.zip")
    assert not is_bundle(tmp_path)


def test_the_verbs(store: Path, tmp_path: Path) -> None:
    """`bundle` and `import` carry a run from one store to another."""
    bundle = str(tmp_path / "x.zip")
    done = trackerlite("bundle", "mine", "-o", bundle, "--json", "--dir", str(store))
    assert done.json["runs"] == ["alpha/mine0001"]
    assert trackerlite("bundle", "mine", "-o", bundle, "--dir", str(store)).returncode == 1
    assert (
        trackerlite("bundle", "mine", "-o", bundle, "--force", "--dir", str(store)).returncode == 0
    )
    to = str(tmp_path / "to")
    assert trackerlite("import", bundle, "--json", "--dir", to).json[0]["change"] == "new"
    assert trackerlite("doctor", "--dir", to).returncode == 0
    assert "TRACKERLITE_DIR" not in environment()
    (tmp_path / "x.zip").write_bytes((tmp_path / "x.zip").read_bytes()[:-30])
    assert trackerlite("import", bundle, "--dir", to).returncode == 1
