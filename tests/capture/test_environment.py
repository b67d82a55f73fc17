"""What is recorded about where a run takes place, and how little that costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import trackerlite as tl
from trackerlite.capture import environment, git, gpus, known, packages, ranks, system

CANARY = "c4n4ry-Zx81-value"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with one commit and a remote that carries a password."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    def run(*args):
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *args],
            cwd=tmp_path, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    run("init", "-q", "-b", "main")
    (tmp_path / "train.py").write_text("lr = 1\n")
    (tmp_path / ".env").write_text("X=1\n")
    run("add", ".")
    run("commit", "-q", "-m", "one")
    run("remote", "add", "origin", f"https://bob:{CANARY}@example.org/x.git")
    return tmp_path


def at(folder):
    return git.capture(str(folder))


class TestQuick:
    def test_names(self):
        """Host, process, Python, command line and machine are there, and are JSON."""
        found = environment.quick()
        assert found["pid"] == os.getpid()
        assert found["python"] == sys.version.split()[0]
        assert found["host"] == os.uname().nodename
        assert found["cpu_count"] >= found["cpu_allowed"] >= 1
        assert found["memory_total"] > 1 << 28
        json.dumps(found)

    def test_starts_nothing_and_loads_nothing_heavy(self):
        """`quick()` runs no process and imports neither psutil, subprocess nor numpy."""
        code = """
            import sys, os
            before = set(sys.modules)
            sys.addaudithook(lambda name, args: (name in ("subprocess.Popen", "os.fork", "os.exec",
                "os.posix_spawn", "socket.connect")) and os._exit(9))
            from trackerlite.capture import environment, redact, signals, ranks
            environment.quick()
            heavy = {"psutil", "subprocess", "numpy", "platform", "pynvml", "importlib.metadata"}
            print(sorted(heavy & set(sys.modules)))
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.strip() == "[]", done

    def test_command_line_is_redacted(self):
        """A key on the command line reaches neither `command` nor `args` nor `program`."""
        code = "from trackerlite.capture import environment as e; import json; print(json.dumps(e.quick()))"
        done = subprocess.run(
            [sys.executable, "-c", code, "--api-key", CANARY, f"db.password={CANARY}", "--lr", "3"],
            capture_output=True, text=True, timeout=60, env={**os.environ, "MY_TOKEN": CANARY},
        )  # fmt: skip
        assert CANARY not in done.stdout
        found = json.loads(done.stdout)
        assert found["args"] == ["--api-key", "[redacted]", "db.password=[redacted]", "--lr", "3"]
        assert found["command"].endswith("--api-key [redacted] 'db.password=[redacted]' --lr 3")

    def test_odd_names(self, monkeypatch):
        """Undecodable bytes in arguments and variables become text that JSON can carry."""
        monkeypatch.setattr(sys, "argv", ["x\udcff.py", "\udcfe"])
        monkeypatch.setenv("LANG", "\udcfd")
        json.dumps(environment.quick()).encode("utf-8")


class TestGit:
    def test_clean_and_dirty(self, repository):
        """Commit, branch and root; a change is a patch, a new file is named."""
        run = _runner(repository)
        found = at(repository)
        assert found["commit"] == run("rev-parse", "HEAD").strip()
        assert found["branch"] == "main"
        assert found["dirty"] is False
        assert "patch" not in found
        (repository / "train.py").write_text("lr = 2\n")
        (repository / "new.py").write_text("x")
        found = at(repository)
        assert found["dirty"] is True
        assert "+lr = 2\n" in found["patch"]
        assert found["untracked"] == ["new.py"]

    def test_secrets_stay_out(self, repository):
        """No password of the remote, no key in the patch, no change of a private file."""
        (repository / "train.py").write_text(f'api_key = "{CANARY}"\nlr = 3\n')
        (repository / ".env").write_text(f"ANYTHING={CANARY}x\n")
        known.forget()
        found = at(repository)
        assert CANARY not in json.dumps(found)
        assert found["remote"] == "https://[redacted]@example.org/x.git"
        assert "+lr = 3" in found["patch"]
        assert ".env" in found["patch"]

    def test_runs_nothing_the_repository_configures(self, repository, tmp_path):
        """External diffs, text conversion, filters, fsmonitor and hooks are not run."""
        run = _runner(repository)
        canary = tmp_path / "canary"
        trap = f"touch {canary}; cat"
        for key in (
            "diff.external", "core.fsmonitor", "diff.x.textconv", "diff.x.command",
            "filter.y.clean", "filter.y.process", "core.pager", "core.sshCommand",
        ):  # fmt: skip
            run("config", key, trap)
        run("config", "filter.y.required", "true")
        hook = repository / ".git" / "hooks" / "post-index-change"
        hook.write_text(f"#!/bin/sh\n{trap}\n")
        hook.chmod(0o755)
        (repository / ".gitattributes").write_text("*.py diff=x filter=y\n")
        (repository / "train.py").write_text("lr = 4\n")
        found = at(repository)
        assert not canary.exists()
        assert "+lr = 4" in found["patch"]

    def test_index_is_not_touched(self, repository):
        """Looking changes nothing in `.git` and takes no lock."""
        (repository / "train.py").write_text("lr = 5\n")
        before = (repository / ".git" / "index").read_bytes()
        (repository / ".git" / "index.lock").write_text("")
        assert "patch" in at(repository)
        assert (repository / ".git" / "index").read_bytes() == before

    def test_no_repository_no_git(self, tmp_path, monkeypatch):
        """Outside a repository, or without git, there is simply nothing."""
        assert at(tmp_path) == {}
        monkeypatch.setenv("PATH", str(tmp_path))
        assert at(tmp_path) == {}

    def test_empty_repository(self, tmp_path, monkeypatch):
        """A repository without a commit says its branch and no patch."""
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
        found = at(tmp_path)
        assert found["branch"] == "main"
        assert "commit" not in found

    def test_a_git_that_hangs(self, tmp_path, monkeypatch):
        """A git that never answers costs its time limit, and its processes are gone after it."""
        fake = tmp_path / "git"
        fake.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 60\n")
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        start = time.monotonic()
        assert git.capture(str(tmp_path), timeout=0.4) == {}
        assert time.monotonic() - start < 3
        pid = int((tmp_path / "pid").read_text())
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    def test_a_huge_patch(self, repository):
        """A patch is cut at a line below the limit, and says so."""
        (repository / "train.py").write_text("x = 'aaaaaaaaaaaaaaaaaaaaaaaaa'\n" * 100_000)
        found = at(repository)
        assert found["patch_truncated"] is True
        assert len(found["patch"]) <= git.MAX_PATCH
        assert found["patch"].endswith("\n")


