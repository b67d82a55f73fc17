"""What somebody may have meant who wrote a name that is not there."""

from __future__ import annotations

from collections.abc import Sequence

from trackerlite.readers.filters.parser import Item
from trackerlite.readers.reader import Reader
from trackerlite.text import nearest


def hints(reader: Reader, items: Sequence[Item], project: str | None, now: float) -> list[str]:
    """A sentence for each of `items` that no run has, with the nearest name that some run has."""
    from trackerlite.readers.select import columns_of

    runs = reader.runs(project)
    columns = columns_of(reader, runs, items, now)
    missing = [item.text for item, column in zip(items, columns, strict=True) if not column]
    if not runs or not missing:
        return []
    known = {f"config.{key}" for row in reader.params().values() for key in row}
    known |= {f"summary.{key}" for row in reader.summaries().values() for key in row}
    known |= {one.name for stream in ("history", "system") for one in reader.series(stream=stream)}
    # A name given bare that is a config key is the most common slip.
    return [
        f"No run here has {text}."
        + (f" Did you mean config.{text}?" if f"config.{text}" in known else nearest(text, known))
        for text in missing
    ]
