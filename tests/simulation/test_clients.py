"""What the simulated clients see: mixtures of values, scans that leave out, repeat or hide, batches that are cut small."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from kvtui.check import Kind, Recorder, Verdict, check
from kvtui.check import Outcome as Told
from kvtui.core import protocol, reads, writes
from kvtui.core.cluster import ClusterError, Item
from tests.simulation.clients import Clients
from tests.simulation.happened import Event
from tests.simulation.harness import SimCluster
from tests.simulation.limits import LOW, low_limits
from tests.simulation.loop import run_virtual
from tests.simulation.plan import Step, plan
from tests.simulation.values import name_of, stored

KEYS = (b"key 0", b"key 1", b"key 2")
FURTHER = tuple(b"further %d" % number for number in range(20))


def test_a_value_is_named_by_all_of_its_bytes() -> None:
    with low_limits():
        for name in (f"1.{number}" for number in range(20)):
            assert name_of(stored(name)) == name_of(name.encode()) == name
            if len(stored(name)) > len(name):
                assert name_of(stored(name)[:-1]) == f"{name}, torn"
        assert {len(stored(f"1.{number}")) > 100 for number in range(20)} == {True, False}
        for number in range(40):
            one, other = stored(f"1.{number}", large=True), stored(f"2.{number}", large=True)
            assert len(one) > protocol.INLINE_BYTES
            assert name_of(one) == f"1.{number}"
            for place in range(1, min(len(one), len(other)), 37):
                assert name_of(one[:place] + other[place:]) not in (f"1.{number}", f"2.{number}")
                assert name_of(one[:place]) != f"1.{number}" or not place


def test_limits_are_low_within_and_as_they_were_afterwards() -> None:
    def limits() -> list[int]:
        return [protocol.INLINE_BYTES, vars(writes)["INLINE_BYTES"], writes.BATCHES_AT_ONCE, reads.PAGE]

    before = limits()
    with low_limits():
        within = limits()
    assert all(0 < low < usual for low, usual in zip(within, before, strict=True))
    assert within[0] == within[1]
    assert limits() == before
    assert all(limit.value > 0 for limit in LOW)


def test_plans_hold_scans_wide_batches_and_clients_that_give_up() -> None:
    steps = [step for seed in range(100) for client in plan(seed).clients for step in client]
    assert sum(step.scan for step in steps) >= 100
    assert sum(step.wide > 0 for step in steps) >= 200
    assert sum(step.patience is not None for step in steps) >= 200
    assert sum(step.large for step in steps) >= 200
    assert sum(step.attached for step in steps) >= 1_000
    assert sum(step.severed is not None for step in steps) >= 50


def _told(spoil: Callable[[list[list[Item]]], None]) -> tuple[list[str], Verdict]:
    """What clients say of scans whose pages were ``spoil``\\ ed on the way to them."""

    async def story() -> tuple[list[str], Verdict]:
        recorder = Recorder(asyncio.get_running_loop().time)
        async with SimCluster(1, nodes=3, replication=2, slots=8) as cluster:
            clients = Clients(cluster, recorder, KEYS, FURTHER)
            await clients.take(1, (Step(0.0, Kind.PUT, 0, large=False, more=2, wide=len(FURTHER)),))
            await clients.take(1, (Step(0.0, Kind.DELETE, 1, large=False),))
            whole = cluster.coordinator.scan

            async def scan(*arguments: Any, **named: Any) -> AsyncIterator[list[Item]]:
                pages = [page async for page in whole(*arguments, **named)]
                spoil(pages)
                for page in pages:
                    yield page

            cluster.coordinator.scan = scan  # type: ignore[method-assign]
            await clients.scan(1)
            return clients.wrong, check(recorder.history()).verdict

    with low_limits():
        return run_virtual(story)


def test_a_whole_scan_is_right() -> None:
    seen: list[int] = []
    assert _told(lambda pages: seen.append(len(pages))) == ([], Verdict.LINEARIZABLE)
    assert seen[0] > 3


def test_a_scan_that_ends_early_in_silence_is_seen() -> None:
    def end(pages: list[list[Item]]) -> None:
        del pages[2:]

    assert _told(end) == ([], Verdict.VIOLATED)


def test_a_scan_that_leaves_a_key_out_is_seen() -> None:
    assert _told(lambda pages: pages[0].clear())[1] is Verdict.VIOLATED


def test_a_scan_that_gives_a_key_twice_is_seen() -> None:
    assert "twice" in _told(lambda pages: pages.append(pages[0][:1]))[0][0]


def test_a_scan_that_gives_a_deleted_key_is_seen() -> None:
    def resurrect(pages: list[list[Item]]) -> None:
        item = pages[-1][-1]
        pages[-1].append(Item(KEYS[1], b"1.0.1", item.version, 5))

    assert _told(resurrect)[1] is Verdict.VIOLATED


def test_a_scan_that_fails_says_nothing_of_what_it_did_not_reach() -> None:
    def fail(pages: list[list[Item]]) -> None:
        del pages[1:]
        raise ClusterError("no more")

    assert _told(fail) == ([], Verdict.LINEARIZABLE)


@pytest.mark.parametrize("patience", [0.0, 0.001])
def test_a_client_that_gives_up_knows_nothing_of_its_write(patience: float) -> None:
    async def story() -> tuple[int, bytes | None, Verdict]:
        recorder = Recorder(asyncio.get_running_loop().time)
        async with SimCluster(1, nodes=2, replication=2, slots=8) as cluster:
            clients = Clients(cluster, recorder, KEYS)
            await clients.take(1, (Step(0.0, Kind.PUT, 0, large=True, patience=patience),))
            await asyncio.sleep(1.0)
            await clients.operate(1, Kind.GET, KEYS[0], None)
            read = await cluster.get(KEYS[0])
            return cluster.happened[Event.GIVEN_UP], read.value, check(recorder.history()).verdict

    with low_limits():
        given_up, value, verdict = run_virtual(story)
    assert given_up == 1
    assert value is None or name_of(value) == "1.0"
    assert verdict is Verdict.LINEARIZABLE


def test_a_client_in_another_process_does_all_that_one_here_does() -> None:
    async def story() -> tuple[Counter[Event], list[str], Verdict, list[Told]]:
        recorder = Recorder(asyncio.get_running_loop().time)
        async with SimCluster(1, nodes=3, replication=2, slots=8, shared=True) as cluster:
            clients = Clients(cluster, recorder, KEYS, FURTHER)
            put = Step(0.0, Kind.PUT, 0, large=True, attached=True)
            steps = (
                replace(put, more=2, wide=len(FURTHER)),
                put,
                replace(put, kind=Kind.GET),
                replace(put, kind=Kind.DELETE, key=1),
                replace(put, kind=Kind.GET, more=2, wide=len(FURTHER)),
                replace(put, kind=Kind.GET, scan=True),
                # Its connection breaks, and it attaches anew.
                replace(put, severed=0.001),
                replace(put, kind=Kind.GET),
            )
            await clients.take(1, steps)
            history = recorder.history()
            return cluster.happened, clients.wrong, check(history).verdict, [op.outcome for op in history.operations]

    with low_limits():
        did, wrong, verdict, outcomes = run_virtual(story)
    assert (wrong, verdict) == ([], Verdict.LINEARIZABLE)
    assert (did[Event.SCAN], did[Event.SCAN_FAILED]) == (1, 0)
    assert outcomes[-1] is Told.OK
    assert [outcome for outcome in outcomes if outcome is not Told.OK] == [Told.UNKNOWN]


def test_a_client_whose_coordinator_is_killed_knows_nothing_of_what_it_asked_and_then_finds_nobody() -> None:
    async def story() -> list[Told]:
        recorder = Recorder(asyncio.get_running_loop().time)
        async with SimCluster(1, nodes=2, replication=2, slots=8, shared=True) as cluster:
            clients = Clients(cluster, recorder, KEYS)
            put = Step(0.0, Kind.PUT, 0, large=False, attached=True)
            await clients.take(1, (put,))
            cluster.pause("n1")
            asyncio.get_running_loop().call_later(0.5, cluster.crash)
            await clients.take(1, (put, put))
            return [op.outcome for op in recorder.history().operations]

    assert run_virtual(story)[1:] == [Told.UNKNOWN, Told.FAILED]
