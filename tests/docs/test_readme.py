"""The README does what it says: its Python runs as one script, its commands in one shell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: what sets up a machine, or needs one with a network
NOT_HERE = ("pip install", ".venv/bin/")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which the README's Python has run."""
    folder = tmp_path_factory.mktemp("reader")
    script = "\n".join(blocks("python"))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_python_runs(folder: Path) -> None:
    """The five-line start, and the lines that read it back, run in an empty folder."""
    assert (folder / ".trackerlite" / "trackerlite.db").is_file()


@pytest.mark.parametrize(
    "block", [b for b in blocks("sh") if not any(word in b for word in NOT_HERE)]
)
def test_the_commands_run(folder: Path, block: str) -> None:
    """Each recipe succeeds on the run that the five-line start made."""
    if "sync" in block:
        pytest.importorskip("wandb", reason="syncing needs the extra trackerlite[wandb]")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_link_leads_somewhere() -> None:
    """A path that the README links to is in the repository."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_views_have_the_columns_it_lists() -> None:
    """The table of SQL views lists the columns that each view has, in order."""
    import sqlite3

    from trackerlite.store import schema

    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.bring_up_to_date(connection, Path("memory"))
    listed = {}
    for names, columns in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| `([^`]+)`", README, re.M):
        for name in re.findall(r"`(\w+)`", names):
            listed[name] = columns.split(", ")
    assert set(listed) == set(schema.VIEW_NAMES)
    for view, columns in listed.items():
        found = [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]
        assert found == columns, view
