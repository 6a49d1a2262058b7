"""Explained requests: what was asked whom, what came back, and why the end counts."""

import asyncio
from dataclasses import replace

from kvtui.core.cluster import Outcome, Read, ReplicaAnswer, Written
from kvtui.core.explanation import Explanation, Role, Where, explained_read, explained_write, reasons, where
from kvtui.core.mover import AT_ONCE
from kvtui.core.placement import Placement
from kvtui.core.protocol import Entry, PutMany
from kvtui.core.records import Behind
from kvtui.core.ring import token_of
from kvtui.core.snapshot import NodeState
from kvtui.core.trace import Doubt, Exchange, Purpose
from kvtui.core.version import NEVER, Version
from kvtui.core.work import Kind, Work
from tests.core.clusters import placed_as, settled
from tests.simulation.harness import SimCluster
from tests.simulation.harness import settled as quiet
from tests.simulation.loop import run_virtual

UP = dict.fromkeys("ABC", NodeState.UP)
AT = Version(1, 7)


async def at_rest(cluster: SimCluster) -> None:
    """``key`` is stored, all replicas are compared, and the mover does nothing from here on."""
    assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
    await cluster.until(quiet)
    await cluster.call(lambda coordinator: coordinator.rebalance())
    cluster.coordinator._mover._running += [Work(Kind.COMPARE, 0, 1, Placement())] * AT_ONCE


def asked(explanation: Explanation) -> list[tuple[str, Purpose, str]]:
    return [(exchange.node, exchange.purpose, exchange.status) for exchange in explanation.exchanges]


def there(place: Placement, states: dict[str, NodeState] | None = None) -> Where:
    return where(placed_as(settled("ABC", 3), place), UP if states is None else states, b"key")


def test_where_a_key_is_names_token_slot_range_and_what_each_node_is_to_it() -> None:
    found = there(Placement(("A", "B"), ("A",), ("C",), ("A", "C")), {"A": NodeState.UP, "C": NodeState.SUSPECT})
    assert (found.token, found.slot) == (token_of(b"key"), token_of(b"key") >> 61)
    assert (found.start, found.stop, found.slots, found.needed) == (0, 8, 8, 1)
    assert [(holder.node, holder.role, holder.state) for holder in found.holders] == [
        ("A", Role.CLEAN, NodeState.UP),
        ("B", Role.BEHIND, NodeState.DOWN),
        ("C", Role.RECEIVING, NodeState.SUSPECT),
    ]
    assert found.clean == ("A",)
    assert 0 <= found.start / found.slots <= found.position < found.stop / found.slots


def test_a_put_asks_all_replicas_and_counts_the_clean_ones() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            explanation = await cluster.coordinator.explain_put(b"key", b"value")
            assert (await cluster.get(b"key")).value == b"value"
            assert (explanation.outcome, explanation.size, explanation.where.needed) == (Outcome.OK, 5, 2)
            assert asked(explanation) == [(name, Purpose.PUT, "ok") for name in ("n1", "n2", "n3")]
            assert all(0 < (exchange.ended or 0) <= explanation.milliseconds for exchange in explanation.exchanges)
            assert explanation.milliseconds == max(exchange.ended or 0 for exchange in explanation.exchanges)
            assert all(exchange.version == explanation.version for exchange in explanation.exchanges)
            assert reasons(explanation) == ["3 of 3 clean replicas (S) have it; a write needs 2 (W)."]

    run_virtual(main)


def test_a_reason_that_begins_with_the_name_of_a_node_begins_as_that_is_written() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, replication=1, slots=1) as cluster:
            explanation = await cluster.coordinator.explain_put(b"key", b"value")
            failed = replace(explanation, outcome=Outcome.FAILED, text="n1 can't be reached")
            assert reasons(failed) == ["n1 can't be reached."]
            assert reasons(replace(failed, text="no replica can be reached")) == ["No replica can be reached."]

    run_virtual(main)


