"""The public face: names, documents, the shape of the repository."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import trackerlite

ROOT = Path(__file__).parent.parent
TOP = {
    ".ci", ".git", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "adrs", "examples", "pyproject.toml", "tests",
    "trackerlite", "tui",
}  # fmt: skip


def test_public_names_are_sorted_and_there() -> None:
    """`__all__` is sorted, without doubles, every name in it can be had, and says what it is."""
    names = trackerlite.__all__
    assert names == sorted(set(names))
    for name in names:
        found = getattr(trackerlite, name)
        assert found.__doc__, f"{name} has no docstring"
        assert not name.startswith("_")
    assert set(names) <= set(dir(trackerlite))
    with pytest.raises(AttributeError):
        trackerlite.no_such_name


def test_public_names_are_the_documented_ones() -> None:
    """The README's list of public names is `__all__` and what belongs to the current run."""
    found = re.search(r"Public names:([^.]*)\.", (ROOT / "README.md").read_text())
    assert found, "the README lists the public names in a sentence that begins with 'Public names:'"
    assert set(re.findall(r"`(\w+)`", found[1])) == {
        *trackerlite.__all__,
        "config",
        "run",
        "summary",
    }


def test_only_known_things_at_the_top() -> None:
    """The top of the repository holds what everybody expects, and nothing else is kept there."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in done.stdout.splitlines()} <= TOP


def test_decisions_are_numbered() -> None:
    """Each ADR has a number of its own, from 0001 without a gap, a name in kebab case, and a title that bears it."""
    names = sorted(path.name for path in (ROOT / "adrs").iterdir())
    assert all(re.fullmatch(r"\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md", name) for name in names), names
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1)), names
    assert names[6] == "0007-experiment-tracking-wandb.md"
    for name in names:
        assert (ROOT / "adrs" / name).read_text().startswith("# "), name


def test_modules_are_of_a_size_to_read() -> None:
    """No module has more than 600 lines."""
    long = {
        str(path.relative_to(ROOT)): count
        for folder in ("trackerlite", "tui", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (count := path.read_text().count("\n")) > 600
    }
    assert not long


def test_links_of_the_documents_lead_somewhere() -> None:
    """Every relative link in a document of the repository leads to a file that is there."""
    broken = []
    for document in [
        *ROOT.glob("*.md"),
        *(ROOT / "adrs").glob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if (
                "://" not in target
                and not target.startswith("mailto:")
                and not (document.parent / target).exists()
            ):
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert not broken


def modules_with_examples() -> list[str]:
    found = []
    for root, start in (
        (ROOT / "trackerlite", ROOT),
        (ROOT / "tui" / "trackerlite_tui", ROOT / "tui"),
    ):
        for path in sorted(root.rglob("*.py")):
            if re.search(r"^ +>>> (?!.*doctest: \+SKIP)", path.read_text(), re.MULTILINE):
                found.append(
                    ".".join(path.relative_to(start).with_suffix("").parts).removesuffix(
                        ".__init__"
                    )
                )
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example in a docstring does what it says, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TRACKERLITE_DIR", "WANDB_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TRACKERLITE_SILENT", "1")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").startswith("trackerlite"):
            raise
        pytest.skip(f"{error.name} is not installed")
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
    assert result.attempted > 0


@pytest.mark.full
def test_the_api_as_people_type_it() -> None:
    """Programs that use the public names as documented pass a strict type checker; wrong ones do not."""
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "tests/typing/api.py"],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
