"""A run as W&B's records, in the order that uploads correctly."""

from __future__ import annotations

import json
import math
import uuid
from fractions import Fraction
from typing import Any

from trackerlite.sync.labels import Labels
from trackerlite.sync.proto import Wandb
from trackerlite.sync.source import LocalRun, finite_timestamp
from trackerlite.values import INT64_MAX, INT64_MIN

VALUE_LIMIT = 9_500_000  # bytes of one row; W&B silently drops a row of more than 10 MB


def dumps(value: Any) -> str:
    """JSON as W&B writes it: NaN and the infinities as words."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except ValueError:
        return json.dumps(str(value))


def header(wandb: Wandb) -> Any:
    record = wandb.pb.Record()
    record.header.version_info.producer = "trackerlite"
    record.header.version_info.min_consumer = "0.0.1"
    return record


def run(
    wandb: Wandb,
    local: LocalRun,
    labels: Labels,
    *,
    entity: str,
    project: str,
    run_id: str,
    resume: bool,
) -> Any:
    """The run record: identity and the whole config (a later segment replaces it)."""
    info = local.info
    record = wandb.pb.Record()
    body = record.run
    body.run_id, body.entity, body.project = run_id, entity, project
    body.display_name, body.notes = labels.name, labels.notes
    body.run_group, body.job_type = info.group or "", info.job_type or ""
    body.tags.extend(labels.tags)
    body.host = info.host or ""
    _stamp(body.start_time, local.started)
    for key, value in local.config.items():
        body.config.update.add(key=key, value_json=dumps(value))
    for key, chart in local.charts.items():
        body.config.update.add(nested_key=["_wandb", "visualize", key], value_json=dumps(chart))
    git = local.environment.get("git")
    if isinstance(git, dict):
        body.git.commit = str(git.get("commit") or "")
        body.git.remote_url = str(git.get("remote") or "")
    if resume and wandb.resume:
        body.resume = True
    return record


def environment(wandb: Wandb, local: LocalRun, run_id: str) -> Any | None:
    """What the machine was; None where the installed wandb has no such record."""
    if "environment" not in wandb.pb.Record.DESCRIPTOR.fields_by_name:
        return None
    found = local.environment
    record = wandb.pb.Record()
    body = record.environment
    _stamp(body.started_at, local.started)
    texts = {
        "os": found.get("os") or found.get("platform"),
        "python": found.get("python"),
        "host": local.info.host,
        "program": found.get("program"),
        "executable": found.get("executable"),
        "username": found.get("user"),
    }
    for name, text in texts.items():
        if text:
            setattr(body, name, str(text))
    words = found.get("args")
    if isinstance(words, list):
        body.args.extend(str(word) for word in words)
    git = found.get("git")
    if isinstance(git, dict):
        body.git.commit = str(git.get("commit") or "")
        body.git.remote_url = str(git.get("remote") or "")
    count = found.get("cpu_count")
    if isinstance(count, int) and 0 <= count < 2**32:
        body.cpu_count = body.cpu_count_logical = count
    gpus = found.get("gpus")
    if isinstance(gpus, list) and gpus:
        body.gpu_count = len(gpus)
        first = gpus[0]
        body.gpu_type = str(first.get("name", "") if isinstance(first, dict) else first)
    if "writer_id" in body.DESCRIPTOR.fields_by_name:
        # The same for every segment of a run, else each would be listed as another machine.
        body.writer_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"trackerlite:{run_id}"))
    return record


class HistoryEncoder:
    """Rows to history records. `oversized` counts values that W&B could not have taken."""

    def __init__(self, wandb: Wandb, started: float) -> None:
        self._pb, self._typed, self._started = wandb.pb, wandb.typed, started
        self.oversized: list[tuple[int, str]] = []

    def encode(self, number: int, step: int, time: float, values: dict[str, Any]) -> bytes:
        """One row as serialised bytes, with explicit step, time and runtime."""
        record = self._pb.Record(num=number)
        history = record.history
        history.step.num = step
        add = history.item.add
        runtime = max(0.0, time - self._started)
        if self._typed:
            add(key="_step", integer=step)
            add(key="_timestamp", number=time)
            add(key="_runtime", number=runtime)
            for key, value in values.items():
                kind = type(value)
                if kind is float:
                    add(key=key, number=value)
                elif kind is int and INT64_MIN <= value <= INT64_MAX:
                    add(key=key, integer=value)
                elif kind is bool:
                    add(key=key, boolean=value)
                else:
                    self._json(history, key, value)
        else:
            add(key="_step", value_json=str(step))
            add(key="_timestamp", value_json=repr(time))
            add(key="_runtime", value_json=repr(runtime))
            for key, value in values.items():
                if type(value) is float and math.isfinite(value):
                    add(key=key, value_json=repr(value))
                else:
                    self._json(history, key, value)
        data: bytes = record.SerializeToString()
        if len(data) > VALUE_LIMIT:
            data = self._shrunk(number, step, time, values)
        return data

    def _json(self, history: Any, key: str, value: Any) -> None:
        text = dumps(value)
        if self._typed:
            history.item.add(key=key, json=text)
        else:
            history.item.add(key=key, value_json=text)

    def _shrunk(self, number: int, step: int, time: float, values: dict[str, Any]) -> bytes:
        """The row without its largest values: they are counted, and said, never just lost."""
        sizes = sorted(values, key=lambda k: len(dumps(values[k])))
        kept, total = dict[str, Any](), 0
        for key in sizes:
            total += len(dumps(values[key])) + len(key)
            if total < VALUE_LIMIT * 0.9:
                kept[key] = values[key]
            else:
                self.oversized.append((step, key))
        return self.encode(number, step, time, kept)


def stats(wandb: Wandb, time: float, values: dict[str, Any]) -> Any:
    """One sample of system metrics, at its own time."""
    record = wandb.pb.Record()
    record.stats.stats_type = wandb.pb.StatsRecord.StatsType.Value("SYSTEM")
    _stamp(record.stats.timestamp, time)
    for key, value in values.items():
        record.stats.item.add(key=key.removeprefix("system."), value_json=dumps(value))
    return record


def console(wandb: Wandb, line: str, is_error: bool = False) -> Any:
    """One line of console output. W&B stamps it with the time it arrives; nothing can change that."""
    record = wandb.pb.Record()
    stream = "STDERR" if is_error else "STDOUT"
    record.output_raw.output_type = wandb.pb.OutputRawRecord.OutputType.Value(stream)
    record.output_raw.line = line + "\n"
    return record


def metric(wandb: Wandb, pattern: str, body: dict[str, Any]) -> Any:
    """A `define_metric` call."""
    record = wandb.pb.Record()
    found = record.metric
    if "*" in pattern:
        found.glob_name = pattern
    else:
        found.name = pattern
    found.options.defined = True
    if body.get("step_metric"):
        found.step_metric = str(body["step_metric"])
        found.options.step_sync = True
    if body.get("hidden"):
        found.options.hidden = True
    for word in body.get("summary") or ():
        if word in found.summary.DESCRIPTOR.fields_by_name:
            setattr(found.summary, word, True)
    goal = {"min": "GOAL_MINIMIZE", "max": "GOAL_MAXIMIZE"}.get(body.get("goal") or "")
    if goal:
        found.goal = wandb.pb.MetricRecord.MetricGoal.Value(goal)
    return record


def files(wandb: Wandb, names: list[str]) -> Any:
    """Files of the segment's `files` folder, to be uploaded once."""
    record = wandb.pb.Record()
    policy = wandb.pb.FilesItem.PolicyType.Value("NOW")
    media = wandb.pb.FilesItem.FileType.Value("MEDIA")
    for name in names:
        record.files.files.add(path=name, policy=policy, type=media)
    return record


def summary(wandb: Wandb, values: dict[str, Any]) -> Any:
    record = wandb.pb.Record()
    for key, value in values.items():
        record.summary.update.add(key=key, value_json=dumps(value))
    return record


def preempting(wandb: Wandb) -> Any:
    record = wandb.pb.Record()
    record.preempting.SetInParent()
    return record


def end(wandb: Wandb, exit_code: int | None, runtime: float) -> Any:
    """The end of a segment: of the run, or (None) of this part of it only."""
    record = wandb.pb.Record()
    record.exit.exit_code = exit_code or 0
    record.exit.runtime = int(max(0.0, runtime))
    if exit_code is None and wandb.open_end:
        record.exit.not_complete = True
    return record


def _stamp(target: Any, seconds: float) -> None:
    target.FromNanoseconds(round(Fraction(finite_timestamp(seconds)) * 10**9))
