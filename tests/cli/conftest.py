"""A store with a bit of everything, recorded by real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import record


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that tests only read."""
    return record(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of the test's own, with one finished run, `mine` (id mine0001)."""
    code = """
import trackerlite as tl
with tl.init(project="alpha", name="mine", id="mine0001", mode="offline", tags=["old"]) as run:
    for step in range(5):
        run.log({"loss": 1 / (step + 1)}, step=step)
"""
    return record(tmp_path, code, "-")
