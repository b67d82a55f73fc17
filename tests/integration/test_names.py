"""Names and keys of any kind: kept or refused with a reason; no file outside the run's folder; no crash."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import trackerlite as tl
from trackerlite import values
from trackerlite.errors import BadInput
from trackerlite.readers import Reader
from unit.journals import SHM

WORST = [
    "../../etc/passwd", "..", ".", "/", "/abs", "a/../../b", "C:\\x", "a\\b", "\x00", "a\x00b", "\ud800", "x\udfffy", "\u202egnp",
    "é", "e\u0301", "🙂", "👩‍👩‍👧", "\x1b[31m", "\x1b]52;c;aGk=\x07", "[/red]", "con", "nul.txt", " ", "\t\n", "%s%n", "{}", "$(id)",
    "'; DROP TABLE run; --", '"', "a.b.c", "_step", "__proto__", "x" * 4096, "x" * 4097, "", "-rf", "~root", "\ufeff", "\u200b", "K", "ﬁ", "ı", "İ",
]  # fmt: skip
names = st.one_of(
    st.sampled_from(WORST),
    st.text(st.characters(), max_size=30),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Mn", "So", "Zs"]), max_size=12),
    st.lists(
        st.sampled_from(["..", "/", "\\", ".", "a", "\x00", "~", "é", "e\u0301"]), max_size=8
    ).map("".join),
)
pairs = st.sampled_from(["é", "ñ", "ö", "한글", "Å"]).flatmap(
    lambda t: st.sampled_from([unicodedata.normalize("NFC", t), unicodedata.normalize("NFD", t)])
)


def tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def is_key(key: str) -> bool:
    return 0 < len(key) <= values.KEY_LIMIT


def cut(text: str) -> list[str]:
    """A long text as names of one to eleven characters (drawing each alone takes Hypothesis minutes)."""
    pieces, at = [], 0
    for size in cycle((1, 2, 11, 3, 7, 5)):
        if at >= len(text):
            return pieces
        pieces.append(text[at : at + size])
        at += size
    return pieces


many = st.tuples(
    st.lists(st.one_of(names, pairs), min_size=15, max_size=25),
    st.text(st.characters(), min_size=1300, max_size=1400),
).map(lambda drawn: list(dict.fromkeys([*drawn[0], *cut(drawn[1])])))


def check_keys(counted: list[int], some: list[str]) -> None:
    """Every key is a metric of its own or refused; the row's other keys are kept; nothing but the run's files is written."""
    with tempfile.TemporaryDirectory(dir=SHM) as place:
        root = Path(place)
        (root / "canary").write_text("alive")
        with tl.init(dir=root / "store", id="r", config={"k": 1}) as run:
            for number, key in enumerate(some):
                assert run.log({key: float(number), "good": 1.0}, step=number)
                if number % 10 == 0:
                    run.config.update({key: number})
                    run.summary.update({key: number})
            run.define_metric("*", goal="min")
        with Reader.open(root / "store") as reader:
            shown = {s.name: reader.points(s.key) for s in reader.series()}
        counted.append(len(some))
        wanted = {
            values.encodable(key): number
            for number, key in enumerate(some)
            if is_key(key) and key != "good"
        }
        assert set(shown) == {*wanted, "good"}
        for key, number in wanted.items():
            assert number in shown[key].value.tolist()
        assert len(shown["good"]) == len(some)
        inside = f"store/.trackerlite/runs/default/{run.folder.name}"
        for path in tree(root):
            known = path in (
                "canary",
                "store",
                "store/.trackerlite",
                "store/.trackerlite/runs",
                "store/.trackerlite/runs/default",
            )
            database = (
                path.startswith("store/.trackerlite/trackerlite.")
                or path == "store/.trackerlite/.gitignore"
            )
            assert known or database or path == inside or path.startswith(inside + "/"), path
        assert (root / "canary").read_text() == "alive"


def test_ten_thousand_keys() -> None:
    """Ten thousand keys of any kind: each is a metric of its own or refused, and no file is anywhere but in the run."""
    counted: list[int] = []

    @settings(
        max_examples=40,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
    @given(many)
    def each(some: list[str]) -> None:
        check_keys(counted, some)

    while sum(counted) < 10_000:
        each()


@settings(max_examples=50)
@given(st.fixed_dictionaries({}, optional={
    "project": names, "name": names, "group": names, "job_type": names, "notes": names, "tags": st.lists(names, max_size=3), "id": names,
}))  # fmt: skip
def test_names_of_runs(given_: dict[str, Any]) -> None:
    """Any project, name, group, tag or id begins a run under exactly that name, or is refused; its folder is where it belongs."""
    with tempfile.TemporaryDirectory(dir=SHM) as place:
        root = Path(place)
        try:
            run = tl.init(dir=root / "store", **given_)
        except BadInput:
            assert tree(root) == set()
            return
        run.log({"x": 1.0})
        run.finish()
        assert run.folder.parent.parent == root / "store" / ".trackerlite" / "runs"
        assert run.folder.is_dir()
        folders = [p for p in root.rglob("*") if p.is_dir() and "runs" in p.parts]
        assert all(
            p.is_relative_to(run.folder.parent) or run.folder.is_relative_to(p) for p in folders
        )
        with Reader.open(root / "store") as reader:
            (info,) = reader.runs()
            assert info.project == values.encodable(given_.get("project") or "default")
            if given_.get("name"):
                assert info.name == values.encodable(given_["name"])
            if given_.get("id"):
                assert info.id == given_["id"]
            assert set(info.tags) == {values.encodable(t) for t in given_.get("tags") or () if t}
            assert reader.run(info.id).key == info.key


def test_two_names_that_look_alike(tmp_path: Path) -> None:
    """A composed and a decomposed name are two projects, with folders of their own."""
    for project in ("caf\u00e9", "cafe\u0301"):
        tl.init(dir=tmp_path, project=project, name="n").finish()
    with Reader.open(tmp_path) as reader:
        assert {i.project for i in reader.runs()} == {"caf\u00e9", "cafe\u0301"}
    assert len(os.listdir(tmp_path / ".trackerlite" / "runs")) == 2


def test_ten_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key, name or tag of ten megabytes is refused in a sentence that does not repeat it."""
    monkeypatch.delenv("TRACKERLITE_SILENT")
    huge = "x" * (10 << 20)
    for argument in ("project", "name", "group"):
        with pytest.raises(BadInput) as caught:
            tl.init(dir=tmp_path, **{argument: huge})
        assert len(str(caught.value)) < 300
    with pytest.raises(BadInput):
        tl.init(dir=tmp_path, id=huge)
    with pytest.raises(BadInput):
        tl.init(dir=tmp_path, tags=[huge])
    with tl.init(dir=tmp_path) as run:
        assert run.log({huge: 1.0, "good": 2.0})
        run.config[huge] = 1
        run.define_metric(huge)
        run.alert(huge, huge)
        run.tags += ("fine",)
    assert len(capsys.readouterr().err) < 3000
    with Reader.open(tmp_path) as reader:
        assert [s.name for s in reader.series()] == ["good"]


def test_what_is_no_dict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """log() of anything that is no dict of names is refused in a sentence, or raises where strict was asked for."""
    monkeypatch.delenv("TRACKERLITE_SILENT")
    with tl.init(dir=tmp_path) as run:
        for wrong in (None, 3, "loss", [1, 2], {1: 2.0}, {None: 1.0}, object()):
            run.log(wrong)  # type: ignore[arg-type]
        assert run.log({"x": 1.0}, step="seven")  # type: ignore[arg-type]
        assert run.log({"x": 1.0}, step=float("nan"))  # type: ignore[arg-type]
        assert run.log({"x": 1.0}, step=2**80)
    assert capsys.readouterr().err.count("\n") >= 5
    with Reader.open(tmp_path) as reader:
        assert [(s.name, s.count) for s in reader.series()] == [("x", 3)]
    with tl.init(dir=tmp_path, strict=True) as strict, pytest.raises(BadInput):
        strict.log({"": 1.0})
