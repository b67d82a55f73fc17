"""`doctor`: its verdict is its exit code, and what it names is what was broken."""

from __future__ import annotations

from pathlib import Path

from cli.command import trackerlite


def journal_of(store: Path) -> Path:
    [path] = store.glob("runs/*/*/events*")
    return path


def test_a_healthy_store(store: Path) -> None:
    """All whole: exit code 0, and nothing on stdout but notes."""
    done = trackerlite("doctor", "--dir", str(store))
    assert done.returncode == 0
    assert "All is whole" in done.stderr
    assert all(line.startswith("note") for line in done.stdout.splitlines())
    report = trackerlite("doctor", "--json", "--dir", str(store)).json
    assert report["ok"] is True
    assert (report["runs"], report["journals"]) == (1, 1)


def test_a_folder_without_a_journal_is_no_run(store: Path) -> None:
    """A run's folder that lost its journals is named, and not counted."""
    (store / "runs/alpha/lost-one").mkdir()
    (store / "runs/alpha/lost-one/console.log").write_text("step 1\n")
    report = trackerlite("doctor", "--json", "--dir", str(store)).json
    assert (report["ok"], report["runs"]) == (True, 1)
    assert "lost-one" in {Path(f["path"]).name for f in report["findings"]}


def test_a_damaged_journal_is_named(store: Path) -> None:
    """A flipped bit: exit code 1, the file and the bytes; repair cannot bring it back."""
    path = journal_of(store)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle] ^= 1
    path.write_bytes(content)
    done = trackerlite("doctor", "--dir", str(store))
    assert done.returncode == 1
    assert f"runs/alpha/{path.parent.name}/{path.name}: bytes " in done.stdout
    report = trackerlite("doctor", "--repair", "--json", "--dir", str(store))
    assert report.returncode == 1
    [damage] = [f for f in report.json["findings"] if f["kind"] == "damage"]
    assert damage["start"] <= middle < damage["stop"]


def test_a_ruined_database_comes_back(store: Path) -> None:
    """A database of rubbish: --repair rebuilds it from the journals, and all is whole."""
    where = ["--dir", str(store)]
    before = trackerlite("metrics", "mine", "-m", "loss", "--json", *where).stdout
    (store / "trackerlite.db").write_bytes(b"rubbish" * 1000)
    done = trackerlite("doctor", "--repair", *where)
    assert done.returncode == 0, done.stdout
    assert trackerlite("metrics", "mine", "-m", "loss", "--json", *where).stdout == before
    assert trackerlite("doctor", *where).returncode == 0
