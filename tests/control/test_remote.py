"""A cluster that is attached to: every method of ``Cluster`` and of each capability, over the simulated control socket."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from kvtui.control import remote
from kvtui.control.attached import Attached
from kvtui.control.calls import CALLS
from kvtui.control.remote import RemoteCluster, together
from kvtui.control.session import Session
from kvtui.control.wire import ANSWER_BYTES, PIECE_BYTES, encode
from kvtui.core import cluster as protocols
from kvtui.core.change import AddNode, Change, RemoveNode, SetPolicy, SetReplication, SetWeight
from kvtui.core.cluster import ClusterError, Given, Outcome, OwnData, ReadMode, WrittenMany
from kvtui.core.protocol import INLINE_BYTES, Fetch
from kvtui.core.snapshot import NodeState
from kvtui.core.trace import Purpose
from kvtui.core.version import Version
from tests.control.lab import Desk, Lab
from tests.core.sent import requests_sent
from tests.simulation.loop import run_virtual

Story = Callable[[Desk, Desk], Awaitable[None]]


def attached(story: Story, *, nodes: int = 3, replication: int = 1) -> None:
    """Run a story with a holder and one that is attached to it."""

    async def main() -> None:
        lab = Lab(nodes=nodes, replication=replication)
        holder = await lab.desk("holder")
        guest = await lab.desk("guest")
        assert guest.session.holder == "kvtui holder (process 6)"
        await story(holder, guest)
        await guest.leave()
        await holder.leave()

    run_virtual(main)


CAPABILITIES = (
    protocols.Cluster,
    protocols.LocalNodes,
    protocols.Losses,
    protocols.Guarantees,
    protocols.Throttles,
    protocols.Compacts,
    protocols.Observable,
    protocols.Policies,
    protocols.Explains,
    protocols.Plans,
    protocols.Faults,
)


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda capability: capability.__name__)
def test_an_attached_cluster_and_a_session_have_every_capability(capability: type) -> None:
    async def story(_: Desk, guest: Desk) -> None:
        assert isinstance(guest.session, capability)
        assert isinstance(guest.session._behind, RemoteCluster)
        assert isinstance(guest.session._behind, capability)

    attached(story, nodes=0)


def test_every_method_of_the_protocols_is_called_by_name_or_has_a_message_of_its_own() -> None:
    own = {"snapshot", "changed", "events", "put", "get", "delete", "scan", "observe", "observer"}
    methods = {name for one in CAPABILITIES for name in vars(one) if not name.startswith("_")}
    assert methods - own == set(CALLS)


def test_keys_are_put_got_and_deleted_for_all_to_see() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        written = await guest.session.put(b"\xff\x00key", b"\xfe value\n")
        assert (written.outcome, len(written.replicas), written.version.epoch) == (Outcome.OK, 1, 1)
        assert (await holder.session.get(b"\xff\x00key")).value == b"\xfe value\n"
        read = await guest.session.get(b"\xff\x00key")
        assert (read.outcome, read.value, read.version) == (Outcome.OK, b"\xfe value\n", written.version)
        deleted = await guest.session.delete(b"\xff\x00key")
        assert (deleted.outcome, deleted.existed) == (Outcome.OK, True)
        assert (await guest.session.get(b"\xff\x00key")).value is None
        assert not (await guest.session.delete(b"\xff\x00key")).existed

    attached(story)


def test_values_of_16_mib_go_in_pieces_and_short_requests_pass_between_them() -> None:
    async def story(_: Desk, guest: Desk) -> None:
        value = bytes(range(256)) * 65536
        writing = asyncio.ensure_future(guest.session.put(b"large", value))
        short = await guest.session.put(b"short", b"1")
        assert short.outcome is Outcome.OK
        assert not writing.done(), "the short one waited for the large one"
        assert (await writing).outcome is Outcome.OK
        reading = asyncio.ensure_future(guest.session.get(b"large"))
        assert (await guest.session.get(b"short")).value == b"1"
        assert (await reading).value == value

    attached(story, nodes=1)


def test_what_is_too_large_is_refused_in_the_same_words() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        for key, value in ((b"k" * 65_537, b""), (b"k", bytes(16 * 1024 * 1024 + 1))):
            own, far = await holder.session.put(key, value), await guest.session.put(key, value)
            assert (far.outcome, far.text) == (Outcome.FAILED, own.text)
        far_read = await guest.session.get(b"k" * 65_537)
        assert far_read.outcome is Outcome.FAILED
        assert "65,537" in far_read.text
        long = b"k" * 65_537
        (many,) = await guest.session.get_many([b"k" * 65_537])
        assert "65,537" in many.text
        for far_many, own_many in (
            (await guest.session.put_many([(long, b"")]), await holder.session.put_many([(long, b"")])),
            (await guest.session.delete_many([long]), await holder.session.delete_many([long])),
        ):
            assert far_many == own_many
            assert far_many.failed == 1

    attached(story, nodes=1)


def test_long_values_are_read_once_each_however_few_have_room_in_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder read all that were asked for, answered the first, and was asked for the others again."""
    fetched = requests_sent(monkeypatch)

    async def story(holder: Desk, guest: Desk) -> None:
        pieces = ANSWER_BYTES // INLINE_BYTES - 1
        items = [(b"%d" % number, b"%d" % number * (pieces * INLINE_BYTES)) for number in range(10)]
        assert (await guest.session.put_many(items)).ok == len(items)
        fetched.clear()
        keys = [key for key, _ in items]
        assert [read.value for read in await guest.session.get_many(keys)] == [value for _, value in items]
        assert fetched[Fetch] == len(items) * pieces
        some = await guest.session.get_many(keys, room=2 * len(items[0][1]))
        assert [read.value for read in some] == [value for _, value in items[:2]]

    attached(story, nodes=1)


