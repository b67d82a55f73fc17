"""The verbs that change a run: each change can be seen afterwards, and undone."""

from __future__ import annotations

from pathlib import Path

from cli.command import HOSTILE, record, trackerlite


def test_tag(store: Path) -> None:
    """Tags are added and taken away, on several runs at once, and `tag` alone prints them."""
    where = ["--dir", str(store)]
    done = trackerlite("tag", "mine", "-a", "new", "-a", HOSTILE, "-r", "old", "--json", *where)
    assert done.returncode == 0
    [row] = done.json
    assert (row["id"], row["name"]) == ("mine0001", "mine")
    assert sorted(row["tags"]) == sorted(["new", HOSTILE])
    assert trackerlite("tag", "mine", "--json", *where).json == done.json


def test_two_projects_with_a_run_of_one_id(store: Path) -> None:
    """What names a run with its project works to the end, and so does what the verb suggests."""
    where = ["--dir", str(store)]
    record(
        store.parent,
        "import trackerlite as tl; tl.init(project='beta', name='theirs', id='mine0001').finish()",
        "-",
    )
    done = trackerlite("tag", "beta/mine0001", "-a", "x", "--json", *where)
    assert (done.returncode, done.json[0]["tags"]) == (0, ["x"])
    for run in ("alpha/mine0001", "beta/mine0001"):
        assert f"`trackerlite restore {run}`" in trackerlite("rm", run, *where).stderr
    assert trackerlite("restore", "beta/mine0001", *where).returncode == 0
    assert [run["project"] for run in trackerlite("ls", "--json", *where).json] == ["beta"]


def test_notes_from_windows(store: Path) -> None:
    """A line that ends in CR LF ends there, without a sign for the CR."""
    where = ["--dir", str(store)]
    trackerlite("note", "mine", "first\r\nsecond", *where)
    assert trackerlite("note", "mine", *where).stdout == "first\nsecond\n"
    assert "\n  first\n  second\n" in trackerlite("show", "mine", *where).stdout


def test_note(store: Path) -> None:
    """Notes are written, added to, and printed."""
    where = ["--dir", str(store)]
    assert trackerlite("note", "mine", "first", *where).stdout == ""
    assert trackerlite("note", "mine", "second", "--append", *where).returncode == 0
    assert trackerlite("note", "mine", *where).stdout == "first\nsecond\n"
    assert trackerlite("note", "mine", "--json", *where).json["notes"] == "first\nsecond"
    assert trackerlite("note", "mine", "--append", *where).returncode == 2


def test_note_in_an_editor(store: Path) -> None:
    """--edit hands the notes to $EDITOR and keeps what it saves."""
    where = ["--dir", str(store)]
    trackerlite("note", "mine", "first", *where)
    done = trackerlite("note", "mine", "--edit", *where, EDITOR="sed -i s/first/last/")
    assert done.returncode == 0
    assert trackerlite("note", "mine", *where).stdout == "last\n"


def test_rename(store: Path) -> None:
    """A renamed run answers to its new name and to its id, no longer to the old name."""
    where = ["--dir", str(store)]
    assert trackerlite("rename", "mine", "better name", *where).returncode == 0
    assert trackerlite("show", "better name", "--json", *where).json["id"] == "mine0001"
    assert trackerlite("show", "mine0001", "--json", *where).json["name"] == "better name"
    assert trackerlite("show", "mine", *where).returncode == 0  # the beginning of its id
    assert trackerlite("show", "min x", *where).returncode == 3


def test_rm_and_restore(store: Path) -> None:
    """`rm` hides a run, `ls --trash` shows it, `restore` brings it back; its files stay."""
    where = ["--dir", str(store)]
    files = sorted(store.glob("runs/**/events*"))
    assert trackerlite("rm", "mine", *where).returncode == 0
    assert trackerlite("ls", *where).returncode == 3
    again = trackerlite("rm", "mine", *where)
    assert again.returncode == 3
    assert "alpha/mine0001 is in the trash. `trackerlite restore alpha/mine0001`" in again.stderr
    assert [run["id"] for run in trackerlite("ls", "--trash", "--json", *where).json] == [
        "mine0001"
    ]
    assert trackerlite("restore", "mine", *where).returncode == 0
    assert [run["id"] for run in trackerlite("ls", "--json", *where).json] == ["mine0001"]
    assert sorted(store.glob("runs/**/events*")) == files


def test_one_unknown_run_changes_none(store: Path) -> None:
    """If one of several runs is not found, none is changed."""
    where = ["--dir", str(store)]
    assert trackerlite("rm", "mine", "nope", *where).returncode == 3
    assert trackerlite("ls", *where).returncode == 0
