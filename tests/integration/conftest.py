"""Fixtures of the integration tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith(("TRACKERLITE_", "WANDB_", "SLURM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TRACKERLITE_SILENT", "1")
    monkeypatch.chdir(tmp_path)