class TestSlow:
    def test_parts(self, repository, monkeypatch):
        """Git, packages and errors of a part that breaks are collected; none of them raises."""
        monkeypatch.chdir(repository)
        monkeypatch.setattr(sys.modules["__main__"], "__file__", str(repository / "train.py"))
        monkeypatch.setattr(system, "describe_gpus", lambda timeout: 1 / 0)
        git_state, installed, failed = environment.slow()
        assert git_state["git"]["branch"] == "main"
        assert installed["packages"]["numpy"]
        assert "ZeroDivisionError" in failed["errors"]["gpus"]

    def test_a_driver_that_hangs(self, repository, tmp_path, monkeypatch):
        """A run that is over before the driver answers has its commit and packages all the same."""
        monkeypatch.chdir(repository)
        monkeypatch.setattr(sys.modules["__main__"], "__file__", str(repository / "train.py"))
        hanging = threading.Event()
        monkeypatch.setattr(gpus, "drivers", lambda: hanging.wait(20) and [])
        with tl.init(dir=tmp_path / "s") as run:
            run.log({"loss": 1.0})
        hanging.set()
        found = tl.Api(tmp_path / "s").run(run.id).environment
        assert found["git"]["branch"] == "main"
        assert found["packages"]["numpy"]

    def test_packages_agree_with_metadata(self):
        """Versions read off folder names are those that importlib.metadata reports."""
        from importlib.metadata import version

        found = packages.installed()
        for name in ("numpy", "psutil", "pytest", "click"):
            assert found[name] == version(name)


class TestRanks:
    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({}, (0, 1, 0, "")),
            ({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}, (3, 8, 1, "torchrun")),
            ({"RANK": "3"}, (0, 1, 0, "")),
            ({"RANK": "x", "WORLD_SIZE": "8"}, (0, 1, 0, "")),
            ({"RANK": "9", "WORLD_SIZE": "8"}, (0, 1, 0, "")),
            ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "1"}, (0, 1, 0, "")),
            (
                {
                    "SLURM_PROCID": "2",
                    "SLURM_NTASKS": "4",
                    "SLURM_STEP_ID": "0",
                    "SLURM_LOCALID": "1",
                },
                (2, 4, 1, "slurm"),
            ),
            ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, (1, 2, 1, "mpi")),
        ],
    )
    def test_current(self, monkeypatch, variables, expected):
        """The launcher's variables decide; half-set or foreign ones mean a process alone."""
        _only(monkeypatch, variables)
        found = ranks.current()
        assert (found.rank, found.world_size, found.local_rank, found.source) == expected

    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({}, ""),
            ({"SLURM_JOB_ID": "7"}, "slurm-7"),
            (
                {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"},
                "slurm-7_2",
            ),
            ({"TORCHELASTIC_RUN_ID": "none"}, ""),
            ({"TORCHELASTIC_RUN_ID": "abc"}, "torchrun-abc"),
        ],
    )
    def test_job(self, monkeypatch, variables, expected):
        """All ranks of a launch share its name, a requeue keeps it, array tasks differ."""
        _only(monkeypatch, variables)
        assert ranks.job_id() == expected


def _only(monkeypatch, variables):
    for name in list(os.environ):
        if name.startswith(("SLURM_", "OMPI_", "PMI_", "TORCHELASTIC_")) or name in (
            "RANK", "WORLD_SIZE", "LOCAL_RANK",
        ):  # fmt: skip
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def _runner(folder):
    def run(*args):
        return subprocess.run(
            ["git", *args], cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    return run
