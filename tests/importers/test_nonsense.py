"""Logs that say nonsense in valid frames: what can be read is, and nothing raises."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.util.tensor_util import make_tensor_proto

from trackerlite.importers import tensorboard, wandb
from trackerlite.importers.files import keeper
from trackerlite.importers.wandb_log import BLOCK, FILE_HEADER, records
from trackerlite.importers.write import take_in
from trackerlite.journal import protobuf as pb
from trackerlite.journal.framing import frame

HEADER = b":W&B\xe1\xbe\x00"


def framed(payloads: list[bytes]) -> bytes:
    """A `.wandb` file of these records, laid out in blocks as W&B does."""
    out = bytearray(HEADER)
    for payload in payloads:
        first = True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += bytes(left)
                left = BLOCK
            piece, payload = payload[: left - 7], payload[left - 7 :]
            kind = (1 if first else 4) if not payload else (2 if first else 3)
            body = bytes([kind]) + piece
            out += struct.pack("<IH", zlib.crc32(body), len(piece)) + body
            first = False
            if not payload:
                break
    return bytes(out)


def history(step: int, loss: str) -> bytes:
    def item(key: str, value: str) -> bytes:
        body = pb.delimited(1, key.encode()) + pb.delimited(16, value.encode())
        return pb.delimited(1, body)

    return pb.integer(1, step) + pb.delimited(2, item("_step", str(step)) + item("loss", loss))


def read(path: Path) -> list[tuple[int, dict[str, float]]]:
    [part] = wandb.WandbRun(path).parts()
    return [(i.step, dict(i.numbers)) for i in part.items(keeper(path.parent)) if not i.record]


@pytest.mark.parametrize("size", [0, 1, BLOCK - 7 - FILE_HEADER, BLOCK, 3 * BLOCK + 11])
def test_records_across_blocks(tmp_path: Path, size: int) -> None:
    """A record of any size comes out whole, wherever the blocks' borders fall."""
    payloads = [bytes([65 + i]) * (size + i) for i in range(5)]
    (tmp_path / "x.wandb").write_bytes(framed(payloads))
    assert list(records(tmp_path / "x.wandb")) == payloads


def test_truncation_of_a_wandb_log(tmp_path: Path) -> None:
    """A log cut anywhere gives every whole record before the cut, and no other."""
    payloads = [history(step, "0.5") for step in range(12)]
    whole = framed(payloads)
    for length in range(7, len(whole)):
        path = tmp_path / "x.wandb"
        path.write_bytes(whole[:length])
        found = list(records(path))
        assert found == payloads[: len(found)]
        ends = [len(framed(payloads[: n + 1])) for n in range(12)]
        assert len(found) == sum(end <= length for end in ends)


def test_damage_of_a_wandb_log_is_told(tmp_path: Path) -> None:
    """Where a checksum fails is said; an end in the middle of a record is only the end."""
    whole = framed([pb.delimited(2, history(step, "1")) for step in range(3)])
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for content, told in ((whole, 0), (whole[:-3], 0), (flipped, 1)):
        path = tmp_path / "run-x.wandb"
        path.write_bytes(content)
        run = wandb.WandbRun(path)
        [part] = run.parts()
        list(part.items(keeper(tmp_path)))
        assert len(run.damage) == told
        assert all("run-x.wandb: bytes " in sentence for sentence in run.damage)


def test_bit_flips_in_a_wandb_log(tmp_path: Path) -> None:
    """A flipped bit never makes a value that was not logged."""
    payloads = [history(step, f"{step}.5") for step in range(40)]
    whole = framed(payloads)
    true = {(step, step + 0.5) for step in range(40)}
    path = tmp_path / "x.wandb"
    for place in range(len(HEADER) * 8, len(whole) * 8, 37):
        content = bytearray(whole)
        content[place // 8] ^= 1 << place % 8
        path.write_bytes(content)
        assert {(step, row["loss"]) for step, row in read(path)} <= true


def test_nonsense_in_a_wandb_log(tmp_path: Path) -> None:
    """Records of bytes that were changed and framed again cost themselves, never the log."""
    rng = random.Random(0)
    path = tmp_path / "x.wandb"
    for _ in range(300):
        payloads = []
        for step in range(20):
            payload = bytearray(history(step, rng.choice(["1", "NaN", "[[[", '{"a":{"_type":3}}'])))
            for _ in range(rng.randrange(4)):
                payload[rng.randrange(len(payload))] = rng.randrange(256)
            payloads.append(bytes(payload))
        payloads += [pb.delimited(n, rng.randbytes(30)) for n in range(2, 27)]
        path.write_bytes(framed(payloads))
        read(path)
        run = wandb.WandbRun(path)
        run.header()
        run.ending()
        list(run.console())
    take_in(run, tmp_path / "store")


def test_nonsense_in_a_tensorboard_log(tmp_path: Path) -> None:
    """Events of bytes that were changed and framed again cost themselves, never the log."""
    rng = random.Random(0)
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    values = [
        Summary.Value(tag="a", simple_value=1.5),
        Summary.Value(tag="b", tensor=make_tensor_proto(2.5), metadata=metadata),
        Summary.Value(tag="c", image=Summary.Image(encoded_image_string=b"png")),
    ]
    payload = Event(wall_time=1.0, step=3, summary=Summary(value=values)).SerializeToString()
    path = tmp_path / "events.out.tfevents.1.h"
    for _ in range(300):
        frames = []
        for _ in range(20):
            changed = bytearray(payload)
            for _ in range(rng.randrange(4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            frames.append(frame(bytes(changed)))
        path.write_bytes(b"".join(frames))
        list(tensorboard._items(path, lambda *_: {}))
    path.write_bytes(frame(payload))
    [item] = tensorboard._items(path, keeper(tmp_path))
    assert item.numbers == {"a": 1.5, "b": 2.5}
