"""Saving a chart or an exhibit: every value exactly, whole files only, one sentence when it fails."""

from __future__ import annotations

import csv
import errno
import json
import math
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

import trackerlite
from trackerlite.cli import main
from trackerlite.paths import whole
from trackerlite_tui.once import Still

Make = Callable[..., Still]
NAME, METRIC = '=cmd|"/c calc"!A1, +1', '-x,"y"\n@z'
VALUES = [0.1, 1e-300, 5e-324, -0.0, math.nan, math.inf, -math.inf, 1 / 3, 1, True, 2**53, -1e308]


def test_a_csv_has_what_the_command_prints(
    still: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the names are, Python's csv reads them back, and every value bit for bit as `metrics` has it."""
    with trackerlite.init(project="p", name=NAME, dir=str(tmp_path / "store")) as run:
        for step, value in enumerate(VALUES):
            run.log({METRIC: value}, step=step)
    still(tmp_path / "store", "charts").key("w", "down", "down", "enter")
    [path] = tmp_path.glob("*.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["run"], row["name"], row["metric"]) for row in rows} == {(run.id, NAME, METRIC)}
    asked = ["metrics", run.id, "-m", METRIC, "--json", "--dir", str(tmp_path / "store")]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(rows) == len(told) == len(VALUES)
    for row, other in zip(rows, told, strict=True):
        assert (int(row["step"]), float(row["time"])) == (other["_step"], other["_timestamp"])
        assert float(row["value"]).hex() == float(other[METRIC]).hex()


@pytest.mark.parametrize("form", range(3), ids=["svg", "png", "csv"])
def test_a_full_disk_leaves_nothing_half_written(
    still: Make, store: Path, tmp_path: Path, form: int
) -> None:
    """Where there is no room for it, no file is there, and the sentence names it and the reason."""
    made = still(store, "charts", metric_filter="train/loss")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (33_000, before[1]))  # SQLite takes as much
    try:
        made.key("w", *["down"] * form, "enter")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said, role = made.desk.notice or ("", "")
    assert "could not be written: File too large" in said
    assert str(tmp_path) in said
    assert ".part" not in said
    assert role == "bad"
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_read_only_disk_is_told_of_the_name_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a read-only disk even taking away what is not there fails; the error is about the file all the same."""

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OSError, match=r"x\.svg") as trouble, whole(tmp_path / "x.svg") as beside:
        refuse(beside)
    assert trouble.value.filename == str(tmp_path / "x.svg")


def test_a_folder_that_is_gone(
    still: Make, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who stands in a folder that was deleted reads that, and not of a fault of ours."""
    made = still(store, "charts")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    made.key("w", "enter")
    said, _ = made.desk.notice or ("", "")
    assert said.startswith("nothing saved: the folder you are in is not there")


def test_saving_twice_keeps_both(still: Make, store: Path, tmp_path: Path) -> None:
    """However quickly one saves again, nothing is overwritten."""
    made = still(store, "charts", metric_filter="train/loss")
    for _ in range(3):
        made.key("w", "enter")
    names = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert names == ["train-loss-2.svg", "train-loss-3.svg", "train-loss.svg"]


def test_an_exhibit_is_saved_in_the_form_that_is_chosen(
    still: Make, gallery: Path, tmp_path: Path
) -> None:
    """Media & tables saves as PNG as well as SVG, as its key says."""
    made = still(gallery, "media", metric_filter="cm")
    made.key("w", "enter")
    made.key("w", "down", "enter")
    assert (tmp_path / "cm.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "cm.svg").read_text()
