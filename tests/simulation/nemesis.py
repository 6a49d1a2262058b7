"""Does to a cluster what a plan says, and afterwards ends all of it."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

from kvtui.check import Kind, Recorder
from kvtui.check import Outcome as Told
from kvtui.core.authentication import Secret
from kvtui.core.cluster import ClusterError, Outcome, OwnData
from kvtui.core.coordinator import Coordinator
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.node_access import NodeAccess
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.protocol import ERROR, Get, Hello, Put
from kvtui.core.quorum import may_shrink
from kvtui.core.read_mode import ReadMode
from kvtui.core.remote_node import NotANode
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.launcher import LaunchFailed
from kvtui.core.seams.transport import Unreachable
from kvtui.node.record import AFTER_ENTRIES, ENTRY
from tests.simulation.engine import COMPACTION_SECONDS, FaultyDisk
from tests.simulation.harness import COORDINATOR, ORPHANS_SECONDS, STATE, CoordinatorGone, SimCluster
from tests.simulation.launcher import SimLauncher
from tests.simulation.machine import Machine
from tests.simulation.plan import Fault, FaultKind

WRONG_SECRET: Final = Secret(b"known to a stranger alone")
NODES_MOST: Final = 6
NODES_LEAST: Final = 1
LATE_CLIENT: Final = 1000
LATE_SECONDS: Final = 8.0
BURST_SECONDS: Final = 0.006
"""Within that the writes of a burst reach some of their replicas, and not all."""
HALF: Final = 0.5
LATE_BY: Final = 0.01
LATE_READS: Final = 60
"""Seconds by which a node that returns is slow, and between two of so many reads meanwhile."""
NOTICED: Final = 0.05
"""Until then a node that was killed is missed."""
OLD_SHARE: Final = 0.5
"""Part of half of the takeovers that begin with an old copy of the log."""
SURGED: Final = frozenset({FaultKind.JOIN, FaultKind.LEAVE, FaultKind.WEIGHT, FaultKind.POLICY, FaultKind.COPIES})
"""Changes that make slots move: every other one amid a surge of writes."""
SURGE_ROUNDS: Final = 8
"""Times that all keys are written at once, and read, while slots move."""
SURGE_LOOK: Final = 0.05
SURGE_PATIENCE: Final = 1.0
"""Seconds between two looks whether slots move, if no record says so before, and until it is given up."""
MENDING_TRIES: Final = 6
MENDING_SECONDS: Final = 2.0


class Nemesis:
    """Inflicts faults on one cluster. ``done`` counts those that took place, ``refused`` those that the cluster declined."""

    def __init__(self, cluster: SimCluster, keys: tuple[bytes, ...], seed: int, recorder: Recorder) -> None:
        """``recorder`` is told what a coordinator does that should not write any more."""
        self._recorder = recorder
        self.done: Counter[FaultKind] = Counter()
        self.refused: Counter[FaultKind] = Counter()
        self.served_elsewhere: list[str] = []
        """What a coordinator answered that should have refused: for the story to complain of."""
        self.wiped = False
        self.taken_over = False
        self._cluster = cluster
        self._keys = keys
        self._seed = seed
        self._opening = asyncio.Lock()
        self._names = count(1)

    async def inflict(self, fault: Fault) -> None:
        """Begin the fault at its time, and end it."""
        await asyncio.sleep(fault.at)
        surge = asyncio.create_task(self._surge()) if fault.flag and fault.kind in SURGED else None
        try:
            if await self._inflict(fault):
                self.done[fault.kind] += 1
        except (ClusterError, CoordinatorGone, LaunchFailed, TimeoutError):
            # A refused change changes nothing; a slow one goes on behind.
            self.refused[fault.kind] += 1
        if surge is not None:
            await surge

    async def end_all(self) -> None:
        """A calm network, sound disks, and everybody running again."""
        for path in self._cluster.disks.paths:
            self._disk(path).free = None
            self._disk(path).syncs_until_failure = None
            self._disk(path).compaction_fails = ""
        for attempt in range(MENDING_TRIES):
            try:
                async with self._opening:
                    await self._cluster.mend()
                return
            except (ClusterError, CoordinatorGone, LaunchFailed):
                # A coordinator that was just killed may find its nodes on their way out; one that was fenced stays so.
                await asyncio.sleep(MENDING_SECONDS)
                if self._cluster.running and self._cluster.coordinator.snapshot().stopped:
                    return
                if attempt == MENDING_TRIES - 1:
                    raise

    async def _inflict(self, fault: Fault) -> bool:
        """Whether there was anything to do it to."""
        match fault.kind:
            case FaultKind.COORDINATOR_KILL | FaultKind.COORDINATOR_CRASH:
                return await self._end_coordinator(fault)
            case FaultKind.INTRUDER:
                return await self._intrude(fault)
            case FaultKind.BURST:
                return await self._end_amid_writes(fault)
            case FaultKind.LOST_STATE:
                return await self._lose_state(fault)
            case FaultKind.SECOND:
                return await self._second_on_the_same(fault)
            case FaultKind.STALE_COPY:
                return await self._second_on_a_copy(fault)
            case FaultKind.TAKEOVER:
                return await self._take_over(fault)
            case FaultKind.JOIN | FaultKind.COPIES | FaultKind.QUORUM | FaultKind.READS | FaultKind.REBALANCE:
                await self._change(fault)
                return True
            case FaultKind.FULL_LOG:
                return await self._fill_log(fault)
            case FaultKind.HAND_OVER:
                return await self._hand_over(fault)
            case FaultKind.POLICY | FaultKind.WEIGHT:
                return await self._place_anew(fault)
            case _:
                node = self._chosen(fault)
                return node is not None and await self._hurt(fault, node)

    def _chosen(self, fault: Fault) -> str | None:
        """A member that kvtui started."""
        if not self._cluster.running:
            return None
        names = [
            view.id
            for view in self._cluster.coordinator.snapshot().nodes
            if view.id in self._cluster.launcher.processes
        ]
        return names[fault.node % len(names)] if names else None

    async def _hurt(self, fault: Fault, node: str) -> bool:
        cluster, network = self._cluster, self._cluster.network
        match fault.kind:
            case FaultKind.KILL:
                cluster.kill(node)
                await asyncio.sleep(fault.seconds)
                await self._revive(node)
            case FaultKind.PAUSE:
                cluster.pause(node)
                await asyncio.sleep(fault.seconds)
                cluster.resume(node)
            case FaultKind.CUT:
                return bool(network.cut(node, COORDINATOR))
            case FaultKind.PARTITION | FaultKind.DEAF | FaultKind.MUTE:
                one, other = (node, COORDINATOR) if fault.kind is FaultKind.MUTE else (COORDINATOR, node)
                network.partition(one, other, one_way=fault.kind is not FaultKind.PARTITION)
                await asyncio.sleep(fault.seconds)
                network.heal()
            case FaultKind.SLOW:
                network.slow(node, 0.01 + fault.amount)
                await asyncio.sleep(fault.seconds)
                network.slow(node, 0.0)
            case FaultKind.NODE_CRASH:
                cluster.disks.crash_at(node, 1 + int(8 * fault.amount), written=fault.flag)
                await asyncio.sleep(fault.seconds)
                await self._revive(node)
            case FaultKind.READDRESS:
                return await self._start_elsewhere(fault, node)
            case FaultKind.LEAVE:
                return await self._remove(fault, node)
            case FaultKind.FORCE:
                cluster.kill(node)
                await asyncio.sleep(fault.seconds)
                return await self._remove(fault, node, force=True)
            case FaultKind.STUCK:
                return not cluster.attached and await self._remove_what_stays(fault, node)
            case _:
                return await self._hurt_disk(fault, node)
        return True

    async def _hurt_disk(self, fault: Fault, node: str) -> bool:
        disk = self._disk(self._cluster.data_of(node))
        match fault.kind:
            case FaultKind.FULL_DISK:
                disk.free = int(600 * fault.amount)
                await asyncio.sleep(fault.seconds)
                disk.free = None
            case FaultKind.FAILED_SYNC:
                disk.syncs_until_failure = int(4 * fault.amount)
                disk.failing_batch_survives = fault.flag
                await asyncio.sleep(fault.seconds)
                disk.syncs_until_failure = None
                await self._revive(node)
            case FaultKind.COMPACT:
                # What runs meanwhile is asked for again, fails, or is cut off when the node dies.
                disk.compaction_fails = "a test says so" if fault.flag and fault.amount < HALF else ""
                if self._cluster.running:
                    await self._cluster.call(lambda coordinator: coordinator.compact(node))
                if fault.flag:
                    await asyncio.sleep(COMPACTION_SECONDS * fault.amount)
                    self._cluster.kill(node)
                    await asyncio.sleep(fault.seconds)
                    await self._revive(node)
                disk.compaction_fails = ""
            case FaultKind.WIPE:
                return await self._wipe(fault, node)
            case FaultKind.FLIP:
                return self._flip(fault, node)
        return True

    async def _start_elsewhere(self, fault: Fault, node: str) -> bool:
        """Where the coordinator is gone, or declines, a person says it again once all is calm."""
        cluster = self._cluster
        if not cluster.attached:
            return False
        cluster.kill(node)
        await asyncio.sleep(fault.seconds)
        if cluster.process(node).alive:
            return False
        await cluster.start_elsewhere(node)
        await asyncio.sleep(fault.amount)
        await cluster.take_back(node)
        return True

    async def _hand_over(self, fault: Fault) -> bool:
        """Every other time the next one is killed some time later: what it found when it opened must hold for the one after it."""
        async with self._opening:
            if not self._cluster.running or self._cluster.coordinator.snapshot().stopped:
                return False
            await self._cluster.hand_over()
        if fault.flag:
            await asyncio.sleep(fault.amount)
            self._cluster.crash()
            await self._reopen(fault)
        return True

    async def _fill_log(self, fault: Fault) -> bool:
        """Every other time the nodes are on the same disk. A coordinator that could not be opened meanwhile is opened then."""
        state = self._cluster.settings.state
        assert state is not None
        paths = [path for path in self._cluster.disks.paths if fault.flag or path == state / "metadata"]
        disks = [self._disk(path) for path in paths]
        for disk in disks:
            disk.free = max(0, int(800 * (fault.amount - HALF)))
        await asyncio.sleep(fault.seconds)
        for disk in disks:
            disk.free = None
        async with self._opening:
            if not self._cluster.machine.alive:
                await self._cluster.open()
        return bool(disks)

    async def _remove_what_stays(self, fault: Fault, node: str) -> bool:
        """A node leaves, or is removed by force, and what it stored stays; then one of its name begins there."""
        path = self._cluster.data_of(node)
        self._cluster.disks.undeletable[path] = fault.amount < HALF
        try:
            if fault.flag:
                self._cluster.kill(node)
                await asyncio.sleep(NOTICED)
            if not await self._remove(fault, node, force=fault.flag):
                return False
            with suppress(ClusterError):
                await self._cluster.join(node)
                return True
        finally:
            self._cluster.disks.undeletable.pop(path, None)
        wiped = OwnData.WIPE
        async with asyncio.timeout(fault.seconds + 2.0):
            await self._cluster.call(lambda c: c.add_node(node, "127.0.0.1", 0, own_data=wiped))
        return True

    async def _wipe(self, fault: Fault, node: str) -> bool:
        """Lose a node's data, now and then although nobody else has all of it."""
        if fault.amount > 0.1:
            spare = self._spared(node)
            if spare is None:
                return False
            node = spare
        self._cluster.kill(node)
        self._cluster.wipe(node)
        self.wiped = True
        await asyncio.sleep(fault.seconds)
        await self._revive(node)
        return True

    def _flip(self, fault: Fault, node: str) -> bool:
        """Damage one stored entry, of a node whose slots others hold as well."""
        spare = self._spared(node)
        if spare is None or not self._cluster.process(spare).alive:
            return False
        disk = self._disk(self._cluster.data_of(spare))
        entries = disk.stored(ENTRY, AFTER_ENTRIES)
        if not entries:
            return False
        where, record = entries[fault.node % len(entries)]
        disk.flip(where, int(fault.amount * len(record)), 1 << fault.node % 8)
        return True

    def _spared(self, first: str) -> str | None:
        """The next node, from ``first`` on, whose slots each have another clean copy and may go on with that alone."""
        if not self._cluster.running or self._cluster.coordinator.snapshot().stopped:
            return None
        topology = self._cluster.coordinator.topology
        names = [name for name in topology.members if name in self._cluster.launcher.processes]
        names = names[names.index(first) :] + names[: names.index(first)] if first in names else names

        def spare(name: str) -> bool:
            return all(
                name not in place.clean or may_shrink(len(place.clean), len(place.replicas), topology.quorum)
                for place in topology.distinct
            )

        return next((name for name in names if spare(name)), None)

    async def _remove(self, fault: Fault, node: str, *, force: bool = False) -> bool:
        if not self._cluster.running:
            return False
        staying = [member for member in self._cluster.coordinator.topology.members.values() if not member.leaving]
        if len(staying) <= NODES_LEAST:
            return False
        async with asyncio.timeout(fault.seconds + 2.0):
            await self._cluster.call(lambda coordinator: coordinator.remove_node(node, force=force))
        return True

    async def _change(self, fault: Fault) -> None:
        if not self._cluster.running:
            raise CoordinatorGone("the coordinator is not running")
        copies = 1 + fault.node % 3
        async with asyncio.timeout(fault.seconds + 2.0):
            match fault.kind:
                case FaultKind.JOIN:
                    if len(self._cluster.coordinator.snapshot().nodes) < NODES_MOST:
                        await self._cluster.join(f"x{next(self._names)}")
                case FaultKind.COPIES:
                    await self._cluster.call(lambda coordinator: coordinator.set_replication(copies))
                case FaultKind.QUORUM:
                    await self._cluster.call(lambda coordinator: coordinator.set_quorum(copies - 1))
                case FaultKind.READS:
                    mode = ReadMode.STRICT if fault.flag else ReadMode.AVAILABLE
                    await self._cluster.call(lambda coordinator: coordinator.set_reads(mode))
                case FaultKind.REBALANCE:
                    await self._cluster.call(lambda coordinator: coordinator.rebalance())

    async def _place_anew(self, fault: Fault) -> bool:
        if fault.kind is FaultKind.WEIGHT:
            return await self._change_weight(fault)
        policy = "classic" if fault.flag else "balanced"
        await self._cluster.call(lambda coordinator: coordinator.set_policy(policy, 4 if fault.flag else 0))
        return True

    async def _change_weight(self, fault: Fault) -> bool:
        node = self._chosen(fault)
        if node is None:
            return False
        await self._cluster.call(lambda coordinator: coordinator.set_weight(node, 2 + int(4 * fault.amount)))
        return True

    async def _end_coordinator(self, fault: Fault) -> bool:
        if not self._cluster.running:
            return False
        if fault.kind is FaultKind.COORDINATOR_KILL:
            self._cluster.crash()
        else:
            self._cluster.disks.crash_at(COORDINATOR, 1 + int(5 * fault.amount), written=fault.flag)
        await self._reopen(fault)
        return True

    async def _reopen(self, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        async with self._opening:
            if not self._cluster.machine.alive:
                await self._cluster.open()

    async def _end_amid_writes(self, fault: Fault) -> bool:
        """What was written half is read after the restart, and again when a node is gone that may have answered. Every other time a
        node was behind before, and is made equal, slowly, while what was written half is written back."""
        if not self._cluster.running:
            return False
        late = self._chosen(fault) if fault.flag else None
        if late is not None:
            self._cluster.kill(late)
            self._cluster.network.slow(late, LATE_BY)
            await asyncio.sleep(NOTICED)
            if not self._cluster.running:
                return False
        machine, coordinator = self._cluster.machine, self._cluster.coordinator
        for key in self._keys:
            value = f"burst {next(self._names)}"
            self._recorder.begin(LATE_CLIENT + next(self._names), Kind.PUT, key.decode(), value)
            machine.spawn(coordinator.put(key, value.encode()))
        await asyncio.sleep(BURST_SECONDS * fault.amount)
        if late is None or fault.amount < HALF:
            machine.crash()
            await self._reopen(fault)
        else:
            self._cluster.network.cut(COORDINATOR)
        if late is not None:
            await self._read_while_it_returns(late)
        await self._read_all()
        node = self._chosen(fault)
        if node is not None:
            self._cluster.kill(node)
            await self._read_all()
            await self._revive(node)
        return True

    async def _intrude(self, fault: Fault) -> bool:
        """A stranger who knows another secret, or none, must not be told anything, nor change anything."""
        node = self._chosen(fault)
        if node is None or not self._cluster.process(node).alive or self._cluster.process(node).server is None:
            return False
        seams = self._cluster.seams_of(Machine(f"stranger{next(self._names)}"), WRONG_SECRET if fault.flag else None)
        access = NodeAccess(seams.transport, seams.secret, seams.random, seams.clock)
        link = Link(self._cluster.clock, lambda _link, _reason: None)
        key = self._keys[0].decode()
        try:
            await access.connect(*self._cluster.process(node).address, lambda: link)
            for request in (Hello(), Get(key=key), Put(key=key, value="of a stranger")):
                reply = await link.ask(request)
                if reply.status != ERROR:
                    self.served_elsewhere.append(f"{node} answered a stranger's {type(request).__name__}")
        except (Unreachable, NotANode, LinkLost, LinkFull):
            return True
        finally:
            link.close("asked enough")
        return True

    async def _read_while_it_returns(self, late: str) -> None:
        reviving = asyncio.ensure_future(self._revive(late))
        for number in range(LATE_READS):
            await self._read(self._keys[number % len(self._keys)])
            await asyncio.sleep(LATE_BY)
        await asyncio.gather(reviving, return_exceptions=True)
        self._cluster.network.slow(late, 0.0)

    async def _lose_state(self, fault: Fault) -> bool:
        """What can't be rebuilt, because a node is away or was wiped, is found in a cupboard: the log as it was."""
        async with self._opening:
            if not self._cluster.running or self._cluster.coordinator.snapshot().stopped:
                return False
            self._cluster.crash()
            await asyncio.sleep(max(fault.seconds, ORPHANS_SECONDS))
            try:
                await self._cluster.recover(Path(f"lost{next(self._names)}"))
            except ClusterError:
                await self._cluster.open()
                raise
        return True

    async def _surge(self) -> None:
        """Once slots move, all keys are written at once, again and again, and read."""
        end = asyncio.get_running_loop().time() + SURGE_PATIENCE
        rounds = 0
        while rounds < SURGE_ROUNDS and asyncio.get_running_loop().time() < end:
            if self._moving():
                rounds += 1
                await asyncio.gather(*(self._write(key) for key in self._keys))
                await asyncio.gather(*(self._read(key) for key in self._keys))
            else:
                await self._next_record()

    async def _next_record(self) -> None:
        """Return when the coordinator has logged something, or a moment later."""
        if not self._cluster.running:
            await asyncio.sleep(SURGE_LOOK)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(SURGE_LOOK):
                await self._cluster.coordinator._ledger.changed()

    def _moving(self) -> bool:
        return self._cluster.running and any(place.receiving for place in self._cluster.coordinator.topology.distinct)

    async def _write(self, key: bytes) -> None:
        value = f"surge {next(self._names)}"
        pending = self._recorder.begin(LATE_CLIENT + next(self._names), Kind.PUT, key.decode(), value)
        written = await self._cluster.put(key, value.encode())
        version = written.version if written.version.epoch else None
        pending.end(Told(written.outcome), None, version, note=written.text)

    async def _read_all(self) -> None:
        for key in self._keys:
            await self._read(key)

    async def _read(self, key: bytes) -> None:
        pending = self._recorder.begin(LATE_CLIENT + next(self._names), Kind.GET, key.decode())
        read = await self._cluster.get(key)
        text = None if read.value is None else read.value.decode().rstrip()
        pending.end(Told(read.outcome), text, read.version, read.stale)

    async def _revive(self, node: str) -> None:
        if not self._cluster.process(node).alive and (self._cluster.attached or self._cluster.running):
            await self._cluster.revive(node)

    async def _second_on_the_same(self, fault: Fault) -> bool:
        """Must be refused while the first one lives."""
        if not self._cluster.running:
            return False
        try:
            async with open_cluster(self._cluster.settings, self._seams()):
                self.served_elsewhere.append("a second coordinator opened the same state directory")
        except ClusterError:
            return True
        return True

    async def _second_on_a_copy(self, fault: Fault) -> bool:
        """A copy of the log without the nodes' data: whatever it does, it answers nothing as if it knew."""
        if self._cluster.attached or not self._cluster.running or not self._cluster.coordinator.snapshot().ranges:
            return False
        copy = Path(f"copy{next(self._names)}")
        self._cluster.disks.copy(STATE / "metadata", copy / "metadata")
        await asyncio.sleep(fault.seconds)
        async with open_cluster(self._settings(copy), self._seams()) as other:
            await self._ask_all(other)
        return True

    async def _take_over(self, fault: Fault) -> bool:
        """The sleeper wakes up later, and goes on with what it was about to do. The log's copy may be some seconds old."""
        state = Path(f"taken{next(self._names)}")
        if not self._cluster.attached or not self._cluster.running:
            return False
        if fault.flag and fault.amount < OLD_SHARE:
            # Slots move to where the copy does not know them to be.
            self._cluster.copy_log(state)
            await self._change_weight(fault)
            await asyncio.sleep(fault.seconds)
        async with self._opening:
            if not self._cluster.running:
                return False
            self.taken_over = True
            former, sleeper = await self._cluster.take_over(state)
        await asyncio.sleep(fault.seconds)
        former.resume()
        key = self._keys[fault.node % len(self._keys)]
        if former.alive:
            await self._late_write(former, sleeper, key)
            former.crash()
        return True

    async def _late_write(self, former: Machine, sleeper: Coordinator, key: bytes) -> None:
        """What the sleeper acknowledges counts like any other write."""
        value = f"late {next(self._names)}"
        pending = self._recorder.begin(LATE_CLIENT + next(self._names), Kind.PUT, key.decode(), value)
        writing = former.spawn(sleeper.put(key, value.encode()))
        done, _ = await asyncio.wait([writing], timeout=LATE_SECONDS)
        if done:
            written = writing.result()
            pending.end(Told(written.outcome), None, written.version if written.version.epoch else None)

    async def _ask_all(self, other: Coordinator) -> None:
        for key in self._keys:
            read = await other.get(key)
            if read.outcome is Outcome.OK and not read.stale:
                self.served_elsewhere.append(f"a coordinator on a copy, without the nodes' data, read {key!r}")
            written = await other.put(key, b"from a copy")
            if written.outcome is Outcome.OK:
                self.served_elsewhere.append(f"a coordinator on a copy, without the nodes' data, wrote {key!r}")

    def _settings(self, state: Path) -> Settings:
        return replace(self._cluster.settings, state=state)

    def _seams(self) -> Seams:
        number = next(self._names)
        machine = Machine(f"second{number}")
        seams = self._cluster.seams_of(machine, self._cluster.secret)
        random = SeededRandom(self._seed * 1000 + number)
        launcher = SimLauncher(
            self._cluster.network, self._cluster.disks, self._cluster.clock, random, prefix=f"{machine.name}:"
        )
        return replace(seams, random=random, launcher=launcher)

    def _disk(self, path: Path) -> FaultyDisk:
        disk = self._cluster.disks.disk(path)
        assert isinstance(disk, FaultyDisk)
        return disk
