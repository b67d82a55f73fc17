"""Six scripts as people write them for W&B: with the real wandb, and with one import changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wandb", reason="wandb is not installed")
pytest.importorskip("torch", reason="torch is not installed")

import trackerlite as tl
from integrations import wandb_offline
from trackerlite.errors import ArtifactNotFound, NoRun, NotHere, Unsupported
from trackerlite.readers.api import ApiRun

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
RUN_ALL = """
import sys
for path in sys.argv[2:]:
    source = open(path).read()
    assert "import wandb\\n" in source
    source = source.replace("import wandb\\n", f"import {sys.argv[1]}\\n")
    command, sys.argv = sys.argv, [path]
    exec(compile(source, path, "exec"), {"__name__": "__main__"})
    sys.argv = command
"""
FILE_KEYS = {
    "path",
    "sha256",
    "size",
    "artifact_path",
    "_latest_artifact_path",
    "filenames",
    "audio",
    "log_mode",
}


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[list[wandb_offline.WandbRun], list[ApiRun]]:
    """What the real wandb recorded, and what trackerlite recorded, of the same scripts."""
    place = tmp_path_factory.mktemp("scripts")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "TRACKERLITE_"))}
    env |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
    env |= {
        "WANDB_DIR": str(place),
        "WANDB_DATA_DIR": str(place / "d"),
        "WANDB_CACHE_DIR": str(place / "c"),
    }
    for name in ("wandb", "trackerlite as wandb"):
        command = [sys.executable, "-c", RUN_ALL, name, *map(str, SCRIPTS)]
        subprocess.run(command, cwd=place, env=env, check=True, timeout=240)
    theirs = wandb_offline.read_all(place)
    ours = sorted(tl.Api(place).runs(), key=lambda run: run.started)
    projects = [run.project for run in ours]
    theirs.sort(key=lambda run: (projects.index(run.project), run.rows[0]["_timestamp"]))
    return theirs, ours


def history(run: ApiRun) -> dict[int, dict[str, Any]]:
    """Rows by step, numbers and everything else."""
    found: dict[int, dict[str, Any]] = {}
    for name in run.metrics:
        points = run.metric(name)
        for step, value in zip(points["step"].tolist(), points["value"].tolist(), strict=True):
            found.setdefault(step, {})[name] = value
    for value in run._reader.values(run.info.key):
        found.setdefault(value.step, {})[value.name] = value.value
    return found


def ours_as_theirs(row: dict[str, Any]) -> dict[str, Any]:
    """A row of ours under W&B's names: there a plot is a table under its own key, and a drawing
    rule in the config, which sync writes; the norms of watch are ours alone."""
    found = {}
    for key, value in comparable(row).items():
        if isinstance(value, dict) and "plot" in value:
            key, value = f"{key}_table", {k: v for k, v in value.items() if k != "plot"}
        if not key.startswith("gradient_norm/"):
            found[key] = value
    return found


def comparable(value: Any) -> Any:
    """A value without the names and sums of files, NaN as text, numbers as numbers."""
    if isinstance(value, dict):
        return {k: comparable(v) for k, v in value.items() if k not in FILE_KEYS}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    return "NaN" if value != value else value


def test_all_six_are_there_and_compared(both):
    """Seven runs of six scripts, in both worlds, with the same names, groups, tags and notes."""
    theirs, ours = both
    assert len(SCRIPTS) == 6
    assert [run.project for run in theirs] == [run.project for run in ours]
    assert len(ours) == 7
    for wandbs, mine in zip(theirs, ours, strict=True):
        assert mine.state == "finished"
        if wandbs.name:
            assert mine.name == wandbs.name
        assert (mine.group or "", mine.job_type or "", mine.notes or "") == (
            wandbs.group, wandbs.job_type, wandbs.notes,
        )  # fmt: skip
        assert set(mine.tags) == set(wandbs.tags)


def test_the_history_is_the_same(both):
    """Every row of every script: its step, its keys, its values."""
    for wandbs, mine in zip(*both, strict=True):
        expected = {
            row["_step"]: comparable(h) for row, h in zip(wandbs.rows, wandbs.history, strict=True)
        }
        found = {step: ours_as_theirs(row) for step, row in history(mine).items()}
        assert found == expected, mine.project


def test_the_config_is_the_same(both):
    """Namespaces, dataclasses, nested dicts, later updates, excluded keys."""
    for wandbs, mine in zip(*both, strict=True):
        assert mine.config == wandbs.config, mine.project


def test_the_summary_is_the_same(both):
    """Last values, what define_metric asked for, and what was set by hand."""
    for wandbs, mine in zip(*both, strict=True):
        assert ours_as_theirs(mine.summary) == comparable(wandbs.summary), mine.project


def test_alerts_and_artifacts_are_there(both):
    """What W&B would send or upload is in the store."""
    theirs, ours = both
    alerts = [(a.title, a.text, a.level) for run in ours for a in run._reader.alerts(run.info.key)]
    own = [alert for alert in alerts if "NaN" not in alert[0] and "Inf" not in alert[0]]
    assert own == [alert for run in theirs for alert in run.alerts]
    media = next(run for run in ours if run.project == "media")
    names = {(a.name, a.type) for a in media._reader.artifacts(media.info.key)}
    assert ("net", "model") in names
    assert (media.info.folder / "files" / "model.txt").read_text() == "weights"


def test_what_is_not_here_says_so_in_one_sentence():
    """Sweeps and the like: one clear sentence when used, no AttributeError from deep inside."""
    from trackerlite.integrations.wandb_names import UNSUPPORTED

    assert set(UNSUPPORTED) == tl._NOT_HERE
    for name in UNSUPPORTED:
        with pytest.raises(Unsupported, match=f"^trackerlite has no {name}; .+\\.$") as error:
            getattr(tl, name)()
        assert "\n" not in str(error.value)
    with pytest.raises(Unsupported):
        tl.sklearn.plot_roc([0, 1], [0.1, 0.9])
    assert not isinstance(3, tl.Object3D)
    with pytest.raises(AttributeError):
        tl.no_such_thing


def test_what_scripts_name_from_inside_wandb_is_found():
    """generate_id, the Run of type hints, the errors of except clauses, the classes of data_types."""
    assert len(tl.util.generate_id()) == len(tl.sdk.lib.runid.generate_id()) == 8
    assert tl.sdk.wandb_run.Run is tl.wandb_sdk.wandb_run.Run is tl.Run
    assert tl.data_types.Table is tl.Table
    assert tl.apis.public.Run is ApiRun
    assert issubclass(tl.errors.CommError, tl.errors.Error)
    assert tl.errors.UsageError is tl.UsageError
    with pytest.raises(Unsupported, match="sdk"):
        tl.sdk.lib.telemetry.context()


def test_every_name_of_wandbs_reading_side_is_known(tmp_path):
    """What the public Api of W&B and its runs have is here, or a sentence says what to write."""
    from wandb.apis import public

    with tl.init(project="p", id="one", dir=tmp_path) as run:
        run.log({"x": 1.0})
    api, inner = (
        tl.Api(tmp_path),
        {"client", "create", "snake_to_camel", "storage_id", "user_agent"},
    )
    unknown = []
    for theirs, ours in ((public.Api, api), (public.Run, api.run("one"))):
        for name in set(dir(theirs)) - inner:
            try:
                name.startswith("_") or name.isupper() or getattr(ours, name)
            except NotHere as error:
                unknown += [] if str(error).startswith("trackerlite has no ") else [name]
    assert unknown == []


def test_every_name_of_wandbs_is_known():
    """No public name of W&B's ends in an AttributeError of ours."""
    import wandb

    of_the_run = {"config", "summary"}  # there without a run neither
    assert not any(hasattr(tl, name) for name in of_the_run)
    with pytest.raises(NoRun, match="init\\(\\) first"):
        tl.config.update({})
    assert [n for n in wandb.__all__ if n not in of_the_run and not hasattr(tl, n)] == []


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKERLITE_DIR", str(tmp_path))


