"""Which nodes belong to the cluster: who joins, who is drained and forgotten, who is started and stopped here."""

import asyncio
from typing import Final

import msgspec
from anyio.abc import TaskGroup

from kvtui.core.cluster import ClusterError, NodeAdded
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.link import LinkFull, LinkLost
from kvtui.core.local_processes import LocalProcesses
from kvtui.core.node_names import check_address, check_name
from kvtui.core.protocol import Facts, Leave
from kvtui.core.records import Forgotten, Joined, Member, Planned, Record, Seen
from kvtui.core.remote_node import (
    NotANode,
    Refused,
    RemoteNode,
    interview,
)
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.transport import Transport, Unreachable
from kvtui.core.supervisor import Supervisor

NODES_MOST: Final = 1000


class Membership:
    """Members join, are watched, and leave. ``tasks`` carries one supervisor a node."""

    def __init__(
        self,
        ledger: Ledger,
        transport: Transport,
        clock: Clock,
        happenings: Happenings,
        processes: LocalProcesses,
        supervisor: Supervisor,
    ) -> None:
        self._ledger = ledger
        self._transport = transport
        self._clock = clock
        self._happenings = happenings
        self._processes = processes
        self._supervisor = supervisor
        self._joining: set[str] = set()
        self._tasks: TaskGroup | None = None

    async def open(self, tasks: TaskGroup) -> None:
        """Start this machine's nodes, connect to all members once, and watch them from then on, carried by ``tasks``."""
        self._tasks = tasks
        members = list(self._ledger.topology.members.values())
        for member in members:
            self._ledger.nodes[member.id] = RemoteNode(member.id, member.host, member.port, counter=member.counter)
        await asyncio.gather(*(self._bring_back(member) for member in members))
        for member in members:
            tasks.start_soon(self._supervisor.supervise, self._ledger.nodes[member.id])
        tasks.start_soon(self._release_the_leaving)

    async def close(self) -> None:
        """Hang up and end this machine's nodes in order."""
        nodes = list(self._ledger.nodes.values())
        self._supervisor.close()
        await asyncio.gather(*(self._processes.end(node.process) for node in nodes if node.process))

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
        nodes = [RemoteNode(name, "127.0.0.1", 0) for name in names]
        await asyncio.gather(*(self._processes.start_new(node) for node in nodes))
        for node in nodes:
            await self._join(node, plan=False)
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
            if self._ledger.stopped:
                raise ClusterError(self._ledger.stopped)
            await changed

    async def start(self, name: str) -> None:
        """Start a local node's process again and wait until it serves. Raises ClusterError."""
        node = self._local(name)
        if node.process is not None and not await self._processes.has_ended(node.process):
            raise ClusterError(f"{name} is running already (process {node.process.pid})")
        await self._restart(node)
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
        await self._processes.end(node.process)
        self._supervisor.hang_up(node, "it was stopped")

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

    async def _start_and_join(self, name: str, host: str, port: int) -> RemoteNode:
        node = RemoteNode(name, host, port)
        await self._processes.start_new(node)
        try:
            await self._join(node, plan=True)
        except BaseException:
            if node.process is not None:
                await self._processes.end(node.process)
            raise
        return node

    async def _join(self, node: RemoteNode, plan: bool) -> None:
        """Say hello as a new member, then log it: a node that is asked twice agrees twice."""
        try:
            link, facts = await self._supervisor.call(node, join=True)
        except (Unreachable, NotANode, LinkLost, LinkFull) as error:
            raise ClusterError(f"can't use the node at {node.address}: {error}") from None
        except Refused as error:
            self._supervisor.note_fencing(node, error)
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
        self._supervisor.take_up(node, link, facts)
        self._ledger.append(*records)
        assert self._tasks is not None
        self._tasks.start_soon(self._supervisor.supervise, node)

    async def _restart(self, node: RemoteNode) -> None:
        """Start a member's process on its data, and record where it accepts now. Raises ClusterError."""
        await self._processes.restart(node)
        self._ledger.append(self._supervisor.as_seen(node))

    async def _bring_back(self, member: Member) -> None:
        node = self._ledger.nodes[member.id]
        if member.started_here:
            try:
                await self._restart(node)
            except ClusterError as error:
                node.trouble = str(error)
                self._happenings.emit(Level.BAD, str(error), node.id)
                return
        await self._supervisor.connect(node)

    def _holds(self, name: str) -> bool:
        return any(name in place.replicas or name in place.receiving for place in self._ledger.topology.distinct)

    async def _release_the_leaving(self) -> None:
        while not self._ledger.stopped:
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
        self._ledger.record(Forgotten(node.id))
        if self._ledger.stopped:
            return
        link, node.link = node.link, None
        if link is not None:
            link.close("it left the cluster")
        node.wake.set()
        if node.process is not None:
            await self._processes.end(node.process)
        if local:
            self._processes.discard(node)
        self._ledger.nodes.pop(node.id, None)
        self._ledger.stir()
        self._happenings.emit(Level.GOOD, f"{node.id} left", node.id)
