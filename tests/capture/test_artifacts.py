"""Artifacts: whole or absent, each content once, versions that nobody shares."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import trackerlite as tl
from trackerlite.artifacts import Objects, Registry, verify
from trackerlite.artifacts.lineage import Lineage
from trackerlite.cli import main
from trackerlite.errors import ArtifactDamaged, ArtifactNotFound, BadInput
from trackerlite.readers import Reader


@pytest.fixture
def run(tmp_path, capsys):
    run = tl.init(project="p", dir=tmp_path / "s", id="r")
    yield run
    run.finish()


@pytest.fixture
def store(run):
    return run.settings.store


def make(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def contents(store):
    return {digest for digest, _ in Objects(store)}


class TestLogging:
    def test_round_trip(self, run, tmp_path):
        """A folder comes back file for file, byte for byte, under any of its names."""
        source = make(tmp_path / "m", a="one", sub__b="two", sub__deep__c="")
        logged = run.log_artifact(source, name="model", type="model", aliases=["best"])
        assert (logged.version, logged.aliases) == ("v0", ["latest", "best"])
        for reference in (
            "model",
            "model:v0",
            "model:best",
            "model:latest",
            "p/model:best",
            logged,
        ):
            found = run.use_artifact(reference)
            out = tmp_path / "out"
            assert found.download(out) == str(out)
            assert {p.relative_to(out).as_posix(): p.read_text() for p in out.rglob("*") if p.is_file()} == {
                "a": "one", "sub/b": "two", "sub/deep/c": "",
            }  # fmt: skip

    def test_versions(self, run, tmp_path):
        """A change makes the next version; equal contents none; an alias moves, `latest` always."""
        source = make(tmp_path / "m", a="1")
        first = run.log_artifact(source / "a", name="x", aliases=["best"])
        again = run.log_artifact(source / "a", name="x")
        (source / "a").write_text("2")
        second = run.log_artifact(source / "a", name="x", aliases=["best"])
        assert [first.version, again.version, second.version] == ["v0", "v0", "v1"]
        assert run.use_artifact("x:best").version == "v1"
        assert run.use_artifact("x").version == "v1"
        assert Registry(run.settings.store).aliases("p", "x") == {"best": "v1", "latest": "v1"}

    def test_each_content_once(self, run, store, tmp_path):
        """Equal files are stored once, within an artifact and between them."""
        run.log_artifact(make(tmp_path / "m", a="same", b="same", c="other"), name="x")
        run.log_artifact(make(tmp_path / "n", d="same"), name="y")
        assert contents(store) == {hashlib.sha256(t).hexdigest() for t in (b"same", b"other")}
        assert not list((store / "objects" / "unfinished").iterdir())

    def test_changing_the_source_later(self, run, tmp_path):
        """What was logged stays what it was, whatever becomes of the file."""
        source = make(tmp_path / "m", a="before") / "a"
        logged = run.log_artifact(source, name="x")
        source.write_text("after")
        source.unlink()
        logged.download(tmp_path / "out")
        assert (tmp_path / "out" / "a").read_text() == "before"

    def test_in_journal_and_store(self, run, tmp_path):
        """The journal says what was made and what was used; secrets in metadata do not get there."""
        made = run.log_model(
            make(tmp_path / "m", a="1"), name="x", metadata={"f1": 0.9, "api_key": "c4n4ry-99"}
        )
        run.use_artifact("x:v0")
        run.finish()
        with Reader.open(tmp_path / "s") as reader:
            output, used = reader.artifacts(reader.run("r").key)
        assert (output.use, output.name, output.type, output.version) == (
            "output",
            "x",
            "model",
            "v0",
        )
        assert (used.use, used.version, used.digest) == ("input", "v0", made.digest)
        assert output.body["metadata"] == {"f1": 0.9, "api_key": "[redacted]"}
        assert output.body["entries"][0]["sha256"] == hashlib.sha256(b"1").hexdigest()

    def test_references(self, run, store, tmp_path):
        """A reference copies nothing; of a local file its size and digest are noted."""
        source = make(tmp_path / "m", big="x" * 1000) / "big"
        artifact = tl.Artifact("refs", type="dataset")
        artifact.add_reference(f"file://{source}")
        artifact.add_reference("s3://bucket/data.parquet?X-Amz-Signature=c4n4ryc4n4ry")
        run.log_artifact(artifact)
        assert contents(store) == set()
        big, data = artifact.entries
        assert (big["path"], big["size"]) == ("big", 1000)
        assert big["sha256"] == hashlib.sha256(b"x" * 1000).hexdigest()
        assert data == {
            "path": "data.parquet",
            "ref": "s3://bucket/data.parquet?X-Amz-Signature=[redacted]",
        }
        assert "c4n4ry" not in "".join(
            p.read_text("utf-8", "replace") for p in store.rglob("*") if p.suffix == ".json"
        )

    def test_a_file_uri_as_path_writes_it(self, run, tmp_path):
        """`Path.as_uri()` percent-encodes: it is the same file, under its own name."""
        odd = make(tmp_path / "a b", **{"größe 50%.bin": "12345"}) / "größe 50%.bin"
        [entry] = run.log_artifact(odd.as_uri(), name="x").entries
        assert (entry["path"], entry["size"]) == ("größe 50%.bin", 5)
        assert entry["sha256"] == hashlib.sha256(b"12345").hexdigest()
        [plain] = run.log_artifact(f"file://{odd}", name="y").entries
        assert (plain["path"], plain["sha256"]) == (entry["path"], entry["sha256"])

    def test_an_alias_that_cannot_be(self, run, tmp_path, capsys):
        """It costs itself, not the artifact; strict raises."""
        run.settings.silent = False
        source = make(tmp_path / "m", a="1")
        logged = run.log_artifact(source, name="x", aliases=["v3", "best"])
        assert (logged.version, logged.aliases) == ("v0", ["latest", "best"])
        assert "'v3' cannot be an alias" in capsys.readouterr().err
        run.settings.strict = True
        with pytest.raises(BadInput, match="'v3' cannot be an alias"):
            run.log_artifact(make(tmp_path / "m", a="2"), name="x", aliases=["v3"])

    def test_many_files(self, run, tmp_path):
        """A list of thousands of files is a content of its own, not a line of the journal."""
        source = make(tmp_path / "m", **{f"f{i}": str(i % 7) for i in range(1500)})
        logged = run.log_artifact(source, name="many")
        body = Registry(run.settings.store).get("p", "many")
        assert body["entries"] == []
        assert len(run.use_artifact("many").entries) == 1500 == len(logged.entries)

    def test_new_file_and_media(self, run, tmp_path):
        """Files can be written right into an artifact, and media added as theirs."""
        artifact = tl.Artifact("x")
        with artifact.new_file("notes/a.txt") as file:
            file.write("hello")
        artifact.add(tl.Table(columns=["a"], data=[[1]]), "table")
        run.log_artifact(artifact)
        artifact.download(tmp_path / "out")
        assert (tmp_path / "out/notes/a.txt").read_text() == "hello"
        assert json.loads((tmp_path / "out/table.table.json").read_text())["data"] == [[1]]

    def test_bad_input_is_told(self, run, tmp_path, capsys):
        """A path that is not there stops no training; strict raises; a missing artifact is an error."""
        run.settings.silent = False
        run.log_artifact(tmp_path / "nope", name="x")
        assert "is no file" in capsys.readouterr().err
        run.settings.strict = True
        with pytest.raises(BadInput):
            run.log_artifact(tmp_path / "nope", name="x")
        with pytest.raises(ArtifactNotFound, match="nope"):
            run.use_artifact("nope:best")

    def test_full_disk(self, run, tmp_path, capsys, monkeypatch):
        """A disk that fills up in the middle costs the artifact, and leaves nothing half."""
        run.settings.silent = False
        source = make(tmp_path / "m", a="x" * 100_000) / "a"
        write, written = os.write, []

        def full(descriptor, data):
            if os.fstat(descriptor).st_size == 0 and len(data) >= 50_000:
                written.append(write(descriptor, data[:50_000]))
                return 50_000
            if written:
                raise OSError(28, "No space left on device")
            return write(descriptor, data)

        monkeypatch.setattr("trackerlite.artifacts.objects.os.write", full)
        run.log_artifact(source, name="x")
        monkeypatch.undo()
        assert written == [50_000]
        assert "No space left" in capsys.readouterr().err
        assert contents(run.settings.store) == set()
        assert list((run.settings.store / "objects" / "unfinished").iterdir()) == []
        assert list(Registry(run.settings.store).versions()) == []

    def test_save(self, run, tmp_path):
        """`save` keeps copies in the run's folder, inside it."""
        make(tmp_path / "m", a="1", b="2")
        kept = run.save(str(tmp_path / "m" / "*"))
        assert sorted(os.path.relpath(k, run.folder) for k in kept) == ["files/a", "files/b"]

    def test_model(self, run, tmp_path):
        """`use_model` gives a path that can be loaded."""
        run.log_model(make(tmp_path / "m", w="weights") / "w", name="net")
        with open(run.use_model("net:latest")) as file:
            assert file.read() == "weights"


