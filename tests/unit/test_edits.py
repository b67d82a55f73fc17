"""Edits: what people say afterwards wins, is in the files, and survives a rebuild."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from trackerlite import edits
from trackerlite.errors import JournalError
from trackerlite.readers import Reader
from trackerlite.store.journals import EDITS_FILE
from unit.journals import row, run_of, said, start


@pytest.fixture
def folder(store: Path) -> Path:
    """A run of one row, tagged, named and finished."""
    data = (
        start(tags=["a", "b"], notes="old")
        + row(2.0, 0, {"x": 1.0})
        + said(3.0, t="finish", state="finished")
    )
    return run_of(store, data)


def edit_everything(store: Path) -> None:
    with Reader.open(store) as reader:
        run = reader.run("r1")
        edits.add_tags(run, ["new", "b"])
        edits.remove_tags(run, ["a"])
        edits.set_notes(run, "better\x00 \ud800".encode("utf-8", "replace").decode())
        edits.rename(run, "final")
        edits.trash(run)
        edits.restore(run)


def shown(store: Path) -> tuple[object, ...]:
    with Reader.open(store) as reader:
        info = reader.run("r1")
        return info.name, set(info.tags), info.notes, info.trashed, info.state


@pytest.mark.usefixtures("folder")
def test_edits_are_shown_and_rebuilt(store: Path) -> None:
    """Tags, notes and name are as edited, at once and after the database was deleted."""
    edit_everything(store)
    after = shown(store)
    assert after == ("final", {"b", "new"}, "better\x00 ?", False, "finished")
    for path in store.glob("trackerlite.db*"):
        path.unlink()
    assert shown(store) == after


@pytest.mark.usefixtures("folder")
def test_the_trash(store: Path) -> None:
    """A run in the trash is not listed, is listed where asked for, and comes back."""
    with Reader.open(store) as reader:
        edits.trash(reader.run("r1"))
        reader.refresh()
        assert reader.runs() == []
        (hidden,) = reader.runs(trashed=True)
        edits.restore(hidden)
        reader.refresh()
        assert [i.id for i in reader.runs()] == ["r1"]


def test_half_an_edit_is_cut_off(folder: Path, store: Path) -> None:
    """An editor that was killed in a write hides nothing that is edited later."""
    with Reader.open(store) as reader:
        run = reader.run("r1")
    edits.rename(run, "one")
    path = folder / EDITS_FILE
    whole = path.read_bytes()
    edits.rename(run, "two")
    more = path.read_bytes()
    for cut in range(len(whole) + 1, len(more), 7):
        path.write_bytes(more[:cut])
        edits.add_tags(run, ["after"])
        assert shown(store)[:2] == ("one", {"a", "b", "after"})


def test_many_editors(folder: Path, store: Path) -> None:
    """Edits from many threads and processes at once are all there."""
    with Reader.open(store) as reader:
        run = reader.run("r1")

    def tag(name: str) -> None:
        for number in range(8):
            edits.add_tags(run, [f"{name}-{number}"])

    pids = []
    for process in range(3):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                names = [f"{process}-{n}" for n in range(3)]
                threads = [threading.Thread(target=tag, args=(name,)) for name in names]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
    with Reader.open(store) as reader:
        assert len(set(reader.run("r1").tags) - {"a", "b"}) == 72


def test_an_edit_that_cannot_be_saved(folder: Path, store: Path) -> None:
    """An edit that fails says so and that nothing was changed; a link in the file's place is not followed."""
    with Reader.open(store) as reader:
        run = reader.run("r1")
    (store / "precious").write_text("x")
    (folder / EDITS_FILE).symlink_to(store / "precious")
    with pytest.raises(JournalError, match="nothing was changed"):
        edits.rename(run, "x")
    assert (store / "precious").read_text() == "x"


def test_an_edit_beats_a_resume(folder: Path, store: Path) -> None:
    """A run that goes on keeps the name a person gave it."""
    import trackerlite as tl

    with Reader.open(store) as reader:
        edits.rename(reader.run("r1"), "by hand")
    with tl.init(project="p", id="r1", dir=store) as run:
        assert run.resumed
        run.log({"x": 2.0})
    assert shown(store)[0] == "by hand"


def test_an_edit_keeps_no_secret(store: Path, folder: Path) -> None:
    """A key that somebody pastes into a note, a tag or a name does not reach a file."""
    secret = "hf_abcdefghijklmnopqrstuvwxyz0123456789AB"
    with Reader.open(store) as reader:
        run = reader.run("r1")
        edits.add_tags(run, [secret, "plain"])
        edits.set_notes(run, f"the key is {secret}, ask me")
        edits.rename(run, f"try {secret}")
    name, tags, notes, *_ = shown(store)
    assert "plain" in tags  # type: ignore[operator]
    assert str(notes).startswith("the key is ")
    assert str(name).startswith("try ")
    files = [path for path in store.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret.encode() in path.read_bytes()]
