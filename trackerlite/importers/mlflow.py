"""MLflow's file store: `mlruns/<experiment>/<run>/{meta.yaml,metrics,params,tags}`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from trackerlite.importers.base import ForeignRun, Item, Media, Part, below, number_or_text
from trackerlite.paths import safe_name

# RunStatus of MLflow's protobuf; newer versions write the number, older ones the word.
_STATES = {"3": "finished", "4": "failed", "5": "killed"} | {
    word: word.lower() for word in ("FINISHED", "FAILED", "KILLED")
}
_SYSTEM = "system/"


class MlflowRun(ForeignRun):
    """One run's folder."""

    format = "mlflow"
    tells_end = True

    def __init__(self, folder: Path):
        self.source = folder.resolve()
        self._meta = read_meta(folder / "meta.yaml")
        self._tags = _texts(folder / "tags")
        experiment = folder.parent / "meta.yaml"
        self.project = (read_meta(experiment) if experiment.is_file() else {}).get(
            "name", folder.parent.name
        )
        self.id = safe_name(self._meta.get("run_id") or self._meta.get("run_uuid") or folder.name)
        self.name = self._meta.get("run_name") or self._tags.get("mlflow.runName") or self.id

    def header(self) -> dict[str, Any]:
        """Start, parameters, notes, and where it came from."""
        tags = self._tags
        plain = [
            f"{key}:{value}" for key, value in sorted(tags.items()) if not key.startswith("mlflow.")
        ]
        found: dict[str, Any] = {
            "config": {
                key: number_or_text(text) for key, text in _texts(self.source / "params").items()
            },
            "notes": tags.get("mlflow.note.content"),
            "tags": plain,
            "group": tags.get("mlflow.parentRunId"),
            "program": tags.get("mlflow.source.name"),
            "git": {"commit": tags["mlflow.source.git.commit"]}
            if "mlflow.source.git.commit" in tags
            else None,
            "username": tags.get("mlflow.user") or self._meta.get("user_id"),
            "started": _seconds(self._meta.get("start_time")),
        }
        return {key: value for key, value in found.items() if value}

    def parts(self) -> list[Part]:
        """One a metric, since each has a file that only grows."""
        folder = self.source / "metrics"
        files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
        found = [Part(p.relative_to(folder).as_posix(), partial(_items, p, folder)) for p in files]
        if self._meta.get("lifecycle_stage") == "deleted":
            found.append(Part("deleted", self._deleted))
        return found

    def ending(self) -> dict[str, Any] | None:
        """Its status and end time."""
        state = _STATES.get(self._meta.get("status", ""))
        if state is None:
            return None
        code = {"finished": 0, "failed": 1}.get(state)
        said = {"state": state, "exit_code": code, "ended": _seconds(self._meta.get("end_time"))}
        return said | ({"reason": "killed"} if state == "killed" else {})

    def _deleted(self, keep: Media) -> Iterator[Item]:  # noqa: ARG002 - a part's signature
        time = _seconds(self._meta.get("end_time") or self._meta.get("start_time")) or 0.0
        yield Item(time, record={"t": "trash", "trashed": True})


def find(root: Path) -> Iterator[MlflowRun]:
    """Every run at or below `root`: an `mlruns` folder, an experiment, a run, or above."""
    for meta in below(root, "meta.yaml"):
        values = read_meta(meta)
        if "run_id" in values or "run_uuid" in values:
            yield MlflowRun(meta.parent)


def read_meta(path: Path) -> dict[str, str]:
    """The flat `key: value` lines of a meta.yaml; MLflow writes nothing deeper.

    >>> import tempfile; file = Path(tempfile.mkdtemp()) / "meta.yaml"
    >>> _ = file.write_text("name: 'it''s mine'\\nend_time: null\\n")
    >>> read_meta(file)
    {'name': "it's mine"}
    """
    found = {}
    try:
        text = path.read_text("utf-8", "backslashreplace")
    except OSError:
        return {}
    for line in text.splitlines():
        key, colon, value = line.partition(": ")
        value = value.strip()
        if not colon or value in ("null", "~", ""):
            continue
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            quote = value[0]
            value = value[1:-1].replace(quote * 2, quote) if quote == "'" else value[1:-1]
        found[key.strip()] = value
    return found


def _texts(folder: Path) -> dict[str, str]:
    """Files of a folder as texts by relative name; names may hold slashes."""
    if not folder.is_dir():
        return {}
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8", "backslashreplace").rstrip(
            "\n"
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _items(file: Path, folder: Path, keep: Media) -> Iterator[Item]:  # noqa: ARG001
    """Lines `<milliseconds> <value> [<step>]`; one without its end is still being written."""
    key = file.relative_to(folder).as_posix()
    for line in file.read_text("utf-8", "replace").splitlines(keepends=True):
        words = line.split()
        try:
            time, value = int(words[0]) / 1000, float(words[1])
            step = int(words[2]) if len(words) > 2 else 0
        except (IndexError, ValueError):
            continue
        if not line.endswith("\n"):
            return
        if key.startswith(_SYSTEM):
            name = key.removeprefix(_SYSTEM)
            yield Item(time, step, record={"t": "system", "values": {name: value}})
        else:
            yield Item(time, step, {key: value})


def _seconds(milliseconds: str | None) -> float | None:
    try:
        return int(milliseconds or "") / 1000
    except ValueError:
        return None
