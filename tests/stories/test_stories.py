"""Whole lives of runs, at random: recorded, killed, rewound, edited, lost from the database, rebuilt."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from stories.model import Model
from stories.telling import Story, seeds
from trackerlite import edits
from trackerlite.cli import main
from trackerlite.readers import Reader, RunInfo


def listed(story: Story) -> dict[str, RunInfo]:
    """The runs that the store shows, brought up to date."""
    with Reader.open(story.store) as reader:
        return {run.id: run for run in reader.runs()}


def lose(story: Story) -> None:
    """The database is deleted."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{story.database}{suffix}").unlink(missing_ok=True)


def repair(story: Story) -> None:
    """The database is made anew from the journals."""
    assert main(["doctor", "--repair", "--dir", str(story.store)]) == 0


def edit(story: Story) -> None:
    """A person changes something about a run."""
    with Reader.open(story.store) as reader:
        found = {run.id: run for run in [*reader.runs(), *reader.runs(trashed=True)]}
    run = found[story.chance.choice(list(story.models))]
    model = story.models[run.id]
    what = story.chance.randrange(5)
    if what == 0:
        edits.add_tags(run, ["edited"])
        model.tags = [*model.tags, "edited"]
    elif what == 1:
        edits.remove_tags(run, ["t1"])
        model.tags = [tag for tag in model.tags if tag != "t1"]
    elif what == 2:
        edits.set_notes(run, "edited")
        model.notes = "edited"
    elif what == 3:
        model.name = edits.rename(run, f"renamed {story.chance.randrange(9)}")
    else:
        (edits.restore if model.trashed else edits.trash)(run)
        model.trashed = not model.trashed


def judge(story: Story) -> None:
    """The views show what the models say, each value exactly."""
    shown = listed(story)
    assert shown.keys() == {run for run, model in story.models.items() if not model.trashed}
    connection = sqlite3.connect(f"file:{story.database}?mode=ro", uri=True)
    try:
        for run in shown:
            compare(connection, run, story.models[run])
    finally:
        connection.close()


def compare(connection: sqlite3.Connection, run: str, model: Model) -> None:
    """One run against its model."""
    curves: dict[str, list[tuple[int, object]]] = {}
    for key, *point in connection.execute(
        "SELECT key, step, value FROM metrics WHERE run_id = ?", (run,)
    ):
        curves.setdefault(key, []).append((point[0], point[1]))
    assert curves == model.curves
    config = connection.execute(
        "SELECT param.key, json FROM param JOIN run ON run.key = run_key WHERE run.id = ?", (run,)
    )
    assert {key: json.loads(text) for key, text in config} == model.config
    summary = connection.execute("SELECT key, value FROM summary WHERE run_id = ?", (run,))
    assert dict(summary.fetchall()) == model.summary
    tags = connection.execute("SELECT tag FROM tags WHERE run_id = ?", (run,))
    assert {tag for (tag,) in tags} == set(model.tags)
    (notes, name, state) = connection.execute(
        "SELECT notes, name, state FROM runs WHERE run_id = ?", (run,)
    ).fetchone()
    assert (notes, state) == (model.notes, model.state)
    assert model.name in (None, name)


@pytest.mark.parametrize("seed", seeds(6, 300))
def test_a_story_is_shown_as_it_was(tmp_path: Path, seed: int) -> None:
    """After any sessions, kills, rewinds, edits, losses and repairs: exactly what was acknowledged."""
    story = Story(tmp_path / "store", seed, ["r1", "r2", "r3"])
    for _ in range(story.chance.randrange(3, 8)):
        story.session()
        story.happening([lose, repair, edit, edit, judge])
        judge(story)
