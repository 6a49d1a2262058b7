"""The coordinator of a ring of own nodes: composes log, membership, reads, writes, moves and snapshots into a ``Cluster``."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from anyio.abc import TaskGroup

from kvtui.core.background import start_soon
from kvtui.core.change import Change
from kvtui.core.cluster import (
    ClusterError,
    Compaction,
    Item,
    Location,
    NodeAdded,
    Observer,
    OwnData,
    Read,
    Rebalanced,
    Written,
    WrittenMany,
)
from kvtui.core.compacting import CompactingRoom
from kvtui.core.copy_rate import CopyRate
from kvtui.core.events import Event, Level
from kvtui.core.explaining import Explaining
from kvtui.core.explanation import Explanation
from kvtui.core.faults import FaultsRoom
from kvtui.core.happenings import Happenings
from kvtui.core.importing import Keys
from kvtui.core.ledger import Ledger
from kvtui.core.limits import GRACE_SECONDS
from kvtui.core.local_processes import LocalProcesses
from kvtui.core.log_space import LogSpace
from kvtui.core.losses import LossesRoom
from kvtui.core.membership import Membership
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.meter import Meter
from kvtui.core.mover import Mover
from kvtui.core.node_access import Access, fresh_secret
from kvtui.core.notes import Notes
from kvtui.core.observation import Onlooker, observed_read, observed_reads, observed_write, observed_writes
from kvtui.core.observatory import Observatory
from kvtui.core.plan import Plan
from kvtui.core.planning import Planning
from kvtui.core.read_mode import ReadMode
from kvtui.core.reads import Reads
from kvtui.core.records import Opened, Planned
from kvtui.core.replacement import Replacement
from kvtui.core.revival import Revival
from kvtui.core.seams.bundle import Seams
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.core.supervisor import Supervisor
from kvtui.core.throttle import Throttle
from kvtui.core.topology import Topology
from kvtui.core.trace import Purpose
from kvtui.core.tuning import Tuning, check_replication
from kvtui.core.version import Version
from kvtui.core.work import unfinished
from kvtui.core.writes import Writes

_log = logging.getLogger(__name__)

NAMED: Final = 20
"""Keys that a rebalance names."""
REASONS: Final = 100
"""Reasons for which pieces wait that are remembered to be told already; beyond it they are told again."""


class Coordinator:
    """Implements ``Cluster`` and all its capabilities. Use ``kvtui.core.opening.open_cluster`` to get one."""

    def __init__(
        self,
        log: MetadataLog,
        seams: Seams,
        state: Path | None,
        *,
        grace: float = GRACE_SECONDS,
        revive: bool = False,
    ) -> None:
        """``log`` holds a created cluster; ``state`` is its state directory, None when nothing is durable. A node that is away
        for ``grace`` seconds is replaced (0: never). ``revive``: one that died by itself is started again."""
        identity = seams.random.identity()
        home = "" if state is None else seams.home(state)
        before = log.topology
        # A log away from home stays so until every node obeys: until then another coordinator may go on where it came from. Nor is
        # it forgotten until then how far the log had got: to open an old copy twice makes it no newer.
        ends = (*before.ends, (before.epoch, log.last))
        log.append(Opened(before.epoch + 1, identity, before.home or home, ends=ends))
        self.observer: Observer | None = None
        self._onlooker: Onlooker | None = None
        """The observer, as it is told."""
        self._happenings = Happenings(seams.clock)
        self._ledger = Ledger(log, self._on_stop, self._on_space, home=home)
        self._log_space = LogSpace(self._ledger, seams.clock)
        rate = CopyRate(seams.clock)
        self._moves = _MoveTally(self._happenings, rate)
        self._planning = Planning(self._ledger, seams.clock, rate)
        self._tuning = Tuning(self._ledger, self._happenings)
        self._compacting = CompactingRoom(self._ledger)
        self._losses = LossesRoom(self._ledger, self._happenings)
        self._replacement = Replacement(self._ledger, seams.clock, self._happenings, grace)
        meter = Meter()
        self._notes = Notes(self._ledger, seams.clock)
        self._writes = Writes(self._ledger, seams.clock, meter, self._notes)
        self._reads = Reads(self._ledger, seams.clock, meter, self._writes)
        self._explaining = Explaining(self._ledger, seams.clock)
        throttle = Throttle(seams.clock, lambda: self._ledger.topology.throttle, lambda: meter.operations)
        self._mover = Mover(self._ledger, seams.clock, self._moves, self._notes, self._writes.may_purge, throttle)
        data = None if state is None else state / "nodes"
        own = fresh_secret(seams.random)
        processes = LocalProcesses(seams.launcher, seams.clock, data, own)
        access = Access.over(seams.transport, seams.secret, own, seams.random, seams.clock)
        self._faults = FaultsRoom(self._ledger, access, seams.clock, self._happenings, processes)
        access = self._faults.access
        supervisor = Supervisor(self._ledger, access, seams.clock, self._happenings, identity, self._notes)
        keys = Keys(self._reads.get_many, self._writes.put_many)
        self._membership = Membership(
            self._ledger,
            access,
            seams.clock,
            self._happenings,
            processes,
            supervisor,
            keys,
            elsewhere=seams.secret is not None,
        )
        start = self._membership.revive
        self._revival = Revival(self._ledger, seams.clock, self._happenings, start) if revive else None
        directory = "" if state is None else str(state)
        self._observatory = Observatory(
            self._ledger,
            seams.clock,
            meter,
            self._happenings,
            self._faults.of,
            lambda: bool(self._writes.in_flight),
            state is not None,
            directory,
        )

    async def open(self, tasks: TaskGroup) -> None:
        """Bring the nodes back and start the work in the background, carried by ``tasks``."""
        await self._membership.open(tasks)
        start_soon(tasks, self._mover.run)
        start_soon(tasks, self._observatory.run)
        start_soon(tasks, self._replacement.run)
        start_soon(tasks, self._log_space.run)
        if self._revival is not None:
            start_soon(tasks, self._revival.run)

    async def close(self) -> None:
        """End this machine's nodes in order and release the state directory. Raises ClusterError, then, where some did not end."""
        if self._revival is not None:
            self._revival.close()
        try:
            await self._membership.close()
        finally:
            self._release()

    def _release(self) -> None:
        self._observatory.end()
        if self._onlooker is not None:
            self._onlooker.closed()
        self._notes.release()
        trouble = self._ledger.close()
        if trouble:
            text = f"the metadata log was not closed in order, and opens as after a kill: {trouble}"
            self._happenings.emit(Level.WARNING, text)
            _log.warning("%s", text)  # nobody listens to events any more

    async def add_local_nodes(self, names: list[str]) -> None:
        """Start new nodes on free ports. Raises ClusterError."""
        await self._membership.add_local(names)
        await self._mover.until_settled()

    @property
    def topology(self) -> Topology:
        """Who holds what, as logged."""
        return self._ledger.topology

    def snapshot(self) -> ClusterSnapshot:
        return self._observatory.snapshot

    async def changed(self, seen: ClusterSnapshot) -> ClusterSnapshot:
        return await self._observatory.changed(seen)

    def events(self) -> AsyncIterator[Event]:
        return self._happenings.listen()

    async def refresh(self) -> ClusterSnapshot:
        return await self._observatory.refresh()

    # Not ``async``: one coroutine less on the way of every operation.

    def put(self, key: bytes, value: bytes) -> Coroutine[Any, Any, Written]:
        writing = self._writes.put(key, value)
        return observed_write(self._onlooker, "put", key, value, writing) if self._onlooker else writing

    def get(self, key: bytes) -> Coroutine[Any, Any, Read]:
        reading = self._reads.get(key)
        return observed_read(self._onlooker, key, reading) if self._onlooker else reading

    def delete(self, key: bytes) -> Coroutine[Any, Any, Written]:
        writing = self._writes.delete(key)
        return observed_write(self._onlooker, "delete", key, None, writing) if self._onlooker else writing

    async def explain_put(self, key: bytes, value: bytes) -> Explanation:
        return await self._explaining.write(Purpose.PUT, key, len(value), self.put(key, value))

    async def explain_get(self, key: bytes) -> Explanation:
        trace = self._explaining.trace()
        reading = self._reads.get(key, trace)
        reading = observed_read(self._onlooker, key, reading) if self._onlooker else reading
        return await self._explaining.read(key, trace, reading)

    async def explain_delete(self, key: bytes) -> Explanation:
        return await self._explaining.write(Purpose.DELETE, key, None, self.delete(key))

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        writing = self._writes.put_many(items)
        return await (observed_writes(self._onlooker, "put", items, writing) if self._onlooker else writing)

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        writing = self._writes.delete_many(keys)
        items = [(key, None) for key in keys] if self._onlooker else []
        return await (observed_writes(self._onlooker, "delete", items, writing) if self._onlooker else writing)

    async def get_many(self, keys: Sequence[bytes], *, room: int | None = None) -> list[Read]:
        reading = self._reads.get_many(keys, room)
        return await (observed_reads(self._onlooker, keys, reading) if self._onlooker else reading)

    def observe(self, observer: Observer | None) -> Version:
        if observer is not None and self.observer is not None:
            raise ClusterError("a history is being recorded already; end that first with: history stop")
        onlooker = None if observer is None else Onlooker(observer, partial(self._let_go, observer))
        self.observer, self._onlooker = observer, onlooker
        self._happenings.overheard = None if onlooker is None else onlooker.event
        return self._ledger.newest

    def _let_go(self, observer: Observer, what: str) -> None:
        if self.observer is observer:
            self.observe(None)
        self._happenings.emit(Level.WARNING, f"who observed operations on keys raised {what}, and is told of no more")

    async def locate(self, key: bytes) -> Location:
        return await self._reads.locate(key)

    def scan(
        self, prefix: bytes = b"", *, values: bool = True, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]:
        return self._reads.scan(prefix, values, passed)

    async def add_node(self, node: str, host: str, port: int, *, own_data: OwnData = OwnData.REFUSE) -> NodeAdded:
        self._check_active()
        added = await self._membership.add(node, host, port, own_data)
        # An empty ring has nothing to move: its first node serves at once.
        await self._carried_out()
        return added

    async def remove_node(self, node: str, *, force: bool = False) -> str:
        self._check_active()
        left = await self._membership.remove(node, force=force)
        self._observatory.redraw()
        return left

    async def start_node(self, node: str) -> None:
        self._check_active()
        self._faults.check_startable(node)
        if self._revival is not None:
            self._revival.forget(node)
        await self._membership.start(node)

    async def stop_node(self, node: str) -> None:
        self._check_active()
        await self._membership.stop(node)

    async def set_replication(self, copies: int) -> None:
        self._check_active()
        check_replication(self._ledger.topology, copies)
        ring = self._ledger.topology.planned
        if copies != ring.replication:
            self._ledger.append(Planned(ring.replicate(copies).to_record()))
            many = "1 copy" if copies == 1 else f"{copies} copies"
            self._happenings.emit(Level.INFO, f"every key is to have {many}")
            await self._carried_out()

    async def set_quorum(self, copies: int) -> None:
        self._check_active()
        self._tuning.set_quorum(copies)

    async def set_policy(self, policy: str, vnodes: int = 0) -> None:
        self._check_active()
        self._tuning.set_policy(policy, vnodes)
        await self._carried_out()

    async def set_weight(self, node: str, weight: int) -> None:
        self._check_active()
        self._tuning.set_weight(node, weight)
        await self._carried_out()

    async def set_reads(self, mode: ReadMode) -> None:
        self._check_active()
        self._tuning.set_reads(mode)

    async def set_throttle(self, keys_per_second: int) -> None:
        self._check_active()
        self._tuning.set_throttle(keys_per_second)

    async def rebalance(self) -> Rebalanced:
        self._check_active()
        tally = self._moves.begin()
        try:
            # Every replica is compared again: until its slots are, a get consults all of them.
            self._ledger.suspect(0, len(self._ledger.unverified))
            self._mover.try_again()
            await self._mover.until_settled()
        finally:
            self._moves.end(tally)
        self._check_active()
        # Asked at once: a plan that changes from here on is not what was waited for.
        usable = {node.id for node in self._ledger.nodes.values() if node.usable}
        problem = unfinished(self._ledger.topology, self._ledger.unverified, usable)
        await self._observatory.refresh()
        if problem:
            why = self._ledger.full or self._mover.trouble
            trouble = f" ({why})" if why else ""
            raise ClusterError(f"the rebalance could not finish: {problem}{trouble}")
        return tally.report()

    async def plan(self, change: Change) -> Plan:
        return await self._planning.plan(change, (await self._observatory.refresh()).density)

    async def accept_loss(self, node: str | None = None) -> int:
        self._check_active()
        return self._losses.accept(node)

    async def compact(self, node: str, *, begin: bool = True) -> Compaction:
        self._check_active()
        return await self._compacting.compact(node, begin=begin)

    async def kill_node(self, node: str) -> None:
        await self._faults.kill(node)

    async def pause_node(self, node: str) -> None:
        self._faults.pause(node)

    async def resume_node(self, node: str) -> None:
        self._faults.resume(node)

    async def slow_node(self, node: str, seconds: float) -> None:
        self._faults.slow(node, seconds)

    async def cut_node(self, node: str) -> None:
        self._faults.cut(node)

    async def heal(self) -> None:
        self._faults.heal()

    async def wipe_node(self, node: str) -> None:
        self._check_active()
        await self._faults.wipe(node)

    async def _carried_out(self) -> None:
        """Wait for the moves of a cluster so empty that they are done at once; longer ones go on behind. However short they are,
        it is seen that they began: who was told so hears of their end."""
        self._observatory.redraw()
        if not self._observatory.snapshot.copies:
            await self._mover.until_settled()
            self._observatory.redraw()

    def _on_stop(self, reason: str) -> None:
        self._happenings.emit(Level.BAD, reason)
        self._notes.release()

    def _on_space(self, reason: str) -> None:
        if reason:
            text = f"{reason}; what has to be logged waits until there is space, and is done then"
            self._happenings.emit(Level.BAD, text)
        else:
            self._happenings.emit(Level.GOOD, "the metadata log takes records again: what waited goes on")

    def _check_active(self) -> None:
        if self._ledger.stopped:
            raise ClusterError(self._ledger.stopped)


