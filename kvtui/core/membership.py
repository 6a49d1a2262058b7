"""Which nodes belong to the cluster: who joins, who is drained and forgotten, who is started and stopped here."""

import asyncio
from typing import Final

import msgspec
from anyio.abc import TaskGroup

from kvtui.core.background import start_soon
from kvtui.core.catch_up import StepFailed, ask
from kvtui.core.cluster import ClusterError, NodeAdded, OwnData
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.identities import check_stranger
from kvtui.core.importing import Imported, Keys, import_keys
from kvtui.core.ledger import Ledger
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.local_processes import LocalProcesses, removed_meanwhile
from kvtui.core.loopback import is_loopback
from kvtui.core.naming import named
from kvtui.core.node_access import Access
from kvtui.core.node_names import check_address, check_name
from kvtui.core.process_ends import OF_ANOTHER_USER, UNTIL_THE_SYSTEM, MayNotSignal, StillRuns
from kvtui.core.protocol import Clear, Facts
from kvtui.core.readdressing import Readdressing
from kvtui.core.records import Forgotten, Joined, Member, Planned, Record, Seen
from kvtui.core.refusals import check_member, check_room, check_spare
from kvtui.core.remote_node import (
    NotANode,
    NotTrusted,
    Refused,
    RemoteNode,
    interview,
)
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.transport import Transport, Unreachable, Untrusted
from kvtui.core.shares import share_words
from kvtui.core.supervisor import Supervisor
from kvtui.core.topology import described
from kvtui.core.unheard import check_heard
from kvtui.core.work import unfinished, wanted

NOTHING: Final = Imported(0, 0)
USABLE_SECONDS: Final = 10.0
"""Until then a node that runs is to be used; who started it hears after that why it is not."""


