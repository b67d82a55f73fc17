"""The door for values: what is logged is kept as what it is, whoever made it."""

from __future__ import annotations

import argparse
import dataclasses
import decimal
import enum
import fractions
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackerlite import values
from trackerlite.errors import BadInput
from unit.numbers import bits


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (3, 3),
        (0.5, 0.5),
        (True, True),
        (None, None),
        ("text", "text"),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float16(65504), 65504.0),
        (np.float16(6e-8), float(np.float16(6e-8))),
        (np.longdouble(1.5), 1.5),
        (np.int8(-128), -128),
        (np.int64(2**63 - 1), 2**63 - 1),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (np.array([7]), 7),
        (np.float64("nan"), math.nan),
        (np.float32("-inf"), -math.inf),
        (np.float64(-0.0), -0.0),
        (np.str_("word"), "word"),
        (Level.HIGH, 3),
        (decimal.Decimal("0.5"), 0.5),
        (fractions.Fraction(1, 4), 0.25),
    ],
)
def test_a_scalar_becomes_the_plain_type(given_: Any, kept: Any) -> None:
    """NumPy scalars, 0-d and one-element arrays, enums and fractions become the Python number they are."""
    found = values.scalar(given_)
    assert type(found) is type(kept)
    assert bits(found) == bits(kept)


def test_torch_scalars_of_every_type() -> None:
    """A 0-d tensor of any dtype, bfloat16 and one that carries a gradient included, becomes its exact number."""
    torch = pytest.importorskip("torch")
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        for number in (0.1, -0.0, math.inf, math.nan, 1e-5):
            tensor = torch.tensor(number, dtype=dtype)
            found = values.scalar(tensor)
            assert type(found) is float
            assert bits(found) == bits(float(tensor.double()))
    for dtype in (torch.int8, torch.uint8, torch.int32, torch.int64):
        assert bits(values.scalar(torch.tensor(7, dtype=dtype))) == bits(7)
    assert values.scalar(torch.tensor(True)) is True
    assert values.scalar(torch.tensor([0.5])) == 0.5
    assert values.scalar(torch.tensor(2.0, requires_grad=True) * 3) == 6.0


def test_what_is_no_scalar_stays() -> None:
    """An array of several numbers, a dict or a list is given back as it is."""
    for value in (np.arange(3), {"a": 1}, [1], object(), 1j):
        assert values.scalar(value) is value


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        return "Broken()"


class Hostile:
    @property
    def item(self) -> Any:
        raise RuntimeError("not yours")


@dataclasses.dataclass
class Settings:
    lr: float = 0.1
    nested: Any = None


anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=9), st.complex_numbers(),
        st.dates(), st.decimals(), st.uuids(),
        st.sampled_from([Broken(), object(), Path("/a/b"), np.arange(3), np.zeros((200, 200)), print, int, Level.HIGH,
                         {1, 2}, frozenset("ab"), range(3), "\ud800", argparse.Namespace(a=1), Settings(), np.datetime64("2020")]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=4),
        inner.map(lambda v: Settings(nested=v)), inner.map(lambda v: argparse.Namespace(x=v)),
    ),
    max_leaves=15,
)  # fmt: skip


@given(anything)
def test_anything_becomes_json(value: Any) -> None:
    """Whatever is given becomes JSON that UTF-8 can carry and that reads back as it was written."""
    found = values.jsonable(value)
    text = values.dumps(found)
    text.encode("utf-8")
    again = json.loads(text)
    assert values.dumps(again) == text


@given(st.dictionaries(st.one_of(st.text(min_size=1), st.integers()), anything, max_size=6))
def test_any_config_becomes_flat(config: Any) -> None:
    """A config of anything becomes a flat dict of JSON values under texts that UTF-8 can carry."""
    flat = values.flatten(config)
    for key, value in flat.items():
        key.encode("utf-8")
        json.loads(values.dumps(value))


def test_a_config_keeps_its_shape_in_dots() -> None:
    """Nested dicts, dataclasses and namespaces become dotted keys, in order."""
    config = {
        "lr": 0.1,
        "model": {"layers": 2, "mlp": {"width": 8}},
        "data": Settings(lr=0.5, nested={"shuffle": True}),
        "args": argparse.Namespace(seed=1),
        "list": [1, {"a": 2}],
        "empty": {},
        7: "seven",
    }
    assert values.flatten(config) == {
        "lr": 0.1,
        "model.layers": 2,
        "model.mlp.width": 8,
        "data.lr": 0.5,
        "data.nested.shuffle": True,
        "args.seed": 1,
        "list": [1, {"a": 2}],
        "empty": {},
        "7": "seven",
    }
    assert list(values.flatten(config))[:3] == ["lr", "model.layers", "model.mlp.width"]


def test_a_config_that_holds_itself_ends() -> None:
    """A dict or list that contains itself is cut off, not followed for ever."""
    config: dict[str, Any] = {"lr": 1}
    config["self"] = config
    assert values.flatten(config)["lr"] == 1
    some: list[Any] = []
    some.append(some)
    values.dumps(values.jsonable(some))


def test_a_broken_object_costs_nothing() -> None:
    """An object whose str() or item raises becomes a text that says so."""
    assert "RuntimeError" in values.jsonable(Broken())
    assert isinstance(values.jsonable({"a": Hostile()})["a"], str)


@pytest.mark.parametrize("key", [None, 1, b"bytes", "", "x" * 4097])
def test_keys_that_cannot_be(key: Any) -> None:
    """A key that is no text, is empty or is endless is refused with a reason."""
    with pytest.raises(BadInput, match="left out"):
        values.check_key(key)


@given(st.text(min_size=1, max_size=50))
def test_keys_that_can(key: str) -> None:
    """Any other text is a key, and two different texts never become the same one unless one spells the other out."""
    found = values.check_key(key)
    found.encode("utf-8")
    if key.encode("utf-8", "surrogatepass").decode("utf-8", "ignore") == key:
        assert found == key


class Given:
    lr = 1e-3
    betas = (0.9, 0.99)

    def method(self) -> None: ...


class GivenMore(Given):
    def __init__(self) -> None:
        self.lr = 1e-4


class Strange(Mapping[str, int]):
    """A config whose attributes are its items, and nothing else."""

    def __getattr__(self, name: str) -> int:
        return self[name]

    def __getitem__(self, name: str) -> int:
        return {"a": 1}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


def test_a_class_of_settings_is_its_attributes() -> None:
    """`class CFG: lr = 1e-3`, the class or an object of it; methods are none of them."""
    assert dict(values.named_items(Given)) == {"lr": 1e-3, "betas": (0.9, 0.99)}
    assert dict(values.named_items(Given())) == {"lr": 1e-3, "betas": (0.9, 0.99)}
    assert dict(values.named_items(GivenMore())) == {"lr": 1e-4, "betas": (0.9, 0.99)}
    with pytest.raises(BadInput):
        values.named_items(int)


def test_a_config_with_a_getattr_of_its_own_is_read() -> None:
    """One that raises KeyError for what it has not, which hasattr() lets through."""
    assert values.named_items(Strange()) == [("a", 1)]
    assert values.jsonable({"inner": Strange()}) == {"inner": {"a": 1}}


def test_a_type_is_its_name() -> None:
    """`dtype=np.float32` and `act=nn.ReLU` are read as what was written."""
    assert values.jsonable([np.float32, float, dict]) == [
        "numpy.float32",
        "builtins.float",
        "builtins.dict",
    ]
