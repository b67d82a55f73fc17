"""The codec: what is logged comes back to the bit, and TensorBoard's own classes agree."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from trackerlite.journal import events, scalars
from trackerlite.journal.compiled import compiled
from trackerlite.journal.framing import frame
from trackerlite.journal.scalars import Decoder, Encoder, encode_slowly
from unit.numbers import as_float32, bits, keys, numbers, rows, steps, times

ENCODER, DECODER = Encoder(), Decoder()  # kept: their memory of shapes is under test


def payload_of(record: bytes) -> bytes:
    assert record == frame(record[12:-4])
    return record[12:-4]


def slow(row: dict[str, Any], step: int, time: float) -> bytes:
    return encode_slowly(row, (), step, time)


def encoded(row: dict[str, Any], step: int, time: float) -> bytes:
    """As `log` encodes it: the fast path where it takes it."""
    fast = ENCODER.encode(row, step, time)
    return slow(row, step, time) if fast is None else payload_of(fast)


@given(rows, steps, times)
def test_the_fast_path_writes_what_the_slow_one_does(
    row: dict[str, Any], step: int, time: float
) -> None:
    """Where the fast path takes a row it has not seen, its bytes are those of the slow path."""
    fast = Encoder().encode(row, step, time)
    if fast is not None:
        assert payload_of(fast) == slow(row, step, time)


def test_the_fast_path_is_taken() -> None:
    """Rows of plain numbers go the fast way, again and again, also when a number's nature changes."""
    encoder = Encoder()
    for value in (0.5, 0.1, 3, 0.25, float("nan"), -0.0, 7, float("inf"), 2**40):
        row = {"train/loss": value, "lr": 2e-4}
        record = encoder.encode(row, 3, 1.5)
        assert record is not None
        event = events.decode(payload_of(record))
        assert list(map(bits, event.numbers)) == list(map(bits, row.values()))


small = st.floats(-1e-37, 1e-37) | st.floats(width=32) | st.floats(3e38, 4e38)


@given(
    st.lists(keys, min_size=1, max_size=4, unique=True),
    st.lists(st.lists(numbers | small | st.booleans(), min_size=4, max_size=4), min_size=1),
    st.lists(steps, min_size=1),
)
def test_what_is_compiled_writes_the_same(
    names: list[str], several: list[list[Any]], places: list[int]
) -> None:
    """After so many rows that their shape is compiled, an encoder writes what one that never compiles does."""
    compiling, plain = Encoder(), Encoder()
    plain._compiled = NeverKept()
    times = 0
    for values in several:
        row = dict(zip(names, values, strict=False))
        for step in (*places, *places[:1] * scalars._OFTEN, *places):
            times += 1
            assert compiling.encode(row, step, times / 8) == plain.encode(row, step, times / 8)


@example(2**24 + 1, 0)
@example(2**24 - 1, 104)
@example(2**24 - 1, 105)
@given(st.integers(-(2**27), 2**27), st.integers(-180, 130))
def test_what_is_compiled_knows_what_float32_holds(leading: int, exponent: int) -> None:
    """A float goes without its exact form just where float32 has all of it, but for the tiny ones."""
    number = math.ldexp(leading, exponent)
    made = compiled(scalars.Layout(("x",), (float,), (False,)), [0], 1)
    tiny = 0 < abs(number) < 2.0**-126
    assert (made([number], 5, 1.5) is None) == (tiny or as_float32(number) != number)


def test_frequent_rows_are_compiled() -> None:
    """The seventeenth row of a shape is encoded by a function made for it, whatever its step's length."""
    encoder = Encoder()
    for step in (*range(scalars._OFTEN + 1), 300, 301, 20_000, 20_001):
        encoder.encode({"loss": step / 7, "epoch": step, "accuracy": 0.5}, step, 1.5)
    made = encoder._compiled["loss", "epoch", "accuracy"]
    assert made([1 / 3, 4, 0.5], 20_002, 1.5) == encoder._encode(
        ("loss", "epoch", "accuracy"), {"loss": 1 / 3, "epoch": 4, "accuracy": 0.5}, 20_002, 1.5
    )
    for other in ([1 / 3, 4, 0.1], [1, 4, 0.5], [1 / 3, 4.0, 0.5], [1 / 3, True, 0.5]):
        assert made(other, 20_002, 1.5) is None
    assert made([1 / 3, 4, 0.5], 300, 1.5) is None


class NeverKept(dict[Any, Any]):
    """A dict that forgets."""

    def __setitem__(self, key: Any, value: Any) -> None: ...


