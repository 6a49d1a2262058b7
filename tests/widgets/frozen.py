"""Clusters made by hand: a ``Cluster`` that stands still, and the snapshots that tests show."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from kvtui.core.cluster import (
    Cluster,
    ClusterError,
    Item,
    Location,
    NodeAdded,
    Outcome,
    OwnData,
    Read,
    Rebalanced,
    ReplicaAnswer,
    ReplicaCopy,
    Written,
    WrittenMany,
)
from kvtui.core.events import Event, Level
from kvtui.core.ring import Balanced, Ring
from kvtui.core.ring.token import slot_of, token_of
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, OperationView, Progress, RangeView
from kvtui.core.version import Version

SLOTS = 256
NOON = 1_767_268_800.0
"""2026-01-01 12:00:00 UTC."""


@dataclass
class FrozenCluster(Cluster):
    """Shows ``now`` until ``show`` is called with another; keeps keys in a dict, on nodes that never fail."""

    now: ClusterSnapshot
    happened: Sequence[Event] = ()
    stored: dict[bytes, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Requests about nodes, as they came."""
    gate: asyncio.Event | None = None
    """When set, puts wait for it."""
    changes: asyncio.Event = field(default_factory=asyncio.Event)
    sequence: int = 0

    def show(self, snapshot: ClusterSnapshot) -> None:
        self.now = snapshot
        self.changes.set()

    def snapshot(self) -> ClusterSnapshot:
        return self.now

    async def changed(self, seen: ClusterSnapshot) -> ClusterSnapshot:
        while self.now is seen:
            self.changes.clear()
            await self.changes.wait()
        return self.now

    async def events(self) -> AsyncIterator[Event]:
        for event in self.happened:
            yield event
        await asyncio.Event().wait()

    async def refresh(self) -> ClusterSnapshot:
        return self.now

    def _replicas(self) -> tuple[str, ...]:
        return tuple(node.id for node in self.now.nodes[: self.now.copies_each])

    async def put(self, key: bytes, value: bytes) -> Written:
        if self.gate is not None:
            await self.gate.wait()
        self.stored[key] = value
        self.sequence += 1
        answers = tuple(ReplicaAnswer(node, "ok", milliseconds=0.3) for node in self._replicas())
        return Written(Outcome.OK, Version(1, self.sequence), answers)

    async def get(self, key: bytes) -> Read:
        return Read(Outcome.OK, self.stored.get(key), Version(1, 1), self._replicas()[0], 0.2)

    async def delete(self, key: bytes) -> Written:
        existed = self.stored.pop(key, None) is not None
        return Written(
            Outcome.OK, Version(1, 2), tuple(ReplicaAnswer(node, "ok") for node in self._replicas()), existed
        )

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        self.stored.update(items)
        return WrittenMany(len(items))

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        return WrittenMany(len(keys), existed=sum(self.stored.pop(key, None) is not None for key in keys))

    async def get_many(self, keys: Sequence[bytes], *, room: int | None = None) -> list[Read]:
        return [await self.get(key) for key in keys]

    async def locate(self, key: bytes) -> Location:
        return located(self.now, key)

    async def scan(
        self, prefix: bytes = b"", *, values: bool = True, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]:
        yield [
            Item(key, value if values else None, Version(1, 1), len(value))
            for key, value in self.stored.items()
            if key.startswith(prefix)
        ]

    async def add_node(self, node: str, host: str, port: int, *, own_data: OwnData = OwnData.REFUSE) -> NodeAdded:
        self.asked.append(f"add {node}")
        return NodeAdded(node, host, port, started=True)

    async def remove_node(self, node: str, *, force: bool = False) -> str:
        if self.now.node(node) is None:
            raise ClusterError(f"there is no node {node}")
        self.asked.append(f"remove {node}")
        return ""

    async def set_replication(self, copies: int) -> None:
        self.asked.append(f"replicate {copies}")

    async def rebalance(self) -> Rebalanced:
        return Rebalanced((), (), 0, 0)


