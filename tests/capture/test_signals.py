"""A scheduler's warnings: we hear them first, and everybody else still hears them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest


def run(code, **variables):
    """Runs `code` in a process of its own; SLURM's variables only if given."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
    return subprocess.run(
        [sys.executable, "-c", "import os, signal, threading\n"
         "from trackerlite.capture import signals\n"
         "say = lambda text, *more: os.write(1, (' '.join([text, *map(str, more)]) + ' ').encode())\n"
         "me = lambda number: os.kill(os.getpid(), number)\n" + textwrap.dedent(code)],
        capture_output=True, text=True, timeout=30, env={**clean, **variables},
    )  # fmt: skip


class TestWatch:
    def test_default_still_kills(self):
        """Without a handler of the user's the process dies of the signal, after we were told."""
        done = run("signals.watch(say); me(signal.SIGTERM); say('alive')")
        assert done.stdout == "SIGTERM dies "
        assert done.returncode == -signal.SIGTERM

    def test_earlier_handler_is_called(self):
        """A handler that was there before decides what happens, as if we were not there."""
        done = run(
            "signal.signal(signal.SIGTERM, lambda n, f: say('theirs'))\n"
            "signals.watch(say); me(signal.SIGTERM); say('alive')"
        )
        assert done.stdout == "SIGTERM listens theirs alive "
        assert done.returncode == 0

    def test_ignored_stays_ignored(self):
        """A signal the user ignores is none of ours, and stays harmless."""
        done = run(
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "signals.watch(say); me(signal.SIGTERM); say('alive')"
        )
        assert done.stdout == "alive "

    def test_usr1_outside_a_scheduler_is_not_ours(self):
        """SIGUSR1 keeps its meaning, which is death, where no scheduler uses it."""
        done = run("signals.watch(say); me(signal.SIGUSR1); say('alive')")
        assert done.stdout == ""
        assert done.returncode == -signal.SIGUSR1

    def test_usr1_under_slurm_only_warns(self):
        """`sbatch --signal=USR1@60` is heard, and does not kill a training without a handler."""
        done = run("signals.watch(say); me(signal.SIGUSR1); say('alive')", SLURM_JOB_ID="1")
        assert done.stdout == "SIGUSR1 goes on alive "
        assert done.returncode == 0

    def test_a_callback_that_raises(self):
        """Our own failure reaches neither the training nor the next callback."""
        done = run(
            "signal.signal(signal.SIGTERM, lambda n, f: say('theirs'))\n"
            "signals.watch(lambda *_: 1 / 0); signals.watch(say)\n"
            "me(signal.SIGTERM); say('alive')"
        )
        assert done.stdout == "SIGTERM listens theirs alive "

    def test_forget(self):
        """When nobody listens any more, the earlier handler is back in its place."""
        done = run(
            "theirs = lambda n, f: say('theirs')\n"
            "signal.signal(signal.SIGTERM, theirs)\n"
            "a = signals.watch(say); b = signals.watch(say); a(); b()\n"
            "say(str(signal.getsignal(signal.SIGTERM) is theirs))"
        )
        assert done.stdout == "True "

    def test_taken_over_since(self):
        """A handler set after ours is not removed by us."""
        done = run(
            "forget = signals.watch(say)\n"
            "theirs = lambda n, f: say('theirs')\n"
            "signal.signal(signal.SIGTERM, theirs); forget()\n"
            "say(str(signal.getsignal(signal.SIGTERM) is theirs))"
        )
        assert done.stdout == "True "

    @pytest.mark.parametrize("number", ["SIGTERM"])
    def test_from_a_thread(self, number):
        """In a thread nothing can be set, nothing is, and nothing is raised."""
        done = run(
            "t = threading.Thread(target=lambda: signals.watch(say)); t.start(); t.join()\n"
            f"say(str(signal.getsignal(signal.{number}) == signal.SIG_DFL))"
        )
        assert done.stdout == "True "
