"""A scheduler's warnings: we hear them first, and everybody else still hears them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

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


class TestDeaf:
    """The main thread waits in C code, which no handler of Python's interrupts."""

    WAIT = """
        import ctypes, time
        def wait():
            lock = ctypes.create_string_buffer(64)
            ctypes.CDLL(None).pthread_mutex_lock(lock)
            ctypes.CDLL(None).pthread_mutex_lock(lock)
        threading.Timer(0.3, lambda: me(signal.SIGTERM)).start()
    """

    def test_dies(self):
        """It dies of the signal all the same, after we were told, soon."""
        start = time.monotonic()
        done = run(textwrap.dedent(self.WAIT) + "signals.watch(say); wait(); say('alive')")
        assert (done.stdout, done.returncode) == ("SIGTERM dies ", -signal.SIGTERM)
        assert time.monotonic() - start < 5

    def test_handler_of_the_script(self):
        """We are told at once; the script's own handler runs when the main thread comes to it."""
        done = run(
            textwrap.dedent(self.WAIT)
            + "signal.signal(signal.SIGTERM, lambda n, f: say('theirs'))\n"
            "signals.watch(say); threading.Timer(2, lambda: (say('later'), os._exit(7))).start(); wait()"
        )
        assert (done.stdout, done.returncode) == ("SIGTERM listens later ", 7)

    def test_not_twice(self):
        """A main thread that hears is not followed by the thread that would have acted for it."""
        done = run(
            "import time; signals.watch(say)\nme(signal.SIGUSR1); time.sleep(1)\n"
            "me(signal.SIGUSR1); time.sleep(1); say('end')",
            SLURM_JOB_ID="1",
        )
        assert done.stdout == "SIGUSR1 goes on SIGUSR1 goes on end "

    def test_taken_over_since(self):
        """A signal that somebody else has by now is his, however long he takes."""
        done = run(
            "import time; signals.watch(say); signal.signal(signal.SIGTERM, lambda n, f: say('theirs'))\n"
            "me(signal.SIGTERM); time.sleep(1); say('alive')"
        )
        assert done.stdout == "theirs alive "

    def test_a_child_that_is_killed(self):
        """What a forked child is told does not reach its parent."""
        done = run(
            "import time; signals.watch(say); child = os.fork()\n"
            "if not child: signal.signal(signal.SIGTERM, lambda n, f: os._exit(3)); time.sleep(5)\n"
            "time.sleep(0.3); os.kill(child, signal.SIGTERM)\n"
            "say('child', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])); time.sleep(1); say('alive')"
        )
        assert done.stdout == "child 3 alive "

    def test_an_event_loop_keeps_its_pipe(self):
        """Who wants to be woken by signals is; and what was there when we are done is what was there before."""
        done = run(
            "read, write = os.pipe(); os.set_blocking(write, False); signal.set_wakeup_fd(write)\n"
            "signals.watch(say)(); say('theirs', signal.set_wakeup_fd(-1) == write)\n"
            "signals.watch(say)(); say('none', signal.set_wakeup_fd(-1))"
        )
        assert done.stdout == "theirs True none -1 "