def located(snapshot: ClusterSnapshot, key: bytes) -> Location:
    """Where a snapshot's ranges put a key."""
    token = token_of(key)
    position = token / 2**64
    part = next(part for part in snapshot.ranges if part.start <= position < part.stop)
    copies = tuple(ReplicaCopy(node, Version(1, 7)) for node in part.replicas)
    return Location(key, token, position, part.start, part.stop, copies)


def ring_of(nodes: Sequence[str], replication: int = 2) -> Ring:
    ring = Ring.empty(Balanced(), replication, SLOTS)
    for node in nodes:
        ring = ring.join(node)
    return ring


def ranges_of(ring: Ring) -> tuple[RangeView, ...]:
    return tuple(
        RangeView(part.start / SLOTS, part.stop / SLOTS, part.replicas, part.replicas) for part in ring.ranges()
    )


def density_of(keys: int) -> tuple[int, ...]:
    """``keys`` keys strewn over as many parts of the ring as there are slots."""
    counts = [0] * SLOTS
    for number in range(keys):
        counts[slot_of(token_of(b"key-%d" % number), SLOTS)] += 1
    return tuple(counts)


def nodes_of(ring: Ring, density: Sequence[int]) -> tuple[NodeView, ...]:
    ids = list(ring.weights)
    held = {node: [slot for slot, replicas in enumerate(ring.table) if node in replicas] for node in ids}
    first = {node: sum(replicas[:1] == (node,) for replicas in ring.table) for node in ids}
    return tuple(
        NodeView(
            node, "127.0.0.1", 5001 + place, NodeState.UP,
            keys=sum(density[slot] for slot in held[node]) if density else 0,
            bytes=sum(density[slot] for slot in held[node]) * 120 if density else 0,
            share=len(held[node]) / SLOTS, first_share=first[node] / SLOTS, quota=len(held[node]) / SLOTS,
            started_here=True, pid=4000 + place, since=NOON + place, data_id=f"{place:x}" * 32, epoch=4, counter=2_300,
            operations=7_110 + 40 * place, p50=0.2 + place / 50, p99=0.9 + place / 7,
        )
        for place, node in enumerate(ids)
    )  # fmt: skip


def empty() -> ClusterSnapshot:
    """A cluster without nodes."""
    return ClusterSnapshot(
        name="lab", epoch=1, policy="balanced", slots=SLOTS, replication=2, copies_each=0, write_quorum=0
    )


def healthy(names: Sequence[str] = ("A", "B", "C"), keys: int = 10_332, replication: int = 2) -> ClusterSnapshot:
    """Nodes that are up, with keys."""
    ring, density = ring_of(names, replication), density_of(keys)
    nodes = nodes_of(ring, density)
    copies = min(replication, len(names))
    return ClusterSnapshot(
        name="lab",
        epoch=4,
        policy="balanced",
        slots=SLOTS,
        replication=replication,
        copies_each=copies,
        write_quorum=1,
        nodes=nodes,
        ranges=ranges_of(ring),
        keys=keys,
        copies=sum(node.keys for node in nodes),
        density=density,
        puts=OperationView(8912, (1200, 3100, 4800, 7400, 8900, 8100, 8700, 8912), 0.4, 1.9, 4.2, 18.6),
        gets=OperationView(12408, (6200, 7900, 12100, 12300, 12000, 12200, 12408), 0.3, 1.1, 2.7, 9.4),
        clean_copies=((copies, SLOTS),),
    )


def one_down(down: str = "B", names: Sequence[str] = ("A", "B", "C")) -> ClusterSnapshot:
    """The same with a node that stopped, and writes that it missed."""
    up = healthy(names)
    nodes = tuple(
        replace(
            node,
            state=NodeState.DOWN,
            behind=31,
            hints=118,
            note="connection refused",
            pid=None,
            operations=0,
            p50=0,
            p99=0,
        )
        if node.id == down
        else node
        for node in up.nodes
    )
    missed = 0
    ranges = []
    for part in up.ranges:
        behind = down in part.replicas and missed < 31
        missed += round((part.stop - part.start) * SLOTS) if behind else 0
        ranges.append(replace(part, clean=tuple(node for node in part.replicas if node != down)) if behind else part)
    idle = OperationView()
    return replace(
        up,
        nodes=nodes,
        ranges=tuple(ranges),
        behind=31,
        hints=118,
        under_replicated=31,
        puts=idle,
        gets=idle,
        epoch=5,
        clean_copies=((1, 31), (2, SLOTS - 31)),
    )


