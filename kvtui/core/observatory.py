"""Watches the cluster and draws its snapshots: counts from the nodes, placements from the ledger, rates from the meter."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final

from kvtui.core.cluster import ClusterError
from kvtui.core.geometry import Geometry
from kvtui.core.guarantee_watch import GuaranteeWatch
from kvtui.core.happenings import Happenings
from kvtui.core.key_counts import KeyCounts
from kvtui.core.latencies import NONE
from kvtui.core.ledger import Ledger
from kvtui.core.link import LinkFull, LinkLost
from kvtui.core.meter import Meter
from kvtui.core.move_watch import MoveWatch
from kvtui.core.pace import Paced
from kvtui.core.protocol import Counts, Facts
from kvtui.core.quorum import write_quorum
from kvtui.core.reach import MovesWait, Reach, moves_wait, reach
from kvtui.core.ring import Classic, Ring
from kvtui.core.seams.clock import Clock
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, Progress, RangeView
from kvtui.core.topology import Topology

DENSITY_PARTS: Final = 256
"""Equal parts of the ring whose keys are counted, where there are as many slots."""
FRAME_SECONDS: Final = 0.1
"""Least time between two snapshots."""
REST_PER_DRAWING: Final = 4
"""So many times as long as a drawing took the next one waits: one of a thousand nodes that come and go takes some 0.1 s."""
LOOK_SECONDS: Final = 0.25
"""How often nodes' write counters are looked at for new counts."""
SAMPLE_SECONDS: Final = 1.0
NO_FACTS: Final = Facts()
RANGES_AT_ONCE: Final = 2_000
"""Ranges that one request for counts names."""


