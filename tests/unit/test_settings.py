"""Settings: arguments first, then TRACKERLITE_ variables, then WANDB_ ones, then defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trackerlite
from trackerlite.errors import BadInput
from trackerlite.recording import settings
from trackerlite.recording.settings import resolve


def test_defaults() -> None:
    """Without a word a run gets project "default", an id, a name made of it, offline, not durable."""
    found = resolve()
    assert (found.project, found.mode, found.resume, found.durable) == (
        "default",
        "offline",
        None,
        False,
    )
    assert len(found.id) == 8
    assert found.name == settings.name_for(found.id)
    assert not found.named
    assert not found.given_id
    assert resolve().id != found.id


@pytest.mark.parametrize(
    ("variable", "attribute", "text", "value"),
    [
        ("PROJECT", "project", "scanner", "scanner"),
        ("NAME", "name", "first try", "first try"),
        ("RUN_ID", "id", "abc", "abc"),
        ("RUN_GROUP", "group", "sweep", "sweep"),
        ("JOB_TYPE", "job_type", "eval", "eval"),
        ("NOTES", "notes", "why", "why"),
        ("TAGS", "tags", "a, b,a,", ("a", "b")),
        ("MODE", "mode", "disabled", "disabled"),
        ("RESUME", "resume", "must", "must"),
    ],
)
def test_the_environment(
    variable: str, attribute: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A WANDB_ variable is heard, a TRACKERLITE_ one is heard before it, an empty one is not there."""
    monkeypatch.setenv(f"WANDB_{variable}", text)
    assert getattr(resolve(), attribute) == value
    monkeypatch.setenv(f"TRACKERLITE_{variable}", "")
    assert getattr(resolve(), attribute) == value
    monkeypatch.setenv(
        f"WANDB_{variable}",
        "never" if variable == "RESUME" else "online" if variable == "MODE" else "other",
    )
    monkeypatch.setenv(f"TRACKERLITE_{variable}", text)
    assert getattr(resolve(), attribute) == value


def test_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """What init() is told wins over any variable."""
    for variable in ("PROJECT", "NAME", "RUN_ID", "RUN_GROUP", "JOB_TYPE", "NOTES", "TAGS"):
        monkeypatch.setenv(f"TRACKERLITE_{variable}", "env")
    found = resolve(project="p", name="n", id="i", group="g", job_type="j", notes="t", tags=["x"])
    assert (found.project, found.name, found.id, found.group) == ("p", "n", "i", "g")
    assert (found.job_type, found.notes, found.tags) == ("j", "t", ("x",))


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$WANDB_DIR places the store, $TRACKERLITE_DIR before it, dir= before both."""
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "w"))
    assert resolve().store == tmp_path / "w" / ".trackerlite"
    monkeypatch.setenv("TRACKERLITE_DIR", str(tmp_path / "t"))
    assert resolve().store == tmp_path / "t" / ".trackerlite"
    assert resolve(dir=tmp_path / "d").store == tmp_path / "d" / ".trackerlite"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("offline", "offline"),
        ("ONLINE", "online"),
        ("dryrun", "offline"),
        ("run", "online"),
        ("disabled", "disabled"),
    ],
)
def test_modes(said: str, meant: str) -> None:
    """W&B's names for the modes are understood."""
    assert resolve(mode=said).mode == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, None),
        (False, None),
        ("", None),
        (True, "auto"),
        ("allow", "allow"),
        ("MUST", "must"),
        ("never", "never"),
        ("auto", "auto"),
    ],
)
def test_resume(said: Any, meant: Any) -> None:
    """`resume` takes W&B's words, and True for "auto"."""
    assert resolve(resume=said).resume == meant


def test_resume_from() -> None:
    """`resume_from` names a run, which must be there, and the step to go back to."""
    found = resolve(resume_from="ab12cd34?_step=500")
    assert (found.id, found.rewind, found.resume, found.given_id) == ("ab12cd34", 500, "must", True)
    assert resolve(resume_from="ab12cd34").rewind is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "sometimes"}, {"resume": "maybe"}, {"resume_from": "x?_step=ten"}, {"resume_from": "x?epoch=3"},
        {"resume_from": "x?_step=--5"}, {"id": "../x"}, {"id": "a b"}, {"project": 7}, {"project": "x" * 5000}, {"name": b"x"},
        {"notes": "x" * 1_000_001}, {"group": 3}, {"resume_from": ""}, {"resume_from": "?_step=3"},
        {"resume_from": "x?_step=3", "id": "y"}, {"resume": 5}, {"mode": 5}, {"id": 5},
    ],
)  # fmt: skip
def test_what_cannot_be_used(wrong: dict[str, Any]) -> None:
    """An argument that cannot be used is refused with a message that names it."""
    with pytest.raises(BadInput) as caught:
        resolve(**wrong)
    assert next(iter(wrong)).split("_")[0] in str(caught.value)


def test_yes_and_no_as_the_environment_spells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """WANDB_RESUME=true means what resume=True means; blanks around a value mean nothing."""
    for text, meant in (("true", "auto"), ("1", "auto"), ("False", None), (" must\r", "must")):
        monkeypatch.setenv("WANDB_RESUME", text)
        assert resolve().resume == meant


def test_must_needs_an_id(tmp_path: Path) -> None:
    """resume="must" of no run in particular says what is missing, not that some random id is not there."""
    with pytest.raises(BadInput, match="give its id"):
        trackerlite.init(dir=tmp_path, resume="must")


@given(st.text(max_size=30), st.text(max_size=30), st.lists(st.text(max_size=9), max_size=4))
def test_any_text_is_carried(project: str, name: str, tags: list[str]) -> None:
    """Project, name and tags of any characters come out as text that UTF-8 can carry."""
    found = resolve(project=project, name=name, tags=tags)
    for text in (found.project, found.name, *found.tags):
        text.encode("utf-8")
    assert found.project
    assert found.name