def two_down() -> ClusterSnapshot:
    """Two of five nodes are away: what both had waits for the one that went last, which here was A or B by turns."""
    up = healthy(["A", "B", "C", "D", "E"])
    ranges: list[RangeView] = []
    awaited = {"A": 0, "B": 0}
    alone = unreachable = 0
    for part in up.ranges:
        left = tuple(node for node in part.replicas if node not in awaited)
        first, stop = round(part.start * SLOTS), round(part.stop * SLOTS)
        waits_for: tuple[str, ...] = () if left else ("AB"[len(ranges) % 2],)
        alone += stop - first if len(left) == 1 else 0
        for node in waits_for:
            awaited[node] += stop - first
            unreachable += sum(up.density[first:stop])
        ranges.append(replace(part, clean=left or waits_for, waits_for=waits_for))
    unavailable = sum(awaited.values())
    nodes = tuple(
        replace(node, state=NodeState.DOWN, awaited=awaited[node.id], behind=40, note="killed by command")
        if node.id in awaited
        else node
        for node in up.nodes
    )
    return replace(
        up,
        nodes=nodes,
        ranges=tuple(ranges),
        keys=up.keys - unreachable,
        unreachable_keys=unreachable,
        behind=alone + unavailable,
        under_replicated=alone,
        unavailable=unavailable,
        waits_for=("A", "B") if awaited["A"] >= awaited["B"] else ("B", "A"),
        clean_copies=((1, alone + unavailable), (2, SLOTS - alone - unavailable)),
    )


def joining(newcomer: str = "C", part: float = 0.62) -> ClusterSnapshot:
    """Two nodes with keys and a third that has received ``part`` of its slots."""
    before, after = ring_of(["A", "B"]), ring_of(["A", "B", newcomer])
    moving = [slot for slot in range(SLOTS) if newcomer in after.table[slot]]
    done = set(moving[: int(len(moving) * part)])
    density = density_of(10_332)
    ranges: list[RangeView] = []
    for slot in range(SLOTS):
        pending = slot in moving and slot not in done
        replicas = after.table[slot] if slot in done else before.table[slot]
        giving = tuple(node for node in replicas if node not in after.table[slot]) if pending else ()
        view = RangeView(slot / SLOTS, (slot + 1) / SLOTS, replicas, replicas, (newcomer,) if pending else (), giving)
        last = ranges[-1] if ranges else None
        if last and (last.replicas, last.receiving, last.giving) == (view.replicas, view.receiving, view.giving):
            ranges[-1] = replace(last, stop=view.stop)
        else:
            ranges.append(view)
    progress = Progress(len(done), len(moving), 21.0, round((len(moving) - len(done)) / 21))
    table = [after.table[slot] if slot in done else before.table[slot] for slot in range(SLOTS)]
    nodes = []
    for node in nodes_of(after, density):
        held = [slot for slot in range(SLOTS) if node.id in table[slot]]
        nodes.append(
            replace(
                node, keys=sum(density[slot] for slot in held), bytes=120 * sum(density[slot] for slot in held),
                share=len(held) / SLOTS,
                receiving=progress if node.id == newcomer else None,
            )
        )  # fmt: skip
    up = healthy()
    return replace(
        up, nodes=tuple(nodes), ranges=tuple(ranges), copies=sum(node.keys for node in nodes), moving=progress, epoch=3
    )


EVENTS = (
    Event(NOON, Level.GOOD, "A joined: 127.0.0.1:5001, started here", ("A",)),
    Event(NOON + 4, Level.GOOD, "B joined: 127.0.0.1:5002, started here", ("B",)),
    Event(NOON + 31, Level.INFO, "C joins: 170 of 256 slots move to it", ("C",)),
)
