"""Who a run is, as a script asks it: what stays, and what may be set while it is recorded."""

from __future__ import annotations

from typing import Any

from trackerlite.recording.harmless import harmless
from trackerlite.recording.part import Part
from trackerlite.recording.settings import NOTES_LIMIT, Settings, check_name, check_text, parse_tags


class Identity(Part):
    """The part of `Run` that says which run it is."""

    settings: Settings
    _step: int
    _name: str
    _notes: str | None
    _tags: tuple[str, ...]

    @property
    def id(self) -> str:
        """The run's id: unique in its project."""
        return self.settings.id

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return self.settings.project

    @property
    def group(self) -> str | None:
        """The group it belongs to."""
        return self.settings.group

    @property
    def job_type(self) -> str | None:
        """What kind of job it is."""
        return self.settings.job_type

    @property
    def step(self) -> int:
        """The step of the next `log` without one."""
        return self._step

    @property
    def dropped(self) -> int:
        """Records that were lost because the disk would not take them."""
        return self._writer.dropped

    @property
    def name(self) -> str:
        """The display name; may be set."""
        return self._name

    @name.setter
    def name(self, text: str) -> None:
        self._set_name(text)

    @property
    def notes(self) -> str | None:
        """Free text; may be set."""
        return self._notes

    @notes.setter
    def notes(self, text: str | None) -> None:
        self._set_notes(text)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags; may be set or added to (`run.tags += ("x",)`)."""
        return self._tags

    @tags.setter
    def tags(self, tags: Any) -> None:
        self._set_tags(tags)

    @harmless("Setting the name")
    def _set_name(self, text: Any) -> None:
        self._name = check_name("name", str(text))
        self._record("name", text=self._name)

    @harmless("Setting the notes")
    def _set_notes(self, text: Any) -> None:
        self._notes = None if text is None else check_text("notes", str(text), NOTES_LIMIT)
        self._record("notes", text=self._notes)

    @harmless("Setting the tags")
    def _set_tags(self, tags: Any) -> None:
        new = parse_tags(tags)
        add = [t for t in new if t not in self._tags]
        remove = [t for t in self._tags if t not in new]
        self._tags = new
        if add or remove:
            self._record("tags", add=add, remove=remove)
