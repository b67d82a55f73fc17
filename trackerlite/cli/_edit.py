"""What the verbs that change runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite.readers import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackerlite.readers import RunInfo


def find(
    references: Iterable[str],
    dir: str | None,
    *,
    trashed: bool = False,
) -> list[RunInfo]:
    """The runs meant, each once. One that is not found stops the verb before it changed any.

    Args:
        trashed: look among those in the trash instead.
    """
    with Reader.open(dir) as reader:
        runs = [reader.run(reference, trashed=trashed) for reference in references]
    return list({run.key: run for run in runs}.values())
