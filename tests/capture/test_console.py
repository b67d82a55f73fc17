"""Console capture: everything is there, and the training's output is what it was."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from trackerlite.capture import known
from trackerlite.capture.console import Console
from trackerlite.capture.lines import Log

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (out|err) (.*)", re.DOTALL)


def run(tmp_path, code, **how):
    """Runs `code` in a process of its own, `console` started; (process, log lines)."""
    log = tmp_path / "console.log"
    script = tmp_path / "script.py"
    script.write_text(
        "import ctypes, os, signal, subprocess, sys, time\n"
        "from trackerlite.capture.console import Console\n"
        f"console = Console({str(log)!r}).start()\n" + textwrap.dedent(code)
    )
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60} | how
    done = subprocess.run([sys.executable, "-u", str(script)], **how)
    return done, lines(log)


def lines(log, wait=5.0):
    """(stream, text) of each line, after the relay has ended."""
    end, size = time.monotonic() + (wait if log.exists() else 0), -1
    while time.monotonic() < end:
        now = log.stat().st_size if log.exists() else 0
        if now == size:
            break
        size = now
        time.sleep(0.15)
    found = []
    for line in log.read_bytes().decode().split("\n")[:-1]:
        match = LINE.fullmatch(line)
        assert match, line
        found.append(match.groups())
    return found


class TestDescriptors:
    def test_every_way_to_print(self, tmp_path):
        """Python, C, raw writes and child processes are all recorded, and all passed on."""
        done, found = run(
            tmp_path,
            """
            print("python")
            print("error", file=sys.stderr)
            libc = ctypes.CDLL(None)
            libc.puts(b"from C"); libc.fflush(None)
            os.write(1, b"raw\\n")
            subprocess.run(["sh", "-c", "echo child; echo grief >&2"])
            console.stop()
            print("after")
            """,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == b"python\nfrom C\nraw\nchild\nafter\n"
        assert done.stderr == b"error\ngrief\n"
        assert [t for s, t in found if s == "out"] == ["python", "from C", "raw", "child"]
        assert [t for s, t in found if s == "err"] == ["error", "grief"]

    def test_bytes_pass_unchanged(self, tmp_path):
        """A megabyte of every byte, NUL and broken UTF-8 included, arrives bit for bit."""
        done, _ = run(
            tmp_path,
            "data = bytes(range(256)) * 4096\n"
            "while data: data = data[os.write(1, data):]\nconsole.stop()\n",
        )  # fmt: skip
        assert done.stdout == bytes(range(256)) * 4096

    @pytest.mark.parametrize("death", ["os.abort()", "os.kill(os.getpid(), 9)", "os._exit(3)"])
    def test_last_words(self, tmp_path, death):
        """What was printed just before a crash or a SIGKILL still arrives, on screen and in the log."""
        done, found = run(tmp_path, f"os.write(2, b'CUDA error: assert\\n')\n{death}\n")
        assert done.stderr == b"CUDA error: assert\n"
        assert found == [("err", "CUDA error: assert")]

    def test_c_code_that_holds_the_lock(self, tmp_path):
        """C code that prints a megabyte without letting Python run does not wait for ever."""
        done, found = run(
            tmp_path,
            """
            libc = ctypes.PyDLL(None)  # holds the interpreter's lock during the call
            libc.puts(b"x" * (1 << 20)); libc.fflush(None)
            console.stop()
            """,
            timeout=20,
        )
        assert len(done.stdout) == (1 << 20) + 1
        assert sum(len(text) for _, text in found) > 8000

    def test_progress_bars(self, tmp_path):
        """A bar that redraws a hundred times is one line, with its last state."""
        done, found = run(
            tmp_path,
            """
            for i in range(101):
                print(f"\\r{i}%", end="", file=sys.stderr)
            print(file=sys.stderr)
            print("open end", end="")
            console.stop()
            """,
        )
        assert done.stderr.count(b"\r") == 101
        assert found == [("err", "100%"), ("out", "open end")]

    def test_relay_dies(self, tmp_path):
        """Somebody kills the relay: the training prints on as if it had never been there."""
        done, _ = run(
            tmp_path,
            """
            print("before")
            while not console._relay.process: time.sleep(0.01)
            time.sleep(0.3)
            os.kill(console._relay.process, 9)
            for i in range(50):
                print("line", i); time.sleep(0.01)
            console.stop()
            """,
        )
        assert done.returncode == 0, done.stderr
        out = done.stdout.decode().split("\n")
        assert out[0] == "before"
        assert out[-2] == "line 49"
        assert sum(line.startswith("line ") for line in out) >= 45

    def test_no_child_of_ours(self, tmp_path):
        """A training that waits for all its children does not wait for the relay."""
        done, _ = run(
            tmp_path,
            """
            while not console._relay.process: time.sleep(0.01)
            time.sleep(0.1)
            subprocess.Popen(["true"])
            try:
                while True: os.wait()
            except ChildProcessError:
                print("all waited for")
            console.stop()
            """,
            timeout=20,
        )
        assert done.stdout == b"all waited for\n", done.stderr

    def test_terminal_stays_one(self, tmp_path):
        """On a terminal `isatty` and its size stay true, and no byte is changed."""
        master, slave = pty.openpty()
        import fcntl
        import struct
        import termios

        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 97, 0, 0))
        process = subprocess.Popen(
            [
                sys.executable, "-c",
                "import os,sys;from trackerlite.capture.console import Console\n"
                f"c = Console({str(tmp_path / 'console.log')!r}).start()\n"
                "assert c.mode == 'fd'\n"
                "print(sys.stdout.isatty(), os.get_terminal_size(1), '\\x1b[1mbold\\x1b[0m', flush=True)\n"
                "c.stop()\nprint('end')\n",
            ],
            stdin=slave, stdout=slave, stderr=slave,
        )  # fmt: skip
        os.close(slave)
        seen = b""
        while True:
            try:
                data = os.read(master, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
        process.wait(20)
        os.close(master)
        assert b"True os.terminal_size(columns=97, lines=41) \x1b[1mbold\x1b[0m\r\nend\r\n" in seen

    def test_restored(self, tmp_path):
        """After `stop` both descriptors are the very ones they were, and none is left open."""
        done, _ = run(
            tmp_path,
            """
            console.stop()
            same = lambda: [(os.fstat(n).st_dev, os.fstat(n).st_ino) for n in (1, 2)]
            count = lambda: len(os.listdir("/proc/self/fd"))
            first, open_before = same(), count()
            for _ in range(3):
                again = Console(sys.argv[0] + ".log").start()
                print("x", flush=True)
                assert same() != first
                again.stop()
            assert same() == first
            assert count() == open_before, (count(), open_before)
            """,
        )
        assert done.returncode == 0, done.stderr.decode()

    def test_signals_to_the_group(self, tmp_path):
        """Ctrl-C and a scheduler's SIGTERM reach the training alone; its answer is recorded."""
        done, found = run(
            tmp_path,
            """
            signal.signal(signal.SIGTERM, lambda *_: print("told to stop"))
            signal.signal(signal.SIGINT, lambda *_: print("interrupted"))
            os.killpg(0, signal.SIGTERM)
            os.killpg(0, signal.SIGINT)
            time.sleep(0.2)
            print("still here")
            console.stop()
            """,
            start_new_session=True,
        )
        assert done.stdout == b"told to stop\ninterrupted\nstill here\n"
        assert [t for _, t in found] == ["told to stop", "interrupted", "still here"]

    def test_children_that_outlive_us(self, tmp_path):
        """A forked child and a background job print on after the training has ended."""
        done, found = run(
            tmp_path,
            """
            import warnings
            warnings.simplefilter("ignore")  # Python 3.12 on warns of forks where there are threads
            subprocess.Popen(["sh", "-c", "sleep 0.6; echo late && echo done"])
            if os.fork() == 0:
                time.sleep(0.4)
                console.stop()
                print("forked")
                os._exit(0)
            print("parent")
            console.stop()
            """,
        )
        assert sorted(done.stdout.split()) == [b"done", b"forked", b"late", b"parent"]
        assert sorted(t for _, t in found) == ["done", "forked", "late", "parent"]

    def test_secrets(self, tmp_path):
        """Keys by look, by name, of the environment and of the config stay out of the log."""
        done, found = run(
            tmp_path,
            """
            from trackerlite.capture.redact import redact_config
            redact_config({"db": {"password": "0nly-in-config"}})
            print("token hf_" + "aB3" * 12)
            print("using", os.environ["MY_SECRET"])
            print("and 0nly-in-config")
            console.stop()
            """,
            env={**os.environ, "MY_SECRET": "c4n4ry-value-99"},
        )
        assert b"c4n4ry-value-99" in done.stdout, "what the training prints itself is its own"
        text = " ".join(t for _, t in found)
        assert text == "token [redacted] using [redacted] and [redacted]"

    def test_start_and_stop_are_quick(self, tmp_path):
        """Starting costs a training a few milliseconds."""
        done, _ = run(
            tmp_path,
            """
            console.stop()
            again = Console(sys.argv[0] + ".log")
            start = time.perf_counter(); again.start(); up = time.perf_counter() - start
            time.sleep(0.3)
            start = time.perf_counter(); again.stop(); down = time.perf_counter() - start
            print(up, down)
            """,
        )
        up, down = map(float, done.stdout.split())
        assert up < 0.2
        assert down < 0.5


