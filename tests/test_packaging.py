"""The built package, installed elsewhere: what a user gets, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def call(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("TRACKERLITE_", "WANDB_", "PYTHON"))
    }
    return subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    out = tmp_path_factory.mktemp("wheel")
    here = (
        ["--no-build-isolation"]
        if __import__("importlib.util").util.find_spec("hatchling") is not None
        else []
    )
    done = call(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        *here,
        "-w",
        out,
        ROOT,
        cwd=out,
    )
    if done.returncode != 0 and not here and "hatchling" in done.stderr:
        pytest.skip(f"hatchling is not installed and cannot be fetched: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel, and this one's other packages visible from afar."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    assert (
        call(sys.executable, "-m", "venv", "--without-pip", place, cwd=place.parent).returncode == 0
    )
    interpreter = place / "bin" / "python"
    done = call(
        sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=place.parent
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (packages,) = place.glob("lib/python*/site-packages")
    # A path file is not read in folders that a path file added: an editable install there stays unseen.
    (packages / "others.pth").write_text(
        f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n"
    )
    return interpreter


def test_what_is_in_it(wheel: Path) -> None:
    """The wheel holds the two packages with their type markers and the licence; no tests, no `tui`."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "trackerlite",
        "trackerlite_tui",
    }
    assert "trackerlite/py.typed" in names
    assert "trackerlite_tui/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for folder, start in (
        (ROOT / "trackerlite", ROOT),
        (ROOT / "tui" / "trackerlite_tui", ROOT / "tui"),
    ):
        files = {p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
        assert {p.relative_to(start).as_posix() for p in files} <= set(names)


def test_it_is_the_installed_one(python: Path, tmp_path: Path) -> None:
    """From another folder both packages come from the environment, and nothing is called `tui`."""
    code = (
        "import trackerlite, trackerlite_tui; print(trackerlite.__file__, trackerlite_tui.__file__)"
    )
    done = call(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(str(python.parent.parent) in part for part in done.stdout.split())
    done = call(python, "-c", "import tui", cwd=tmp_path)
    assert done.returncode != 0
    assert "No module named 'tui'" in done.stderr


def test_it_records_and_reads(python: Path, tmp_path: Path) -> None:
    """A training and the command line work from the installed package."""
    code = """
import trackerlite as tl
with tl.init(project="p", id="first", config={"lr": 1}) as run:
    for step in range(20):
        run.log({"loss": 1 / (step + 1)})
print(len(tl.Api().run("first").metric("loss")["value"]))
"""
    done = call(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["20"]
    done = call(python.parent / "trackerlite", "ls", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "first" in done.stdout
    done = call(python.parent / "trackerlite", "--version", cwd=tmp_path)
    assert done.returncode == 0
    assert "0." in done.stdout


def test_every_module_imports(python: Path, tmp_path: Path) -> None:
    """Every module of the installed packages imports, but for what an extra would bring; frameworks' own adapters aside."""
    code = """
import importlib, pkgutil, sys
import trackerlite, trackerlite_tui
bad = []
for package in (trackerlite, trackerlite_tui):
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if info.name.endswith("__main__") or info.name.startswith("trackerlite.integrations."):
            continue
        try:
            importlib.import_module(info.name)
        except ImportError as error:
            if (error.name or "trackerlite").startswith("trackerlite"):
                bad.append(f"{info.name}: {error}")
print(bad)
"""
    done = call(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
