"""How the command ends: exit codes, one sentence on stderr, no traceback."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.command import COMMAND, environment, trackerlite


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["lst"], 2, "There is no verb `lst`. Did you mean `ls`?"),
        (["qqqqqq"], 2, "There is no verb `qqqqqq`. `trackerlite --help` lists them."),
        (["ls", "--nope"], 2, "No such option"),
        (["ls", "-n", "0"], 2, "Invalid value"),
        (["show"], 2, "Missing argument 'RUN'"),
        (["show", "nope"], 3, "No run answers to 'nope'"),
        (["show", "twin"], 2, "'twin' could be any of 2 runs: beta/abc111, beta/abc222"),
        (["show", "abc"], 2, "'abc' could be any of 2 runs"),
        (["show", "\x1b[2Jevil"], 3, "No run answers to"),
        (["show", "\udcff\udc9b"], 3, "No run answers to"),
        (["rename", "baseline", " "], 2, "needs a name"),
        (["tag", "baseline", "-a", ""], 2, "needs a name"),
        (["note", "baseline", "--append"], 2, "needs a TEXT"),
        (["import", "/nonexistent"], 2, "There is nothing at /nonexistent"),
        (["export", "baseline", "--format", "tensorboard"], 2, "cannot go to stdout"),
        (["metrics", "baseline", "-m", "nope"], 3, "has no 'nope'"),
        (["ls", "--project", "nope"], 3, "No runs of project 'nope'"),
        (
            ["restore", "baseline"],
            3,
            "No run answers to 'baseline' in the trash; alpha/base0001 is not",
        ),
        (["show", "basline"], 3, "Did you mean baseline?"),
        (["search", "x", "--dir", "/nonexistent"], 3, "There is no store at /nonexistent"),
        (["ls", "--dir", "/etc/passwd"], 3, "/etc/passwd is a file; a store is a folder."),
        (["export", "baseline", "-o", "x.json"], 2, "does not follow from '.json': say --format"),
        (["--dir", "/nonexistent", "ls"], 3, "There is no store at /nonexistent"),
        (["tui"], 2, "The terminal UI needs a terminal."),
        ([], 2, "The terminal UI needs a terminal."),
    ],
    ids=str,
)
def test_wrong_use(shared_store: Path, arguments: list[str], code: int, sentence: str) -> None:
    """Each mistake has its exit code and its sentence on stderr; stdout stays empty."""
    done = trackerlite(*arguments, TRACKERLITE_DIR=str(shared_store))
    assert done.returncode == code
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("reference", ["abc1", "abc111", "beta/abc111", "alpha/baseline", "base"])
def test_references(shared_store: Path, reference: str) -> None:
    """A run is found by its id, a unique beginning of it, its name, or project/ before these."""
    assert trackerlite("show", reference, "--dir", str(shared_store)).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("metrics", "base0001", "-m", "*", "--json"),
        ("plot", "base0001", "-m", "train/loss"),
        ("diff", "abc111", "abc222"),
        ("ls",),
    ],
    ids=lambda words: words[0],
)
def test_broken_pipe(words: tuple[str, ...], shared_store: Path) -> None:
    """When the reader of a pipe goes away the command ends quietly, as other tools do."""
    leader, follower = os.pipe()
    os.close(leader)
    done = subprocess.run(
        [*COMMAND, *words, "--dir", str(shared_store)],
        stdout=follower,
        stderr=subprocess.PIPE,
        env=environment(),
        timeout=60,
    )
    os.close(follower)
    assert done.returncode == 141
    assert done.stderr == b""


def test_no_stdin(tmp_path: Path) -> None:
    """A command whose stdin is closed says what it misses, without a traceback."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "login"],
        capture_output=True,
        text=True,
        env=environment(HOME=str(tmp_path)),
        timeout=60,
    )
    assert done.returncode == 2
    assert "does not look like a W&B API key" in done.stderr
    assert "Traceback" not in done.stderr


full_disks = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")


