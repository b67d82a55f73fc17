"""Several processes, one run: who records, who joins whom, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from trackerlite.readers import Reader

TRAIN = """
    import os, sys, time
    import trackerlite as tl
    rank = int(os.environ["RANK"])
    run = tl.init(project="p", dir=sys.argv[1], config={"lr": 1}, **eval(sys.argv[2]))
    for step in range(int(sys.argv[3])):
        run.log({"loss": rank * 1000 + step}, step=step)
        if len(sys.argv) > 4:
            print(rank, step, flush=True)
            time.sleep(float(sys.argv[4]))
    run.finish()
"""


def clean():
    """This environment without any launcher's variables."""
    gone = ("SLURM_", "OMPI_", "PMI_", "TORCHELASTIC_", "TRACKERLITE_", "WANDB_")
    named = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT")
    return {k: v for k, v in os.environ.items() if not k.startswith(gone) and k not in named}


def start(tmp_path, rank, world, options="{}", steps=20, pause=None, **variables):
    arguments = [str(tmp_path), options, str(steps)] + ([str(pause)] if pause else [])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(TRAIN), *arguments],
        env={**clean(), "RANK": str(rank), "WORLD_SIZE": str(world), **variables},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def points(tmp_path):
    """{(run id, rank): [(step, value)]} of the loss."""
    found = {}
    with Reader.open(tmp_path) as reader:
        for run in reader.runs():
            for series in reader.series([run.key]):
                if series.name == "loss":
                    p = reader.points(series.key)
                    rows = list(zip(p.step.tolist(), p.value.tolist(), strict=True))
                    found[run.id, series.rank] = rows
    return found


class TestWhoRecords:
    def test_zero(self, tmp_path):
        """By default rank 0 records, and the others leave no trace, not even on the screen."""
        processes = [start(tmp_path, rank, 4) for rank in range(4)]
        errors = [p.communicate(timeout=60)[1] for p in processes]
        assert [p.returncode for p in processes] == [0] * 4, errors
        assert errors[1:] == [""] * 3
        assert [rank for _, rank in points(tmp_path)] == [0]

    def test_tasks_of_srun_are_told(self, tmp_path):
        """A task of srun that records nothing says so: it may be a run of its own."""
        process = start(
            tmp_path,
            0,
            4,
            SLURM_PROCID="2",
            SLURM_STEP_ID="0",
            SLURM_NTASKS="4",
            RANK="2",
            WORLD_SIZE="",
        )
        assert "ranks='all'" in process.communicate(timeout=60)[1]

    def test_all(self, tmp_path):
        """With ranks="all" each rank records into one run; rank r's metrics are readable apart."""
        processes = [start(tmp_path, rank, 4, '{"ranks": "all"}') for rank in range(4)]
        errors = [p.communicate(timeout=60)[1] for p in processes]
        assert [p.returncode for p in processes] == [0] * 4, errors
        found = points(tmp_path)
        assert len({run for run, _ in found}) == 1
        for rank in range(4):
            [rows] = [rows for (_, r), rows in found.items() if r == rank]
            assert rows == [(step, rank * 1000 + step) for step in range(20)]
        with Reader.open(tmp_path) as reader:
            [run] = reader.runs()
            assert run.state == "finished"
            assert reader.params([run.key])[run.key] == {"lr": 1}

    def test_two_launches_are_two_runs(self, tmp_path):
        """The next launch begins a run of its own, though nobody gave either an id."""
        code = (
            "import subprocess, sys, os\n"
            "ps = [subprocess.Popen([sys.executable, '-c', sys.argv[1], sys.argv[2], '{\"ranks\": \"all\"}', '5'],"
            " env={**os.environ, 'RANK': str(r), 'WORLD_SIZE': '2'}) for r in range(2)]\n"
            "sys.exit(any(p.wait() for p in ps))\n"
        )
        for _ in range(2):
            subprocess.run(
                [sys.executable, "-c", code, textwrap.dedent(TRAIN), str(tmp_path)],
                env=clean(), check=True, timeout=60, capture_output=True,
            )  # fmt: skip
        found = points(tmp_path)
        assert len({run for run, _ in found}) == 2
        assert sorted(rank for _, rank in found) == [0, 0, 1, 1]

    def test_several_nodes_need_a_name(self, tmp_path):
        """Where ranks cannot find each other by themselves, the sentence says what to pass."""
        process = start(tmp_path, 3, 4, '{"ranks": "all"}', LOCAL_WORLD_SIZE="2")
        assert "--rdzv-id" in process.communicate(timeout=60)[1]
        process = start(tmp_path, 3, 4, '{"ranks": "all", "id": "named"}', LOCAL_WORLD_SIZE="2")
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert points(tmp_path)["named", 3][0] == (0, 3000.0)

    def test_same_rank_twice(self, tmp_path):
        """Two living processes that claim one rank of one run: the second is refused, in words."""
        first = start(tmp_path, 1, 2, '{"ranks": "all", "id": "x"}', 100, 0.05)
        first.stdout.readline()
        second = start(tmp_path, 1, 2, '{"ranks": "all", "id": "x"}')
        error = second.communicate(timeout=60)[1]
        assert second.returncode != 0
        assert "another living process" in error
        first.kill()
        first.wait()


