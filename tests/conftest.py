"""What all tests share: a plain environment, the --full profile, the seed, and loud skips where rights are missing."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

#: settings that are for the tests themselves; all others are taken away before they begin
_FOR_TESTS = {
    "TRACKERLITE_CORPUS",
    "TRACKERLITE_OLD_WANDB",
    "TRACKERLITE_PRIVILEGED",
    "TRACKERLITE_TEST_SEED",
}
SEED = int(os.environ.get("TRACKERLITE_TEST_SEED") or random.SystemRandom().randrange(2**32))
LONG = 7200  # seconds that a test of the long profiles may take
_not_shown: list[str] = []

settings.register_profile(
    "short",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("full", parent=settings.get_profile("short"), max_examples=10_000)
settings.load_profile("short")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="long profiles: 10,000 kills and the like")
    parser.addoption(
        "--renew-frames", action="store_true", help="keep the terminal UI's frames as they are now"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--full"):
        settings.load_profile("full")
        if config.option.timeout is None:
            config.option.timeout = LONG
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's job in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in (
        _settings() - _FOR_TESTS
    ):  # here, so that what a session's fixtures make is plain too
        del os.environ[name]


def _settings() -> set[str]:
    return {name for name in os.environ if name.startswith(("TRACKERLITE_", "WANDB_", "SLURM_"))}


def pytest_report_header(config: pytest.Config) -> str:
    profile = "full" if config.getoption("--full") else "short"
    return f"seed: TRACKERLITE_TEST_SEED={SEED}, profile: {profile}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    long = [item for item in items if "full" in item.keywords]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if "full" not in item.keywords]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _not_shown:
        terminalreporter.write_line(f"NOT SHOWN HERE: {line}", yellow=True)


@pytest.fixture(autouse=True)
def plain_environment(tmp_path: Path) -> Iterator[None]:
    """No setting of whoever runs the tests reaches them, nor does anything that another test began:
    each stands in an empty folder, leaves no run current, and leaves no wandb (of which a process
    has one, with the settings of its first use) set up."""
    before = _settings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKERLITE_SILENT", "1")
        patch.chdir(tmp_path)
        yield
        _end_runs()
    for name in _settings() - before:
        del os.environ[name]


def _end_runs() -> None:
    recording = sys.modules.get("trackerlite.recording.current")
    while recording is not None and (run := recording.current()) is not None:
        run.finish()
        recording.leave(run)  # one that a forked child was given ends in its parent
    wandb = sys.modules.get("wandb")
    if wandb is not None and hasattr(wandb, "teardown"):
        wandb.teardown()


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long profile was asked for."""
    return bool(request.config.getoption("--full"))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """This test's random numbers; the seed is in the header and with a failure."""
    print(f"TRACKERLITE_TEST_SEED={SEED}")
    return random.Random(f"{SEED}:{request.node.nodeid}")


@pytest.fixture
def need(request: pytest.FixtureRequest) -> Callable[[object, str], None]:
    """`need(condition, what)`: skip loudly without it; fail where TRACKERLITE_PRIVILEGED says it must be there."""

    def needed(condition: object, what: str) -> None:
        if condition:
            return
        _not_shown.append(f"{request.node.nodeid} needs {what}")
        if os.environ.get("TRACKERLITE_PRIVILEGED"):
            pytest.fail(f"needs {what}, and TRACKERLITE_PRIVILEGED says that it is here")
        pytest.skip(f"needs {what}")

    return needed
