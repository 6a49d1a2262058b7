"""Long values, many of them: each key's clock counts from its last progress, and who waits for its turn is not late."""

import asyncio

import pytest

from kvtui.core import reads
from kvtui.core.cluster import Outcome
from kvtui.core.link import Link
from kvtui.core.protocol import INLINE_BYTES, UPLOAD_BYTES, UPLOADS, VALUE_BYTES, Fetch, GetMany
from kvtui.core.reads import FETCHED_AT_ONCE_BYTES
from kvtui.core.room import Room
from kvtui.core.value_transfer import fetch_value
from kvtui.core.version import Version
from kvtui.core.writes import DEADLINE_SECONDS
from kvtui.node.large_records import LARGE_BYTES
from kvtui.node.uploads import UploadSpace
from tests.core.sent import requests_sent
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import run_virtual

PIECES = 16
LONG = PIECES * INLINE_BYTES
"""Bytes of a long value."""
DELAY = 0.05
"""Seconds each way: a piece takes two of them, and a value ``PIECES`` times that."""


def values(count: int, length: int = LONG) -> dict[bytes, bytes]:
    return {b"key %d" % number: b"%d" % (number % 10) * length for number in range(count)}


def slow(cluster: SimCluster, seconds: float = DELAY) -> None:
    for view in cluster.coordinator.snapshot().nodes:
        cluster.network.slow(view.id, seconds)


class Watched(Room):
    """Remembers how much was under way at most."""

    peak = 0

    async def take(self, size: int) -> None:
        await super().take(size)
        Watched.peak = max(Watched.peak, self.used)


def test_a_batch_of_long_values_may_take_longer_than_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys of a batch had the same 5 seconds: of 16 values of 16 MiB, 14 failed each time."""
    monkeypatch.setattr(reads, "Room", Watched)
    monkeypatch.setattr(reads, "FETCHED_AT_ONCE_BYTES", 2 * LONG)

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            stored = values(20)
            assert (await cluster.put_many(list(stored.items()))).ok == len(stored)
            slow(cluster)
            Watched.peak, began = 0, cluster.clock.monotonic()
            found = await cluster.get_many(list(stored))
            assert [read.text for read in found if read.outcome is not Outcome.OK] == []
            assert [read.value for read in found] == list(stored.values())
            assert cluster.clock.monotonic() - began > 2 * DEADLINE_SECONDS
            assert Watched.peak == 2 * LONG

    run_virtual(main)


def test_gets_of_long_values_at_the_same_time_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "FETCHED_AT_ONCE_BYTES", 2 * LONG)

    async def main() -> None:
        async with SimCluster(nodes=3, replication=2, slots=8) as cluster:
            stored = values(20)
            await cluster.put_many(list(stored.items()))
            slow(cluster)
            found = await asyncio.gather(*map(cluster.get, stored))
            assert [read.value for read in found] == list(stored.values()), found[-1].text

    run_virtual(main)


def test_a_value_that_takes_long_is_put_and_read_while_it_goes_on() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            slow(cluster)
            value = b"v" * (5 * LONG)
            began = cluster.clock.monotonic()
            end = await cluster.put(b"key", value)
            assert (end.outcome, end.text) == (Outcome.OK, "")
            assert cluster.clock.monotonic() - began > DEADLINE_SECONDS
            began = cluster.clock.monotonic()
            assert (await cluster.get(b"key")).value == value
            assert cluster.clock.monotonic() - began > DEADLINE_SECONDS

    run_virtual(main)


def test_puts_of_long_values_at_the_same_time_wait_for_their_turn() -> None:
    """The deadline of a large put included its wait for a turn, and then the write's own began in the past."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            slow(cluster)
            stored = values(16, 2 * LONG)
            began = cluster.clock.monotonic()
            ends = await asyncio.gather(*(cluster.put(key, value) for key, value in stored.items()))
            assert {(end.outcome, end.text) for end in ends} == {(Outcome.OK, "")}
            assert cluster.clock.monotonic() - began > 2 * DEADLINE_SECONDS

    run_virtual(main)


def test_a_write_that_waited_for_its_turn_is_not_overdue() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            slow(cluster, 0.6)
            # Sent ahead for more than 5 seconds, and then acknowledged only after the next look at deadlines.
            end = await cluster.put(b"key", b"v" * (6 * INLINE_BYTES))
            assert (end.outcome, end.text) == (Outcome.OK, "")

    run_virtual(main)


def test_a_key_whose_value_does_not_come_fails_alone_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(link: Link, key: bytes, version: Version, size: int, *rest: object) -> bytes:
        if key == b"key 3":
            await asyncio.sleep(1_000)
        return await fetch_value(link, key, version, size, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reads, "fetch_value", hanging)

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            stored = values(6)
            await cluster.put_many(list(stored.items()))
            began = cluster.clock.monotonic()
            found = dict(zip(stored, await cluster.get_many(list(stored)), strict=True))
            failed = found.pop(b"key 3")
            assert cluster.clock.monotonic() - began == pytest.approx(DEADLINE_SECONDS, abs=0.5)
            assert failed.outcome is Outcome.FAILED
            assert failed.text == "no answer within 5 s; get it again, and see with show which node is slow"
            assert {key: read.value for key, read in found.items()} == {key: stored[key] for key in found}
            assert cluster.coordinator._reads._room.used == 0

    run_virtual(main)