class TestKilled:
    def test_every_rank_killed_once(self, tmp_path, chance):
        """Four ranks, each killed once and started again: one run, nothing lost, nothing doubled."""
        variables = {"TORCHELASTIC_RUN_ID": "job-7"}
        acknowledged = dict.fromkeys(range(4), -1)
        processes = {
            r: start(tmp_path, r, 4, '{"ranks": "all"}', 10_000, 0.002, **variables)
            for r in range(4)
        }
        for process in processes.values():
            process.stdout.readline()
        for process in processes.values():
            time.sleep(chance.uniform(0.05, 0.3))
            process.send_signal(signal.SIGKILL)
        for rank, process in processes.items():
            for line in process.stdout:
                acknowledged[rank] = int(line.split()[1])
            process.wait()
        first = points(tmp_path)
        assert len({run for run, _ in first}) == 1
        for (_, rank), rows in first.items():
            assert rows == [(step, rank * 1000 + step) for step in range(len(rows))]
            assert len(rows) > acknowledged[rank]
        again = [start(tmp_path, r, 4, '{"ranks": "all"}', 30, **variables) for r in range(4)]
        errors = [p.communicate(timeout=60)[1] for p in again]
        assert [p.returncode for p in again] == [0] * 4, errors
        second = points(tmp_path)
        assert second.keys() == first.keys()
        for key, rows in second.items():
            assert rows[: len(first[key])] == first[key]
            assert len(rows) == len(first[key]) + 30

    def test_torchrun(self, tmp_path, need, full):
        """A real torchrun of four gloo processes is one run with all ranks.

        With --full one of them dies once, and the elastic restart joins its run.
        """
        torch = pytest.importorskip("torch")
        need(torch.distributed.is_available(), "torch.distributed")
        script = tmp_path / "train.py"
        script.write_text(
            textwrap.dedent(
                f"""
                import os, sys
                import torch, torch.distributed as dist
                import trackerlite as tl
                rank, restart = int(os.environ["RANK"]), int(os.environ["TORCHELASTIC_RESTART_COUNT"])
                port = int(os.environ["MASTER_PORT"])
                tcp = dist.TCPStore(os.environ["MASTER_ADDR"], port, is_master=False)
                # gloo finds the dead processes' addresses in the agent's store otherwise
                store = dist.PrefixStore(f"attempt-{{restart}}", tcp)
                dist.init_process_group("gloo", store=store, rank=rank, world_size=4)
                run = tl.init(project="p", dir={str(tmp_path)!r}, ranks="all")
                for step in range(5 * restart, 5 * restart + 5):
                    value = torch.tensor([float(rank)])
                    dist.all_reduce(value)
                    run.log({{"loss": rank * 1000 + step, "sum": value.item()}}, step=step)
                dist.barrier()
                if {full} and restart == 0 and rank == 2:
                    os._exit(1)
                if {full} and restart == 0:
                    import time; time.sleep(30)
                run.finish()
                dist.destroy_process_group()
                """
            )
        )
        done = subprocess.run(
            [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4",
             "--max-restarts=1", "--monitor-interval=0.2", str(script)],
            env={**clean(), "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        found = points(tmp_path)
        assert len({run for run, _ in found}) == 1, "an elastic restart joins its run"
        for (_, rank), rows in found.items():
            assert rows == [(step, rank * 1000 + step) for step in range(10 if full else 5)]
        assert sorted(rank for _, rank in found) == [0, 1, 2, 3]


class TestPreempted:
    SCRIPT = """
        import sys, time
        import trackerlite as tl
        run = tl.init(project="p", name="job", dir=sys.argv[1], resume="auto")
        print("resumed" if run.resumed else "new", run.id, flush=True)
        for step in range(run.step, run.step + int(sys.argv[2])):
            run.log({"loss": step}, step=step)
            time.sleep(0.01)
        print("step", run.step, flush=True)
        if sys.argv[3] == "wait":
            time.sleep(60)
        run.finish()
    """

    def launch(self, tmp_path, steps, end, job="17", **more):
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(self.SCRIPT), str(tmp_path), str(steps), end],
            env={**clean(), "SLURM_JOB_ID": job, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
    def test_grace_and_requeue(self, tmp_path, number):
        """A scheduler's warning marks the run preempted within a second; the requeued job continues it."""
        process = self.launch(tmp_path, 30, "wait")
        state, run_id = process.stdout.readline().split()
        assert state == "new"
        process.stdout.readline()
        start = time.monotonic()
        process.send_signal(number)
        while True:
            with Reader.open(tmp_path) as reader:
                journal = reader.run(run_id)
            if journal.state == "preempted" or time.monotonic() - start > 5:
                break
            time.sleep(0.05)
        if number == signal.SIGTERM:
            assert process.wait(10) == -signal.SIGTERM
            assert journal.state == "preempted"
            assert time.monotonic() - start < 2
        else:
            assert process.poll() is None, "a warning does not stop a training that does not listen"
            process.kill()
            process.wait()
        again = self.launch(tmp_path, 30, "end")
        out, error = again.communicate(timeout=60)
        assert again.returncode == 0, error
        assert out.split()[:2] == ["resumed", run_id]
        [rows] = points(tmp_path).values()
        assert rows == [(step, float(step)) for step in range(60)]
        third = self.launch(tmp_path, 1, "end")
        assert third.communicate(timeout=60)[0].startswith("new"), "a finished run is not continued"

    def test_grace_in_c_code(self, tmp_path):
        """A rank that waits in a library for a dead peer is preempted within a second as well."""
        script = """
            import ctypes, sys
            import trackerlite as tl
            run = tl.init(project="p", dir=sys.argv[1])
            run.log({"loss": 1.0})
            print(run.id, flush=True)
            lock = ctypes.create_string_buffer(64)
            for _ in range(2):
                ctypes.CDLL(None).pthread_mutex_lock(lock)
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
            env=clean(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        run_id = process.stdout.readline().strip()
        time.sleep(0.5)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(10) == -signal.SIGTERM
        finally:
            process.kill()
            process.communicate()
        assert time.monotonic() - start < 3
        with Reader.open(tmp_path) as reader:
            run = reader.run(run_id)
            assert (run.state, run.reason) == ("preempted", "SIGTERM")

    def test_tasks_of_an_array(self, tmp_path):
        """Tasks of one name each continue their own run, whichever is requeued first."""

        def launch(task, end):
            array = {"SLURM_ARRAY_JOB_ID": "20", "SLURM_ARRAY_TASK_ID": task}
            process = self.launch(tmp_path, 5, end, f"2{task}", **array)
            state, run_id = process.stdout.readline().split()
            process.stdout.readline()
            process.kill() if end == "wait" else process.wait(60)
            process.communicate()
            return state, run_id

        begun = {task: launch(task, "wait") for task in "123"}
        assert [state for state, _ in begun.values()] == ["new"] * 3
        for task in "213":
            assert launch(task, "end") == ("resumed", begun[task][1])

    def test_the_next_job_of_that_name(self, tmp_path):
        """A job that is submitted again has another id, and continues what has its name."""
        first = self.launch(tmp_path, 5, "wait", "30")
        run_id = first.stdout.readline().split()[1]
        first.stdout.readline()
        first.kill()
        first.communicate()
        out = self.launch(tmp_path, 5, "end", "31").communicate(timeout=60)[0]
        assert out.split()[:2] == ["resumed", run_id]

    LISTENS = """
        import signal, sys, time
        import trackerlite as tl
        stop = []
        if sys.argv[2] == "listens":
            signal.signal(signal.SIGUSR1, lambda *_: stop.append(1))
        run = tl.init(project="p", dir=sys.argv[1])
        signal.raise_signal(signal.SIGUSR1)
        for step in range(20):
            time.sleep(0.05)
            run.log({"loss": step}, step=step)
            if stop:
                break
        if sys.argv[2] == "fails":
            sys.exit(3)
        run.finish()
    """

    @pytest.mark.parametrize(
        ("script", "state"),
        [("listens", "preempted"), ("goes on", "finished"), ("fails", "preempted")],
    )
    def test_the_end_after_a_warning(self, tmp_path, script, state):
        """A warned script that stops for it, or fails after it, is preempted; one that did not
        listen and came to its end is finished. What it did after the warning counts as time."""
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(self.LISTENS), str(tmp_path), script],
            env={**clean(), "SLURM_JOB_ID": "17"}, timeout=60,
        )  # fmt: skip
        with Reader.open(tmp_path) as reader:
            [run] = reader.runs()
        assert (run.state, run.steps) == (state, 0 if script == "listens" else 19)

    def test_killed_after_a_warning(self, tmp_path):
        """A run that was warned and later killed took as long as it was heard of."""
        process = self.launch(tmp_path, 200, "wait")
        _, run_id = process.stdout.readline().split()
        process.send_signal(signal.SIGUSR1)
        process.stdout.readline()  # 200 steps, two seconds and more after the warning
        process.kill()
        process.wait()
        with Reader.open(tmp_path) as reader:
            run = reader.run(run_id)
        assert (run.state, run.steps) == ("preempted", 199)
        assert run.duration > 1.9

    def test_another_job(self, tmp_path):
        """A job of another id with a name of its own begins its own run."""
        process = self.launch(tmp_path, 3, "wait")
        process.stdout.readline()
        process.kill()
        process.wait()
        code = textwrap.dedent(self.SCRIPT).replace('"job"', '"other"')
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), "3", "end"],
            env={**clean(), "SLURM_JOB_ID": "99"}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.stdout.startswith("new")


def test_json_of_the_run_record(tmp_path):
    """The run's record says which rank of how many wrote it, and the launcher's variables."""
    process = start(
        tmp_path, 0, 4, '{"ranks": "all", "id": "r"}', 1, LOCAL_RANK="0", MASTER_PORT="123"
    )
    process.communicate(timeout=60)
    assert process.returncode == 0
    with Reader.open(tmp_path) as reader:
        found = reader.environment(reader.run("r").key)
    assert (found["rank"], found["world_size"]) == (0, 4)
    assert found["torchrun"]["MASTER_PORT"] == "123"
    json.dumps(found)