def test_batches_of_any_length_end_as_one() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        items = [(b"%d" % (number % 19_000), b"%d" % number) for number in range(20_000)]
        items[5] = (b"large", bytes(5_000_000))
        items[6] = (b"larger", bytes(6_000_000))
        written = await guest.session.put_many(items)
        assert (written.ok, written.failed, written.unknown) == (20_000, 0, 0)
        reads = await guest.session.get_many([b"large", b"0", b"larger", *(b"%d" % number for number in range(900))])
        assert [len(read.value or b"") for read in reads[:3]] == [5_000_000, 5, 6_000_000]
        assert reads[3].value == b"19000", "a key that came twice has its last value"
        assert len(reads) == 903
        deleted = await guest.session.delete_many([b"large", b"0", b"never"])
        assert (deleted.ok, deleted.existed, dict(deleted.others)) == (3, 2, {})
        assert (await holder.session.get(b"large")).value is None
        assert await guest.session.get_many([]) == []
        assert (await guest.session.put_many([])).ok == 0

    attached(story, nodes=1)


def test_every_key_of_a_batch_has_its_version() -> None:
    async def story(_: Desk, guest: Desk) -> None:
        items = [(b"key %d" % number, b"v") for number in range(100)]
        items.append((b"long", bytes(INLINE_BYTES + 1)))
        written = await guest.session.put_many(items)
        reads = await guest.session.get_many([key for key, _ in items])
        assert written.versions == {key: read.version for (key, _), read in zip(items, reads, strict=True)}
        deleted = await guest.session.delete_many([key for key, _ in items])
        reads = await guest.session.get_many([key for key, _ in items])
        assert deleted.versions == {key: read.version for (key, _), read in zip(items, reads, strict=True)}
        assert min(deleted.versions.values()) > max(written.versions.values())

    attached(story)