def test_a_value_that_stops_coming_fails_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopping(link: Link, key: bytes, version: Version, size: int, *rest: object) -> bytes:
        await fetch_value(link, key, version, size, *rest)  # type: ignore[arg-type]
        await asyncio.sleep(1_000)
        raise AssertionError("it was waited for")

    monkeypatch.setattr(reads, "fetch_value", stopping)

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            await cluster.put(b"key", b"v" * LONG)
            read = await cluster.get(b"key")
            assert read.text == (
                "nothing more of the value within 5 s; get it again, and see with show which node is slow"
            )

    run_virtual(main)


def test_a_put_that_is_not_taken_fails_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(*_: object) -> bool:
        await asyncio.sleep(1_000)
        return True

    monkeypatch.setattr("kvtui.core.writes.send_value", hanging)

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            end = await cluster.put(b"key", b"v" * LONG)
            assert end.outcome is Outcome.FAILED
            assert end.text == (
                "the value could not be sent: nothing more of it was taken for 5 s; put it again, and see with show which node is"
                " slow"
            )

    run_virtual(main)


def test_long_values_that_are_given_up_leave_room_for_others() -> None:
    """Of four puts that were cancelled, each node kept for ten seconds what had come, and took no fifth."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            slow(cluster)
            for number in range(UPLOADS):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(DELAY * (3 + number)):
                        await cluster.coordinator.put(b"key", b"v" * LONG)
            slow(cluster, 0.0)
            end = await cluster.put(b"key", b"w" * LONG)
            assert (end.outcome, end.text) == (Outcome.OK, "")
            assert [under_way(cluster, name) for name in ("n1", "n2")] == [0, 0]

    run_virtual(main)


def test_a_long_value_that_one_replica_does_not_take_is_not_kept_by_the_other() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            _space(cluster, "n2").used = UPLOAD_BYTES
            end = await cluster.put(b"key", b"v" * LONG)
            await asyncio.sleep(1.0)
            assert (end.outcome, under_way(cluster, "n1")) == (Outcome.FAILED, 0)

    run_virtual(main)


def _space(cluster: SimCluster, node: str) -> UploadSpace:
    server = cluster.process(node).server
    assert server is not None
    return next(iter(server._connections)).peer.uploads._space


def under_way(cluster: SimCluster, node: str) -> int:
    """Bytes that a node keeps of values under way."""
    return _space(cluster, node).used


def test_keys_of_a_node_that_hangs_fail_and_the_others_are_answered() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, slots=8) as cluster:
            stored = values(24)
            await cluster.put_many(list(stored.items()))
            ledger = cluster.coordinator._ledger
            theirs = {key for key in stored if ledger.topology.places[ledger.slot(key)].clean == ("n2",)}
            assert 0 < len(theirs) < len(stored)
            cluster.pause("n2")
            found = dict(zip(stored, await cluster.get_many(list(stored)), strict=True))
            assert {key for key, read in found.items() if read.outcome is Outcome.FAILED} == theirs
            assert all(found[key].value == stored[key] for key in stored if key not in theirs)

    run_virtual(main)


def test_as_much_is_under_way_as_a_node_keeps_at_hand() -> None:
    """Else each piece would read its whole value anew. A move and a repair have one value under way each."""
    assert FETCHED_AT_ONCE_BYTES == 64 * 1024 * 1024
    assert FETCHED_AT_ONCE_BYTES + 2 * VALUE_BYTES <= LARGE_BYTES


def test_values_that_have_no_room_in_a_reply_come_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """They were read one by one."""
    sent = requests_sent(monkeypatch)

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            stored = values(500, 4_000)
            await cluster.put_many(list(stored.items()))
            sent.clear()
            found = await cluster.get_many(list(stored))
            assert [read.value for read in found] == list(stored.values())
            assert 8 <= sent[GetMany] < 16
            assert sent[Fetch] == 0

    run_virtual(main)


@pytest.mark.parametrize("length", [4_000, 3 * INLINE_BYTES])
def test_a_node_that_answers_few_keys_at_once_is_asked_for_the_others(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """A node that reads a thousand long values for one request is silent for so long that it is given up."""
    monkeypatch.setattr("kvtui.node.service.EXAMINED_BYTES", 20_000)

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8) as cluster:
            stored = values(40, length)
            await cluster.put_many([(key, b"old") for key in stored])
            cluster.kill("n2")
            assert (await cluster.put_many(list(stored.items()))).ok == len(stored)
            found = await cluster.get_many(list(stored))
            assert [read.value for read in found] == list(stored.values())
            # Made equal key by key, since it holds older ones.
            await cluster.revive("n2")
            await cluster.until(settled)
            cluster.kill("n1")
            await cluster.until(lambda snapshot: snapshot.behind > 0)
            found = await cluster.get_many(list(stored))
            assert [read.value for read in found] == list(stored.values()), found[0].text

    run_virtual(main)


def test_a_scan_holds_few_long_values_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a thousand keys held all their values, up to 16 GiB, before it was given out."""
    monkeypatch.setattr(reads, "PAGE_BYTES", 2 * LONG)

    async def main() -> None:
        async with SimCluster(nodes=2, slots=8) as cluster:
            stored = values(9)
            await cluster.put_many(list(stored.items()))
            pages = [page async for page in cluster.coordinator.scan()]
            assert max(len(page) for page in pages) == 2
            assert {item.key: item.value for page in pages for item in page} == stored
            listed = [page async for page in cluster.coordinator.scan(values=False)]
            assert sum(map(len, listed)) == len(stored)
            assert len(listed) < len(pages)

    run_virtual(main)