class _Tally:
    """What moved while a rebalance ran."""

    def __init__(self) -> None:
        self.copied: list[tuple[bytes, str]] = []
        self.removed: list[tuple[bytes, str]] = []
        self.copies = 0
        self.removals = 0

    def report(self) -> Rebalanced:
        return Rebalanced(tuple(self.copied), tuple(self.removed), self.copies, self.removals)


class _MoveTally:
    """Told by the mover what it moves: counts for rebalances, and events when all is still again."""

    def __init__(self, happenings: Happenings, rate: CopyRate) -> None:
        self._happenings = happenings
        self._rate = rate
        self._tallies: list[_Tally] = []
        self._arrived: Counter[str] = Counter()
        self._told: set[str] = set()
        """Why pieces wait, as far as that was told."""

    def begin(self) -> _Tally:
        self._tallies.append(_Tally())
        return self._tallies[-1]

    def end(self, tally: _Tally) -> None:
        self._tallies.remove(tally)

    def copied(self, node: str, keys: list[bytes], total: int) -> None:
        self._arrived[node] += total
        self._rate.copied(total)
        for tally in self._tallies:
            tally.copies += total
            tally.copied += [(key, node) for key in keys[: NAMED - len(tally.copied)]]

    def removed(self, node: str, keys: list[bytes], total: int) -> None:
        for tally in self._tallies:
            tally.removals += total
            tally.removed += [(key, node) for key in keys[: NAMED - len(tally.removed)]]

    def stuck(self, start: int, stop: int, reason: str) -> None:
        # Of many pieces that wait for the same, one is told.
        if reason not in self._told:
            self._told = {*self._told, reason} if len(self._told) < REASONS else {reason}
            one = stop - start == 1
            slots = f"slot {start:,} waits, and is" if one else f"slots {start:,} to {stop - 1:,} wait, and are"
            self._happenings.emit(Level.WARNING, f"{slots} tried again: {reason}")

    def settled(self, *, waiting: bool) -> None:
        if self._arrived:
            parts = ", ".join(f"{keys:,} to {node}" for node, keys in sorted(self._arrived.items()))
            self._happenings.emit(Level.INFO, f"keys copied: {parts}", *self._arrived)
        self._arrived.clear()
        if self._told and not waiting:
            self._told = set()
            self._happenings.emit(Level.GOOD, "no slot waits any more: all that was tried again is done")