@given(rows, steps, times)
def test_every_number_comes_back_to_the_bit(row: dict[str, Any], step: int, time: float) -> None:
    """Names, order, types, bits, step and time survive, for each decoder."""
    payload = encoded(row, step, time)
    for event in (events.decode(payload), DECODER.decode(payload), DECODER.decode(payload)):
        assert event.keys == tuple(row)
        assert list(map(bits, event.numbers)) == list(map(bits, row.values()))
        assert (event.step, event.time) == (step, time)
        assert event.record is None
        assert not event.others


@given(st.lists(numbers, min_size=2, max_size=30), times)
def test_one_shape_after_another(values: list[Any], time: float) -> None:
    """A decoder that has learnt a shape never reads another one with it."""
    decoder, encoder = Decoder(), Encoder()
    for step, value in enumerate(values):
        row = {"a": value, "b": values[0]}
        fast = encoder.encode(row, step, time)
        event = decoder.decode(slow(row, step, time) if fast is None else payload_of(fast))
        assert list(map(bits, event.numbers)) == [bits(value), bits(values[0])]


@given(rows, st.integers(0, 2**63 - 1), times)
def test_tensorboards_classes_read_ours(row: dict[str, Any], step: int, time: float) -> None:
    """The official protobuf classes find our names, step and time, and each value as float32."""
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event.FromString(encoded(row, step, time))
    assert (event.step, event.wall_time) == (step, time)
    assert [v.tag for v in event.summary.value] == list(row)
    for shown, logged in zip(event.summary.value, row.values(), strict=True):
        assert bits(shown.simple_value) == bits(as_float32(float(logged)))


@given(st.dictionaries(keys, st.floats(width=32), min_size=1, max_size=5), st.integers(0, 2**40))
def test_ours_reads_what_tensorboards_classes_write(row: dict[str, float], step: int) -> None:
    """An event of the official classes is read with the values it holds."""
    from tensorboard.compat.proto.event_pb2 import Event

    official = Event(wall_time=5.25, step=step)
    for key, value in row.items():
        official.summary.value.add(tag=key, simple_value=value)
    event = Decoder().decode(official.SerializeToString())
    assert dict(zip(event.keys, map(bits, event.numbers), strict=True)) == {
        k: bits(v) for k, v in row.items()
    }
    assert (event.step, event.time) == (step, 5.25)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip


@given(keys, json_values)
def test_what_is_no_number_comes_back(key: str, value: Any) -> None:
    """Any JSON value comes back equal, and TensorBoard's classes still read the event."""
    from tensorboard.compat.proto.event_pb2 import Event

    payload = encode_slowly({"n": 1.5}, [events.json_value(key, value)], 4, 2.0)
    event = Decoder().decode(payload)
    assert event.others == {key: value}
    assert event.numbers == (1.5,)
    official = Event.FromString(payload)
    shown = key if isinstance(value, (bool, str)) else ""  # what cannot be shown claims no tag
    assert [v.tag for v in official.summary.value] == ["n", shown]
    if isinstance(value, str):
        assert official.summary.value[1].tensor.string_val == [value.encode()]


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda k: k != "t"), json_values, max_size=5
    )
)
def test_a_record_comes_back(fields: dict[str, Any]) -> None:
    """A record's fields come back equal, and to TensorBoard it is an event that says nothing."""
    from tensorboard.compat.proto.event_pb2 import Event

    payload = events.event(3.5, 9, events.record({"t": "thing", **fields}))
    event = Decoder().decode(payload)
    assert event.record == {"t": "thing", **fields}
    assert not Event.FromString(payload).HasField("summary")


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(data: bytes) -> None:
    """Bytes that are no event raise the documented errors and nothing else."""
    for decode in (events.decode, DECODER.decode):
        try:
            decode(data)
        except (ValueError, RecursionError):
            pass


def test_the_config_shows_in_hparams() -> None:
    """A config written for the HParams dashboard is read back by the plugin's own classes."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import plugin_data_pb2

    config = {"lr": 2e-4, "layers": 8, "name": "größe", "amp": True, "list": [1, 2]}
    value = Summary.Value.FromString(events.hparams(config, "group", 12.5))
    data = plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
    found = data.session_start_info.hparams
    assert found["lr"].number_value == 2e-4
    assert found["layers"].number_value == 8
    assert found["name"].string_value == "größe"
    assert found["amp"].bool_value is True
    assert found["list"].string_value == "[1,2]"
    assert data.session_start_info.start_time_secs == 12.5