@full_disks
def test_a_full_disk_behind_stdout(shared_store: Path) -> None:
    """What cannot be printed is a failure with one sentence, and nothing of the interpreter's."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "ls", "--dir", str(shared_store)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (1, b"No space left on device.\n")


@full_disks
@pytest.mark.parametrize(
    ("words", "code"), [(["gc"], 0), (["tag", "baseline"], 0), (["show", "nope"], 3)], ids=str
)
def test_a_full_disk_behind_stderr(words: list[str], code: int, shared_store: Path) -> None:
    """What a verb tells of itself may be lost; its exit code says what became of it all the same."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *words, "--dir", str(shared_store)],
            stdout=subprocess.PIPE,
            stderr=full,
            env=environment(),
            timeout=60,
        )
    assert done.returncode == code


def test_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C ends `tail` at once, without a traceback."""
    code = """
import time
import trackerlite as tl
run = tl.init(name="live", mode="offline")
run.log({"x": 1.0}, step=0)
time.sleep(60)
"""
    env = environment(TRACKERLITE_DIR=str(tmp_path), TRACKERLITE_SILENT="true")
    training = subprocess.Popen([sys.executable, "-c", code], env=env)
    try:
        deadline = time.monotonic() + 30
        while (
            trackerlite("ls", TRACKERLITE_DIR=str(tmp_path)).returncode
            and time.monotonic() < deadline
        ):
            time.sleep(0.2)
        tail = subprocess.Popen(
            [*COMMAND, "tail", "live"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert tail.stdout
        assert tail.stdout.readline().split() == ["0", "x", "1"]
        tail.send_signal(signal.SIGINT)
        _, narration = tail.communicate(timeout=10)
        assert tail.returncode == 130
        assert "Traceback" not in narration
    finally:
        training.kill()
        training.wait()


def test_closed_streams(shared_store: Path) -> None:
    """A command whose stdout or stderr was closed by its caller still ends by itself."""
    shell = 'trackerlite() { "$PYTHON" -c "$CODE" "$@"; }; '
    env = environment(
        PYTHON=sys.executable, CODE=COMMAND[2], TRACKERLITE_DIR=str(shared_store), LC_ALL="C"
    )
    for line, code in (("trackerlite ls >&-", 0), ("trackerlite show nope 2>&-", 3)):
        done = subprocess.run(["bash", "-c", shell + line], env=env, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (code, ""), line


def test_completion(shared_store: Path) -> None:
    """The shell's tab key completes verbs, and runs by name and id."""

    def complete(words: str) -> list[str]:
        done = trackerlite(
            TRACKERLITE_DIR=str(shared_store), _TRACKERLITE_COMPLETE="bash_complete",
            COMP_WORDS=words, COMP_CWORD=str(words.count(" ")),
        )  # fmt: skip
        return [line.partition(",")[2] for line in done.stdout.split()]

    assert complete("trackerlite me") == ["metrics"]
    assert complete("trackerlite show ba") == ["baseline", "base0001"]
    assert complete("trackerlite show ev") == ["evil0001"]
    assert complete("trackerlite restore ba") == []


def test_version() -> None:
    """`--version` prints one line."""
    done = trackerlite("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("trackerlite 0.")


@pytest.mark.parametrize("verb", [("show", "mine"), ("sql", "SELECT COUNT(*) FROM metrics")])
@pytest.mark.parametrize("harm", ["page", "table"])
def test_a_database_that_fails_midway(harm: str, verb: tuple[str, ...], store: Path) -> None:
    """What SQLite says in the middle of reading becomes a sentence that says what is safe."""
    trackerlite("ls", TRACKERLITE_DIR=str(store))
    database = next(store.rglob("trackerlite.db"))
    connection = sqlite3.connect(database, isolation_level=None)
    [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name='point'").fetchone()
    [size] = connection.execute("PRAGMA page_size").fetchone()
    if harm == "table":
        connection.execute("DROP TABLE series")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    if harm == "page":
        with open(database, "r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xee" * size)
    done = trackerlite(*verb, TRACKERLITE_DIR=str(store))
    assert "Traceback" not in done.stderr
    if verb[0] == "show" and harm == "page":  # it reads no points
        assert done.returncode == 0
    else:
        assert done.returncode == (2 if (verb[0], harm) == ("sql", "table") else 1), done.stderr
        assert done.returncode == 2 or "safe in their journals" in done.stderr