def test_of_a_key_that_comes_twice_only_the_last_value_is_ever_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one was as well, where the second came in another message: a delete that had failed was carried out."""
    monkeypatch.setattr(remote, "BATCH_ENTRIES", 2)

    async def story(_: Desk, guest: Desk) -> None:
        items = [(b"twice", b"1"), *((b"%d" % number, b"v") for number in range(4)), (b"twice", b"2")]
        written = await guest.session.put_many(items)
        assert (written.ok, sum(len(given.keys) for given in written.given)) == (6, 5)
        assert (await guest.session.get(b"twice")).value == b"2"
        deleted = await guest.session.delete_many([key for key, _ in items])
        assert (deleted.ok, deleted.existed, sum(len(given.keys) for given in deleted.given)) == (6, 5, 5)

    attached(story)


def test_a_key_of_two_parts_of_a_batch_ended_as_the_later_one_says() -> None:
    """It was told as failed although its last value was stored."""
    failed = WrittenMany(1, failed=1, text="because", others={b"twice": Outcome.FAILED})
    done = WrittenMany(1, given=(Given(Version(1, 7), (b"twice",)),))
    whole = together(failed, done)
    assert (whole.others, whole.versions) == ({}, {b"twice": Version(1, 7)})


def test_a_key_whose_later_value_was_not_stored_has_no_version_in_its_batch() -> None:
    """The version of the value before was told as that of the one that failed."""
    done = WrittenMany(1, given=(Given(Version(1, 7), (b"twice",)),))
    failed = WrittenMany(0, failed=1, text="because", others={b"twice": Outcome.FAILED})
    whole = together(done, failed)
    assert (whole.others, whole.versions) == ({b"twice": Outcome.FAILED}, {})


def test_a_scan_streams_every_item_and_tells_how_far_it_is() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        await holder.session.put_many([(b"a%d" % number, b"%d" % number) for number in range(5_000)])
        await holder.session.put_many([(b"b%d" % number, bytes(2_000_000)) for number in range(6)])
        for prefix, values in ((b"a", True), (b"b", True), (b"", False), (b"none", True)):
            passed: list[float] = []
            own = [item async for page in holder.session.scan(prefix, values=values) for item in page]
            far = [
                item async for page in guest.session.scan(prefix, values=values, passed=passed.append) for item in page
            ]
            assert far == own
            assert passed == sorted(passed)
            assert passed[-1] == 1.0

    attached(story)


def test_a_reader_that_stops_ends_the_scan_at_the_holder() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        await holder.session.put_many([(b"%d" % number, b"") for number in range(20_000)])
        came: list[float] = []
        async with aclosing(guest.session.scan(passed=came.append)) as pages:  # type: ignore[type-var]
            async for _ in pages:
                break
            # What is sent ahead is bounded: nobody reads on, and the scan stands still.
            await asyncio.sleep(5)
            assert came[-1] < 1.0
        await asyncio.sleep(1)
        at = came[-1]
        await asyncio.sleep(5)
        assert came[-1] == at
        told = [event.text for event in guest.session._happenings._past]
        assert not any("given up" in text for text in told), "more was sent than the reader took"
        assert (await guest.session.put(b"k", b"v")).outcome is Outcome.OK

    attached(story)


def test_an_interrupted_command_is_cancelled_at_the_holder() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        await holder.session.pause_node("n1")
        asking = asyncio.ensure_future(guest.session.refresh())
        await asyncio.sleep(0.5)
        (visitor,) = _visitors(holder)
        assert visitor._running
        asking.cancel()
        await asyncio.sleep(0.5)
        listening = 1
        assert len(visitor._running) == listening
        await guest.session.resume_node("n1")

    attached(story)


def test_pictures_come_while_somebody_looks_and_ten_a_second_at_most() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        own, far = holder.session, guest.session
        (visitor,) = _visitors(holder)
        seen = await far.refresh()
        await asyncio.sleep(5)
        sent = visitor._shown
        for number in range(5):
            await own.put(b"%d" % number, b"")
            await asyncio.sleep(1)
        assert own.snapshot() is not sent
        assert visitor._shown is sent, "a picture was sent though nobody looked"
        seen = await far.changed(seen)
        pictures, began = 0, asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < 3:
            await own.refresh()
            await own.put(b"more%d" % pictures, b"")
            seen = await far.changed(seen)
            pictures += 1
        assert 2 <= pictures <= 31
        assert seen.keys >= 5

    attached(story)


def test_a_picture_that_came_with_an_answer_does_not_end_the_looking() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        own, far = holder.session, guest.session

        async def tuned(mode: ReadMode) -> None:
            await own.set_reads(mode)
            await own.refresh()

        def reads() -> ReadMode:
            return guest.session._behind._snapshot.reads  # type: ignore[attr-defined,no-any-return]

        async def watch() -> None:
            seen = far.snapshot()
            while True:
                seen = await far.changed(seen)

        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(5)
        await tuned(ReadMode.AVAILABLE)
        await asyncio.sleep(0.01)
        await tuned(ReadMode.STRICT)  # too early for a picture of its own
        await far.locate(b"k")
        assert reads() == ReadMode.STRICT
        await asyncio.sleep(5)
        await tuned(ReadMode.AVAILABLE)
        await asyncio.sleep(1)
        assert reads() == ReadMode.AVAILABLE
        watching.cancel()

    attached(story)


def test_parts_of_a_picture_that_are_as_they_were_are_the_same_objects() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        await guest.session.put(b"k", b"v")
        before = await guest.session.refresh()
        await holder.session.set_reads(ReadMode.AVAILABLE)
        after = await guest.until(lambda snapshot: snapshot.reads is ReadMode.AVAILABLE)
        assert after.ranges is before.ranges
        assert after.node("n1") is before.node("n1")

    attached(story)


def test_a_picture_of_many_ranges_goes_in_pieces_and_no_later_one_passes_it() -> None:
    async def main() -> None:
        lab = Lab(nodes=8, replication=2, slots=16_384, vnodes=1_024)
        holder = await lab.desk("holder")
        guest = await lab.desk("guest")
        first = guest.session.snapshot()
        assert len(encode(first.ranges)) > PIECE_BYTES
        assert first.ranges == holder.session.snapshot().ranges
        await guest.session.set_reads(ReadMode.AVAILABLE)
        await guest.until(lambda snapshot: snapshot.reads is ReadMode.AVAILABLE)
        assert guest.session.snapshot().ranges is first.ranges
        await holder.session.stop_node("n1")
        for number in range(20):  # its slots are recorded as behind: other ranges
            assert (await guest.session.put(b"%d" % number, b"v")).outcome is Outcome.OK
        await guest.until(lambda snapshot: snapshot.behind > 0)
        await asyncio.sleep(1)
        last = await guest.session.refresh()
        assert last.ranges != first.ranges
        assert last == replace(holder.session.snapshot(), attached=last.attached)
        await guest.leave()
        await holder.leave()

    run_virtual(main)


def test_events_come_with_the_last_that_were_before() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        await holder.session.set_reads(ReadMode.AVAILABLE)
        texts: list[str] = []

        async def listen() -> None:
            async for event in guest.session.events():
                texts.append(event.text)

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(1)
        own = [event.text for event in holder.session._happenings._past]
        assert [text for text in texts if "attached" not in text] == own
        assert any("available" in text for text in own)
        await holder.session.kill_node("n2")
        await guest.until(lambda snapshot: snapshot.nodes[1].state is NodeState.DOWN)
        await asyncio.sleep(1)
        assert any("n2" in text for text in texts)
        listening.cancel()

    attached(story)


def test_nodes_are_added_and_removed_and_the_picture_shows_it_at_once() -> None:
    async def story(_: Desk, guest: Desk) -> None:
        far = guest.session
        added = await far.add_node("D", "127.0.0.1", 0, own_data=OwnData.WIPE)
        assert (added.id, added.started) == ("D", True)
        assert far.snapshot().node("D") is not None
        await far.set_replication(2)
        assert (await far.refresh()).replication == 2
        rebalanced = await far.rebalance()
        assert rebalanced.copies >= 0
        await far.remove_node("D", force=False)
        assert far.snapshot().node("D") is None
        with pytest.raises(ClusterError, match="D"):
            await far.remove_node("D")

    attached(story)


def test_a_refusal_has_the_holders_own_words() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        async def refusal(session: Session) -> str:
            with pytest.raises(ClusterError) as refused:
                await session.add_node("../x", "127.0.0.1", 0)
            return str(refused.value)

        assert await refusal(guest.session) == await refusal(holder.session)

    attached(story)


def test_a_location_tells_what_each_replica_holds() -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        await guest.session.put(b"apple", b"1")
        assert await guest.session.locate(b"apple") == await holder.session.locate(b"apple")

    attached(story)


def test_requests_are_explained() -> None:
    async def story(_: Desk, guest: Desk) -> None:
        put = await guest.session.explain_put(b"k", b"v")
        assert (put.purpose, put.outcome, put.size) == (Purpose.PUT, Outcome.OK, 1)
        got = await guest.session.explain_get(b"k")
        assert (got.purpose, got.version, got.answered) == (Purpose.GET, put.version, put.where.clean[0])
        assert (await guest.session.explain_delete(b"k")).existed

    attached(story)


CHANGES = (AddNode("D", 2), RemoveNode("n1"), SetReplication(2), SetPolicy("classic", 8), SetWeight("n1", 3))


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_changes_are_planned_as_at_the_holder(change: Change) -> None:
    async def story(holder: Desk, guest: Desk) -> None:
        assert await guest.session.plan(change) == await holder.session.plan(change)

    attached(story)


def test_a_cluster_is_tuned() -> None:
    async def story(_: Desk, guest: Desk) -> None:
        far = guest.session
        await far.set_quorum(2)
        await far.set_reads(ReadMode.AVAILABLE)
        await far.set_throttle(1_000)
        await far.set_policy("classic", 16)
        await far.set_weight("n1", 2)
        snapshot = await far.refresh()
        assert (snapshot.write_quorum, snapshot.reads, snapshot.policy) == (2, ReadMode.AVAILABLE, "classic 16")
        assert snapshot.nodes[0].weight == 2
        assert snapshot.throttle == 1_000
        with pytest.raises(ClusterError, match="9"):
            await far.set_quorum(9)

    attached(story, replication=2)


def test_a_node_is_compacted_and_a_refusal_arrives_in_the_same_words() -> None:
    async def story(_: Desk, guest: Desk) -> None:
        begun = await guest.session.compact("n1")
        assert (begun.node, begun.total) == ("n1", 1)
        over = await guest.session.compact("n1", begin=False)
        assert over.done == over.total == 1
        with pytest.raises(ClusterError, match="there is no node n9; nodes: n1, n2"):
            await guest.session.compact("n9")

    attached(story, nodes=2)


def test_nodes_are_stopped_started_and_harmed() -> None:
    async def story(_: Desk, guest: Desk) -> None:
        far = guest.session

        async def comes(node: int, state: NodeState) -> None:
            await guest.until(lambda snapshot: snapshot.nodes[node].state is state)

        await far.stop_node("n1")
        await comes(0, NodeState.DOWN)
        await far.start_node("n1")
        await comes(0, NodeState.UP)
        await far.pause_node("n2")
        await comes(1, NodeState.DOWN)
        await far.resume_node("n2")
        await comes(1, NodeState.UP)
        await far.slow_node("n3", 0.05)
        await far.cut_node("n2")
        await comes(1, NodeState.DOWN)
        await far.heal()
        await comes(1, NodeState.UP)
        await far.kill_node("n3")
        await comes(2, NodeState.DOWN)
        await far.wipe_node("n3")
        await far.start_node("n3")
        await comes(2, NodeState.UP)
        assert await far.accept_loss() == 0
        with pytest.raises(ClusterError):
            await far.accept_loss("n3")

    attached(story, replication=2)


def test_a_history_is_recorded_where_the_coordinator_is() -> None:
    class Everything:
        def __init__(self) -> None:
            self.kinds: list[str] = []

        def begin(self, kind: str, key: bytes, value: bytes | None) -> object:
            self.kinds.append(kind)
            return None

        def end(self, *_: object) -> None: ...

        def event(self, text: str) -> None: ...

        def closed(self) -> None: ...

    async def story(holder: Desk, guest: Desk) -> None:
        with pytest.raises(ClusterError, match=r"kvtui holder \(process 6\)"):
            guest.session.observe(Everything())
        seen = Everything()
        holder.session.observe(seen)
        await guest.session.put(b"k", b"v")
        await guest.session.get(b"k")
        assert seen.kinds == ["put", "get"]
        assert guest.session.observer is None

    attached(story)


def _visitors(holder: Desk) -> list[Attached]:
    """The connections of those attached."""
    return [
        end.get_protocol()  # type: ignore[misc]
        for connection in holder.lab.network.connections
        for end in connection.ends
        if isinstance(end.get_protocol(), Attached)
    ]
