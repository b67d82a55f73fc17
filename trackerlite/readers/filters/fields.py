"""What can be asked about a run by a plain name: `tag:`, `state:`, `age<` and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """What a field holds, and so which tests make sense."""

    TEXT = "text"
    SET = "set of words"
    NUMBER = "number"
    DURATION = "duration"
    MOMENT = "date"


@dataclass(frozen=True)
class Field:
    """A built-in field of a run."""

    name: str
    type: Type
    help: str
    choices: tuple[str, ...] = ()
    #: `field:word` means the whole text, not a part of it.
    whole: bool = False


STATES = ("running", "finished", "failed", "killed", "dead", "preempted")

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("name", Type.TEXT, "the run's name"),
        Field("id", Type.TEXT, "its id"),
        Field("project", Type.TEXT, "its project"),
        Field("group", Type.TEXT, "its group"),
        Field("job_type", Type.TEXT, "its job type"),
        Field("notes", Type.TEXT, "its notes"),
        Field("host", Type.TEXT, "the machine it ran on"),
        Field("state", Type.TEXT, "one of " + ", ".join(STATES), STATES, True),
        Field("tag", Type.SET, "any of its tags, the whole word", whole=True),
        Field("artifact", Type.SET, "any artifact it made or used, by name", whole=True),
        Field("alert", Type.SET, "any alert's title"),
        Field("age", Type.DURATION, "time since it started"),
        Field("duration", Type.DURATION, "how long it ran, or has been running"),
        Field("started", Type.MOMENT, "when it started, local time"),
        Field("ended", Type.MOMENT, "when it ended"),
        Field("steps", Type.NUMBER, "its last step"),
        Field("exit_code", Type.NUMBER, "what its process returned"),
    )
}

ALIASES = {
    "tags": "tag",
    "note": "notes",
    "job": "job_type",
    "created": "started",
    "finished": "ended",
    "step": "steps",
    "exit": "exit_code",
    "artifacts": "artifact",
    "alerts": "alert",
}

AGGREGATES = ("last", "best", "min", "max", "first", "mean", "count")

#: Fields whose text a bare word looks through.
SEARCHED = ("name", "id", "project", "group", "job_type", "notes")


def field_of(name: str) -> Field | None:
    """The field called `name`, aliases included, or None."""
    return FIELDS.get(ALIASES.get(name, name))
