"""Connections cut after any number of bytes of a request or an answer: every row once all the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sync.conftest import arrived, expected
from sync.cutting import CuttingProxy
from sync.loopback import Loopback

ROWS = 40
TRIES = 8  # syncs of the same runs: each ends when its uploader met more cuts than it bears
AT_ONCE = 200  # byte counts wanted of the syncs of 50 runs: four cuts for each


@pytest.fixture
def proxy(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[CuttingProxy]:
    """Between the client and the server; cuts nothing yet."""
    found = CuttingProxy(server.port)
    monkeypatch.setenv("WANDB_BASE_URL", found.url)
    server.world.url = found.url
    yield found
    found.close()


@pytest.fixture
def arrive(
    server: Loopback, record: Callable[..., Any], sync: Callable[..., Any]
) -> Callable[[int], None]:
    """arrive(runs): sync so many fresh runs; each is whole at the server in the end."""

    def go(runs: int) -> None:
        fresh = {run.id: run for run in (record(ROWS) for _ in range(runs))}
        for _ in range(TRIES):
            outcomes = sync(only=fresh, patience=60.0)
            if all(outcome.good for outcome in outcomes):
                break
        assert [o.message for o in outcomes if not o.good] == []
        for run in fresh.values():
            assert arrived(server, run.id) == expected(run, ROWS)
            assert server.run("p", run.id).state == "finished"

    return go


def test_cut_anywhere(proxy: CuttingProxy, arrive: Callable[[int], None]) -> None:
    """A sample of the byte counts of requests and answers: each is cut at, all arrives."""
    arrive(1)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for way, longest in proxy.longest.items():
        proxy.want((way, n) for n in chance.sample(range(longest), 30))
    while proxy.wanted:
        arrive(16)


@pytest.mark.full
@pytest.mark.parametrize("way", ["up", "down"])
def test_cut_after_every_byte(way: str, proxy: CuttingProxy, arrive: Callable[[int], None]) -> None:
    """Every byte count up to the longest request and answer of a sync: each is cut at, all arrives."""
    arrive(1)
    counts = [(way, n) for n in range(proxy.longest[way])]
    left = random.sample(counts, len(counts))
    while left or proxy.wanted:
        room = AT_ONCE - len(proxy.wanted)
        proxy.want(left[:room])
        del left[:room]
        arrive(50)
        print(f"{way}: cut after {len(proxy.made):,} of {len(counts):,} byte counts", flush=True)
    assert sorted(proxy.made) == counts
