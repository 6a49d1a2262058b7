"""Bugs with which other stores lost data."""

from collections.abc import Awaitable, Callable

from kvtui.core import catch_up, mover, supervisor, work
from kvtui.core.catch_up import Peer
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.placement import Placement
from kvtui.core.records import Counted, CutOver, Record, Recovered
from kvtui.core.topology import Topology
from kvtui.core.topology import apply as apply_record
from kvtui.core.version import Version
from kvtui.node import store
from kvtui.node.record import engine_key, is_live, pack, pack_version
from tests.simulation.engine import FaultyDisk


def copy_once(copy: Callable[[mover.Mover, Peer, Peer, work.Work], Awaitable[None]]) -> None:
    """Plant a step that copies from a clean replica to the others, and takes it for done without a look."""

    async def fill(
        self: mover.Mover,
        piece: work.Work,
        targets: Callable[[Placement], tuple[str, ...]],
        finish: Callable[[Placement], list[Record]],
        compared: object = None,
    ) -> None:
        place = self._place(piece)
        source = self._source(place)
        for node in targets(place):
            await copy(self, source, self._peer(node), piece)
        self._ledger.append(*finish(self._place(piece)))

    mover.Mover._fill = fill


def merge_instead_of_equalising() -> None:
    """Plant a catch-up that gives what is newer, and takes nothing away."""

    async def merge(self: catch_up.CatchUp, start: int, stop: int) -> frozenset[bytes]:
        await self.merge(start, stop)
        return frozenset()

    catch_up.CatchUp.equalise = merge


def rebalancing_without_versions() -> None:
    """Voldemort 290: what is copied in a rebalance replaces what was written meanwhile."""

    def write(self: store.Store, key: bytes, version: Version, value: bytes | None) -> bool:
        where = engine_key(key)
        old = self._current(where)
        if self._table.is_damaged(where):
            self._table.repair(where)
        self._stage(where, old, pack(key, pack_version(version), value))
        return old is not None and is_live(old)

    async def equalise(self: mover.Mover, source: Peer, target: Peer, piece: work.Work) -> None:
        await self._catch_up(source, target).equalise(piece.start, piece.stop)

    store.Store.write = write
    copy_once(equalise)


def a_node_counts_before_it_has_synced() -> None:
    """Hazelcast 5444: a node that returned is trusted at once, and killed again, or asked, while it still copies."""

    async def recover(self: mover.Mover, piece: work.Work) -> None:
        self._ledger.append(Recovered(piece.node, piece.start, piece.stop))

    mover.Mover._recover = recover


def who_owns_a_slot_is_known_to_one_that_may_crash() -> None:
    """Redis 2969: a slot's new owner is remembered by who may crash, and its old owner serves again."""
    append = MetadataLog.append

    def forgetful(self: MetadataLog, *records: Record) -> Topology:
        if not any(isinstance(record, CutOver) for record in records):
            return append(self, *records)
        assert all(isinstance(record, CutOver | Counted) for record in records)
        for record in records:
            self.topology = apply_record(self.topology, record)
        return self.topology

    MetadataLog.append = forgetful


def a_replica_comes_back_wiped_and_nobody_notices() -> None:
    """Riak kv679: a replica that lost its data answers as if it had it."""
    supervisor.Supervisor._judge = lambda self, node, facts: None


def tombstones_go_by_age() -> None:
    """Cassandra's gc_grace, Riak's reaper: tombstones go after a while, and a copy that was away brings the value back."""

    def write(self: store.Store, key: bytes, version: Version, value: bytes | None) -> bool:
        existed = written(self, key, version, value)
        if value is None:
            self.drop(key, version, only_tombstone=True)
        return existed

    written = store.Store.write
    store.Store.write = write
    merge_instead_of_equalising()


def acknowledged_before_synced() -> None:
    """etcd 14370: the answer leaves before what it answers is on disk."""
    commit = store.Store.commit

    def late(self: store.Store) -> None:
        if len(self._staged) > 3:
            commit(self)

    store.Store.commit = late


def a_new_directory_is_not_synced() -> None:
    """etcd 6368: a crash forgets the name of a new file, and all that was synced into it."""
    crash = FaultyDisk.crash

    def forget(self: FaultyDisk) -> None:
        crash(self)
        if len(self._synced) < 12:
            self._synced.clear()

    FaultyDisk.crash = forget


BUGS = (
    rebalancing_without_versions,
    a_node_counts_before_it_has_synced,
    who_owns_a_slot_is_known_to_one_that_may_crash,
    a_replica_comes_back_wiped_and_nobody_notices,
    tombstones_go_by_age,
    acknowledged_before_synced,
    a_new_directory_is_not_synced,
)