@pytest.mark.parametrize("count", [3, 300])
def test_one_of_many_files_that_vanishes(count, tmp_path):
    """Files that are stored side by side keep their names; one that is gone costs the artifact, and leaves no piece."""
    source = make(tmp_path / "m", **{f"f{n:03}": str(n) for n in range(count)})
    with tl.init(project="p", dir=tmp_path / "s") as run:
        whole = run.log_artifact(source, name="x")
        assert [e["path"] for e in whole.entries] == [f"f{n:03}" for n in range(count)]
        assert all(
            e["sha256"] == hashlib.sha256(str(int(e["path"][1:])).encode()).hexdigest()
            for e in whole.entries
        )
        artifact = tl.Artifact("y")
        artifact.add_dir(source)
        (source / "f001").unlink()
        assert not run.log_artifact(artifact).version
        unfinished = list((run.settings.store / "objects" / "unfinished").iterdir())
    assert unfinished == []


def test_aliases_go_back_with_the_run(tmp_path):
    """What was made behind the step that a run goes back to is no `best` or `latest` any more, and stays."""

    def log(run, text, **how):
        return run.log_artifact(make(tmp_path / "m", w=text), name="net", **how)

    def means(run, alias):
        return run.use_artifact(f"net:{alias}").version

    how = {"project": "p", "dir": tmp_path / "s"}
    with tl.init(id="r", **how) as run:
        for step in range(10):
            run.log({"loss": 1.0 / (step + 1)}, step=step)
            if step in (3, 8):
                log(run, str(step), aliases=["best", f"step-{step}"])
    with tl.init(id="other", **how) as run:
        assert means(run, "best") == means(run, "latest") == means(run, "step-8") == "v1"
    with tl.init(resume_from="r?_step=3", **how) as run:
        assert means(run, "best") == means(run, "latest") == means(run, "step-3") == "v0"
        assert (Path(run.use_artifact("net:v1").download(tmp_path / "o")) / "w").read_text() == "8"
        with pytest.raises(ArtifactNotFound):
            means(run, "step-8")
        run.log({"loss": 0.1}, step=4)
        assert log(run, "8", aliases=["best"]).version == "v1"  # the same content once more
        assert means(run, "best") == means(run, "latest") == "v1"
    with tl.init(resume_from="r?_step=4", **how) as run:
        assert means(run, "best") == "v1"
    with tl.init(resume_from="r?_step=0", **how) as run:
        assert means(run, "latest") == "v1"  # there is no other
        with pytest.raises(ArtifactNotFound):
            means(run, "best")


