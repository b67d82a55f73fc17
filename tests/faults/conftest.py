"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.nursery import Nursery


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where victims are born quickly."""
    some = Nursery(tmp_path_factory.mktemp("nursery") / "stderr.log")
    yield some
    some.close()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them."""
    import os

    for name in list(os.environ):
        if name.startswith(("TRACKERLITE_", "WANDB_", "SLURM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TRACKERLITE_SILENT", "1")
    monkeypatch.chdir(tmp_path)
