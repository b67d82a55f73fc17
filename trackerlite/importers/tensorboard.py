"""TensorBoard event files: a folder of them is a run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackerlite.importers.base import ForeignRun, Item, Media, Part, below, id_of
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder
from trackerlite.values import jsonable

if TYPE_CHECKING:
    import numpy as np

_IMAGE_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}


class TensorBoardRun(ForeignRun):
    """All event files directly in one folder.

    Scalars, text, histograms, images, audio and hyperparameters are taken over; graphs,
    profiles and other plugins' tensors are not.
    """

    format = "tensorboard"

    def __init__(self, folder: Path, root: Path):
        self.source = folder.resolve()
        self.id = id_of(self.format, self.source)
        inner = "" if folder == root else folder.relative_to(root).as_posix()
        self.name = inner or self.source.name
        self.project = self.source.parent.name if not inner else root.resolve().name

    def header(self) -> dict[str, Any]:
        """Host, from the first file's name `events.out.tfevents.<time>.<host>…`."""
        pieces = self._files()[0].name.split(".")
        return {"host": pieces[4]} if len(pieces) > 4 else {}

    def parts(self) -> list[Part]:
        """One a file; TensorBoard reads them in the order of their names."""
        damage: list[str] = []
        self.damage = damage
        return [Part(file.name, partial(_items, file, harmed=damage)) for file in self._files()]

    def _files(self) -> list[Path]:
        return event_files(self.source)


def event_files(folder: Path) -> list[Path]:
    """The event files directly in `folder`, oldest first."""
    return sorted(p for p in folder.iterdir() if ".tfevents." in p.name and p.is_file())


def find(root: Path) -> Iterator[TensorBoardRun]:
    """Every run at or below `root`, which may also be one event file."""
    if root.is_file():
        if ".tfevents." in root.name:
            yield TensorBoardRun(root.parent, root.parent)
        return
    for folder in sorted({path.parent for path in below(root, "*.tfevents.*")}):
        yield TensorBoardRun(folder, root)


def _items(file: Path, keep: Media, harmed: list[str] | None = None) -> Iterator[Item]:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorboard.compat.proto import event_pb2

    plugins: dict[str, str] = {}
    decode = Decoder().decode
    reader = JournalReader(file)
    for _, payload in reader.read():
        try:
            exact = decode(payload)
            if exact.keys and not exact.foreign and not exact.others:
                # Nothing but numbers, as most events are: TensorBoard's classes add only time.
                numbers = dict(zip(exact.keys, exact.numbers, strict=True))
                yield Item(exact.time, exact.step, numbers)
                continue
            event = event_pb2.Event.FromString(payload)
        except (DecodeError, ValueError):
            continue
        item = Item(event.wall_time, event.step)
        kind = event.WhichOneof("what")
        if kind == "session_log" and event.session_log.status == event.session_log.START:
            item.record = {"t": "rewind", "step": event.step}
        elif kind == "summary":
            known = dict(zip(exact.keys, exact.numbers, strict=True))
            for value in event.summary.value:
                if value.tag in known:
                    item.numbers[value.tag] = known[value.tag]
                elif value.tag:
                    plugin = value.metadata.plugin_data.plugin_name or plugins.get(value.tag, "")
                    plugins.setdefault(value.tag, plugin)
                    _take(value, plugin, item, keep)
        if item.numbers or item.others or item.record:
            yield item
    if harmed is not None:
        harmed += [
            f"{file}: bytes {one.start:,} to {one.stop:,} were passed over: {one.reason}"
            for one in reader.damage
        ]


def _take(value: Any, plugin: str, item: Item, keep: Media) -> None:
    """Add one summary value to `item`, or leave it out."""
    key = value.tag
    kind = value.WhichOneof("value")
    if kind == "image":
        picture = bytes(value.image.encoded_image_string)
        item.others[key] = _image(key, item.step, picture, keep) | {
            "width": value.image.width,
            "height": value.image.height,
        }
    elif kind == "audio":
        sound = bytes(value.audio.encoded_audio_string)
        item.others[key] = keep("audio-file", key, item.step, sound, "wav")
    elif kind == "histo":
        histogram = value.histo
        item.others[key] = _histogram(
            list(histogram.bucket), list(histogram.bucket_limit), histogram.min
        )
    elif plugin == "hparams":
        config = _hyperparameters(value.metadata.plugin_data.content)
        if config:
            item.record = {"t": "config", "values": config}
    elif kind == "tensor":
        _take_tensor(key, plugin, value.tensor, item, keep)


def _take_tensor(key: str, plugin: str, tensor: Any, item: Item, keep: Media) -> None:
    from tensorboard.util import tensor_util

    try:
        array = tensor_util.make_ndarray(tensor)
    except (TypeError, ValueError):
        return
    if plugin == "scalars" and array.size == 1:
        item.numbers[key] = array.reshape(()).item()
    elif plugin == "text":
        texts = [_text(entry) for entry in array.ravel()]
        item.others[key] = texts[0] if len(texts) == 1 else texts
    elif plugin == "histograms" and array.ndim == 2 and array.shape[1] == 3 and len(array):
        item.others[key] = _histogram(
            array[:, 2].tolist(), array[:, 1].tolist(), float(array[0, 0])
        )
    elif plugin == "images" and array.ndim == 1 and len(array) > 2:
        # Width and height, then one encoded picture after another; the first stands for all.
        item.others[key] = _image(key, item.step, bytes(array[2]), keep)
    elif not plugin and array.size == 1 and array.dtype.kind in "fiub":
        item.numbers[key] = jsonable(_scalar(array))


def _scalar(array: np.ndarray[Any, Any]) -> Any:
    return array.reshape(()).item()


def _text(entry: Any) -> str:
    return entry.decode("utf-8", "backslashreplace") if isinstance(entry, bytes) else str(entry)


def _image(key: str, step: int, content: bytes, keep: Media) -> dict[str, Any]:
    extension = next((e for start, e in _IMAGE_KINDS.items() if content.startswith(start)), "png")
    return keep("image-file", key, step, content, extension)


def _histogram(counts: list[float], right_edges: list[float], lowest: float) -> dict[str, Any]:
    """TensorBoard keeps right edges; W&B's form has one edge more than counts."""
    return {"_type": "histogram", "values": counts, "bins": [lowest, *right_edges]}


def _hyperparameters(content: bytes) -> dict[str, Any]:
    from tensorboard.plugins.hparams import plugin_data_pb2

    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    if data.WhichOneof("data") != "session_start_info":
        return {}
    found = {}
    for key, value in data.session_start_info.hparams.items():
        which = value.WhichOneof("kind")
        if which in ("number_value", "string_value", "bool_value"):
            found[key] = getattr(value, which)
    return found