def test_a_file_that_changes_while_it_is_copied(run, tmp_path, capsys, monkeypatch):
    """What is stored is what its digest says; that it may be of two moments is told."""
    run.settings.silent = False
    source = tmp_path / "growing"
    source.write_bytes(b"0" * 100_000)
    from trackerlite.artifacts import objects

    copy = objects._copy

    def meanwhile(descriptor, target):
        done = copy(descriptor, target)
        with open(source, "ab") as file:
            file.write(b"1")
        return done

    monkeypatch.setattr(objects, "_copy", meanwhile)
    logged = run.log_artifact(source, name="log")
    assert logged.entries[0]["sha256"] == hashlib.sha256(b"0" * 100_000).hexdigest()
    [told] = [line for line in capsys.readouterr().err.splitlines() if "changed while" in line]
    assert "log:v0" in told
    monkeypatch.setattr(objects, "_copy", copy)
    run.log_artifact(source, name="log")
    assert "changed" not in capsys.readouterr().err


def test_a_file_whose_name_has_a_backslash(run, tmp_path):
    """It does not cost the folder it is in: its backslash stands as %5C, which is a name everywhere."""
    source = make(tmp_path / "m", a="1")
    (source / "we\\ird").write_text("2")
    logged = run.log_artifact(source, name="x")
    assert [entry["path"] for entry in logged.entries] == ["a", "we%5Cird"]
    assert (Path(logged.download(tmp_path / "out")) / "we%5Cird").read_text() == "2"
    assert run.log_artifact(source / "we\\ird", name="y").entries[0]["path"] == "we%5Cird"


