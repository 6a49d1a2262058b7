"""How fast entries are copied: as a person allows, spread evenly, and in small pages while clients are there."""

from dataclasses import dataclass, field

import pytest

from kvtui.core.seams.clock import LoopClock
from kvtui.core.throttle import BUSY_PAGE, BUSY_SECONDS, PAGE, PAGES_PER_SECOND, SHARE, Throttle

pytestmark = pytest.mark.anyio


@dataclass
class SleptClock(LoopClock):
    """Goes on only while somebody sleeps."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, delay: float) -> None:
        self.now += delay


@dataclass
class Cluster:
    """What a throttle looks at."""

    limit: int = 0
    operations: int = 0
    clock: SleptClock = field(default_factory=SleptClock)

    def throttle(self) -> Throttle:
        return Throttle(self.clock, lambda: self.limit, lambda: self.operations)


async def copied(throttle: Throttle, keys: int) -> None:
    """Copy so many keys, full pages all."""
    while keys:
        turn = await throttle.turn()
        page = min(turn.entries, keys)
        throttle.took(turn, page)
        keys -= page


async def test_without_a_limit_and_without_clients_nobody_waits_and_pages_are_large() -> None:
    cluster = Cluster()
    throttle = cluster.throttle()
    assert (await throttle.turn()).entries == PAGE
    await copied(throttle, 1_000_000)
    assert cluster.clock.now == 100.0


@pytest.mark.parametrize("limit", [1, 7, 100, 10_000, 1_000_000])
async def test_no_more_keys_are_copied_in_a_second_than_allowed(limit: int) -> None:
    cluster = Cluster(limit)
    await copied(cluster.throttle(), 10 * limit)
    # The first page waits for nothing; what it earned is waited for after it.
    page = max(1, min(PAGE, limit // PAGES_PER_SECOND))
    assert cluster.clock.now - 100 == pytest.approx(10, abs=page / limit + 1e-6)


async def test_a_page_that_was_granted_and_not_filled_costs_what_it_held() -> None:
    cluster = Cluster(limit=10_000)
    throttle = cluster.throttle()
    for _ in range(1_000):
        turn = await throttle.turn()
        throttle.took(turn, turn.entries // 4)
    assert cluster.clock.now - 100 == pytest.approx(2.5, abs=0.02)


async def test_a_limit_that_is_lifted_holds_nobody_up_any_more() -> None:
    cluster = Cluster(limit=1)
    throttle = cluster.throttle()
    await copied(throttle, 10)
    cluster.limit = 0
    before = cluster.clock.now
    await copied(throttle, 100_000)
    assert cluster.clock.now == before


async def test_while_clients_are_there_pages_are_small_and_half_of_the_time_is_theirs() -> None:
    cluster = Cluster()
    throttle = cluster.throttle()
    busy = 0.0
    began = cluster.clock.now
    for _ in range(500):
        cluster.operations += 1
        turn = await throttle.turn()
        assert turn.entries == BUSY_PAGE
        cluster.clock.now += 0.01
        busy += 0.01
        throttle.took(turn, turn.entries)
    assert busy / (cluster.clock.now - began) == pytest.approx(1 / SHARE, rel=0.05)


async def test_a_node_that_hangs_for_once_does_not_stop_the_copying_for_long() -> None:
    cluster = Cluster()
    throttle = cluster.throttle()
    cluster.operations += 1
    turn = await throttle.turn()
    cluster.operations += 1
    cluster.clock.now += 60
    throttle.took(turn, turn.entries)
    before = cluster.clock.now
    await throttle.turn()
    await throttle.turn()
    assert cluster.clock.now - before < 0.1


async def test_once_clients_are_gone_it_is_as_fast_as_it_goes_again() -> None:
    cluster = Cluster()
    throttle = cluster.throttle()
    cluster.operations += 5
    assert (await throttle.turn()).entries == BUSY_PAGE
    cluster.clock.now += BUSY_SECONDS
    assert (await throttle.turn()).entries == PAGE
