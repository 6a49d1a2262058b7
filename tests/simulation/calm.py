"""What is promised once all is calm: damage is repaired, tombstones go, and with one node away everything that can go on does."""

import asyncio
import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

from kvtui.check import Kind, Recorder
from kvtui.check import Outcome as Told
from kvtui.core.coordinator import Coordinator
from kvtui.core.protocol import Blob, Entry, PutMany, Scan
from kvtui.core.work import Kind as Kinds
from tests.simulation.clients import LAST_CLIENT, Clients
from tests.simulation.contents import Contents
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster, settled
from tests.simulation.invariants import least_copies
from tests.simulation.model import KEY_AT, Model, slot_at, where

RESTART_SHARE: Final = 0.3
"""Damaged nodes that find it after a start."""
AWAY_SHARE: Final = 0.25
"""Runs in which a node is away once more when all is calm."""
FULL_SHARE: Final = 0.3
"""Of those, nodes that are there, and have no space."""
DIFFER_SHARE: Final = 0.25
"""Runs at whose end a replica differs, and nobody knows."""
HANDED_SHARE: Final = 0.08
"""Runs in which the coordinator is handed over when all is calm, while an attached process writes."""
ATTACHED_CLIENT: Final = 98
BEGUN_SECONDS: Final = (0.000_5, 0.004)
"""When it is, after the write was sent."""
PURGE_SHARE: Final = 0.3
"""Runs that wait for tombstones to go."""
NOTICED_SECONDS: Final = 3.0
"""Until then who is killed or hung is not waited for any more: two seconds are promised."""
UNDER_WAY_SECONDS: Final = 0.03
"""So long writes have been under way when a node is lost."""
REPAIR_SECONDS: Final = 30.0
"""Until then after its node has read it, a damaged entry is repaired."""
PURGE_SECONDS: Final = 20.0
"""Until then tombstones that all replicas have are gone: they are looked for every five seconds, and at the second look they go."""
BURY_LATE_SECONDS: Final = 0.1
"""By so much a node is slower while its tombstones are looked for."""
BURY_TRIPS: Final = 8
"""So many times that takes such a look, at most."""
SETTLE_SECONDS: Final = 60.0