def test_init_takes_what_wandbs_takes(fresh, tmp_path):
    """Every argument of wandb.init is taken; fork_from is refused, a misspelt one is an error."""
    import inspect

    import wandb

    given = {
        "anonymous": "never", "force": False, "magic": None, "monitor_gym": True, "sync_tensorboard": True,
        "allow_val_change": True, "save_code": True, "entity": "us", "reinit": "finish_previous",
        "config_include_keys": ["a"], "config_exclude_keys": None, "settings": {"run_group": "g"}, "tensorboard": False,
    }  # fmt: skip
    first = tl.init(project="p")
    assert tl.init(project="p", settings={"reinit": "return_previous"}) is first
    with tl.init(project="p", config={"a": 1, "b": 2}, **given) as run:
        assert first._ended
        assert (dict(run.config), run.group) == ({"a": 1}, "g")
    ours = set(inspect.signature(tl.init).parameters) | set(given) | {"fork_from"}
    assert set(inspect.signature(wandb.init).parameters) <= ours
    with pytest.raises(Unsupported, match="resume_from"):
        tl.init(fork_from="abc?_step=3")
    with pytest.raises(TypeError, match="projekt"):
        tl.init(projekt="p")


def test_wandbs_own_settings_object_is_understood(fresh):
    """A real wandb.Settings, and explicit arguments win over it."""
    import wandb

    settings = wandb.Settings(run_name="from settings", run_notes="n", console="off")
    with tl.init(project="p", settings=settings) as run:
        assert (run.name, run.notes) == ("from settings", "n")
    with tl.init(
        project="p", name="explicit", settings=tl.Settings(run_name="x", quiet=True)
    ) as run:
        assert run.name == "explicit"


