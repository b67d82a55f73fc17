"""What to send, decided from the server's own count: reconcile, then append.

The rows of a run have one order (see `readers.history_rows`), so the server's count is an index
into them, and the step of the server's last row must be the step of the row before that index. Where it
is not, nothing is sent: rows came late, were rewound, or are somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trackerlite.backends.base import Cursor

Marks = Mapping[str, tuple[int, int]]


class RowSource(Protocol):
    """A run's rows in order: (step, time, values), steps strictly increasing."""

    late: int
    more: bool

    def iterate(
        self,
        after: int | None = None,
        before: int | None = None,
        start: Marks | None = None,
        limit: int | None = None,
    ) -> Iterator[tuple[int, float, dict[str, Any]]]: ...

    def tally(self, upto: int | None = None) -> tuple[int, int | None]: ...

    def visible_before(self, marks: Marks) -> bool: ...


@dataclass(frozen=True)
class Known:
    """What an earlier sync confirmed: rows, the last one's step, and how far each series was read."""

    rows: int
    last_step: int | None
    marks: Marks


@dataclass(frozen=True)
class Plan:
    """What to do for one run.

    from_row: rows the server has and that are the same here; they are not sent.
    after: the step they end at. start: marks to read on from, when they can be trusted.
    conflict: why nothing may be sent, as a sentence; `late` rows are below the server's last step.
    """

    from_row: int
    after: int | None = None
    start: Marks | None = None
    conflict: str | None = None
    late: int = 0


def make_plan(source: RowSource, cursor: Cursor, known: Known | None) -> Plan:
    """Reconcile a run with the server's cursor."""
    if not cursor.exists or cursor.rows == 0:
        return Plan(0)
    if cursor.last_step is None:
        return Plan(
            cursor.rows,
            conflict=(
                f"the server says it has {cursor.rows:,} rows but does not say up to which step, so they "
                "cannot be matched with the ones here"
            ),
        )
    if (
        known is not None
        and known.marks
        and known.rows == cursor.rows
        and known.last_step == cursor.last_step
        and source.visible_before(known.marks)
    ):
        return Plan(cursor.rows, cursor.last_step, known.marks)
    here, last = source.tally(cursor.last_step)
    ends = last == cursor.last_step
    if here == cursor.rows and ends:
        return Plan(cursor.rows, cursor.last_step)
    return Plan(
        cursor.rows,
        cursor.last_step,
        conflict=_why(here, ends, cursor, known),
        late=max(0, here - cursor.rows),
    )


def _why(here: int, ends: bool, cursor: Cursor, known: Known | None) -> str:
    step = cursor.last_step
    if here > cursor.rows and ends:
        many = here - cursor.rows
        what = "row" if many == 1 else "rows"
        if known is not None and known.rows == cursor.rows:
            return (
                f"{many:,} {what} came after step {step} had been sent, but belong before it, and W&B only "
                "takes rows in order"
            )
        return f"the server has {cursor.rows:,} rows up to step {step}, here there are {here:,}: {many:,} {what} missing there cannot be put in between"
    if here < cursor.rows:
        many = cursor.rows - here
        if known is not None and known.rows == cursor.rows:
            return (
                f"{many:,} of the {cursor.rows:,} rows at the server are not here any more: the run was "
                "rewound after they had been sent"
            )
        return (
            f"the server has {cursor.rows:,} rows up to step {step}, here there are {here:,}: {many:,} more "
            "than were recorded (rows were doubled, rewound after they had been sent, or sent by somebody else)"
        )
    return (
        f"the server's last row is step {step}, and no row here has that step: it holds other data"
    )