class TestStreams:
    def test_under_pytest(self, tmp_path, capsys):
        """Where descriptors belong to somebody else, Python's streams are copied, then given back."""
        before = sys.stdout
        with Console(tmp_path / "console.log") as console:
            assert console.mode == "stream"
            print("seen")
            print("bad", file=sys.stderr)
            assert sys.stdout.encoding == before.encoding
            assert sys.stdout.isatty() == before.isatty()
        assert sys.stdout is before
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("seen\n", "bad\n")
        assert lines(tmp_path / "console.log") == [("out", "seen"), ("err", "bad")]

    def test_wrapped_by_others_meanwhile(self, tmp_path, capsys):
        """Whoever replaced `sys.stdout` after us keeps it, and printing goes on working."""
        import contextlib
        import io

        console = Console(tmp_path / "console.log").start()
        other = io.StringIO()
        with contextlib.redirect_stdout(other):
            print("theirs")
            console.stop()
            print("still theirs")
        print("ours")
        assert other.getvalue() == "theirs\nstill theirs\n"
        assert "ours" in capsys.readouterr().out

    def test_a_write_put_in_front_of_ours(self, tmp_path, capsys):
        """Who replaces `sys.stdout.write` and calls the one that was there (IPython does, for
        each cell) prints once, and is recorded."""
        with Console(tmp_path / "console.log", mode="stream"):
            stream, original, seen = sys.stdout, sys.stdout.write, []

            def write(text):
                seen.append(text)
                return original(text)

            stream.write = write
            print("within a cell")
            stream.write = original
            print("after it")
        assert capsys.readouterr().out == "within a cell\nafter it\n"
        assert "within a cell" in seen
        told = [text for _, text in lines(tmp_path / "console.log")]
        assert told == ["within a cell", "after it"]

    def test_a_line_is_there_at_once(self, tmp_path, capsys):
        """A line waits for no other: who follows the log sees it, who is killed has left it."""
        with Console(tmp_path / "console.log"):
            for word in ("one", "two"):
                print(word)
                assert (tmp_path / "console.log").read_text().endswith(f"out {word}\n")

    def test_appends(self, tmp_path, capsys):
        """A resumed run continues its log."""
        for text in ("one", "two"):
            with Console(tmp_path / "console.log"):
                print(text)
        assert [t for _, t in lines(tmp_path / "console.log")] == ["one", "two"]

    def test_a_forked_child(self, tmp_path, capsys):
        """A child's lines are recorded however it ends, its parent's are so once, and a lock that
        another thread held when it was forked does not hold it up."""
        with Console(tmp_path / "console.log", mode="stream") as console:
            print("before")
            print("begun, ", end="")
            log = console._log
            assert log is not None
            with log._lock, console._streams[0]._log._lock:
                child = os.fork()
                if child == 0:
                    signal.alarm(10)
                    print("in the child")
                    os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            print("and ended")
        told = [text for _, text in lines(tmp_path / "console.log")]
        assert sorted(told) == ["before", "begun, and ended", "in the child"]

    def test_unwritable_place(self, tmp_path, capsys):
        """A log that cannot be written costs the log, not the training."""
        (tmp_path / "file").write_text("")
        with Console(tmp_path / "file" / "console.log"):
            print("fine")
        assert capsys.readouterr().out == "fine\n"

    def test_symlink_is_not_followed(self, tmp_path, capsys):
        """A link planted where the log goes is not written through."""
        (tmp_path / "target").write_text("precious")
        (tmp_path / "console.log").symlink_to(tmp_path / "target")
        with Console(tmp_path / "console.log"):
            print("x")
        assert (tmp_path / "target").read_text() == "precious"