def test_lineage_of_a_run_in_the_trash_or_gone(tmp_path, capsys):
    """Who made a version is told whether the run is here, in the trash, or freed by `gc`."""
    store = str(tmp_path / "s")
    with tl.init(project="p", dir=store, id="maker") as run:
        run.log_artifact(make(tmp_path / "m", a="1"), name="x")
    with tl.init(project="p", dir=store, id="user") as run:
        run.use_artifact("x")
    for verb in (["rm", "maker"], ["gc", "--yes"]):
        assert main([*verb, "--dir", store]) == 0
        capsys.readouterr()
        assert main(["artifacts", "x", "--lineage", "--dir", store]) == 0
        done = capsys.readouterr()
        if verb[0] == "rm":
            assert "made by p/maker" in done.out
            assert "in the trash" in done.out
        else:
            assert "made: by maker, which is not here any more." in done.err


def test_references_are_not_checked_out(run, store, tmp_path, capsys):
    """`--checkout` counts the files it copied, and names what the artifact only refers to."""
    artifact = tl.Artifact("x")
    artifact.add_reference("s3://bucket/data.bin")
    run.log_artifact(artifact)
    assert main(["artifacts", "x", "--checkout", str(tmp_path / "o"), "--dir", str(store)]) == 0
    told = capsys.readouterr().err
    assert "as it was logged" not in told
    assert "Not copied, as it only names them: s3://bucket/data.bin." in told
    main(["artifacts", "x", "--checkout", str(tmp_path / "o"), "--json", "--dir", str(store)])
    done = json.loads(capsys.readouterr().out)
    assert (done["files"], done["references"]) == (0, ["s3://bucket/data.bin"])
    main(["artifacts", "x", "--dir", str(store)])
    assert "0 B" not in capsys.readouterr().out.splitlines()[-1]  # how large it is nobody knows


def test_lineage_of_many_generations(tmp_path):
    """Runs that hand on two artifacts each double no tree: every version is shown whole once."""
    for generation in range(40):
        with tl.init(project="p", dir=tmp_path / "s", id=f"r{generation}") as run:
            for name in ("model", "average"):
                if generation:
                    run.use_artifact(f"{name}:latest")
            for name in ("model", "average"):
                run.log_artifact(make(tmp_path / name, w=f"{name}{generation}"), name=name)
    with Reader.open(tmp_path / "s") as reader:
        graph = Lineage(reader)
    for tree in (graph.origins("p/model:v39"), graph.uses("p/model:v0")):
        nodes, todo = [], [tree]
        while todo:
            nodes.append(node := todo.pop())
            todo += node.children
        assert len(nodes) < 400
        assert {node.name for node in nodes if node.kind == "run"} >= {
            f"p/r{n}" for n in range(1, 39)
        }


