"""A drop-in for `torch.utils.tensorboard.SummaryWriter` that records into a run.

    from trackerlite.integrations.summary_writer import SummaryWriter

Every `add_*` writes what torch's own would, so TensorBoard shows the same from the run's
folder; scalars keep their float64, and pictures, sounds, texts and histograms are media
of the run besides.
"""

from __future__ import annotations

import hashlib
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch.utils.tensorboard as torch_tensorboard
from torch.utils.tensorboard.summary import hparams as hparams_summaries

from trackerlite import values
from trackerlite.errors import RunNotFound
from trackerlite.journal import events
from trackerlite.journal import protobuf as pb
from trackerlite.journal.framing import frame
from trackerlite.media.base import Media, write_file
from trackerlite.recording import current, resuming
from trackerlite.recording.run import Run


class SummaryWriter(torch_tensorboard.SummaryWriter):  # type: ignore[misc]
    """torch's `SummaryWriter`, recording into a run.

    It writes to the run that `trackerlite.init` made current, else to one of its own: the same
    `log_dir` is the same run, as it is the same curve in TensorBoard.

    Args:
        log_dir: names the run (its last part) and tells which one it is.
        comment: part of the name where there is no `log_dir`.
        purge_step: go back to before this step: what the run has from there on is hidden.
        max_queue, flush_secs, filename_suffix: not needed: nothing waits in memory.

    Attributes:
        run: the run that is recorded; its folder is `log_dir` from then on.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ):
        self._wanted = os.fspath(log_dir) if log_dir else None
        self._comment = comment
        self.run: Run | None = None
        self._own_run: Run | None = None
        self.purge_step: int | None
        super().__init__(
            log_dir or "run", comment, purge_step, max_queue, flush_secs, filename_suffix
        )

    def _get_file_writer(self) -> _Journal:
        if self.run is None or self.run._ended:
            self.run = self._begin(self.purge_step)
            self.purge_step = None
            self.log_dir = str(self.run.folder)
            self.file_writer = _Journal(self.run)
            self.all_writers = {self.log_dir: self.file_writer}
        return self.file_writer

    def _begin(self, purge_step: int | None) -> Run:
        active = current.current()
        if active is not None:
            if purge_step is not None:
                resuming.go_back(active, purge_step - 1)
            return active
        self._own_run = self._own(purge_step)
        return self._own_run

    def _own(self, purge_step: int | None) -> Run:
        # Not the current run: another writer has another, and a script may begin its own.
        init = partial(current.init, reinit="create_new")
        if self._wanted is None:
            return init(name=self._comment.strip("_- ") or None)
        place = Path(self._wanted).resolve()
        run_id = hashlib.sha256(str(place).encode()).hexdigest()[:8]
        if purge_step is not None:
            try:
                return init(name=place.name, resume_from=f"{run_id}?_step={purge_step - 1}")
            except RunNotFound:
                pass
        return init(name=place.name, id=run_id)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,  # noqa: ARG002 - torch's signature
        double_precision: bool = False,  # noqa: ARG002 - always kept
    ) -> None:
        """Record a number."""
        run = self._get_file_writer().run
        step = 0 if global_step is None else int(global_step)
        number = values.scalar(scalar_value)
        if walltime is None or not isinstance(number, (int, float)):
            run.log({tag: number}, step=step)
        else:
            self.file_writer.write([events.number_value(tag, number)], step, walltime)
            run.summary.latest[tag] = number

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Record several numbers as `main_tag/tag`, in one run (torch makes a run of each)."""
        for tag, value in tag_scalar_dict.items():
            self.add_scalar(f"{main_tag}/{tag}", value, global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,  # noqa: ARG002 - they belong to this run
        global_step: int | None = None,
    ) -> None:
        """Record hyperparameters as the run's config, and the metrics they are judged by."""
        if type(hparam_dict) is not dict or type(metric_dict) is not dict:
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        journal = self._get_file_writer()
        for summary in hparams_summaries(hparam_dict, metric_dict, hparam_domain_discrete):
            journal.add_summary(summary, global_step)
        journal.run.config.update(hparam_dict)
        for key, value in metric_dict.items():
            self.add_scalar(key, value, global_step)
            journal.run.summary[key] = values.scalar(value)

    def flush(self) -> None:
        """Nothing waits: what was added is recorded."""

    def close(self) -> None:
        """End the run, if this writer began it. Adding more continues it."""
        if self._own_run is not None:
            self._own_run.finish()
            self._own_run = None