class Observatory:
    """Keeps ``snapshot`` current while ``run`` runs."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        meter: Meter,
        happenings: Happenings,
        fault_of: Callable[[str], str],
        writing: Callable[[], bool],
        durable: bool,
        state_directory: str,
    ) -> None:
        """``fault_of`` says in words what is being done to a node on purpose; ``writing`` whether a write is under way."""
        self._fault_of = fault_of
        self._writing = writing
        self._ledger = ledger
        self._clock = clock
        self._meter = meter
        self._durable = durable
        self._state_directory = state_directory
        self._keys = KeyCounts()
        self._counters: dict[str, int] = {}
        self._rates = meter.sample(1.0)
        self._drawn = asyncio.Event()
        """Set with each new snapshot, and then replaced."""
        self._over = False
        self._geometry: tuple[Topology, Geometry] | None = None
        self._reached: tuple[object, _Reached] | None = None
        """What can be reached, and what that was found from."""
        self._quotas: tuple[Ring, dict[str, int]] | None = None
        self._most_pending: dict[str, int] = {}
        """Slots on their way to each node when its present moves began: the whole of their progress."""
        self._paced: dict[str, Paced] = {}
        self._since: dict[str, tuple[NodeState, float]] = {}
        """Each node's state, and when it was first seen in it."""
        self._views: dict[str, tuple[object, NodeView]] = {}
        """Each node's view, and what it was drawn from."""
        self.snapshot = self._draw()
        self._guarantee = GuaranteeWatch(self.snapshot, happenings)
        self._moves = MoveWatch(happenings)

    async def run(self) -> None:
        """Follow the ledger, and the nodes' counters, for ever."""
        sampled = self._clock.monotonic()
        while True:
            await self._tick(self._ledger.changed())
            now = self._clock.monotonic()
            if now - sampled >= SAMPLE_SECONDS:
                self._rates = self._meter.sample(now - sampled)
                for node in self._ledger.nodes.values():
                    node.traffic.sample(now - sampled)
                sampled = now
            # What changed is shown before nodes are asked for counts: one of them may hang.
            self.redraw()
            took = self._clock.monotonic() - now
            if self._counts_are_old():
                await self._count()
                self.redraw()
            await self._clock.sleep(max(FRAME_SECONDS, took * REST_PER_DRAWING))

    async def changed(self, seen: ClusterSnapshot) -> ClusterSnapshot:
        """Wait for another snapshot than ``seen``. Raises ClusterError after ``end``: there will be none."""
        while self.snapshot is seen:
            if self._over:
                raise ClusterError("the cluster is closed: nothing of it changes any more")
            await self._drawn.wait()
        return self.snapshot

    def end(self) -> None:
        """There is no other snapshot from now on: nobody waits for one any more."""
        self._over = True
        self._drawn.set()

    async def refresh(self) -> ClusterSnapshot:
        """Ask all nodes for their counts now."""
        await asyncio.gather(*(node.refresh() for node in list(self._ledger.nodes.values())))
        await self._count()
        self.redraw()
        return self.snapshot

    def redraw(self) -> None:
        """Draw what is known now; the snapshot stays the same object if nothing differs."""
        drawn = self._draw()
        if drawn != self.snapshot:
            self.snapshot = drawn
            self._guarantee.look(drawn)
            self._moves.look(drawn)
            self._drawn.set()
            self._drawn = asyncio.Event()

    async def _tick(self, changed: "asyncio.Future[None]") -> None:
        """Return when the ledger changed or it is time to look at the counters."""

        def look() -> None:
            if not changed.done():
                changed.set_result(None)

        timer = self._clock.call_later(LOOK_SECONDS, look)
        await changed
        timer.cancel()

    def _counts_are_old(self) -> bool:
        counters = {node.id: node.facts.counter for node in self._ledger.nodes.values() if node.usable}
        return counters != self._counters or self._keys.empty

    async def _count(self) -> None:
        """Count the distinct live keys of each part of the ring, each at one clean replica; where none can be reached, the last
        count stays."""
        counters = {node.id: node.facts.counter for node in self._ledger.nodes.values() if node.usable}
        topology = self._ledger.topology
        slots = len(topology.places)
        asked: dict[str, list[tuple[int, int]]] = {}
        written = None if self._writing() else self._ledger.seq
        for start, stop, place in topology.stretches:
            holder = next((node for node in place.clean if (n := self._ledger.nodes.get(node)) and n.usable), "")
            if holder:
                asked.setdefault(holder, []).extend(_cut(start, stop, slots // _parts(slots)))
        answers = await asyncio.gather(*(self._ask_counts(node, ranges) for node, ranges in asked.items()))
        self._keys.renew(slots, chain.from_iterable(answers), written)
        self._counters = counters

    async def _ask_counts(self, name: str, ranges: list[tuple[int, int]]) -> list[tuple[tuple[int, int], int]]:
        counted: list[tuple[tuple[int, int], int]] = []
        node = self._ledger.nodes.get(name)
        if node is None:
            return counted
        for low in range(0, len(ranges), RANGES_AT_ONCE):
            some = ranges[low : low + RANGES_AT_ONCE]
            try:
                reply = await node.ask(Counts(ranges=some))
            except (LinkLost, LinkFull):
                return counted
            counted += zip(some, reply.counts or [], strict=False)
        return counted

    def _draw(self) -> ClusterSnapshot:
        topology = self._ledger.topology
        if self._geometry is None or self._geometry[0] is not topology:
            self._geometry = (topology, Geometry(topology))
        geometry = self._geometry[1]
        reached = self._reach(geometry)
        counted = self._keys.totals(
            len(topology.places), _parts(len(topology.places)), reached.slots.runs, self._ledger.seq
        )
        ring = topology.planned
        quotas = self._quotas_of(ring)
        nodes = tuple(self._draw_node(name, geometry, reached, quotas.get(name, 0)) for name in topology.members)
        for name in self._views.keys() - topology.members.keys():
            del self._views[name], self._since[name]
        policy = f"classic {ring.policy.vnodes}" if isinstance(ring.policy, Classic) else "balanced"
        copies_each = min(ring.replication, max(1, len(ring.weights)))
        puts, gets = self._rates
        moving = self._progress("", geometry.moving)
        return ClusterSnapshot(
            name=topology.name,
            epoch=topology.epoch,
            policy=policy,
            slots=ring.slots,
            replication=ring.replication,
            copies_each=copies_each,
            write_quorum=write_quorum(copies_each, topology.quorum),
            reads=topology.reads,
            throttle=topology.throttle,
            nodes=nodes,
            ranges=reached.ranges,
            keys=sum(counted.density),
            unreachable_keys=counted.unreachable,
            unreachable_sure=counted.sure,
            copies=sum(view.keys for view in nodes),
            density=counted.density,
            puts=puts,
            gets=gets,
            behind=geometry.behind,
            hints=sum(len(keys) for keys in self._ledger.hints.values()),
            under_replicated=geometry.under(copies_each, reached.slots.unavailable_by_copies),
            clean_copies=geometry.clean_copies,
            lost=geometry.lost,
            unavailable=reached.slots.unavailable,
            waits_for=reached.slots.waits_for,
            stale_at_best=reached.slots.stale,
            unwritable=reached.slots.unwritable,
            writes_wait_for=reached.slots.writes_wait_for,
            moving=moving,
            moves_waiting=reached.moves.slots,
            moves_wait_for=reached.moves.waits_for,
            moves_lost=geometry.moves_lost,
            durable=self._durable,
            state_directory=self._state_directory,
            stopped=self._ledger.stopped,
            log_full=self._ledger.full,
        )

    def _reach(self, geometry: Geometry) -> "_Reached":
        """What can be reached now, found anew only when something of it may differ."""
        ledger = self._ledger
        usable = frozenset(node.id for node in ledger.nodes.values() if node.usable)
        granted = frozenset(ledger.granted) if ledger.cautious else None
        found_from = geometry, usable, granted
        if self._reached is None or self._reached[0] != found_from:
            away = ledger.topology.members.keys() - usable
            slots = reach(ledger.topology, away, None if granted is None else ledger.unheard)
            moves = moves_wait(geometry.moves, usable)
            self._reached = found_from, _Reached(slots, moves, geometry.ranges_of(slots))
        return self._reached[1]

    def _quotas_of(self, ring: Ring) -> dict[str, int]:
        """Slots that each node is to hold."""
        if self._quotas is None or self._quotas[0] is not ring:
            self._quotas = (ring, Counter(chain.from_iterable(ring.table)))
        return self._quotas[1]

    def _draw_node(self, name: str, geometry: Geometry, reached: "_Reached", quota: int) -> NodeView:
        """The node's view; the object before where nothing differs, which of many nodes is so for most."""
        member = self._ledger.topology.members[name]
        node = self._ledger.nodes.get(name)
        facts = node.facts if node else NO_FACTS
        state = node.state if node else NodeState.DOWN
        host, port = (node.host, node.port) if node else (member.host, member.port)
        rate, took = (node.traffic.rate, node.traffic.percentiles) if node else (0.0, NONE)
        process = node.process if node else None
        pid = process.pid if process is not None and process.alive else None
        weight = self._ledger.topology.planned.weights.get(name, 1)
        receiving = self._progress(name, geometry.arriving.get(name, 0))
        hints = len(self._ledger.hints.get(name, ()))
        fault = self._fault_of(name)
        note = node.trouble if node else ""
        drawn_from = (
            geometry, reached, facts, state, rate, took, quota, hints, receiving, pid, fault, note, weight, host, port, member,
        )  # fmt: skip
        known = self._views.get(name)
        if known is not None and known[0] == drawn_from:
            return known[1]
        slots = len(self._ledger.topology.places)
        view = NodeView(
            id=name,
            host=host,
            port=port,
            state=state,
            weight=weight,
            keys=facts.keys,
            bytes=facts.bytes,
            tombstones=facts.tombstones,
            damaged=facts.damaged,
            operations=rate,
            p50=took.p50,
            p99=took.p99,
            quota=quota / slots,
            share=geometry.copies.get(name, 0) / slots,
            first_share=geometry.firsts.get(name, 0) / slots,
            behind=geometry.behind_of.get(name, 0),
            hints=hints,
            awaited=reached.slots.awaited.get(name, 0),
            receiving=receiving,
            waits_for=reached.moves.by_node.get(name, ()),
            leaving=member.leaving,
            started_here=member.started_here,
            pid=pid,
            since=self._since_when(name, state),
            data_id=facts.data_id,
            epoch=facts.epoch,
            counter=facts.counter,
            durable=facts.durable if node else True,
            fault=fault,
            note=note,
        )
        if known is not None and known[1] == view:
            view = known[1]
        self._views[name] = (drawn_from, view)
        return view

    def _since_when(self, name: str, state: NodeState) -> float:
        known = self._since.get(name)
        if known is None or known[0] is not state:
            known = self._since[name] = (state, self._clock.wall())
        return known[1]

    def _progress(self, name: str, pending: int) -> Progress | None:
        if not pending:
            self._most_pending.pop(name, None)
            self._paced.pop(name, None)
            return None
        most = self._most_pending[name] = max(pending, self._most_pending.get(name, 0))
        rate, left = self._paced.setdefault(name, Paced()).at(self._clock.monotonic(), most - pending, most)
        # Rounded: what a person can't tell apart is no news.
        return Progress(most - pending, most, float(f"{rate:.2g}"), None if left is None else round(left))


@dataclass(frozen=True, slots=True, eq=False)
class _Reached:
    """What the nodes that can be reached now make of a topology."""

    slots: Reach
    moves: MovesWait
    ranges: tuple[RangeView, ...]


def _parts(slots: int) -> int:
    """Parts of the ring whose keys are counted."""
    return min(DENSITY_PARTS, slots)


def _cut(start: int, stop: int, width: int) -> list[tuple[int, int]]:
    """A run of slots cut at multiples of ``width``."""
    edges = [start, *range(start - start % width + width, stop, width), stop]
    return list(pairwise(edges))