class TestHostile:
    @pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..", "a\\b", "a\0b"])
    def test_names_that_lead_out(self, name, tmp_path):
        """No file enters an artifact under a name that leads out of it."""
        artifact = tl.Artifact("x")
        with pytest.raises(BadInput):
            artifact.add_file(make(tmp_path, f="") / "f", name=name)

    @pytest.mark.parametrize("name", ["", "a/b", "a:b", "x" * 200])
    def test_artifact_names(self, name):
        """A name that would mean something else in a reference is refused."""
        with pytest.raises(BadInput):
            tl.Artifact(name)

    @pytest.mark.parametrize(
        "path", ["../escaped", "/tmp/escaped", "link/escaped", "a/../../escaped"]
    )
    def test_a_forged_version(self, run, store, tmp_path, path):
        """A version from elsewhere cannot write outside the folder it is downloaded to."""
        run.log_artifact(make(tmp_path / "m", a="1"), name="x")
        file = store / "artifacts" / "p" / "x" / "v0.json"
        body = json.loads(file.read_text())
        body["entries"][0]["path"] = path
        file.write_text(json.dumps(body))
        out, outside = tmp_path / "out", tmp_path / "outside"
        out.mkdir()
        outside.mkdir()
        (out / "link").symlink_to(outside)
        with pytest.raises(BadInput):
            run.use_artifact("x").download(out)
        assert list(outside.iterdir()) == []
        assert not (tmp_path / "escaped").exists()

    def test_special_files(self, run, store, tmp_path):
        """FIFOs, devices and loops of links hang nothing and enter nothing; a link to a file does."""
        source = make(tmp_path / "m", real="1")
        os.mkfifo(source / "fifo")
        (source / "loop").symlink_to(source)
        (source / "dangling").symlink_to(source / "nope")
        (source / "linked").symlink_to(source / "real")
        logged = run.log_artifact(source, name="x")
        assert [e["path"] for e in logged.entries] == ["linked", "real"]
        with pytest.raises(BadInput):
            Objects(store).add(source / "fifo")
        with pytest.raises(BadInput):
            Objects(store).add("/dev/zero")

    def test_what_is_left_out_is_told(self, run, tmp_path, capsys):
        """A folder's links to folders or to nothing, and what is no file, are named once."""
        run.settings.silent = False
        source = make(tmp_path / "m", real="1")
        (source / "elsewhere").symlink_to(make(tmp_path / "data", more="2"))
        (source / "dangling").symlink_to(source / "nope")
        run.log_artifact(source, name="x")
        run.log_artifact(make(tmp_path / "plain", a="1"), name="y")
        [told] = [line for line in capsys.readouterr().err.splitlines() if "without" in line]
        assert "x:v0" in told
        assert "elsewhere" in told
        assert "dangling" in told

    def test_a_folder_that_holds_the_store(self, run, store, tmp_path, capsys):
        """Who logs the folder that he works in does not log what is recorded there."""
        run.settings.silent = False
        make(tmp_path, train__py="1")
        logged = run.log_artifact(tmp_path, name="x")
        assert [entry["path"] for entry in logged.entries] == ["train/py"]
        assert store.name in capsys.readouterr().err
        assert run.log_artifact(tmp_path, name="x").version == "v0"

    def test_a_folder_that_cannot_be_listed(self, run, tmp_path, capsys, monkeypatch):
        """An artifact is whole or absent, also where a folder inside it may not be read."""
        run.settings.silent = False
        source = make(tmp_path / "m", a="1", closed__b="2")
        listed = os.scandir

        def refused(path="."):
            if str(path).endswith("closed"):
                raise PermissionError(13, "Permission denied", str(path))
            return listed(path)

        monkeypatch.setattr(os, "scandir", refused)
        run.log_artifact(source, name="x")
        monkeypatch.undo()
        with pytest.raises(ArtifactNotFound):
            run.use_artifact("x")
        assert "Permission denied" in capsys.readouterr().err

    def test_a_name_that_is_no_text(self, run, tmp_path):
        """A file whose name is bytes of an older encoding comes back, as does all beside it."""
        source = make(tmp_path / "m", a="1")
        with open(os.fsencode(source) + b"/caf\xe9", "w") as file:
            file.write("2")
        out = run.log_artifact(source, name="x").download(tmp_path / "out")
        found = {path.name: path.read_text() for path in Path(out).iterdir()}
        assert found == {
            "a": "1",
            "caf%E9": "2",
        }

    def test_damage(self, run, store, tmp_path):
        """A flipped bit is found by `verify`, and is never handed out; a missing content is named."""
        logged = run.log_artifact(make(tmp_path / "m", a="1" * 5000, b="2"), name="x")
        path = Objects(store).path(logged.entries[0]["sha256"])
        assert list(verify(store)) == []
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[100] ^= 1
        path.write_bytes(data)
        [(found, text)] = verify(store)
        assert found == path
        assert text.endswith("p/x:v0 needs it")
        with pytest.raises(ArtifactDamaged):
            run.use_artifact("x").download(tmp_path / "out")
        assert not (tmp_path / "out" / "a").exists()
        path.unlink()
        [(missing, text)] = verify(store)
        assert missing == path
        assert "x:v0 needs it for 'a'" in text

    def test_damage_of_many_files(self, run, store, tmp_path):
        """A content that only a long list of files names is missed, and so is the list itself."""
        many = {f"f{number}": str(number) for number in range(2000)}
        logged = run.log_artifact(make(tmp_path / "m", **many), name="x")
        body = Registry(store).get("p", "x:v0")
        assert not body.get("entries")
        Objects(store).path(logged.entries[7]["sha256"]).unlink()
        [(_, text)] = verify(store)
        assert text == f"is missing; p/x:v0 needs it for {logged.entries[7]['path']!r}"
        Objects(store).path(body["manifest"]).unlink()
        [(_, text)] = verify(store)
        assert text == "is missing; p/x:v0 needs it for its list of files"

    def test_a_file_that_changes_meanwhile(self, run, store, tmp_path):
        """A file that is written while it is copied is stored under the digest of what was read."""
        source = tmp_path / "busy"
        source.write_bytes(b"a" * (8 << 20))
        stop = threading.Event()

        def scribble():
            i = 0
            with open(source, "r+b") as file:
                while not stop.is_set():
                    file.seek(i * 4096 % (8 << 20))
                    file.write(os.urandom(512))
                    file.flush()
                    i += 1

        thread = threading.Thread(target=scribble)
        thread.start()
        for _ in range(5):
            Objects(store).add(source)
        stop.set()
        thread.join()
        assert list(verify(store)) == []