class _Journal:
    """What torch's add_* methods write to: torch's `FileWriter`, over a run's journal."""

    def __init__(self, run: Run):
        self.run = run

    def get_logdir(self) -> str:
        return str(self.run.folder)

    def write(self, messages: list[bytes], step: int, walltime: float | None) -> None:
        moment = time.time() if walltime is None else walltime
        self.run._writer.append(frame(events.event(moment, step, events.summary(*messages))))

    def add_summary(
        self, summary: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Each value as TensorBoard has it and, where it is media, as media of the run."""
        step = 0 if global_step is None else int(global_step)
        messages = []
        for value in summary.value:
            message = value.SerializeToString()
            body = _media(value, self.run.folder, step)
            if body is not None:
                message += pb.delimited(events.EXACT_JSON, values.dumps(body).encode())
                self.run.summary.latest[value.tag] = body
            messages.append(message)
        self.write(messages, step, walltime)

    def add_graph(self, graph_profile: Any, walltime: float | None = None) -> None:
        """A model's graph, where TensorBoard looks for it."""
        graph, statistics = graph_profile
        trace = pb.delimited(1, b"step1") + pb.delimited(2, statistics.SerializeToString())
        moment = time.time() if walltime is None else walltime
        parts = (pb.delimited(4, graph.SerializeToString()), pb.delimited(8, trace))
        for part in parts:
            self.run._writer.append(frame(events.event(moment, 0, part)))

    def add_onnx_graph(self, graph: Any, walltime: float | None = None) -> None:
        moment = time.time() if walltime is None else walltime
        part = pb.delimited(4, graph.SerializeToString())
        self.run._writer.append(frame(events.event(moment, 0, part)))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def reopen(self) -> None:
        pass


class _Bytes(Media):
    """An encoded file that torch made."""

    def __init__(self, folder: str):
        self.folder = folder


def _media(value: Any, folder: Path, step: int) -> Any:
    """A Summary.Value as the JSON of our media; None for what only TensorBoard knows."""
    kind = value.WhichOneof("value")
    if kind == "image":
        picture = value.image
        film = picture.encoded_image_string[:3] == b"GIF"
        body = _file(
            value.tag, step, folder, picture.encoded_image_string, "videos" if film else "images"
        )
        size = {"width": picture.width, "height": picture.height}
        if film:
            return {"_type": "video-file", **body, **size}
        return {"_type": "image-file", **body, "format": "png", **size}
    if kind == "audio":
        return {
            "_type": "audio-file",
            **_file(value.tag, step, folder, value.audio.encoded_audio_string, "audio"),
        }
    if kind == "histo":
        return _histogram(value.histo)
    if kind == "tensor" and value.metadata.plugin_data.plugin_name == "text":
        return b"\n".join(value.tensor.string_val).decode("utf-8", "replace")
    return None


def _file(tag: str, step: int, folder: Path, data: bytes, kind: str) -> dict[str, Any]:
    suffix = {"images": ".png", "videos": ".gif", "audio": ".wav"}[kind]
    name = _Bytes(kind)._file(tag, step, suffix)
    sha256, size = write_file(folder / name, [data])
    return {"path": name, "sha256": sha256, "size": size}


def _histogram(histogram: Any) -> dict[str, Any]:
    """TensorBoard's buckets (upper limits) with at most 512 of them, as W&B has them."""
    counts, limits = list(histogram.bucket), list(histogram.bucket_limit)
    edges = [min(histogram.min, limits[0]), *limits] if limits else [0.0, 1.0]
    edges[-1] = min(edges[-1], max(histogram.max, edges[-2])) if limits else 1.0
    if len(counts) > 512:
        group = -(-len(counts) // 512)
        counts = [float(np.sum(counts[i : i + group])) for i in range(0, len(counts), group)]
        edges = [*edges[:-1:group], edges[-1]]
    return {"_type": "histogram", "values": counts, "bins": edges}