def test_a_put_without_a_dead_node_says_who_does_not_count() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await cluster.call(lambda coordinator: coordinator.stop_node("n2"))
            explanation = await cluster.coordinator.explain_put(b"key", b"value")
            assert [(holder.node, holder.state) for holder in explanation.where.holders][1] == ("n2", NodeState.DOWN)
            assert asked(explanation) == [("n1", Purpose.PUT, "ok")]
            assert reasons(explanation) == [
                "1 of 1 clean replica (S) has it; a write needs 1 (W).",
                "n2 is down: it was not asked. It is behind, and does not count until it is made equal.",
            ]

    run_virtual(main)


def test_a_settled_get_is_answered_by_one_clean_replica() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=3, slots=1) as cluster:
            await at_rest(cluster)
            explanation = await cluster.coordinator.explain_get(b"key")
            assert asked(explanation) == [("n1", Purpose.GET, "ok")]
            assert (explanation.size, explanation.doubts) == (3, ())
            assert reasons(explanation) == ["n1 has every acknowledged write (it is clean): one answer is enough."]
            absent = await cluster.coordinator.explain_get(b"nothing")
            assert (absent.size, absent.version, absent.outcome) == (None, NEVER, Outcome.OK)
            assert asked(absent) == [("n1", Purpose.GET, "not_found")]

    run_virtual(main)


def test_a_get_after_an_unknown_write_asks_all_and_repairs_who_is_older() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await at_rest(cluster)
            ledger = cluster.coordinator._ledger
            link = ledger.nodes["n1"].link
            assert link is not None
            newer = Version(1, 1000)
            await link.ask(PutMany(entries=[Entry("key", newer, 3, "new")]))
            ledger.suspect_key(b"key", 0, newer)
            explanation = await cluster.coordinator.explain_get(b"key")
            assert explanation.doubts == (Doubt.UNKNOWN,)
            assert asked(explanation) == [
                ("n1", Purpose.GET, "ok"), ("n2", Purpose.GET, "ok"), ("n2", Purpose.REPAIR, "ok"),
            ]  # fmt: skip
            got, older, repair = explanation.exchanges
            assert (got.version, repair.version, older.version) == (newer, newer, Version(1, 1))
            assert repair.began >= max(got.ended or 0, older.ended or 0)
            assert reasons(explanation)[-1] == ("n2 had an older one: the newest was written back first.")

    run_virtual(main)


def test_a_get_waits_for_a_write_in_flight_and_says_so() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await at_rest(cluster)
            writing = asyncio.create_task(cluster.put(b"key", b"new"))
            while b"key" not in cluster.coordinator._writes.in_flight:
                await asyncio.sleep(0)
            explanation = await cluster.coordinator.explain_get(b"key")
            await writing
            assert asked(explanation) == [("", Purpose.WAIT, "ok"), ("n1", Purpose.GET, "ok")]
            assert explanation.exchanges[0].ended

    run_virtual(main)


def test_a_get_of_replicas_that_were_not_compared_asks_all_of_them() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await at_rest(cluster)
            cluster.coordinator._ledger.unverified[:] = b"\1"
            explanation = await cluster.coordinator.explain_get(b"key")
            assert explanation.doubts == (Doubt.UNVERIFIED,)
            assert asked(explanation) == [("n1", Purpose.GET, "ok"), ("n2", Purpose.GET, "ok")]
            assert reasons(explanation) == ["All clean replicas (S) were asked; the newest version is the answer."]

    run_virtual(main)


def test_explained_requests_are_in_the_history_that_is_recorded() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.begun: list[object] = []
            self.ended: list[tuple[object, Outcome]] = []

        def begin(self, kind: str, key: bytes, value: bytes | None) -> object:
            self.begun.append(kind)
            return kind

        def end(self, begun: object, outcome: Outcome, value: object, version: object, stale: bool) -> None:
            self.ended.append((begun, outcome))

        def event(self, text: str) -> None: ...

        def closed(self) -> None: ...

    async def main() -> None:
        async with SimCluster(nodes=1, slots=1) as cluster:
            recorder = Recorder()
            cluster.coordinator.observe(recorder)
            await cluster.coordinator.explain_put(b"key", b"value")
            await cluster.coordinator.explain_get(b"key")
            await cluster.coordinator.explain_delete(b"key")
            assert recorder.ended == [(kind, Outcome.OK) for kind in ("put", "get", "delete")]

    run_virtual(main)


