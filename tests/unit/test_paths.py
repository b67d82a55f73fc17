"""The door for paths: no text leads out of its folder, and no two share a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackerlite import paths
from trackerlite.errors import BadInput, StoreNotFound

WORST = [
    "", ".", "..", "...", "/", "//", "../..", "/etc/passwd", "..\\..\\windows", "C:\\x", "C:", "a/b", "a\\b", "a\x00b", "\x00",
    "con", "CON", "nul.txt", "com1", "LPT9", "aux", " ", "  x", "x ", "x.", "-rf", "~", "~root", "é", "e\u0301", "\u202egpj.exe",
    "\ud800", "🙂", "a\nb", "%2e%2e%2f", "x" * 300, "é" * 300, "$(id)", "`id`", ";rm", "*", "?", "a|b", "<", "\u2044", "\uff0e\uff0e\uff0f",
]  # fmt: skip
texts = st.one_of(
    st.sampled_from(WORST),
    st.text(max_size=200),
    st.from_regex(r"[./\\~a-zA-Z0-9-]{0,12}", fullmatch=True),
)


@given(texts)
def test_a_safe_name_is_one_harmless_component(text: str) -> None:
    """Any text becomes a name of one component that every file system takes and that leads nowhere else."""
    name = paths.safe_name(text)
    assert name.isascii()
    assert name.isprintable()
    assert 0 < len(name) <= 80
    assert os.path.basename(name) == name
    assert name not in (".", "..")
    assert name[0] not in "-."
    assert not set(name) & set('/\\:*?"<>|\x00 ')
    assert name.split(".")[0].lower() not in ("con", "prn", "aux", "nul", "com1", "lpt9")


@given(st.lists(texts, max_size=40, unique=True))
def test_different_texts_get_different_names(some: list[str]) -> None:
    """Two different texts never get one name, also not where one is the other's name."""
    some = list(dict.fromkeys([*some, *(paths.safe_name(t) for t in some)]))
    assert len({paths.safe_name(t) for t in some}) == len(some)


@given(texts)
def test_a_name_is_always_the_same(text: str) -> None:
    """A text's name never changes, and a name that is safe already is kept."""
    assert paths.safe_name(text) == paths.safe_name(text)
    assert paths.safe_name("llama3-lora_r8.v2") == "llama3-lora_r8.v2"


@pytest.mark.parametrize("run_id", ["a", "ab12cd34", "2024-01-01_x.y", "_x", "A" * 128, "rank-1"])
def test_ids_that_can_be(run_id: str) -> None:
    """Letters, digits, dots, dashes and underscores make an id."""
    assert paths.check_id(run_id) == run_id


@given(
    st.one_of(
        st.sampled_from([*WORST[:-3], ".hidden", "-x", "a b", "a" * 129, "a\n", "é"]),
        st.text(max_size=30),
    )
)
def test_ids_that_cannot(run_id: str) -> None:
    """Any other text is refused with a reason; what is accepted is a safe file name as it stands."""
    try:
        paths.check_id(run_id)
    except BadInput:
        return
    assert run_id.isascii()
    assert not set(run_id) & set("/\\ \n\0")
    assert not run_id.startswith((".", "-"))


def test_a_refusal_says_what_an_id_is() -> None:
    """The refusal of an id shows it, harmless, and says what one is made of."""
    with pytest.raises(BadInput, match="A-Z a-z 0-9") as caught:
        paths.check_id("a/\x1b[31m")
    assert "\x1b" not in str(caught.value)


@given(st.one_of(texts, st.from_regex(r"(\.\./|[a-z]/|\./|//|\\){0,5}[a-z.]{0,4}", fullmatch=True)))
def test_inside_never_leads_out(relative: str) -> None:
    """A relative path from outside is either refused or stays below its root."""
    root = Path("root").absolute()
    root.mkdir(exist_ok=True)
    try:
        found = paths.inside(root, relative)
    except (BadInput, ValueError, OSError):
        return
    assert found.resolve().is_relative_to(root.resolve())