def test_at_a_prompt(tmp_path):
    """What is typed at a prompt is not recorded, and what is said stands before the next prompt."""
    ours, theirs = pty.openpty()
    log = tmp_path / "console.log"
    typed = [
        f"from trackerlite.capture.console import Console; console = Console({str(log)!r}).start()",
        "import sys; none = print('told', file=sys.stderr)",
        "api = 'typed'",
        "print(6 * 7)",
        "1 / 0",
        "exit()",
    ]
    plain = {"PYTHON_BASIC_REPL": "1", "NO_COLOR": "1"}  # since 3.13 the other draws each key anew
    python = subprocess.Popen(
        [sys.executable, "-q"],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, env=os.environ | plain,
    )  # fmt: skip
    os.close(theirs)
    shown = ""
    try:
        for line in typed:
            while not shown.endswith(">>> ") and select.select([ours], [], [], 20)[0]:
                shown += os.read(ours, 4096).decode()
            assert shown.endswith(">>> "), shown
            os.write(ours, line.encode() + b"\n")
            shown += os.read(ours, 1).decode()
        assert python.wait(60) == 0
    finally:
        python.kill()
        os.close(ours)
    assert re.search(r"^told\r$", shown, re.MULTILINE)
    told = [text for _, text in lines(log)]
    assert told[:2] == ["told", "42"]
    assert told[-1] == "ZeroDivisionError: division by zero"
    assert not [text for text in told if "typed" in text or ">>>" in text]


