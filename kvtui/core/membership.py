"""Which nodes belong to the cluster, and the life of their links: hello, heartbeats, loss, return, farewell."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from anyio.abc import TaskGroup

from kvtui.core.cluster import ClusterError, NodeAdded
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.node_names import check_address, check_name
from kvtui.core.protocol import FENCED, FOREIGN, Facts, Hello, Leave
from kvtui.core.records import Forgotten, Joined, Member, Planned, Record, Seen, Wiped
from kvtui.core.remote_node import (
    HEARTBEAT_SECONDS,
    NotANode,
    Refused,
    RemoteNode,
    interview,
    say_hello,
)
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.launcher import Launcher, LaunchFailed, NodeProcess, NodeSpec
from kvtui.core.seams.storage import EngineFailed, EngineFull
from kvtui.core.seams.transport import Transport, Unreachable
from kvtui.core.snapshot import NodeState

RECONNECT_SECONDS: Final = 0.25
"""Pause before a lost node is tried again; grows by half each time up to ``RECONNECT_MOST_SECONDS``."""
RECONNECT_MOST_SECONDS: Final = 2.0
RESTARTS: Final = 12
"""Times that a node's start is tried while its last process may still hold its data directory."""
RESTART_SECONDS: Final = 0.25
STOP_SECONDS: Final = 10.0
"""How long a node may take to end in order before it is killed."""
NODES_MOST: Final = 1000


