"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.nursery import Nursery


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where victims are born quickly."""
    some = Nursery(tmp_path_factory.mktemp("nursery") / "stderr.log")
    yield some
    some.close()
