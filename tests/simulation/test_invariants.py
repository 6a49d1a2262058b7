"""The simulation's own model of who holds what, and what it complains of."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kvtui.check import Kind, Outcome
from kvtui.core import ledger, notes, topology, work
from kvtui.core.coordinator import Coordinator
from kvtui.core.placement import cut_over
from kvtui.core.protocol import Drop, Entry, Listed, PutMany
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Behind, Counted, Tuned
from kvtui.core.seams.storage import Batch
from kvtui.core.snapshot import NodeState
from kvtui.core.supervisor import Supervisor
from kvtui.core.version import NEVER, Version
from kvtui.node.store import Store
from tests.simulation.harness import SimCluster, settled
from tests.simulation.invariants import Invariants, WatchedRecorder, least_copies
from tests.simulation.loop import run_virtual
from tests.simulation.model import Model, packed, where

KEY = b"key"
Story = Callable[[SimCluster, Model, WatchedRecorder], Awaitable[None]]


def found(story: Story, *, nodes: int = 2, replication: int = 2) -> list[str]:
    """What the model complains of."""
    model = Model()

    async def main() -> None:
        async with SimCluster(
            nodes=nodes, replication=replication, slots=1, make_disk=lambda path: model.make(path, 0)
        ) as cluster:
            recorder = WatchedRecorder(asyncio.get_running_loop().time, Invariants(cluster, model))
            await story(cluster, model, recorder)

    run_virtual(main)
    return model.wrong


async def put(cluster: SimCluster, recorder: WatchedRecorder, value: str) -> Version:
    pending = recorder.begin(1, Kind.PUT, KEY.decode(), value)
    written = await cluster.put(KEY, value.encode())
    pending.end(Outcome(written.outcome), None, written.version, note=written.text)
    return written.version


async def get(cluster: SimCluster, recorder: WatchedRecorder) -> None:
    pending = recorder.begin(1, Kind.GET, KEY.decode())
    read = await cluster.get(KEY)
    text = None if read.value is None else read.value.decode()
    pending.end(Outcome(read.outcome), text, read.version, read.stale)


async def ask(cluster: SimCluster, node: str, request: object) -> None:
    """As if the coordinator had."""
    link = cluster.coordinator._ledger.nodes[node].link
    assert link is not None
    await link.ask(request)  # type: ignore[arg-type]


def test_what_works_is_not_complained_of() -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        version = await put(cluster, recorder, "1")
        await get(cluster, recorder)
        cluster.kill("n2")
        await cluster.until(lambda snapshot: snapshot.nodes[1].state is NodeState.DOWN)
        await put(cluster, recorder, "2")
        await cluster.revive("n2")
        await cluster.until(settled)
        await get(cluster, recorder)
        assert model.acknowledged[where(KEY)] > packed(version)

    assert found(story) == []


@pytest.mark.parametrize("before", [True, False])
def test_more_copies_are_promised_to_writes_that_begin_after_they_are_wanted(before: bool) -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        cluster.kill("n2")
        await cluster.until(lambda snapshot: snapshot.nodes[1].state is NodeState.DOWN)
        written = await cluster.put(KEY, b"1")
        pending = recorder.begin(1, Kind.PUT, KEY.decode(), "1")
        await cluster.call(lambda coordinator: coordinator.set_quorum(2))
        recorder.invariants.look()
        await asyncio.sleep(0.1)
        if not before:
            pending = recorder.begin(1, Kind.PUT, KEY.decode(), "1")
        pending.end(Outcome(written.outcome), None, written.version)

    assert ["2 are promised" in text for text in found(story)] == [True] * (not before)


def test_a_clean_replica_that_lacks_what_was_read_is_noticed_by_that_read() -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        await put(cluster, recorder, "1")
        await cluster.call(lambda coordinator: coordinator.rebalance())
        first = cluster.coordinator.topology.places[0].clean[0]
        await ask(cluster, first, PutMany(entries=[Entry(KEY.decode(), Version(1, 1000), 3, "new")]))
        await get(cluster, recorder)

    (wrong,) = [text for text in found(story) if "was read" in text]
    assert wrong.startswith("b'key' was read at 1.1000, and n")
    assert "a clean replica, holds 1.1" in wrong


@pytest.mark.parametrize("known", [True, False])
def test_clean_replicas_may_differ_only_where_it_is_known_that_they_may(known: bool) -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        await put(cluster, recorder, "1")
        await cluster.call(lambda coordinator: coordinator.rebalance())
        ledger, newer = cluster.coordinator._ledger, Version(1, 1000)
        first = cluster.coordinator.topology.places[0].clean[0]
        if known:
            ledger.suspect_key(KEY, ledger.slot(KEY), newer)
        await ask(cluster, first, PutMany(entries=[Entry(KEY.decode(), newer, 3, "new")]))
        # Any operation has it looked at.
        recorder.begin(2, Kind.GET, "another").end(Outcome.OK)

    assert ["nobody knows that they may" in text for text in found(story)] == [True] * (not known)


def test_what_a_replica_lacks_that_is_called_equal_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def equal(peers: list[object], start: int, stop: int) -> list[list[int]]:
        return [[0]] * len(peers)

    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        cluster.kill("n2")
        await put(cluster, recorder, "1")
        monkeypatch.setattr("kvtui.core.mover.digests_of", equal)
        await cluster.revive("n2")
        await cluster.until(settled)

    (wrong,) = found(story)
    assert wrong.startswith(
        "slot 0 was recovered to n2, which holds nothing of b'key', and 1.1 was acknowledged or read"
    )


def test_a_write_that_failed_and_is_stored_is_noticed() -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        pending = recorder.begin(1, Kind.PUT, KEY.decode(), "1")
        pending.end(Outcome.FAILED, None, (1, 7), note="it is said to be nowhere")
        await ask(cluster, "n1", PutMany(entries=[Entry(KEY.decode(), Version(1, 7), 1, "1")]))

    assert found(story) == ["n1 stored b'key' at 1.7, which had failed: it is said to be nowhere"]


@pytest.mark.parametrize("same", [True, False])
def test_a_delete_that_failed_is_told_by_its_coordinator_from_another_one_of_that_version(same: bool) -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        pending = recorder.begin(1, Kind.DELETE, KEY.decode())
        pending.end(Outcome.FAILED, None, (1, 7), note="it is said to be nowhere")
        if not same:
            model.disks[cluster.data_of("n1")].identity.coordinator = "another one"
        await ask(cluster, "n1", PutMany(entries=[Entry(KEY.decode(), Version(1, 7), -1)]))

    wrong = ["n1 stored b'key' at a tombstone at 1.7, which had failed: it is said to be nowhere"]
    assert found(story) == (wrong if same else [])


def test_a_tombstone_that_goes_from_a_node_that_obeys_another_coordinator_is_not_taken_for_purged() -> None:
    """For that one it may be behind, and is made equal: then what it had comes back."""

    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await put(cluster, recorder, "1")
        await cluster.delete(KEY)
        disk = model.disks[cluster.data_of("n1")]
        disk.identity.coordinator = "another one"
        await ask(cluster, "n1", Drop(entries=[Listed(KEY.decode(), Version(1, 2))]))
        assert where(KEY) not in disk.held
        await ask(cluster, "n1", PutMany(entries=[Entry(KEY.decode(), Version(1, 1), 1, "1")]))

    assert found(story) == []


def test_a_purged_key_that_comes_back_is_noticed() -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await put(cluster, recorder, "1")
        await cluster.delete(KEY)
        await asyncio.sleep(12.0)
        assert model.disks[cluster.data_of("n1")].purged
        await ask(cluster, "n1", PutMany(entries=[Entry(KEY.decode(), Version(1, 1), 1, "1")]))

    assert found(story) == ["b'key' at 1.1 came back on n1, which had purged a tombstone at 1.2"]


def test_a_write_that_does_not_wait_for_notes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        monkeypatch.setattr(notes.Notes, "tell", lambda self, name: True)
        cluster.kill("n2")
        await put(cluster, recorder, "1")

    (wrong,) = found(story)
    assert wrong.startswith("b'key' was acknowledged at 1.1 without n2, which is clean by the note of n1")


def test_too_few_copies_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        monkeypatch.setattr("kvtui.core.topology.may_shrink", lambda clean, replicas, wanted: clean > 1)
        monkeypatch.setattr("kvtui.core.routes.write_quorum", lambda replicas, wanted: 1)
        cluster.kill("n2")
        cluster.kill("n3")
        await cluster.until(lambda snapshot: [view.state for view in snapshot.nodes].count(NodeState.DOWN) == 2)
        await put(cluster, recorder, "1")

    left, *_, wrong = found(story, nodes=3, replication=3)
    assert "too few are left without it: Placement(" in left
    assert wrong.startswith("b'key' was acknowledged at 1.1 with 1 clean replicas, and 2 are promised")


def test_a_stale_answer_in_strict_mode_is_noticed() -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        recorder.begin(1, Kind.GET, KEY.decode()).end(Outcome.OK, None, (0, 0))
        await asyncio.sleep(1.0)
        recorder.begin(1, Kind.GET, KEY.decode()).end(Outcome.OK, None, (0, 0), stale=True)
        await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
        recorder.begin(1, Kind.GET, KEY.decode()).end(Outcome.OK, None, (0, 0), stale=True)

    assert found(story) == ["b'key' was read from a replica that is behind, and reads are strict"]


def test_an_older_entry_that_replaces_a_newer_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        monkeypatch.setattr("kvtui.node.store.packed_version", lambda record: b"")
        await put(cluster, recorder, "1")
        await put(cluster, recorder, "2")
        await ask(cluster, "n1", PutMany(entries=[Entry(KEY.decode(), Version(1, 1), 1, "1")]))

    assert found(story) == ["n1 replaced b'key' at 1.2 by 1.1"]


def test_an_older_entry_may_take_the_place_of_a_damaged_one() -> None:
    """Nobody can know the version of what is damaged."""

    async def story(cluster: SimCluster, model: Model, _: WatchedRecorder) -> None:
        await ask(cluster, "n1", PutMany(entries=[Entry(KEY.decode(), Version(1, 9), 1, "9")]))
        next(disk for path, disk in model.disks.items() if path.name == "n1").flip(where(KEY), 0)
        await ask(cluster, "n1", PutMany(entries=[Entry(KEY.decode(), Version(1, 2), 1, "2")]))
        assert any(disk.held.get(where(KEY), b"")[:16] == packed(Version(1, 2)) for disk in model.disks.values())

    assert found(story) == []


def test_an_epoch_that_goes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, model: Model, _: WatchedRecorder) -> None:
        disk = model.disks[cluster.data_of("n1")]
        granted = disk.identity
        disk.identity = type(granted)(granted.data_id, granted.cluster, granted.coordinator, granted.epoch - 1)
        model._check_grant(disk, granted)

    (wrong,) = found(story)
    assert wrong.startswith("n1 had granted epoch 1 to ")
    assert "and granted 0 to" in wrong


@pytest.mark.parametrize(
    ("replicas", "wanted", "least"),
    [(1, 0, 1), (2, 0, 1), (3, 0, 2), (4, 0, 3), (5, 0, 3), (2, 3, 2), (3, 1, 1), (0, 0, 1)],
)
def test_how_many_copies_are_promised(replicas: int, wanted: int, least: int) -> None:
    assert least_copies(replicas, wanted) == least


async def both_at_once(coordinator: Coordinator) -> None:
    coordinator._ledger.append(Tuned(0, ReadMode.STRICT))


async def past_the_ledger(coordinator: Coordinator) -> None:
    """The ledger itself refuses to, once it has stopped."""
    coordinator._ledger._log.append(Tuned(0, ReadMode.STRICT))


def test_one_setting_is_changed_at_a_time() -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await cluster.call(lambda coordinator: coordinator.set_quorum(1))
        await cluster.call(lambda coordinator: coordinator.set_reads(ReadMode.AVAILABLE))
        assert not model.wrong
        await cluster.call(both_at_once)

    assert any("one setting was changed, and so were quorum, reads" in text for text in found(story))


def test_a_rebalance_is_not_done_while_slots_wait_to_be_moved() -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        now = asyncio.get_running_loop().time
        await cluster.until(settled)
        recorder.invariants.check_rebalanced(now())
        cluster.kill("n2")
        await cluster.until(lambda s: any(view.state is NodeState.DOWN for view in s.nodes))
        await asyncio.sleep(1.0)
        assert not model.wrong
        recorder.invariants.check_rebalanced(now())

    assert any("a rebalance says that all is as planned" in text for text in found(story))


async def written(cluster: SimCluster, recorder: WatchedRecorder) -> None:
    await cluster.until(settled)
    await cluster.call(lambda coordinator: coordinator.rebalance())
    await put(cluster, recorder, "value")


def test_how_far_a_node_got_is_told_with_what_it_acknowledges(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await written(cluster, recorder)
        assert not model.wrong
        monkeypatch.setattr(Store, "counter_after_commit", property(lambda store: store.counter))
        await put(cluster, recorder, "another")

    assert any("acknowledged b'key' in its batch" in text for text in found(story))


def test_how_far_who_remains_clean_got_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await written(cluster, recorder)
        monkeypatch.setattr(ledger, "progress", lambda topology, names, nodes: [])
        cluster.kill("n2")
        await cluster.until(lambda s: any(view.state is NodeState.DOWN for view in s.nodes))

    assert any("a behind is logged, and n1 as being at" in text for text in found(story))


def test_how_far_who_is_lost_got_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        monkeypatch.setattr(Supervisor, "_as_counted", lambda supervisor, node: Counted(node.id, 0))
        await cluster.call(lambda coordinator: coordinator.set_quorum(2))
        await written(cluster, recorder)
        cluster.kill("n2")
        await cluster.until(lambda s: any(view.state is NodeState.DOWN for view in s.nodes))
        await get(cluster, recorder)
        await asyncio.sleep(1.0)
        await get(cluster, recorder)

    assert any("n2 is lost, logged as being at 0" in text for text in found(story))


@pytest.mark.parametrize("quorum", [1, 2])
def test_a_node_that_is_left_behind_where_too_few_go_on_without_it_is_noticed(quorum: int) -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        await put(cluster, recorder, "1")
        await cluster.call(lambda coordinator: coordinator.set_quorum(quorum))

        async def leave_behind(coordinator: Coordinator) -> None:
            coordinator._ledger.append(Behind("n2", [(0, 1)]))

        await cluster.call(leave_behind)
        await cluster.until(settled)

    assert ["too few are left without it" in text for text in found(story)] == [True] * (quorum == 2)


def test_who_stops_being_marked_while_it_holds_something_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await written(cluster, recorder)
        monkeypatch.setattr(topology, "cut_over", lambda place: cut_over(place)._replace(garbage=()))
        await cluster.call(lambda coordinator: coordinator.set_replication(1))
        await cluster.until(settled)
        await get(cluster, recorder)

    assert any("and nobody knows" in text for text in found(story))


def test_a_tombstone_that_goes_while_somebody_holds_what_it_buried_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await written(cluster, recorder)
        monkeypatch.setattr(work, "eligible", lambda place, target: True)
        cluster.kill("n2")
        await cluster.until(lambda s: any(view.state is NodeState.DOWN for view in s.nodes))
        await cluster.delete(KEY)
        await asyncio.sleep(12.0)
        await cluster.revive("n2")

    # Who is away obeys still, and holds the value.
    assert any("purged a tombstone" in text and "n2 holds" in text for text in found(story))


def test_who_says_that_there_never_was_what_all_hold_is_noticed() -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await written(cluster, recorder)
        await asyncio.sleep(0.1)
        pending = recorder.begin(1, Kind.GET, KEY.decode())
        await asyncio.sleep(0.1)
        pending.end(Outcome.OK, None, NEVER)

    assert any("was said never to have been written" in text for text in found(story))


def test_who_comes_to_count_without_a_note_of_it_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def noted(notes: notes.Notes, names: object, logged: object) -> bool:
        return True

    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await cluster.call(lambda coordinator: coordinator.set_replication(1))
        await written(cluster, recorder)
        monkeypatch.setattr(notes.Notes, "noted_by_any", noted)
        monkeypatch.setattr(notes, "SPREAD_SECONDS", 5.0)
        await cluster.call(lambda coordinator: coordinator.set_replication(2))
        await cluster.until(settled)

    assert any("and nobody has noted that they may" in text for text in found(story))


def test_a_stopped_coordinator_that_logs_something_is_noticed() -> None:
    async def story(cluster: SimCluster, model: Model, recorder: WatchedRecorder) -> None:
        await written(cluster, recorder)
        cluster.coordinator._ledger.stop("a test says so")
        assert not model.wrong
        await cluster.call(past_the_ledger)

    assert any("a coordinator that has stopped logs something" in text for text in found(story))


def test_a_node_that_counts_a_batch_of_its_own_is_noticed() -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        await put(cluster, recorder, "1")
        server = cluster.process("n1").server
        assert server is not None
        server.store._apply(Batch(), fold=True)
        server.store._apply(Batch())

    (wrong,) = found(story)
    assert wrong.startswith("n1 counts a batch of its own")


def test_a_node_that_stores_something_after_it_left_is_noticed() -> None:
    async def story(cluster: SimCluster, _: Model, recorder: WatchedRecorder) -> None:
        await cluster.call(lambda coordinator: coordinator.rebalance())
        server = cluster.process("n2").server
        assert server is not None
        store = server.store
        store.leave(Version(1, 1))
        store.write(KEY, Version(1, 1000), b"late")
        store.commit()

    assert any("had left the cluster" in text for text in found(story))
