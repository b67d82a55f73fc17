"""The uploader: its end, and its log, followed: what counts as trouble, and for how long."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from trackerlite.backends.credentials import Credentials
from trackerlite.sync import upload
from trackerlite.sync.proto import sync_command
from trackerlite.sync.upload import Uploader
from trackerlite.sync.uploader_log import UploaderLog

ROWS = {"msg": "api: retrying HTTP error", "status": 500, "url": "http://h/files/e/p/a/file_stream"}
OTHER = {"msg": "api: retrying error", "error": 'Post "http://h/graphql": EOF'}
TAKEN = {"msg": "filestream: request sent", "status": "200 OK"}


@pytest.mark.parametrize(
    ("said", "lasting"),
    [
        ([(0, ROWS)], 400),  # rows that were not taken since fail still
        ([(0, ROWS), (5, TAKEN)], 0),
        ([(0, ROWS), (5, TAKEN), (300, ROWS)], 100),
        ([(0, OTHER)], 0),
        ([(0, OTHER), (100, OTHER), (200, OTHER)], 200),
        (
            [(0, OTHER), (300, OTHER), (310, OTHER)],
            10,
        ),  # two that have nothing to do with each other
    ],
)
def test_errors_count_while_they_repeat(
    said: list[tuple[float, dict[str, object]]],
    lasting: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """How long requests of a kind have failed, 400 seconds after the first: since the last success."""
    log = UploaderLog(tmp_path)
    for moment, line in said:
        monkeypatch.setattr(upload.time, "monotonic", lambda moment=moment: moment)
        with (tmp_path / "debug-sync.log").open("a") as file:
            file.write(
                json.dumps({"level": "INFO", "sync_path": "/w/a/run-a.wandb", **line}) + "\n"
            )
        log.read()
    assert log.failing_for(400.0) == lasting


def test_the_uploader_ends_with_wandbs_own_code_and_words(tmp_path: Path) -> None:
    """Its way out, past the interpreter's own end, changes neither."""
    absent = tmp_path / "offline-run-20260101_000000-absent"
    plain = subprocess.run(
        sync_command([absent]), cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert plain.returncode
    credentials = Credentials("http://127.0.0.1:9", "0" * 40)
    with Uploader(tmp_path, credentials, tmp_path / "upload.lock") as uploader:
        result = uploader.send([absent])
    assert result.code == plain.returncode
    assert "does not exist" in result.said
    assert result.said.splitlines()[-1] == plain.stderr.splitlines()[-1]