class TestManyWriters:
    def test_versions_at_the_same_instant(self, tmp_path):
        """Eight processes that log one name get eight numbers, none twice, none left out."""
        code = """
            import sys, pathlib
            from trackerlite.artifacts import Registry
            registry = Registry(pathlib.Path(sys.argv[1]))
            for i in range(20):
                body = registry.add("p", "x", {"digest": f"{sys.argv[2]}-{i}"}, [f"a{sys.argv[2]}"])
                print(body["version"])
        """
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), str(i)],
                stdout=subprocess.PIPE, text=True,
            )
            for i in range(8)
        ]  # fmt: skip
        given = [line for p in processes for line in p.communicate(timeout=60)[0].split()]
        assert sorted(given, key=lambda v: int(v[1:])) == [f"v{i}" for i in range(160)]
        versions = list(Registry(tmp_path).versions())
        assert [v["version"] for v in versions] == [f"v{i}" for i in range(160)]
        assert len({v["digest"] for v in versions}) == 160
        assert len(Registry(tmp_path).aliases("p", "x")) == 9


COPY = """
    import resource, sys, time, pathlib
    from trackerlite.artifacts import Objects
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("go", flush=True)
    start = time.perf_counter()
    digest, size = Objects(pathlib.Path(sys.argv[1])).add(sys.argv[2])
    spent = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(digest, size, (after - before) * 1024, spent)
"""


class TestLarge:
    def test_memory_and_kills(self, tmp_path, full, chance):
        """A large file is copied in bounded memory; killed half way it is absent, then whole.

        256 MiB here, 2 GiB with --full.
        """
        length = (2 << 30) if full else (256 << 20)
        source, store = tmp_path / "big", tmp_path / "s"
        block = os.urandom(1 << 20)
        expected = hashlib.sha256()
        with open(source, "wb") as file:
            for i in range(length >> 20):
                piece = i.to_bytes(8, "little") + block[8:]
                file.write(piece)
                expected.update(piece)
        command = [sys.executable, "-c", textwrap.dedent(COPY), str(store), str(source)]
        half = 0
        for _ in range(6 if full else 3):
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            process.stdout.readline()
            time.sleep(chance.uniform(0.02, 0.1) * length / (256 << 20))
            process.send_signal(signal.SIGKILL)
            process.wait()
            half += any((store / "objects" / "unfinished").glob("*"))
            assert contents(store) <= {expected.hexdigest()}
            if contents(store):
                break
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        digest, size, grown, _ = done.stdout.split()[1:]
        assert (digest, int(size)) == (expected.hexdigest(), length)
        assert int(grown) < 32 << 20
        assert contents(store) == {expected.hexdigest()}
        assert list(verify(store)) == []
        assert half, "no kill came in the middle of a copy: the test showed nothing"
        # What the killed left behind is known, and is not mistaken for a content.
        left = {path for path, _ in Objects(store).unfinished()}
        assert left == set((store / "objects" / "unfinished").iterdir())