def test_absl_flags_are_a_config(fresh):
    """absl's FLAGS are taken as W&B takes them."""
    flags = pytest.importorskip("absl.flags", reason="absl is not installed")
    values = flags.FlagValues()
    flags.DEFINE_float("rate", 0.1, "", flag_values=values)
    flags.DEFINE_multi_string("names", ["a"], "", flag_values=values)
    values(["program", "--rate=0.5"])
    with tl.init(project="p", config=values) as run:
        assert run.config["rate"] == 0.5
        run.config.update(values)
    assert tl.Api().run(run.id).config["names"] == ["a"]


def test_a_config_file_is_read(fresh, tmp_path):
    """config="file.json" is the file's content."""
    (tmp_path / "config.json").write_text(json.dumps({"lr": 0.5}))
    with tl.init(project="p", config=str(tmp_path / "config.json")) as run:
        assert dict(run.config) == {"lr": 0.5}


def test_what_scripts_ask_a_run_for(fresh):
    """url, path, entity and the like have an answer, and those without one say why."""
    with tl.init(project="p", id="r") as run:
        assert (run.url, run.get_url(), run.sweep_id, run.path) == (None, None, None, "p/r")
        assert (run.offline, run.disabled, run.project_name()) == (True, False, "p")
        with pytest.raises(Unsupported, match="alias"):
            run.link_model("path", "registered")
        assert run.log_code(str(Path(__file__).parent / "scripts")).type == "code"


def test_a_files_place_in_the_run_is_kept(fresh):
    """What a script writes to run.dir is the run's, like what save() copies; save() alone does nothing."""
    with tl.init(project="p") as run:
        (Path(run.dir) / "model.h5").write_text("weights")
        assert run.save(os.path.join(run.dir, "*.h5")) == [str(Path(run.dir) / "model.h5")]
        assert run.save() == []
    assert (run.folder / "files" / "model.h5").read_text() == "weights"
    with tl.init(mode="disabled") as run:
        (Path(run.dir) / "model.h5").write_text("weights")


def test_an_assigned_config_hides_no_later_one(fresh):
    """`wandb.config = {…}`, as old guides have it, does not outlive the next init."""
    with tl.init(project="p"):
        tl.config = {"lr": 1}
    with tl.init(project="p", config={"lr": 2}):
        assert tl.config.lr == 2
    assert "config" not in vars(tl)


def test_one_file_of_an_artifact(fresh, tmp_path):
    """get_path and get_entry name one file, which can be fetched alone."""
    with tl.init(project="p") as run:
        artifact = tl.Artifact("data", type="dataset")
        with artifact.new_file("sub/x.txt") as file:
            file.write("hello")
        run.log_artifact(artifact)
        entry = run.use_artifact("team/p/data:latest").get_path("sub/x.txt")
        assert (entry.size, Path(entry.download(tmp_path / "out")).read_text()) == (5, "hello")
        with pytest.raises(ArtifactNotFound, match=r"no\.txt"):
            artifact.get_entry("no.txt")
    assert tl.Api().run(f"team/p/{run.id}").id == run.id


def test_wandbs_surface_loads_no_framework(tmp_path):
    """A script that only logs pays for no torch, no wandb, no TensorBoard, no transformers."""
    script = (
        "import sys, trackerlite as wandb\n"
        "run = wandb.init(project='p', settings=wandb.Settings(quiet=True), reinit=True)\n"
        "wandb.login(); wandb.log({'a': 1}); wandb.alert('t', 'x', level=wandb.AlertLevel.INFO); wandb.finish()\n"
        "heavy = {'torch', 'wandb', 'tensorboard', 'transformers', 'keras', 'lightning', 'textual'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    env = {**os.environ, "TRACKERLITE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()[1:]) == (0, []), done.stderr