class TestLog:
    def test_bounded(self, tmp_path):
        """However much is printed, the file stays below its limit and keeps both ends."""
        log = Log(tmp_path / "console.log", 50_000)
        log.open()
        source = log.source("out")
        for i in range(20_000):
            source.feed_text(f"line {i}\n")
        log.close()
        text = (tmp_path / "console.log").read_text()
        assert len(text.encode()) <= 50_000
        assert " line 0\n" in text
        assert " line 19999\n" in text
        assert text.count("bytes of console output left out") == 1

    def test_one_endless_line(self, tmp_path):
        """Megabytes without a newline do not pile up in memory or in the file."""
        log = Log(tmp_path / "console.log", 50_000)
        log.open()
        source = log.source("out")
        for _ in range(1000):
            source.feed_text("y" * 5000)
        assert len(source._text) < 30_000
        log.close()
        assert (tmp_path / "console.log").stat().st_size <= 50_000

    def test_split_characters(self, tmp_path):
        """A character that arrives in two reads is one character."""
        log = Log(tmp_path / "console.log", 50_000)
        log.open()
        source = log.source("out")
        data = "höhe 日本 🚀\n".encode()
        for i in range(len(data)):
            source.feed(data[i : i + 1])
        log.close()
        assert lines(tmp_path / "console.log") == [("out", "höhe 日本 🚀")]

    def test_known_secrets(self, tmp_path):
        """A value that is known to be secret does not get through a line."""
        known.remember("s3cr3t-of-this-test")
        log = Log(tmp_path / "console.log", 50_000)
        log.open()
        log.source("out").feed_text("a s3cr3t-of-this-test b\n")
        log.close()
        known.forget()
        assert lines(tmp_path / "console.log") == [("out", "a [redacted] b")]