def test_inside_refuses_links_that_leave(tmp_path: Path) -> None:
    """A symbolic link that leaves the root is refused, one that stays is followed."""
    (tmp_path / "root" / "real").mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    (tmp_path / "root" / "in").symlink_to(tmp_path / "root" / "real")
    with pytest.raises(BadInput, match="link"):
        paths.inside(tmp_path / "root", "out/secret")
    assert paths.inside(tmp_path / "root", "in/x") == tmp_path / "root" / "in" / "x"


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dir`, then $TRACKERLITE_DIR, then the nearest .trackerlite upwards, then one here."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert paths.store_dir() == deep / ".trackerlite"
    (tmp_path / "a" / ".trackerlite").mkdir()
    assert paths.store_dir() == tmp_path / "a" / ".trackerlite"
    monkeypatch.setenv("TRACKERLITE_DIR", str(tmp_path / "env"))
    assert paths.store_dir() == tmp_path / "env" / ".trackerlite"
    assert paths.store_dir(tmp_path / "arg") == tmp_path / "arg" / ".trackerlite"
    assert paths.store_dir(tmp_path / "x" / ".trackerlite") == tmp_path / "x" / ".trackerlite"
    with pytest.raises(StoreNotFound, match="no store"):
        paths.existing_store(tmp_path / "arg")


def test_a_folder_of_tensorboard_runs_is_no_store(tmp_path: Path) -> None:
    """A project folder that holds TensorBoard's default `runs` folder gets a .trackerlite of its own."""
    (tmp_path / "runs").mkdir()
    assert paths.store_dir(tmp_path) == tmp_path / ".trackerlite"
    (tmp_path / "renamed" / "runs").mkdir(parents=True)
    (tmp_path / "renamed" / "trackerlite.db").touch()
    assert paths.store_dir(tmp_path / "renamed") == tmp_path / "renamed"


@pytest.mark.parametrize("given_", [5, "a\0b", "~no-such-user/x"])
def test_what_is_no_path_is_named(given_: object) -> None:
    """A `dir` that can be no folder is an error of ours, with a sentence."""
    with pytest.raises(BadInput, match=r"^dir=.* cannot be a folder \(.+\)\.$"):
        paths.store_dir(given_)  # type: ignore[arg-type]


def test_a_path_that_cannot_be_looked_at(tmp_path: Path) -> None:
    """Where we may not or cannot look there is no store to find, and no error."""
    assert paths.store_dir(tmp_path / ("x" * 5000)).name == ".trackerlite"


def test_a_user_without_a_home(tmp_path: Path) -> None:
    """Where the user has no name and no home, as in a container, everything works but keeping a key."""
    script = (
        "import pwd\n"
        "def nobody(*_):\n    raise KeyError('no such user')\n"
        "pwd.getpwuid = nobody\n"
        "import trackerlite as tl\n"
        "with tl.init(dir='.') as run: run.log({'a': 1.0})\n"
        "from trackerlite.cli import main\n"
        "print([main([*words, '--dir', '.']) for words in (['ls'], ['status'], ['tui', '--once'], ['logout'])])"
    )
    nameless = {k: v for k, v in os.environ.items() if k not in ("HOME", "USER", "LOGNAME")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=nameless, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] == "[0, 0, 0, 3]"


def test_the_current_folder_is_gone(tmp_path: Path) -> None:
    """A training whose folder was removed goes on unrecorded, with one sentence; the command line says so."""
    script = (
        "import os, sys, trackerlite as tl; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "run = tl.init(); print(run.log({'a': 1.0}), run.settings.mode)\n"
        "from trackerlite.cli import main; print(main(['ls']))"
    )
    environment = {**os.environ, "TRACKERLITE_SILENT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "True disabled\n3\n"
    assert done.stderr.count("nothing can be recorded") == 1
    assert "Traceback" not in done.stderr