class Calm:
    """A cluster that is settled, whose clients are silent."""

    def __init__(self, cluster: SimCluster, model: Model, clients: Clients, keys: Sequence[bytes], seed: int) -> None:
        """``keys``: those of which nothing was lost."""
        self._cluster = cluster
        self._contents = Contents(cluster, model)
        self._clients = clients
        self._keys = keys
        self._dice = random.Random(f"calm:{seed}")

    async def trouble(self, nothing_lost: bool) -> str:
        """What does not hold, in words; empty when all does."""
        away, purged = self._dice.random() < AWAY_SHARE, self._dice.random() < PURGE_SHARE
        handed = self._dice.random() < HANDED_SHARE
        # A change that was just made has yet to begin, and a node that had no space for a note is told again.
        await self._cluster.until(lambda now: settled(now) and self._is_quiet(), SETTLE_SECONDS)
        trouble = await self._repair()
        if not trouble and handed:
            trouble = await self._hand_over()
        if not trouble and away:
            trouble = await self._without_one()
        if not trouble and purged and nothing_lost:
            trouble = await self._unpurged()
        return trouble

    async def _unpurged(self) -> str:
        """Tombstones go; those too that come while others are looked for, and those of deletes whose end nobody knew."""
        for again in (False, True):
            if again:
                await self._bury()
            if await self._remains(self._contents.tombstones, PURGE_SECONDS):
                return f"{self._contents.tombstones()}, though all is calm for {PURGE_SECONDS:g} s"
            if await self._remains(self._looked_for, PURGE_SECONDS):
                return ""
        return ""

    def _looked_for(self) -> str:
        return "looked for" * any(self._cluster.coordinator._ledger.graves.marks)

    async def _bury(self) -> None:
        """Delete a key, another one of its slot while that tombstone is looked for, by a node that is late; and one while a node
        hangs."""
        coordinator = self._cluster.coordinator
        key, name = self._dice.choice(self._keys), self._dice.choice(sorted(coordinator.topology.members))
        slot = slot_at(where(key), len(coordinator.topology.places))
        await self._clients.operate(LAST_CLIENT, Kind.DELETE, key, None)
        self._cluster.network.slow(name, BURY_LATE_SECONDS)

        def waits() -> str:
            return (
                ""
                if any(w.kind is Kinds.PURGE and w.start <= slot < w.stop for w in coordinator._mover._running)
                else name
            )

        if not await self._remains(waits, PURGE_SECONDS, 0.05):
            await asyncio.sleep(self._dice.uniform(0.0, BURY_TRIPS * BURY_LATE_SECONDS))
            names = (b"buried %d" % number for number in count())
            other = next(name for name in names if slot_at(where(name), len(coordinator.topology.places)) == slot)
            await self._clients.operate(LAST_CLIENT, Kind.DELETE, other, None)
        self._cluster.network.slow(name, 0.0)
        if await self._remains(self._contents.tombstones, PURGE_SECONDS):
            return
        self._cluster.pause(name)
        await self._clients.operate(LAST_CLIENT, Kind.DELETE, self._dice.choice(self._keys), None)
        self._cluster.resume(name)
        await self._cluster.until(settled, SETTLE_SECONDS)
        for key in self._keys:
            await self._clients.operate(LAST_CLIENT, Kind.GET, key, None)

    async def _repair(self) -> str:
        """Nodes with damage that nobody has come across read all that they hold, because somebody asks for it, or as each does
        after its start."""
        for name in sorted(self._contents.damaged()):
            if self._dice.random() < RESTART_SHARE:
                self._cluster.kill(name)
                await asyncio.sleep(NOTICED_SECONDS)
                await self._return(name)
            else:
                await self._cluster.call(lambda coordinator, name=name: _read(coordinator, name))  # type: ignore[misc]

        def damaged() -> str:
            return next((f"{places[0][KEY_AT:]!r} on {name}" for name, places in self._contents.damaged().items()), "")

        if await self._remains(damaged, REPAIR_SECONDS):
            return f"the damage of {damaged()} is not repaired, and another replica has it"
        return ""

    async def _without_one(self) -> str:
        """One node is killed, hangs, or has a full disk: what the others have copies enough for goes on."""
        topology = self._cluster.coordinator.topology
        if not topology.members:
            return ""
        name = self._dice.choice(sorted(topology.members))
        lot = self._dice.random()
        full, hangs = lot < FULL_SHARE, lot >= (1 + FULL_SHARE) / 2
        disk = self._cluster.disks.disk(self._cluster.data_of(name))
        assert isinstance(disk, FaultyDisk)
        self._cluster.network.slow(name, 2 * UNDER_WAY_SECONDS)
        writing = [
            asyncio.ensure_future(self._clients.operate(LAST_CLIENT, Kind.PUT, key, f"under way {number}"))
            for number, key in enumerate(self._keys)
        ]
        await asyncio.sleep(UNDER_WAY_SECONDS)
        if full:
            disk.free = 0
        else:
            (self._cluster.pause if hangs else self._cluster.kill)(name)
        self._cluster.network.slow(name, 0.0)
        await asyncio.sleep(NOTICED_SECONDS)
        trouble = ""
        for key, told in zip(self._keys, await asyncio.gather(*writing), strict=True):
            place = topology.places[slot_at(where(key), len(topology.places))]
            enough = len(set(place.clean) - {name}) >= least_copies(len(place.replicas), topology.quorum)
            if enough and told is not Told.OK:
                trouble = trouble or f"a put of {key!r}, under way as {name} was lost, is {told}: {place}"
        for number, key in enumerate(self._keys):
            place = topology.places[slot_at(where(key), len(topology.places))]
            left = len(set(place.clean) - {name})
            kind = (Kind.PUT, Kind.GET, Kind.DELETE)[number % 3]
            certain = kind is Kind.GET and self._is_certain(key)
            if left < (1 if certain else least_copies(len(place.replicas), topology.quorum)):
                continue
            value = f"calm {number}" if kind is Kind.PUT else None
            told = await self._clients.operate(LAST_CLIENT, kind, key, value)
            if told is not Told.OK:
                trouble = trouble or f"a {kind} of {key!r} is {told} with {name} away and the rest calm: {place}"
        if hangs:
            self._cluster.resume(name)
        disk.free = None
        await self._return(name)
        # What is not known of writes is cleared up by the next read.
        for key in self._keys:
            await self._clients.operate(LAST_CLIENT, Kind.GET, key, None)
        return trouble

    def _is_quiet(self) -> bool:
        coordinator = self._cluster.coordinator
        topology = coordinator.topology
        if coordinator._notes.owing(topology.members):
            return False
        planned = zip(topology.places, topology.planned.table, strict=True)
        return all(set(place.replicas) == set(target) and not place.target for place, target in planned)

    def _is_certain(self, key: bytes) -> bool:
        """Whether no write of unknown outcome may be on some of its replicas alone: else all are asked."""
        ledger = self._cluster.coordinator._ledger
        return key not in ledger.uncertain and not ledger.unverified[ledger.slot(key)]

    async def _hand_over(self) -> str:
        """The holder of the coordinator ends in order: what it has begun for an attached process is finished."""
        if not self._keys:
            return ""
        self._clients.attach(ATTACHED_CLIENT)
        key = self._dice.choice(self._keys)
        await self._clients.operate(ATTACHED_CLIENT, Kind.GET, key, None)
        writing = asyncio.ensure_future(self._clients.operate(ATTACHED_CLIENT, Kind.PUT, key, "handed over"))
        await asyncio.sleep(self._dice.uniform(*BEGUN_SECONDS))
        await self._cluster.hand_over()
        told = await writing
        await self._cluster.until(settled, SETTLE_SECONDS)
        return f"a put of {key!r} is unknown, whose holder ended in order" if told is Told.UNKNOWN else ""

    async def differ(self, recorder: Recorder) -> None:
        """Something that nobody heard of is stored on one replica alone: a rebalance compares all, and finds it."""
        if not self._keys or self._dice.random() >= DIFFER_SHARE:
            return
        key, buried = self._dice.choice(self._keys), self._dice.random() < 0.5
        value = None if buried else "unheard of"
        kind = Kind.DELETE if buried else Kind.PUT
        recorder.begin(LAST_CLIENT, kind, key.decode(), value)

        async def store(coordinator: Coordinator) -> None:
            place = coordinator.topology.places[coordinator._ledger.slot(key)]
            link = coordinator._ledger.nodes[self._dice.choice(place.clean)].link
            assert link is not None
            version = coordinator._ledger.next_version()
            entry = Entry(key.decode(), version, -1 if value is None else len(value), value)
            await link.ask(PutMany(entries=[entry]))

        await self._cluster.call(store)

    async def _return(self, name: str) -> None:
        # One that was leaving may have been let go meanwhile.
        if name in self._cluster.coordinator.topology.members and not self._cluster.process(name).alive:
            await self._cluster.revive(name)
        await self._cluster.until(settled, SETTLE_SECONDS)

    @staticmethod
    async def _remains(what: Callable[[], str], seconds: float, pause: float = 0.5) -> bool:
        deadline = asyncio.get_running_loop().time() + seconds
        while what():
            if asyncio.get_running_loop().time() > deadline:
                return True
            await asyncio.sleep(pause)
        return False


async def _read(coordinator: Coordinator, name: str) -> None:
    """Have a node read all that it holds."""
    link = coordinator._ledger.nodes[name].link
    assert link is not None
    after: Blob | None = None
    while True:
        page = await link.ask(
            Scan(start=0, stop=len(coordinator.topology.places), after=after, limit=1_000, values=False)
        )
        if page.cursor is None:
            return
        # A page ends where it has cost enough, however few entries it has.
        after = page.cursor