def test_a_delete_stores_a_tombstone() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=1) as cluster:
            explanation = await cluster.coordinator.explain_delete(b"key")
            assert (explanation.existed, explanation.size) == (False, None)
            assert reasons(explanation) == ["1 of 1 clean replica (S) has the tombstone; a write needs 1 (W)."]

    run_virtual(main)


def test_followers_get_a_write_without_counting_and_are_not_waited_for() -> None:
    before = there(Placement(("A", "B"), ("A",), ("C",), ("A", "C")))
    answers = (ReplicaAnswer("A", "ok", milliseconds=0.4), ReplicaAnswer("B", "silent", "not answered yet"))
    written = Written(Outcome.OK, AT, answers, receiving=(ReplicaAnswer("C", "ok", milliseconds=0.2),))
    explanation = explained_write(Purpose.PUT, before, ("A",), written, 5, 0.5)
    assert explanation.exchanges == (
        Exchange("A", Purpose.PUT, 0.0, 0.4, "ok", AT),
        Exchange("B", Purpose.PUT, 0.0, None, "silent", AT, "not waited for"),
        Exchange("C", Purpose.PUT, 0.0, 0.2, "ok", AT),
    )
    assert explanation.stored == ("A",)
    assert reasons(explanation) == [
        "1 of 1 clean replica (S) has it; a write needs 1 (W).",
        "B is behind: it does not count until it is made equal.",
    ]


def test_a_clean_replica_that_missed_a_write_left_the_clean_set_first() -> None:
    before = there(Placement(("A", "B"), ("A", "B")))
    answers = (ReplicaAnswer("A", "ok", milliseconds=0.4), ReplicaAnswer("B", "error", "full", 0.3))
    explanation = explained_write(Purpose.PUT, before, ("A",), Written(Outcome.OK, AT, answers), 5, 0.5)
    assert (explanation.left, explanation.stored) == (("B",), ("A",))
    assert explanation.exchanges[1] == Exchange("B", Purpose.PUT, 0.0, 0.3, "error", None, "full")
    assert reasons(explanation) == [
        "1 of 1 clean replica (S) has it; a write needs 1 (W).",
        "B missed it, and was recorded as behind before it was acknowledged.",
    ]


def test_failed_unknown_and_stale_ends_say_why() -> None:
    before = there(Placement(("A", "B"), ("A", "B")))
    failed = explained_write(
        Purpose.PUT, before, ("A", "B"), Written(Outcome.FAILED, AT, text="not stored: A: full"), 5, 1
    )
    assert (failed.exchanges, reasons(failed)) == ((), ["Not stored: A: full."])
    unknown = explained_write(Purpose.PUT, before, ("A",), Written(Outcome.UNKNOWN, AT, text="it may be stored"), 5, 1)
    assert reasons(unknown) == ["It may be stored.", "Some replica may hold it: the next get asks all of S."]
    stale = explained_read(before, (), (), Read(Outcome.OK, b"x", AT, "B", stale=True), 1.0)
    assert reasons(stale) == ["No clean replica could be asked: B may lack newer writes, hence stale."]


def test_a_get_where_a_member_left_says_nothing_of_what_it_does_not_know() -> None:
    """A read that fails asked nobody: there is nothing to draw but the reason."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
            await at_rest(cluster)
            cluster.coordinator._ledger.append(Behind("n2", [(0, 1)]))
            await cluster.call(lambda coordinator: coordinator.stop_node("n1"))
            explanation = await cluster.coordinator.explain_get(b"key")
            assert explanation.outcome is Outcome.FAILED
            assert explanation.exchanges == ()
            assert reasons(explanation) == ["No clean replica of it can be reached: it waits for n1."]

    run_virtual(main)
