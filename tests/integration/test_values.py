"""Values end to end: log() → journal → SQLite → readers, to the bit."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trackerlite as tl
from trackerlite.capture.names import secret_kind
from trackerlite.capture.redact import redact_text
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder
from trackerlite.readers import Reader
from unit.journals import SHM
from unit.numbers import bits, keys, numbers

# Hypothesis also tries the words of our source, among them those that name a secret.
plain = keys.filter(lambda key: not secret_kind(key))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(
    lambda text: redact_text(text) == text
)
numpy_scalars = st.one_of(
    st.floats(width=32).map(np.float32),
    st.floats(width=16).map(np.float16),
    st.floats().map(np.float64),
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.integers(-128, 127).map(np.int8),
    st.booleans().map(np.bool_),
    st.floats().map(np.array),
)
others = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    st.lists(st.integers(-9, 9), max_size=3),
    st.integers(2**63, 2**70),
)
values = st.one_of(numbers, numpy_scalars, others)


def expected(value: Any) -> Any:
    """What a logged value is kept as."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.item()
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


@settings(max_examples=25)
@given(st.lists(st.dictionaries(plain, values, min_size=1, max_size=6), min_size=1, max_size=12))
def test_every_value_comes_back(rows: list[dict[str, Any]]) -> None:
    """Each value of each row is in the journal, in SQLite and in what readers give, with its type and its bits."""
    with tempfile.TemporaryDirectory(dir=SHM) as folder:
        with tl.init(dir=folder, id="r") as run:
            for step, row in enumerate(rows):
                assert run.log(row, step=step)
        journal: list[dict[str, Any]] = []
        (path,) = run.folder.glob("events.out.tfevents.*")
        decoder = Decoder()
        for _, payload in JournalReader(path).read():
            event = decoder.decode(payload)
            if event.keys or event.others:
                journal.append(
                    {**dict(zip(event.keys, event.numbers, strict=True)), **(event.others or {})}
                )
        kept = [{k: expected(v) for k, v in row.items()} for row in rows]
        assert [{k: bits(v) for k, v in row.items()} for row in journal] == [
            {k: bits(v) for k, v in row.items()} for row in kept
        ]
        with Reader.open(folder) as reader:
            info = reader.run("r")
            shown: dict[tuple[int, str], Any] = {}
            for series in reader.series([info.key]):
                points = reader.points(series.key)
                rows_ = reader.connection.execute(
                    "SELECT step, value FROM metrics WHERE key = ? ORDER BY step", (series.name,)
                ).fetchall()
                exact = dict(rows_)
                for step, value in zip(points.step.tolist(), points.value.tolist(), strict=True):
                    shown[step, series.name] = value
                    if isinstance(exact[step], int):
                        assert exact[step] == kept[step][series.name]
            for found in reader.values(info.key):
                shown[found.step, found.name] = found.value
            summary = reader.summaries([info.key])[info.key]
            shown_keys = [k for (k,) in reader.connection.execute("SELECT key FROM summary")]
            assert len(shown_keys) == len(set(shown_keys))
        wanted = {(step, k): v for step, row in enumerate(kept) for k, v in row.items()}
        assert set(shown) == set(wanted)
        for where, value in wanted.items():
            if isinstance(value, (bool, int, float)):
                assert bits(shown[where]) == bits(float(value))
            else:
                assert shown[where] == value
        last: dict[str, Any] = {}
        for row in kept:
            last.update(row)
        assert set(summary) == set(last)
        # one name may have been numbers at times and other things at others: the latest is kept
        for key, value in last.items():
            assert bits(summary[key]) == bits(value) or json.dumps(summary[key]) == json.dumps(
                value
            )


def test_torch_values(tmp_path: Path) -> None:
    """Tensors of no dimension, of every precision, on the way to a journal keep every bit they had."""
    torch = pytest.importorskip("torch")
    logged = {
        "bf16": torch.tensor(0.1, dtype=torch.bfloat16),
        "f16": torch.tensor(1e-7, dtype=torch.float16),
        "f32": torch.tensor(0.1),
        "f64": torch.tensor(0.1, dtype=torch.float64),
        "i64": torch.tensor(2**62 + 1),
        "nan": torch.tensor(math.nan),
        "zero": torch.tensor(-0.0),
        "grad": (torch.tensor(2.0, requires_grad=True) * 3).sum(),
        "flag": torch.tensor(True),
    }
    with tl.init(dir=tmp_path) as run:
        run.log(logged)
    with Reader.open(tmp_path) as reader:
        found = {s.name: s.last for s in reader.series()}
    for key, tensor in logged.items():
        assert bits(found[key]) == bits(tensor.item()), key


def test_a_config_end_to_end(tmp_path: Path) -> None:
    """Whatever a config holds is read back as JSON would hold it, numbers to the bit."""
    config = {
        "lr": 0.1 + 0.2, "nan": math.nan, "inf": -math.inf, "zero": -0.0, "big": 2**70, "none": None, "on": True,
        "text": "größe\x00\u202e", "list": [1, [2.5, None]], "nested": {"deep": {"er": "x"}}, "path": Path("/a/b"),
    }  # fmt: skip
    with tl.init(dir=tmp_path, config=config) as run:
        run.config.update({"lr": 1e-5, "nested": {"new": 1}})
        run.config["later"] = np.float32(0.1)
    with Reader.open(tmp_path) as reader:
        found = reader.params()[reader.runs()[0].key]
    assert found.pop("nan") != found.get("nan")
    assert bits(found.pop("zero")) == bits(-0.0)
    assert found == {
        "lr": 1e-5, "inf": -math.inf, "big": 2**70, "none": None, "on": True, "text": "größe\x00\u202e",
        "list": [1, [2.5, None]], "nested.new": 1, "path": "/a/b", "later": float(np.float32(0.1)),
    }  # fmt: skip


def test_a_large_config_and_a_large_value(tmp_path: Path) -> None:
    """A text of a megabyte is carried; one beyond the limit is left out with a reason, and the rest of its row recorded."""
    import os

    os.environ.pop("TRACKERLITE_SILENT", None)
    with tl.init(dir=tmp_path, config={"text": "x" * 10**6}) as run:
        assert run.log({"text": "y" * 10**6, "x": 1.0})
        run.log({"text": "z" * (9 << 20), "x": 2.0})
    with Reader.open(tmp_path) as reader:
        info = reader.runs()[0]
        assert len(reader.params()[info.key]["text"]) == 10**6
        assert [len(v.value) for v in reader.values(info.key)] == [10**6]
        assert reader.points(reader.series()[0].key).value.tolist() == [1.0, 2.0]
