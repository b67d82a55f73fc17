"""What a training gives that cannot be used: said in a sentence, the rest kept, nothing raised or held up."""

from __future__ import annotations

import argparse
import copy
import pickle
import time
import types
from typing import Any

import pytest

import trackerlite as tl
from trackerlite import values
from trackerlite.doctor import examine
from trackerlite.errors import BadInput


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


CYCLE: dict[str, Any] = {}
CYCLE.update(x=CYCLE, y=CYCLE)
CIRCLE: list[Any] = []
CIRCLE += [CIRCLE, CIRCLE]
ODD = [
    None,
    5,
    float("nan"),
    2**70,
    b"bytes",
    [],
    {},
    object(),
    Broken(),
    int,
    CYCLE,
    CIRCLE,
    "\ud800",
]
ODD += ["x" * 100_000, argparse.Namespace(a=Broken())]


@pytest.fixture
def run(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKERLITE_SILENT", "0")
    with tl.init(dir=tmp_path, project="p") as run:
        yield run


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_nothing_a_script_gives_raises(run: Any, odd: Any) -> None:
    """Whatever is given where something else belongs, the call returns soon and the run goes on."""
    begun = time.monotonic()
    run.log(odd)
    run.log({"k": odd, "ok": 1}, step=odd, commit=True)
    for mapping in (run.config, run.summary):
        mapping.update(odd)
        mapping["k"] = odd
    run.config.setdefaults(odd)
    run.name = run.notes = run.tags = odd
    for what in ("step_metric", "summary", "goal", "unit", "alarm"):
        run.define_metric("m", **{what: odd})
    run.define_metric(odd)
    run.alert(odd, odd, odd)
    run.save(odd)
    run.log_artifact(odd)
    run.log_artifact(__file__, name=odd, type=odd, aliases=odd, metadata=odd)
    if odd is not None:
        run.log_code(odd)
    assert run.log({"after": 1.0})
    assert time.monotonic() - begun < 20


def test_a_strict_run_raises_what_another_tells(tmp_path: Any) -> None:
    """With strict=True the same mistakes are errors of ours."""
    with tl.init(dir=tmp_path, strict=True) as run:
        for mistake in (
            lambda: run.config.update(5),
            lambda: run.summary.update(5),
            lambda: setattr(run, "tags", 5),
            lambda: run.define_metric("x", goal=[]),  # type: ignore[arg-type]
            lambda: run.log({"x": 1.0}, step=2**62),
            lambda: run.log_artifact(5),  # type: ignore[arg-type]
            lambda: run.save(5),  # type: ignore[arg-type]
        ):
            with pytest.raises(BadInput) as caught:
                mistake()
            assert "recorded at" not in str(caught.value)
    assert not tl.Api(tmp_path).run(run.id).metrics


def test_no_step_leaves_the_64_bits(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A step that no file could hold is refused, not recorded as another number."""
    assert run.log({"a": 1.0}, step=3)
    assert run.log({"a": 2.0}, step=2**70)
    assert run.log({"a": 3.0}, step=2**62 - 1, commit=True)
    assert run.log({"a": 4.0})
    run.finish()
    assert tl.Api(dir=run.settings.store).run(run.id).metric("a")["step"].tolist() == [
        3, 3, 2**62 - 1, 2**62,
    ]  # fmt: skip
    assert f"step={2**70} is no whole number" in capsys.readouterr().err


def test_a_row_after_the_end_is_no_silent_loss(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """log() on a finished run says that the row is lost."""
    run.finish()
    assert run.log({"a": 1.0}) is False
    assert f"The run {run.id} is finished" in capsys.readouterr().err


def test_a_config_that_holds_itself() -> None:
    """What contains itself is followed once around, and told from what is only used twice."""
    assert values.jsonable(CYCLE).keys() == values.flatten(CYCLE).keys() == {"x", "y"}
    twice = {"r": 8}
    assert values.flatten({"a": twice, "b": twice}) == {"a.r": 8, "b.r": 8}


def test_objects_that_map_names_to_values() -> None:
    """pydantic, attrs, namespaces and what has OmegaConf's lists and gaps are taken apart."""
    pydantic = pytest.importorskip("pydantic")
    attrs = pytest.importorskip("attrs")
    model = pydantic.create_model("Model", lr=(float, 0.5))
    given = {
        "a": types.SimpleNamespace(x=1),
        "b": model(),
        "c": attrs.make_class("C", ["y"])(2),
        "d": range(3),
        "e": Gaps(),
    }
    assert values.flatten(given) == {
        "a.x": 1, "b.lr": 0.5, "c.y": 2, "d": [0, 1, 2], "e.there": 1, "e.gone": "<LookupError>",
    }  # fmt: skip


class Gaps:
    def keys(self) -> list[str]:
        return ["there", "gone"]

    def __getitem__(self, key: str) -> int:
        if key == "gone":
            raise LookupError(key)
        return 1


def test_what_is_no_config_is_refused(tmp_path: Any) -> None:
    """init(config=…) of something without names is an error, not an empty config."""
    with pytest.raises(BadInput, match="5 \\(int\\)"):
        tl.init(dir=tmp_path, config=5)


def test_a_nested_config_reads_as_it_was_given(run: Any) -> None:
    """What init() took nested is read nested, by its path, and the same once the run is continued."""
    run.finish()
    given = {"lora": {"r": 8, "alpha": 16}, "sizes": (1, 2)}
    with tl.init(dir=run.settings.store, project="p", id="n", config=given) as one:
        assert (one.config["lora"]["r"], one.config.lora["r"], one.config["lora.r"]) == (8, 8, 8)
        assert "lora.r" in one.config
        assert "lora.x" not in one.config
        one.config["lora.r"] = 4
        assert one.config["lora"]["r"] == 4
    again = {"lora": {"alpha": 32}}
    with tl.init(dir=run.settings.store, project="p", id="n", resume="must", config=again) as two:
        assert two.config.as_dict() == {"lora": {"r": 4, "alpha": 32}, "sizes": [1, 2]}
    stored = tl.Api(dir=run.settings.store).run("n").config
    assert stored == {"lora.r": 4, "lora.alpha": 32, "sizes": [1, 2]}


def test_what_is_replaced_in_the_config_is_gone(tmp_path: Any) -> None:
    """A nested entry that is set anew leaves nothing of the old one behind, resumed and rebuilt too."""
    with tl.init(dir=tmp_path, id="r", config={"a": {"b": 1, "d": {"e": 2}}, "k": 5}) as run:
        run.config["a"] = {"c": 2}
        run.config.k = {"x": 1}
        run.config.update({"k": {"x": 3}})
        run.config["a.c"] = 4
        assert run.config.as_dict() == {"a": {"c": 4}, "k": {"x": 3}}
    kept = {"a.c": 4, "k.x": 3}
    assert dict(tl.Api(tmp_path).run("r").config) == kept
    examine(tmp_path, repair=True)
    assert dict(tl.Api(tmp_path).run("r").config) == kept
    with tl.init(dir=tmp_path, id="r", resume="must") as run:
        assert run.config.as_dict() == {"a": {"c": 4}, "k": {"x": 3}}


def test_a_nested_summary_reads_as_it_was_given(run: Any) -> None:
    """summary["best"]["loss"] and summary["best.loss"] are the same."""
    run.summary["best"] = {"loss": 0.5, "epoch": 3}
    run.log({"val": {"f1": 0.25}})
    assert run.summary["best"]["loss"] == run.summary["best.loss"] == 0.5
    assert run.summary.val == {"f1": 0.25}
    del run.summary["best"]
    with pytest.raises(KeyError):
        del run.summary["best"]
    run.finish()
    assert dict(tl.Api(run.settings.store).run(run.id).summary) == {"val.f1": 0.25}


def test_one_alias_may_be_a_text(run: Any) -> None:
    """aliases="best" is the alias "best", not its letters."""
    assert run.log_artifact(__file__, name="x", aliases="best").aliases == ["latest", "best"]


def test_saved_files_of_one_name_both_stay(run: Any, tmp_path: Any) -> None:
    """save() keeps the folders of a relative path, so that a/model.pt and b/model.pt both stay."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.pt").write_text(folder)
        run.save(f"{folder}/*.pt")
    kept = run.folder / "files"
    assert [(kept / f / "model.pt").read_text() for f in ("a", "b")] == ["a", "b"]


def test_what_is_too_large_is_named(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """More than 8 MiB under one key is left out, whichever way it comes, and the rest is kept."""
    run.finish()
    huge = "x" * (values.JSON_LIMIT + 1)
    config = {"a": huge, "ok": 1}
    with tl.init(dir=run.settings.store, project="p", id="h", config=config) as one:
        one.config.update({"b": [huge], "fine": 2})
        one.summary.update({"c": huge, "good": 3})
        one.log({"d": huge, "kept": 4})
        one.alert(huge, huge, huge)
    told = capsys.readouterr().err
    assert all(f"The value of '{key}' is 8,388,6" in told for key in "abcd")
    stored = tl.Api(dir=run.settings.store).run("h")
    assert stored.config == {"ok": 1, "fine": 2}
    assert stored.summary == {"good": 3, "kept": 4}


def test_a_hostile_name_is_harmless_where_it_is_told(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the recorder says on stderr moves no cursor and turns no text round."""
    with tl.init(project="p", name="x\x1b[31m\u202ey", dir=tmp_path, id="n") as run:
        run.settings.silent = False
        run.log({"k\x1b[2J": object()})
        run._say("two\nlines \x1b[2J")
    told = capsys.readouterr().err
    assert "two\nlines ␛[2J" in told
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_a_medium_that_fails_costs_itself_alone(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be made of a picture, table or sound is left out; the numbers beside it are kept."""
    sound = tl.Audio([0.0] * 10, sample_rate="fast")  # type: ignore[arg-type]
    table = tl.Table(columns=["\ud800"], data=[[1]])
    assert run.log({"loss": 0.5, "sound": sound, "table": table, "lr": 0.1})
    run.finish()
    stored = tl.Api(dir=run.settings.store).run(run.id)
    assert stored.metric("loss")["value"].tolist() == [0.5]
    assert stored.metric("lr")["value"].tolist() == [0.1]
    assert "The value of 'sound' was left out (ValueError: " in capsys.readouterr().err


def test_config_and_summary_can_be_copied(run: Any) -> None:
    """A copy of either, deep or pickled for another process, has the values and records nothing."""
    run.config.update({"lora": {"r": 8}})
    run.summary["best"] = 0.5
    for copied in (
        copy.copy(run.config),
        copy.deepcopy(run.config),
        pickle.loads(pickle.dumps(run.config)),
    ):
        assert copied.lora == {"r": 8}
        copied.lora = 1
    assert run.config.lora == {"r": 8}
    assert copy.deepcopy(run.summary) == pickle.loads(pickle.dumps(run.summary)) == {"best": 0.5}
    run.finish()
    assert tl.Api(dir=run.settings.store).run(run.id).config == {"lora.r": 8}
