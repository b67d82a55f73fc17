"""What is known of where each run was sent; nothing where sync is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo


def load(reader: Reader, runs: Mapping[int, RunInfo]) -> Any:  # noqa: ARG001 - once sync tells
    """What each run has sent, by run key; None where nothing is known of it."""
    return None