class Membership:
    """Members join, are watched, and leave. ``tasks`` carries one supervisor a node."""

    def __init__(
        self,
        ledger: Ledger,
        transport: Transport,
        clock: Clock,
        launcher: Launcher,
        happenings: Happenings,
        data: Path | None,
        coordinator: str,
    ) -> None:
        """``data`` is the directory of local nodes' data directories; None keeps them in memory."""
        self._ledger = ledger
        self._transport = transport
        self._clock = clock
        self._launcher = launcher
        self._happenings = happenings
        self._data = data
        self._coordinator = coordinator
        self._session = 0
        self._closing = False
        self._joining: set[str] = set()
        self._tasks: TaskGroup | None = None

    async def open(self, tasks: TaskGroup) -> None:
        """Start this machine's nodes, connect to all members once, and watch them from then on."""
        self._tasks = tasks
        members = list(self._ledger.topology.members.values())
        for member in members:
            self._ledger.nodes[member.id] = RemoteNode(member.id, member.host, member.port, counter=member.counter)
        await asyncio.gather(*(self._bring_back(member) for member in members))
        for member in members:
            tasks.start_soon(self._supervise, self._ledger.nodes[member.id])
        tasks.start_soon(self._release_the_leaving)

    async def close(self) -> None:
        """Hang up and end this machine's nodes in order."""
        self._closing = True
        nodes = list(self._ledger.nodes.values())
        seen = [self._as_seen(node) for node in nodes if node.id in self._ledger.topology.members]
        if not self._ledger.fenced and seen:
            self._ledger.append(*seen)
        for node in nodes:
            link, node.link = node.link, None
            if link is not None:
                link.close("kvtui ends")
        await asyncio.gather(*(self._end_process(node.process) for node in nodes if node.process))

    async def add(self, name: str, host: str, port: int) -> NodeAdded:
        """Attach to what listens at the address, or start a node there. Raises ClusterError."""
        check_name(name)
        check_address(host, port)
        members = self._ledger.topology.members
        if name in members or name in self._joining:
            raise ClusterError(f"{name} is a node of this cluster already; choose another id")
        for member in members.values():
            if (member.host, member.port) == (host, port):
                raise ClusterError(f"{host}:{port} is node {member.id} already")
        if len(members) >= NODES_MOST:
            raise ClusterError(f"a cluster has at most {NODES_MOST} nodes")
        self._joining.add(name)
        try:
            node = await self._attach_or_start(name, host, port)
        finally:
            self._joining.discard(name)
        self._happenings.emit(Level.GOOD, f"{name} joined at {node.address}", name)
        return NodeAdded(name, node.host, node.port, node.process is not None)

    async def add_local(self, names: list[str]) -> None:
        """Start nodes on free ports and plan the ring once for all. Raises ClusterError."""
        await asyncio.gather(*(self._start_and_join(name, "127.0.0.1", 0, plan=False) for name in names))
        ring = self._ledger.topology.planned
        for name in names:
            ring = ring.join(name)
        self._ledger.append(Planned(ring.to_record()))

    async def remove(self, name: str) -> None:
        """Drain the node, then forget it; returns when it is forgotten. Raises ClusterError."""
        node = self._member(name)
        topology = self._ledger.topology
        member = topology.members[name]
        if not node.usable:
            raise ClusterError(f"{name} is {node.state}: its keys can't be moved off it; start it first")
        if not member.leaving:
            leaving = msgspec.structs.replace(member, leaving=True)
            staying = [other for other in topology.members.values() if other.id != name and not other.leaving]
            if not staying and node.facts.keys:
                raise ClusterError(f"{name} is the last node and holds {node.facts.keys:,} keys; add another first")
            self._ledger.append(Seen(leaving), Planned(topology.planned.leave(name).to_record()))
            self._happenings.emit(Level.INFO, f"{name} is leaving: its keys move to the others", name)
        while name in self._ledger.topology.members:
            changed = self._ledger.changed()
            if not node.usable and self._holds(name):
                raise ClusterError(f"{name} is {node.state} and not drained yet; that goes on when it is back")
            if self._ledger.fenced:
                raise ClusterError(self._ledger.fenced)
            await changed

    async def start(self, name: str) -> None:
        """Start a local node's process again and wait until it serves. Raises ClusterError."""
        node = self._local(name)
        if node.process is not None and node.process.alive:
            raise ClusterError(f"{name} is running already (process {node.process.pid})")
        await self._launch(node, node.port)
        node.wake.set()
        while not node.usable:
            changed = self._ledger.changed()
            if not node.process or not node.process.alive:
                raise ClusterError(f"{name} ended right after its start: {node.trouble}")
            await changed

    async def stop(self, name: str) -> None:
        """End a local node's process in order. Raises ClusterError."""
        node = self._local(name)
        if node.process is None or not node.process.alive:
            raise ClusterError(f"{name} is not running; start it with: start {name}")
        await self._end_process(node.process)
        self._hang_up(node, "it was stopped")

    def _member(self, name: str) -> RemoteNode:
        node = self._ledger.nodes.get(name)
        if node is None or name not in self._ledger.topology.members:
            known = ", ".join(self._ledger.topology.members) or "there are none"
            raise ClusterError(f"there is no node {name}; nodes: {known}")
        return node

    def _local(self, name: str) -> RemoteNode:
        node = self._member(name)
        if not self._ledger.topology.members[name].started_here:
            raise ClusterError(f"{name} was not started by kvtui; start and stop it where it runs")
        return node

    async def _attach_or_start(self, name: str, host: str, port: int) -> RemoteNode:
        if port:
            try:
                facts = await interview(self._transport, self._clock, host, port)
            except Unreachable:
                return await self._start_and_join(name, host, port)
            except NotANode as error:
                raise ClusterError(f"can't use what listens at {host}:{port}: {error}") from None
            self._check_stranger(facts, host, port)
            node = RemoteNode(name, host, port)
            await self._join(node, plan=True)
            return node
        return await self._start_and_join(name, host, port)

    def _check_stranger(self, facts: Facts, host: str, port: int) -> None:
        ours = self._ledger.topology.cluster
        if facts.cluster and facts.cluster != ours:
            raise ClusterError(f"the node at {host}:{port} belongs to another cluster ({facts.cluster})")
        if facts.keys:
            raise ClusterError(
                f"the node at {host}:{port} holds {facts.keys:,} keys of its own; only an empty node can join"
            )
        known = next(
            (member.id for member in self._ledger.topology.members.values() if member.data_id == facts.data_id), None
        )
        if known:
            raise ClusterError(f"what listens at {host}:{port} is node {known} already")

    async def _start_and_join(self, name: str, host: str, port: int, plan: bool = True) -> RemoteNode:
        node = RemoteNode(name, host, port)
        try:
            node.process = await self._launcher.start(self._spec(name, host, port))
        except LaunchFailed as error:
            raise ClusterError(f"could not start {name}: {error}") from None
        node.host, node.port = node.process.address
        try:
            await self._join(node, plan)
        except BaseException:
            await self._end_process(node.process)
            raise
        return node

    async def _join(self, node: RemoteNode, plan: bool) -> None:
        """Say hello as a new member, then log it: a node that is asked twice agrees twice."""
        try:
            link, facts = await self._call(node, join=True)
        except (Unreachable, NotANode, LinkLost, LinkFull) as error:
            raise ClusterError(f"can't use the node at {node.address}: {error}") from None
        except Refused as error:
            self._note_fencing(node, error)
            raise ClusterError(f"the node at {node.address} refuses to join: {error}") from None
        member = Member(
            id=node.id,
            host=node.host,
            port=node.port,
            data_id=facts.data_id,
            counter=facts.counter,
            started_here=node.process is not None,
        )
        records: list[Record] = [Joined(member)]
        if plan:
            records.append(Planned(self._ledger.topology.planned.join(node.id).to_record()))
        self._ledger.nodes[node.id] = node
        self._take_up(node, link, facts)
        self._ledger.append(*records)
        assert self._tasks is not None
        self._tasks.start_soon(self._supervise, node)

    def _spec(self, name: str, host: str, port: int) -> NodeSpec:
        return NodeSpec(name, host, port, None if self._data is None else self._data / name)

    async def _bring_back(self, member: Member) -> None:
        node = self._ledger.nodes[member.id]
        if member.started_here:
            try:
                await self._launch(node, member.port)
            except ClusterError as error:
                node.trouble = str(error)
                self._happenings.emit(Level.BAD, str(error), node.id)
                return
        await self._connect(node)

    async def _launch(self, node: RemoteNode, port: int) -> None:
        """Start a member's process on its data: on its own port, or on another if that is taken. Raises ClusterError."""
        for attempt in range(RESTARTS):
            try:
                # The port may have been taken since; the data directory may still be held by the last process.
                node.process = await self._launcher.start(
                    self._spec(node.id, node.host, 0 if attempt % 3 == 2 else port)
                )
                break
            except LaunchFailed as error:
                failure = error
                await self._clock.sleep(RESTART_SECONDS)
        else:
            raise ClusterError(f"could not start {node.id}: {failure}")
        node.host, node.port = node.process.address
        self._ledger.append(self._as_seen(node))

    def _as_seen(self, node: RemoteNode) -> Seen:
        member = self._ledger.topology.members[node.id]
        counter = max(node.counter, member.counter)
        return Seen(msgspec.structs.replace(member, host=node.host, port=node.port, counter=counter))

    async def _supervise(self, node: RemoteNode) -> None:
        """Keep a member connected and its state true, until it is forgotten."""
        pause = RECONNECT_SECONDS
        while node.id in self._ledger.topology.members and not self._ledger.fenced and not self._closing:
            if node.usable:
                pause = RECONNECT_SECONDS
                node.beat()
                await self._nap(node, HEARTBEAT_SECONDS)
            elif not await self._connect(node):
                await self._nap(node, pause)
                pause = min(pause * 1.5, RECONNECT_MOST_SECONDS)
            self._observe_state(node)

    async def _nap(self, node: RemoteNode, seconds: float) -> None:
        timer = self._clock.call_later(seconds, node.wake.set)
        await node.wake.wait()
        timer.cancel()
        node.wake.clear()

    def _observe_state(self, node: RemoteNode) -> None:
        state = node.observed_state(self._clock.monotonic())
        if state is not node.state:
            node.state = state
            self._ledger.stir()

    async def _connect(self, node: RemoteNode) -> bool:
        try:
            link, facts = await self._call(node, join=False)
        except (Unreachable, NotANode, LinkLost, LinkFull) as error:
            node.trouble = str(error)
            return False
        except Refused as error:
            node.trouble = str(error)
            self._note_fencing(node, error)
            return False
        if self._closing or node.id not in self._ledger.topology.members:
            link.close("no member any more")
            return False
        try:
            self._judge(node, facts)
        except (EngineFailed, EngineFull) as error:
            self._ledger.fenced = f"the state directory can't be written: {error}"
            link.close("kvtui ends")
            return False
        self._take_up(node, link, facts)
        self._happenings.emit(Level.GOOD, f"{node.id} is UP", node.id)
        return True

    async def _call(self, node: RemoteNode, join: bool) -> tuple[Link, Facts]:
        """Connect and say hello. A member whose data directory was wiped has no cluster any more: it joins again."""
        topology = self._ledger.topology
        link = Link(self._clock, self._on_lost(node))
        await self._transport.connect(node.host, node.port, lambda: link)
        self._session += 1
        hello = Hello(
            cluster=topology.cluster,
            coordinator=self._coordinator,
            epoch=topology.epoch,
            session=self._session,
            slots=len(topology.places),
            join=join,
        )
        try:
            try:
                return link, await say_hello(link, hello)
            except Refused as error:
                facts = error.reply.facts
                if join or error.reply.code != FOREIGN or facts is None or facts.cluster:
                    raise
                return link, await say_hello(link, msgspec.structs.replace(hello, join=True))
        except BaseException:
            link.close("hello failed")
            raise

    def _judge(self, node: RemoteNode, facts: Facts) -> None:
        """Decide whether a member came back with its data. Promise: a lower counter or a new data id means wiped."""
        member = self._ledger.topology.members[node.id]
        if facts.data_id == member.data_id and facts.counter >= max(node.counter, member.counter):
            return
        self._ledger.append(Wiped(node.id, facts.data_id, facts.counter))
        node.counter = facts.counter
        held = any(node.id in place.replicas for place in set(self._ledger.topology.places))
        if held:
            self._happenings.emit(Level.WARNING, f"{node.id} came back without its data", node.id)
        lost = sum(stop - start for start, stop in self._ledger.topology.lost)
        if lost:
            self._happenings.emit(
                Level.BAD,
                f"{lost:,} slots have no clean copy left: {node.id} had the last one; give them up with: accept-loss",
                node.id,
            )

    def _take_up(self, node: RemoteNode, link: Link, facts: Facts) -> None:
        node.link, node.facts, node.state, node.trouble = link, facts, NodeState.UP, ""
        node.counter = facts.counter
        self._ledger.stir()

    def _note_fencing(self, node: RemoteNode, error: Refused) -> None:
        if error.reply.code == FENCED:
            self._ledger.fenced = f"another coordinator took this cluster over ({node.id} says: {error}); kvtui stops"
            self._happenings.emit(Level.BAD, self._ledger.fenced, node.id)
            self._ledger.stir()

    def _on_lost(self, node: RemoteNode) -> Callable[[Link, str], None]:
        def lost(link: Link, reason: str) -> None:
            if node.link is link:
                self._hang_up(node, reason)

        return lost

    def _hang_up(self, node: RemoteNode, reason: str) -> None:
        """A link ended: before any waiting write hears of it, the node is recorded as behind where others go on."""
        link, node.link = node.link, None
        if link is None:
            return
        node.state, node.trouble = NodeState.DOWN, reason
        if not self._closing and not self._ledger.fenced and node.id in self._ledger.topology.members:
            self._happenings.emit(Level.BAD, f"{node.id} is DOWN: {reason}", node.id)
            try:
                self._ledger.exclude(node.id, [(0, len(self._ledger.topology.places))])
                self._ledger.append(self._as_seen(node))
            except (EngineFailed, EngineFull) as error:
                self._ledger.fenced = f"the state directory can't be written: {error}"
        self._ledger.stir()
        link.close(reason)
        node.wake.set()

    def _holds(self, name: str) -> bool:
        return any(name in place.replicas or name in place.receiving for place in set(self._ledger.topology.places))

    async def _release_the_leaving(self) -> None:
        while not self._ledger.fenced:
            changed = self._ledger.changed()
            for member in list(self._ledger.topology.members.values()):
                if member.leaving and (not self._holds(member.id) or self._is_last(member.id)):
                    await self._release(self._ledger.nodes[member.id])
            await changed

    def _is_last(self, name: str) -> bool:
        """The last node leaves an empty ring behind: there is nobody to hand its (empty) slots to."""
        return not self._ledger.topology.planned.weights and self._ledger.nodes[name].facts.keys == 0

    async def _release(self, node: RemoteNode) -> None:
        """Forget a drained node: it is standalone and empty again, or ended if kvtui started it."""
        try:
            await node.ask(Leave())
        except (LinkLost, LinkFull):
            # It can't be told; if it comes back, it is refused as a stranger that belongs to this cluster.
            pass
        local = self._ledger.topology.members[node.id].started_here
        self._ledger.append(Forgotten(node.id))
        link, node.link = node.link, None
        if link is not None:
            link.close("it left the cluster")
        node.wake.set()
        if node.process is not None:
            await self._end_process(node.process)
        if local:
            self._launcher.discard(self._spec(node.id, node.host, node.port))
        self._ledger.nodes.pop(node.id, None)
        self._ledger.stir()
        self._happenings.emit(Level.GOOD, f"{node.id} left", node.id)

    async def _end_process(self, process: NodeProcess) -> None:
        process.signal(signal.SIGTERM)
        # A stopped (SIGSTOP) process ends only once it continues.
        process.signal(signal.SIGCONT)
        timer = self._clock.call_later(STOP_SECONDS, lambda: process.signal(signal.SIGKILL))
        await process.wait()
        timer.cancel()
