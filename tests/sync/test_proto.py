"""Everything private that is borrowed from wandb is where it was: this fails loudly when it moves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trackerlite.sync import proto
from trackerlite.sync.proto import artifact_record, sync_command, wandb_records

MESSAGES = {
    "Record": "num run history summary files stats artifact alert metric output_raw exit header preempting"
    " environment config",
    "RunRecord": "run_id entity project config run_group job_type display_name notes tags host start_time git"
    " resume",
    "HistoryRecord": "item step",
    "HistoryItem": "key nested_key value_json integer number boolean json",
    "HistoryStep": "num",
    "StatsRecord": "stats_type timestamp item",
    "StatsItem": "key value_json",
    "OutputRawRecord": "output_type line",
    "FilesItem": "path policy type",
    "MetricRecord": "name glob_name step_metric options summary goal",
    "MetricOptions": "step_sync hidden defined",
    "MetricSummary": "min max mean best last none first",
    "SummaryItem": "key value_json",
    "AlertRecord": "title text level",
    "RunExitRecord": "exit_code runtime not_complete",
    "EnvironmentRecord": "os python started_at args program git host username executable cpu_count"
    " cpu_count_logical gpu_type gpu_count writer_id",
    "ArtifactRecord": "run_id project entity type name digest description metadata aliases"
    " manifest finalize client_id sequence_client_id digest_algorithm",
    "ArtifactManifestEntry": "path digest ref size local_path skip_cache extra",
}


@pytest.mark.parametrize("message", MESSAGES)
def test_the_record_classes_have_the_fields_we_write(message: str) -> None:
    """Each field that a segment uses is a field of the installed wandb's record."""
    found = getattr(wandb_records().pb, message).DESCRIPTOR.fields_by_name
    missing = [name for name in MESSAGES[message].split() if name not in found]
    assert missing == [], f"wandb moved {missing} of {message}"


def test_enumerations_have_the_words_we_use() -> None:
    """The enum values that a segment uses exist."""
    pb = wandb_records().pb
    pb.StatsRecord.StatsType.Value("SYSTEM")
    pb.OutputRawRecord.OutputType.Value("STDOUT")
    pb.OutputRawRecord.OutputType.Value("STDERR")
    pb.FilesItem.PolicyType.Value("NOW")
    pb.FilesItem.FileType.Value("MEDIA")
    pb.MetricRecord.MetricGoal.Value("GOAL_MINIMIZE")
    pb.MetricRecord.MetricGoal.Value("GOAL_MAXIMIZE")


def test_an_artifact_becomes_a_record(tmp_path: Path) -> None:
    """Digest, client ids and entries come out of wandb's own Artifact; files stay where they are."""
    (tmp_path / "weights").write_bytes(b"123")
    record = artifact_record(
        wandb_records(),
        name="model",
        kind="model",
        metadata={"f1": 0.9},
        description=None,
        files=[("inner/weights.bin", tmp_path / "weights")],
        references=[("far", "https://example.com/far")],
    )
    assert record.digest
    assert record.client_id
    assert record.sequence_client_id
    entries = {e.path: e for e in record.manifest.contents}
    assert entries["inner/weights.bin"].local_path == str(tmp_path / "weights")
    assert entries["far"].ref == "https://example.com/far"


def test_the_uploader_is_there() -> None:
    """`python -m wandb sync` exists and takes folders."""
    command = sync_command([])
    help_ = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60)
    assert help_.returncode == 0
    assert "[PATHS]" in help_.stdout or "[PATH]" in help_.stdout


def test_reading_the_classes_does_not_import_wandb() -> None:
    """The record classes alone: `import wandb` afterwards still gives the real package."""
    code = (
        "import sys; from trackerlite.sync.proto import wandb_records; pb = wandb_records().pb\n"
        "assert 'wandb' not in sys.modules\n"
        "import wandb; from wandb.proto import wandb_internal_pb2 as real\n"
        "assert wandb.__version__ and real.Record is pb.Record\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_wandb_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wandb package: an error that names the extra."""
    monkeypatch.setattr(proto, "installed", lambda: False)
    wandb_records.cache_clear()
    with pytest.raises(proto.WandbMissing, match=r"pip install 'trackerlite\[wandb\]'"):
        wandb_records()
    wandb_records.cache_clear()


def test_its_core_is_given_time_to_start() -> None:
    """The setting that we raise, through its environment variable, is one that wandb knows."""
    code = "import wandb; print(wandb.setup().settings.x_service_wait)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "WANDB__SERVICE_WAIT": "300"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.split()[-1:] == ["300.0"], done.stderr
