"""Connections cut after any number of bytes, up or down: every row once all the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sync.conftest import arrived, expected
from sync.cutting import CuttingProxy
from sync.loopback import Loopback

RUNS, ROWS = 8, 40
LARGEST = {"up": 9000, "down": 3000}  # bytes of the longest connection of such an upload


@pytest.fixture
def proxied(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., CuttingProxy]]:
    proxies = []

    def make(cuts: list[tuple[str, int]]) -> CuttingProxy:
        proxy = CuttingProxy(server.port, iter(cuts))
        proxies.append(proxy)
        monkeypatch.setenv("WANDB_BASE_URL", proxy.url)
        server.world.url = proxy.url
        return proxy

    yield make
    for proxy in proxies:
        proxy.close()


def cut_through(
    cuts: list[tuple[str, int]],
    server: Loopback,
    proxied: Callable[..., CuttingProxy],
    record: Callable[..., Any],
    sync: Callable[..., Any],
) -> int:
    """Sync fresh runs through a proxy that makes these cuts; how many were made.

    A sync that met too many says so, and the next goes on: the cuts are used up before the calls.
    """
    runs = [record(ROWS) for _ in range(RUNS)]
    proxy = proxied(cuts)
    for _ in range(4):
        outcomes = sync(patience=60.0)
        if all(outcome.good for outcome in outcomes):
            break
    assert [o.message for o in outcomes if not o.good] == []
    for run in runs:
        assert arrived(server, run.id) == expected(run, ROWS)
        assert server.run("p", run.id).state == "finished"
    return len(proxy.made)


def test_cut_anywhere(
    server: Loopback,
    proxied: Callable[..., CuttingProxy],
    record: Callable[..., Any],
    sync: Callable[..., Any],
) -> None:
    """A sample of all byte counts of an upload, both ways, several cuts in each sync."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    made = 0
    for _ in range(3):
        ways = [chance.choice(["up", "down"]) for _ in range(40)]
        made += cut_through(
            [(way, chance.randrange(LARGEST[way])) for way in ways], server, proxied, record, sync
        )
    assert made >= 20


@pytest.mark.full
@pytest.mark.parametrize("way", ["up", "down"])
def test_cut_after_every_byte(
    way: str,
    server: Loopback,
    proxied: Callable[..., CuttingProxy],
    record: Callable[..., Any],
    sync: Callable[..., Any],
) -> None:
    """Every byte count up to the longest connection of an upload."""
    for start in range(0, LARGEST[way], 40):
        cut_through([(way, start + i) for i in range(40)], server, proxied, record, sync)