class Membership:
    """Members join, are watched, and leave. ``tasks`` carries one supervisor a node."""

    def __init__(
        self,
        ledger: Ledger,
        access: Access,
        clock: Clock,
        happenings: Happenings,
        processes: LocalProcesses,
        supervisor: Supervisor,
        keys: Keys,
        elsewhere: bool = False,
    ) -> None:
        """``keys`` is where keys go that a node brings along. ``elsewhere``: nodes may be on other machines, where they are
        attached to and never started."""
        self._keys = keys
        self._ledger = ledger
        self._elsewhere = elsewhere
        self._access = access
        self._clock = clock
        self._happenings = happenings
        self._processes = processes
        self._supervisor = supervisor
        self._readdressing = Readdressing(ledger, access.others, clock, happenings, supervisor)
        self._starting: set[str] = set()
        self._leftovers: dict[str, str] = {}
        """What could not be deleted of nodes whose leave somebody waits for."""
        self._stuck: dict[str, str] = {}
        """Nodes that leave, and whose processes don't end, in words."""
        self._adding = asyncio.Lock()
        self._tasks: TaskGroup | None = None

    async def open(self, tasks: TaskGroup) -> None:
        """Start this machine's nodes, connect to all members once, and watch them from then on, carried by ``tasks``."""
        self._tasks = tasks
        members = list(self._ledger.topology.members.values())
        for member in members:
            self._ledger.nodes[member.id] = RemoteNode(
                member.id, member.host, member.port, known_counter=member.counter
            )
        await asyncio.gather(*(self._bring_back(member) for member in members))
        # A crash between the joining of a new cluster's nodes and their plan left them without slots.
        self._plan_joined()
        for member in members:
            start_soon(tasks, self._supervisor.supervise, self._ledger.nodes[member.id])
        start_soon(tasks, self._release_the_leaving)

    async def close(self) -> None:
        """Hang up and end this machine's nodes in order. Raises ClusterError where some don't end, even by force."""
        own = [(node.id, node.process) for node in self._ledger.nodes.values() if node.process]
        self._processes.close()
        self._supervisor.close()
        ends = await asyncio.gather(*(self._processes.end(process) for _, process in own), return_exceptions=True)
        left, foreign = [], []
        for (name, process), end in zip(own, ends, strict=True):
            if isinstance(end, MayNotSignal):
                foreign.append(f"{name} (process {process.pid})")
            elif isinstance(end, StillRuns):
                left.append(f"{name} (process {process.pid})")
            elif end is not None:
                raise end
        told = [
            f"{named(names, most=len(names))} did not end, {why}"
            for names, why in ((left, f"even by SIGKILL: {UNTIL_THE_SYSTEM}"), (foreign, f"and {OF_ANOTHER_USER}"))
            if names
        ]
        if told:
            raise ClusterError("; ".join(told))

    async def add(self, name: str, host: str, port: int, own_data: OwnData) -> NodeAdded:
        """Attach to what listens at the address, or start a node there. Raises ClusterError."""
        check_name(name)
        check_address(host, port, elsewhere=self._elsewhere)
        # One at a time: two that attach to the same node would both succeed, and the cluster would count it twice.
        async with self._adding:
            if port and name in self._ledger.topology.members:
                return await self._take_back(name, host, port, own_data)
            self._check_new(name, host, port)
            # A node that joined, and of whom the log could not say so, would belong to nobody.
            self._ledger.check_space()
            node, taken = await self._attach_or_start(name, host, port, own_data)
        share = share_words(self._ledger.topology.planned, name)
        self._happenings.emit(Level.GOOD, f"{name} joined at {node.address}, taking {share}", name)
        return NodeAdded(name, node.host, node.port, node.process is not None, taken.imported, taken.kept)

    async def _take_back(self, name: str, host: str, port: int, own_data: OwnData) -> NodeAdded:
        """A member that runs by itself has come back at another address. Raises ClusterError."""
        if own_data is not OwnData.REFUSE:
            raise ClusterError(
                f"{name} is a node of this cluster: it comes back with all that it holds, without a --{own_data}"
            )
        node = self._ledger.nodes[name]
        former = await self._readdressing.readdress(node, host, port)
        return NodeAdded(name, host, port, started=False, former=former)

    def _check_new(self, name: str, host: str, port: int) -> None:
        members = self._ledger.topology.members
        check_room(self._ledger.topology, name)
        for member in members.values():
            if (member.host, member.port) == (host, port):
                raise ClusterError(f"{host}:{port} is node {member.id} already")

    async def add_local(self, names: list[str]) -> None:
        """Start nodes on free ports and plan the ring once for all. Raises ClusterError."""
        nodes = [RemoteNode(name, "127.0.0.1", 0) for name in names]
        try:
            starts = await asyncio.gather(*(self._processes.start_new(node) for node in nodes), return_exceptions=True)
            for failure in starts:
                if failure is not None:
                    raise failure
            for node in nodes:
                await self._join(node, plan=False)
        finally:
            strays = [node.process for node in nodes if node.process and node.id not in self._ledger.nodes]
            await self._processes.end_all(strays)
            self._plan_joined()

    def _plan_joined(self) -> None:
        """Plan slots for members that joined without."""
        before = self._ledger.topology.planned
        members = self._ledger.topology.members.values()
        ring = before.join_all(
            member.id
            for member in members
            if not member.leaving and not member.replaced and member.id not in before.weights
        )
        if ring is not before and not self._ledger.stopped:
            self._ledger.append(Planned(ring.to_record()))

    async def remove(self, name: str, *, force: bool = False) -> str:
        """Drain the node, then forget it; returns when it is forgotten: what of its data could not be deleted, in words. Raises
        ClusterError.

        ``force``: a node that is DOWN too, whose slots the other clean replicas give.
        """
        node = self._member(name)
        if not node.usable:
            if not force:
                self._check_spare(name)
                raise ClusterError(
                    f"{name} is {node.state}: its keys can't be moved off it; start it first, or go on without it:"
                    " remove it by force"
                )
            self._check_spare(name)
        if not self._ledger.topology.members[name].leaving:
            if not any(other != name and not member.leaving for other, member in self._ledger.topology.members.items()):
                await self._check_empty(name)
            self._begin_to_leave(name)
        try:
            self._leftovers[name] = ""
            while name in self._ledger.topology.members:
                changed = self._ledger.changed()
                self._check_draining(node, force)
                if name in self._stuck:
                    raise ClusterError(
                        f"{name} has handed all over, and is forgotten once it ends: {self._stuck[name]}"
                    )
                await changed
            return self._leftovers.get(name, "")
        finally:
            self._leftovers.pop(name, None)

    async def _check_empty(self, name: str) -> None:
        """The last node can leave when it holds nothing, as of now and not of the last heartbeat."""
        leaving = [other for other in self._ledger.topology.members if other != name]
        if leaving:
            raise ClusterError(
                f"{name} is the last node that stays: {', '.join(leaving)} must have left before, or their keys have nowhere to go"
            )
        lost = self._ledger.topology.lost
        if lost:
            raise ClusterError(
                f"{name} is the last node and {described(lost)} have no clean copy left: without it they would look empty; start"
                " the nodes that held them, or give them up first with: accept-loss"
            )
        nodes = list(self._ledger.nodes.values())
        known = await asyncio.gather(*(node.refresh() for node in nodes))
        self._member(name)
        if not all(known):
            silent = next(node.id for node, answered in zip(nodes, known, strict=True) if not answered)
            raise ClusterError(
                f"{name} is the last node and {silent} does not say whether it holds keys; start it first"
            )
        keys = sum(node.facts.keys for node in nodes)
        if keys:
            copies = "1 copy of a key is" if keys == 1 else f"{keys:,} copies of keys are"
            raise ClusterError(f"{name} is the last node and {copies} stored; add another first")

    def _begin_to_leave(self, name: str) -> None:
        topology = self._ledger.topology
        records: list[Record] = [Seen(msgspec.structs.replace(topology.members[name], leaving=True))]
        if name in topology.planned.weights:
            records.append(Planned(topology.planned.leave(name).to_record()))
        self._ledger.append(*records)
        self._happenings.emit(Level.INFO, f"{name} is leaving: its keys move to the others", name)

    def _check_draining(self, node: RemoteNode, force: bool) -> None:
        """Raise ClusterError when the node can't be drained now, with the nodes that can be reached."""
        if self._ledger.stopped:
            raise ClusterError(self._ledger.stopped)
        topology = self._ledger.topology
        if not topology.members[node.id].leaving:
            raise ClusterError(f"{node.id} is the last node and keys were written to it; add another first")
        if node.parting or not self._holds(node.id):
            return
        if not node.usable and not force:
            raise ClusterError(f"{node.id} is {node.state} and not drained yet; that goes on when it is back")
        if not node.usable:
            self._check_spare(node.id)
        usable = {other.id for other in self._ledger.nodes.values() if other.usable}
        work = wanted(topology, usable, self._ledger.unverified)
        startable = any(self._ledger.may_place(piece.place) for piece in work)
        if topology.planned.weights and not startable:
            why = unfinished(topology, self._ledger.unverified, usable)
            raise ClusterError(f"{node.id} is not drained yet: {why}; that goes on when they are back")

    def _check_spare(self, name: str) -> None:
        """Raise ClusterError when a node that is away is, or may be, needed for what it holds."""
        check_spare(self._ledger.topology, name)
        check_heard(self._ledger, name)

    async def start(self, name: str) -> None:
        """Start a local node's process again and wait until it serves. Raises ClusterError."""
        node = self._local(name)
        node.at_rest = False
        await self.revive(name)

    async def revive(self, name: str) -> None:
        """``start`` that no person asked for: a node that a person ends meanwhile stays ended. Raises ClusterError."""
        node = self._local(name)
        if name in self._starting:
            raise ClusterError(f"{name} is being started already")
        if node.parting:
            raise ClusterError(f"{name} is leaving the cluster, and is not started any more")
        self._starting.add(name)
        try:
            if node.process is not None and not await self._processes.has_ended(node.process):
                raise ClusterError(f"{name} is running already (process {node.process.pid})")
            try:
                await self._restart(node)
            except ClusterError:
                self._supervisor.note_end(node)
                raise
            if node.at_rest and node.process is not None:
                await self._processes.end(node.process)
                raise ClusterError(f"{name} was ended while it was being started")
        finally:
            self._starting.discard(name)
        node.wake.set()
        enough = self._clock.monotonic() + USABLE_SECONDS
        while not node.usable:
            changed = self._ledger.changed()
            if self._ledger.stopped:
                raise ClusterError(self._ledger.stopped)
            if self._is_gone(node):
                raise ClusterError(removed_meanwhile(name))
            if node.unlogged:
                raise ClusterError(f"{name} runs, but {node.trouble}")
            if not node.running:
                self._supervisor.note_end(node)
                raise ClusterError(f"{name} ended right after its start: {node.trouble}")
            if node.trouble and self._clock.monotonic() > enough:
                # It is called again and again all the same, and used once that has an end.
                raise ClusterError(f"{name} runs, but {node.trouble}")
            await changed

    async def stop(self, name: str) -> None:
        """End a local node's process in order. Raises ClusterError."""
        node = self._local(name)
        node.at_rest = True
        if node.process is None or not node.process.alive:
            raise ClusterError(f"{name} is not running; start it with: start {name}")
        node.ended = "it was stopped"
        await self._processes.end(node.process)
        self._supervisor.hang_up(node, node.ended)
        self._supervisor.note_end(node)

    def _member(self, name: str) -> RemoteNode:
        check_member(self._ledger.topology, name)
        return self._ledger.nodes[name]

    def _local(self, name: str) -> RemoteNode:
        node = self._member(name)
        if not self._ledger.topology.members[name].started_here:
            raise ClusterError(f"{name} was not started by kvtui; start and stop it where it runs")
        return node

    async def _attach_or_start(self, name: str, host: str, port: int, own_data: OwnData) -> tuple[RemoteNode, Imported]:
        if port:
            try:
                facts = await interview(self._access.others, self._clock, host, port)
            except Untrusted as error:
                raise ClusterError(f"can't use what listens there: {error}") from None
            except Unreachable as error:
                if not is_loopback(host):
                    raise ClusterError(f"{error}; start kvtui-node there first") from None
                return await self._start_and_join(name, host, port, own_data)
            except NotTrusted as error:
                raise ClusterError(f"node {name} at {host}:{port} {error}") from None
            except NotANode as error:
                other = "; give another port, or 0 for any" if type(error) is NotANode and is_loopback(host) else ""
                raise ClusterError(f"can't use what listens at {host}:{port}: {error}{other}") from None
            self._check_stranger(facts, host, port, own_data)
            node = RemoteNode(name, host, port)
            data, taken = await self._take_own_data(facts, node, self._access.others, own_data)
            await self._join(node, plan=True, data=data)
            return node, taken
        return await self._start_and_join(name, host, port, own_data)

    async def _take_own_data(
        self, facts: Facts, node: RemoteNode, way: Transport, wanted: OwnData
    ) -> tuple[str, Imported]:
        """What the node is told to do with the keys of its own, once those that are wanted are the cluster's."""
        if not facts.keys:
            return "", NOTHING
        if wanted is OwnData.WIPE:
            return "wipe", NOTHING
        if not any(place.replicas for place in self._ledger.topology.distinct):
            # It is the first node: what it holds is all there is, and older than anything that will be written.
            return "keep", Imported(facts.keys, 0)
        return "wipe", await import_keys(way, self._clock, node.host, node.port, self._keys)

    def _check_stranger(self, facts: Facts, host: str, port: int, own_data: OwnData) -> None:
        ledger = self._ledger
        usable = {node.id for node in ledger.nodes.values() if node.usable}
        check_stranger(ledger.topology, usable, ledger.cautious, facts, f"{host}:{port}", own_data)

    async def _start_and_join(self, name: str, host: str, port: int, own_data: OwnData) -> tuple[RemoteNode, Imported]:
        node = RemoteNode(name, host, port)
        left = self._processes.has_data(node)
        await self._processes.start_new(node)
        try:
            data, taken = await self._take_leftovers(node, own_data) if left else ("", NOTHING)
            await self._join(node, plan=True, data=data)
        except BaseException:
            if node.process is not None:
                await self._processes.end(node.process)
            raise
        if left:
            text = f"{name} took over the data directory that a node of this name had left"
            self._happenings.emit(Level.INFO, text, name)
        return node, taken

    async def _take_leftovers(self, node: RemoteNode, own_data: OwnData) -> tuple[str, Imported]:
        """A node was started where one of its name had been, whose directory could not be deleted: what it holds decides, as with
        any node that comes with data of its own. Raises ClusterError."""
        try:
            facts = await interview(self._access.own, self._clock, node.host, node.port)
        except (Unreachable, NotANode) as error:
            raise ClusterError(f"can't use the node at {node.address}: {error}") from None
        self._check_stranger(facts, node.host, node.port, own_data)
        if facts.cluster:
            # Tombstones that it left behind are as old as its keys.
            return "wipe", NOTHING
        return await self._take_own_data(facts, node, self._access.own, own_data)

    async def _join(self, node: RemoteNode, plan: bool, data: str = "") -> None:
        """Say hello as a new member, then log it: a node that is asked twice agrees twice."""
        try:
            link, facts = await self._supervisor.call(node, join=True, data=data)
        except (Unreachable, NotANode, LinkLost, LinkFull) as error:
            raise ClusterError(f"can't use the node at {node.address}: {error}") from None
        except Refused as error:
            self._supervisor.note_fencing(node, error)
            raise ClusterError(f"the node at {node.address} refuses to join: {error}") from None
        if not link.open:
            raise ClusterError(f"can't use the node at {node.address}: {link.reason}")
        try:
            self._check_stranger(facts, node.host, node.port, OwnData.WIPE if data else OwnData.REFUSE)
            if not facts.empty and data != "keep":
                await self._empty(node, link)
        except BaseException:
            link.close("it can't join")
            raise
        member = Member(
            id=node.id,
            host=node.host,
            port=node.port,
            data_id=facts.data_id,
            # That it was emptied counts as well: without that it would hold what nobody marks.
            counter=link.counter,
            started_here=node.process is not None,
        )
        records: list[Record] = [Joined(member)]
        if plan:
            records.append(Planned(self._ledger.topology.planned.join(node.id).to_record()))
        try:
            self._ledger.append(*records)
        except ClusterError:
            link.close("it can't join")
            raise
        self._ledger.nodes[node.id] = node
        self._supervisor.take_up(node, link, facts)
        assert self._tasks is not None
        start_soon(self._tasks, self._supervisor.supervise, node)

    async def _empty(self, node: RemoteNode, link: Link) -> None:
        """A node that belonged to this cluster before, and was forgotten, enters without being cleared: a member holds nothing that
        is not marked. Raises ClusterError."""
        try:
            await ask(node.id, link, Clear(start=0, stop=len(self._ledger.topology.places)))
        except (StepFailed, LinkLost, LinkFull) as error:
            raise ClusterError(f"the node at {node.address} can't be emptied, and does not join: {error}") from None

    async def _restart(self, node: RemoteNode) -> None:
        """Start a member's process on its data, and record where it accepts now. Raises ClusterError."""
        await self._processes.restart(node, lambda: self._is_gone(node))
        # Where it is not logged for want of space, the next start finds another port at worst.
        self._ledger.record(self._supervisor.as_seen(node))

    def _is_gone(self, node: RemoteNode) -> bool:
        """Whether it was let go. One of its name that joined meanwhile is another."""
        return node.parting or self._ledger.nodes.get(node.id) is not node

    async def _bring_back(self, member: Member) -> None:
        node = self._ledger.nodes[member.id]
        if member.started_here:
            try:
                await self._restart(node)
            except ClusterError as error:
                self._supervisor.note_end(node)
                self._happenings.emit(Level.BAD, str(error), node.id)
                return
        await self._supervisor.connect(node)

    def _holds(self, name: str) -> bool:
        return any(name in place.replicas or name in place.receiving for place in self._ledger.topology.distinct)

    async def _release_the_leaving(self) -> None:
        while not self._ledger.stopped:
            changed = self._ledger.changed()
            for member in list(self._ledger.topology.members.values()):
                # Nobody parts before it can be logged: who is forgotten first, and leaves later, would be in doubt.
                if not member.leaving or self._ledger.full:
                    continue
                node = self._ledger.nodes[member.id]
                # One that was let go while its leaving could not be logged is let go for good, whatever it held.
                if node.parting or not self._holds(member.id):
                    await self._release(node)
                elif not self._ledger.topology.planned.weights and node.usable:
                    await self._release_last(node)
            await changed

    async def _release_last(self, node: RemoteNode) -> None:
        """The last node leaves an empty ring behind: there is nobody to hand its slots to. It stays when it holds anything."""
        seq = self._ledger.seq
        known = await node.refresh()
        member = self._ledger.topology.members[node.id]
        if node.facts.keys or self._ledger.topology.lost:
            ring = self._ledger.topology.planned.join(node.id)
            if self._ledger.record(Seen(msgspec.structs.replace(member, leaving=False)), Planned(ring.to_record())):
                self._happenings.emit(Level.WARNING, f"{node.id} stays: it is the last node, and holds keys", node.id)
        elif known and seq == self._ledger.seq:
            # Nothing was written since it was asked, and what is written from here on comes after its leave: it refuses that.
            await self._release(node)
        else:
            self._ledger.stir()

    async def _release(self, node: RemoteNode) -> None:
        """Forget a drained node: it is standalone and empty again, or ended if kvtui started it.

        It stays a member until nothing of it is left, so that its id and its data directory are not given to another before.
        """
        node.parting = True
        if not await self._supervisor.part(node):
            # Whoever is obeyed instead may count on it, and on what it has.
            node.parting = False
            return
        if node.process is not None:
            try:
                await self._processes.end(node.process)
            except StillRuns as error:
                # Tried again, for as long each time as a process is waited for.
                if node.id not in self._stuck:
                    self._happenings.emit(Level.WARNING, f"{node.id}, which leaves: {error}", node.id)
                self._stuck[node.id] = str(error)
                self._ledger.stir()
                return
            self._stuck.pop(node.id, None)
        left = ""
        if self._ledger.topology.members[node.id].started_here:
            left = self._processes.discard(node).left
        if not self._ledger.record(Forgotten(node.id)):
            # It is let go once more when there is space: that finds less and less of it.
            return
        if node.id in self._leftovers:
            self._leftovers[node.id] = left
        self._ledger.nodes.pop(node.id, None)
        self._ledger.stir()
        self._happenings.emit(Level.GOOD, f"{node.id} left", node.id)
        if left:
            self._happenings.emit(Level.WARNING, f"of {node.id}, which left: {left}", node.id)
