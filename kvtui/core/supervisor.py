"""The life of each member's link: hello, heartbeats, silence, loss, return. A loss is logged before any write hears of it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, NoReturn

import msgspec

from kvtui.core.catch_up import StepFailed
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.identities import foreign
from kvtui.core.ledger import Ledger, LogFull
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.node_access import Access
from kvtui.core.notes import Notes
from kvtui.core.protocol import FENCED, FOREIGN, Facts, Hello, Leave, Reply
from kvtui.core.rebuilding import HOME
from kvtui.core.records import Counted, Runs, Seen, Stray, Wiped
from kvtui.core.remote_node import (
    HEARTBEAT_SECONDS,
    NotANode,
    NotTrusted,
    OtherProtocol,
    Refused,
    RemoteNode,
    say_hello,
)
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.transport import Unreachable, Untrusted
from kvtui.core.snapshot import NodeState
from kvtui.core.strays import strays
from kvtui.core.unheard import discredited, loss

RECONNECT_SECONDS: Final = 0.25
"""Pause before a lost node is tried again; grows by half each time up to ``RECONNECT_MOST_SECONDS``."""
RECONNECT_MOST_SECONDS: Final = 2.0
NOTED_SECONDS: Final = 5.0
"""How long a node that leaves waits for the others to note that."""
COUNTER_SECONDS: Final = 5.0
"""How often a node's write counter is logged while it grows."""


class Supervisor:
    """Connects to members and watches them. The only place where a node's ``link`` is set or lost."""

    def __init__(
        self,
        ledger: Ledger,
        access: Access,
        clock: Clock,
        happenings: Happenings,
        coordinator: str,
        notes: Notes,
    ) -> None:
        """``coordinator`` is this coordinator's identity, to which nodes grant its epoch."""
        self._ledger = ledger
        self._notes = notes
        self._access = access
        self._clock = clock
        self._happenings = happenings
        self._coordinator = coordinator
        self._session = 0
        self._closing = False
        self._damage_found: dict[str, int] = {}
        self._uncompacted: dict[str, str] = {}
        self._noted: dict[str, float] = {}

    def close(self) -> None:
        """Record what each node acknowledged, and hang up."""
        self._closing = True
        nodes = list(self._ledger.nodes.values())
        counted = [self._as_counted(node) for node in nodes if node.id in self._ledger.topology.members]
        if counted and not self._ledger.stopped:
            self._ledger.record(*counted)
        for node in nodes:
            link = node.unlink()
            if link is not None:
                link.close("kvtui ends")

    def as_seen(self, node: RemoteNode) -> Seen:
        member = self._ledger.topology.members[node.id]
        counter = max(node.counter, member.counter)
        return Seen(msgspec.structs.replace(member, host=node.host, port=node.port, counter=counter))

    def _as_counted(self, node: RemoteNode) -> Counted:
        return Counted(node.id, max(node.counter, self._ledger.topology.members[node.id].counter))

    async def supervise(self, node: RemoteNode) -> None:
        """Keep a member connected and its state true, until it is forgotten."""
        pause = RECONNECT_SECONDS
        while self._watched(node):
            if node.usable:
                pause = RECONNECT_SECONDS
                node.beat(partial(self._heart_refused, node))
                await self._nap(node, HEARTBEAT_SECONDS)
            elif not await self.connect(node):
                # Who waits for the node looks whether its process still runs.
                self._ledger.stir()
                await self._nap(node, pause)
                pause = min(pause * 1.5, RECONNECT_MOST_SECONDS)
            self._observe_state(node)
            self._observe_damage(node)
            self._observe_compaction(node)
            self._note_counter(node)

    def _watched(self, node: RemoteNode) -> bool:
        member = node.id in self._ledger.topology.members and not node.parting
        return member and not self._ledger.stopped and not self._closing

    def _heart_refused(self, node: RemoteNode, reply: Reply) -> None:
        """An idle coordinator that was fenced hears of it here; after any other refusal the node is called anew."""
        if reply.code == FENCED:
            self.note_fencing(node, Refused(reply))
        else:
            self.hang_up(node, reply.msg)

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

    def _observe_damage(self, node: RemoteNode) -> None:
        """When a node finds more entries damaged, its slots are compared with the other clean replicas, which repairs them.

        How many there are does not tell: as many may have been repaired meanwhile.
        """
        damaged = node.facts.damaged
        # An older node only says how many there are.
        known, found = self._damage_found.get(node.id, 0), node.facts.damage_found or damaged
        self._damage_found[node.id] = found
        if not damaged or found <= known:
            return
        entries = f"1 entry of {node.id} is" if damaged == 1 else f"{damaged:,} entries of {node.id} are"
        self._happenings.emit(Level.WARNING, f"{entries} damaged and not served", node.id)
        for start, stop in self._ledger.topology.runs(lambda place: node.id in place.clean):
            self._ledger.suspect(start, stop)
        self._ledger.stir()

    def _observe_compaction(self, node: RemoteNode) -> None:
        """A node that can't give back space goes on: a person is told why, once."""
        known, told = self._uncompacted.get(node.id, ""), node.facts.uncompacted
        self._uncompacted[node.id] = told
        if told and told != known:
            text = f"{node.id} can't give back the space of what was deleted: {told}"
            self._happenings.emit(Level.WARNING, text, node.id)
        elif known and not told and node.usable:
            self._happenings.emit(Level.GOOD, f"{node.id} gives back the space of what was deleted again", node.id)

    def _note_counter(self, node: RemoteNode) -> None:
        """Log now and then how far a node's data got, so that a tail that it loses is noticed after a crash here as well."""
        now = self._clock.monotonic()
        member = self._ledger.topology.members.get(node.id)
        if member is None or node.counter <= member.counter or not self._watched(node):
            return
        if now - self._noted.get(node.id, 0.0) >= COUNTER_SECONDS:
            self._noted[node.id] = now
            self._ledger.record(self._as_counted(node))

    async def connect(self, node: RemoteNode) -> bool:
        """Call a member once; whether it serves now."""
        node.unlogged = False
        if self._started_here(node) and not node.running:
            # Whatever answers where it was, it is not this node.
            self.note_end(node)
            return False
        address = node.address
        try:
            link, facts = await self.call(node, join=False)
            stray = await self._strays(node, link)
        except (Unreachable, NotANode, LinkLost, LinkFull, StepFailed) as error:
            self._note_trouble(node, error)
            return False
        except LogFull:
            self._wait_for_the_log(node)
            return False
        except ClusterError:
            # The log failed: this coordinator has stopped, and said so.
            return False
        except Refused as error:
            node.trouble = self._refusal(node, error)
            self.note_fencing(node, error)
            return False
        if not self._watched(node) or node.address != address:
            link.close("no member any more, or no longer at this address")
            return False
        if not link.open:
            # Lost in the moment in which its hello was accepted: nobody would hear of it again.
            self._note_trouble(node, LinkLost(link.reason))
            return False
        try:
            self._judge(node, facts)
            if stray:
                self._ledger.append(Stray(node.id, stray))
        except LogFull:
            self._wait_for_the_log(node)
            link.close("it waits for the log")
            return False
        except ClusterError:
            link.close("kvtui ends")
            return False
        self.take_up(node, link, facts)
        self._happenings.emit(Level.GOOD, f"{node.id} is UP", node.id)
        return True

    async def _strays(self, node: RemoteNode, link: Link) -> Runs:
        """Where a node holds what this log does not know of, once it obeys no other coordinator any more: one on another copy of
        the log may have given it that. Raises StepFailed, LinkLost, LinkFull."""
        if not self._ledger.cautious or node.id in self._ledger.granted:
            return []
        try:
            return await strays(self._ledger.topology, node.id, link)
        except BaseException:
            link.close("what it holds is not known")
            raise

    def _wait_for_the_log(self, node: RemoteNode) -> None:
        node.unlogged = True
        node.trouble = (
            f"what it came back with, or without, is not logged yet; it is not used before: {self._ledger.full}"
        )
        self._ledger.stir()

    def _started_here(self, node: RemoteNode) -> bool:
        member = self._ledger.topology.members.get(node.id)
        return member is not None and member.started_here

    def note_end(self, node: RemoteNode) -> None:
        """Keep why a local node's process does not run, and tell it where nobody knows it already."""
        if not node.ended and node.process is not None and not node.process.alive:
            node.ended = node.process.ended
            if self._watched(node):
                self._happenings.emit(Level.BAD, f"{node.id}: {node.ended}", node.id)
        node.trouble = node.ended or node.trouble or "its process is not running"

    def _note_trouble(self, node: RemoteNode, error: Exception) -> None:
        """Keep why a member can't be reached; what only a person can mend (a secret, a certificate, a version) is told besides."""
        text = str(error)
        if isinstance(error, NotTrusted | OtherProtocol):
            colon = "" if isinstance(error, NotTrusted) else ":"
            text = f"node {node.id} at {node.address}{colon} {text}"
        if text != node.trouble and isinstance(error, NotTrusted | Untrusted | OtherProtocol):
            self._happenings.emit(Level.BAD, text, node.id)
        node.trouble = node.ended or text

    def _refusal(self, node: RemoteNode, error: Refused) -> str:
        facts = error.reply.facts
        if error.reply.code == FOREIGN and facts is not None and facts.cluster:
            return f"the node at {foreign(node.address, facts.cluster)}"
        return str(error)

    async def call(self, node: RemoteNode, join: bool, data: str = "") -> tuple[Link, Facts]:
        """Connect and say hello: first one that changes nothing, by which a member is judged, then the one that makes it obey. A
        member whose data directory was wiped has no cluster any more: it joins again.

        ``data`` says what becomes of the keys of a node that stood alone, as ``Hello.data``. Raises Unreachable, NotANode,
        LinkLost, LinkFull, Refused; LogFull and ClusterError where it can't be logged that a member lost its tail.
        """
        topology = self._ledger.topology
        link = Link(self._clock, self._on_lost(node), node.traffic)
        await self._reach(node, link)
        self._session += 1
        hello = Hello(
            cluster=topology.cluster,
            coordinator=self._coordinator,
            epoch=topology.epoch,
            session=self._session,
            slots=len(topology.places),
            join=join,
            data=data,
        )
        try:
            known = await say_hello(link, Hello())
            self._check_process(node)
            self._check_identity(node, known)
            self.check_log(node, known)
            self._check_left(node, known)
            self._judge_tail(node, known)
            try:
                granted = await say_hello(link, hello)
                # Another coordinator may have had the node note something between the two hellos; from here on it refuses that one.
                self.check_log(node, granted)
                return link, granted
            except Refused as error:
                facts = error.reply.facts
                member = topology.members.get(node.id)
                if error.reply.code == FENCED and member is not None and known.data_id != member.data_id:
                    # It holds nothing of ours: whom it obeys says nothing about who writes to our nodes.
                    raise NotANode(f"another node answers at {node.address}, which obeys another coordinator") from None
                if join or error.reply.code != FOREIGN or facts is None or facts.cluster:
                    raise
                # Nor was it wiped if it was let go between the two.
                self._check_left(node, facts)
                return link, await say_hello(link, msgspec.structs.replace(hello, join=True))
        except BaseException:
            link.close("hello failed")
            raise

    async def _reach(self, node: RemoteNode, link: Link) -> None:
        """Connect, asking of the node what it must know: one that was started here has a secret of this coordinator's. Raises
        Unreachable, NotANode."""
        member = self._ledger.topology.members.get(node.id)
        if node.process is None and (member is None or not member.started_here):
            await self._access.others.connect(node.host, node.port, lambda: link)
            return
        try:
            await self._access.own.connect(node.host, node.port, lambda: link)
        except NotTrusted:
            self._check_process(node)
            raise

    def _check_process(self, node: RemoteNode) -> None:
        """What answers at a local node's address while its process is not running is somebody else's, not that node without its
        data. Raises NotANode."""
        if self._started_here(node) and not node.running:
            raise NotANode(f"its process is not running, and another node answers at {node.address}")

    def _check_identity(self, node: RemoteNode, facts: Facts) -> None:
        """A member that answers at another one's old address is still itself. Raises NotANode."""
        for member in self._ledger.topology.members.values():
            if member.data_id == facts.data_id and member.id != node.id:
                raise NotANode(f"node {member.id} answers at {node.address}")

    def check_log(self, node: RemoteNode, facts: Facts) -> None:
        """A node that noted more than the log held when it was opened, or obeyed a coordinator that the log does not know: another
        coordinator went on beside it, or since. Raises NotANode."""
        topology = self._ledger.topology
        member = topology.members.get(node.id)
        if member is None or facts.cluster != topology.cluster:
            return
        unknown = (facts.epoch, facts.coordinator) not in topology.openings
        obeyed = unknown and topology.openings[0][0] <= facts.epoch < topology.epoch
        if not obeyed and not topology.outdated_by(facts.noted):
            return
        counted = self._counted()
        if facts.data_id != member.data_id and node.id not in counted:
            # Its data is of that coordinator alone. Once all others obey, who may serve anything by this log, it proves nothing.
            if self._ledger.cautious and not self._ledger.granted.issuperset(counted):
                raise NotANode(
                    "it joined a coordinator that this log does not know of: it is used once all others obey"
                )
            return
        if obeyed:
            self._stop_outdated(f"{node.id} has obeyed a coordinator that it does not know of ({facts.coordinator})")
        if topology.home == HOME and node.id not in counted:
            # Whoever was not found when the log was rebuilt holds nothing that is relied on, whatever it noted.
            return
        self._stop_outdated(f"{node.id} has noted more ({facts.noted}) than it held when it was opened")

    def _counted(self) -> set[str]:
        """The nodes that the log counts as clean replicas of anything, or may have to."""
        return {name for place in self._ledger.topology.distinct for name in place.counted}

    def _stop_outdated(self, why: str) -> NoReturn:
        """Another coordinator noted what is not in this log. Which of the two served a slot last, only all nodes together can tell:
        nobody is sent to another directory, which may be the superseded one. Raises NotANode."""
        self._ledger.stop(
            f"this state directory does not know all that happened to the cluster: {why}. It may be an old copy, or another"
            " coordinator went on beside it; put together what all nodes know with: kvtui recover"
        )
        raise NotANode(self._ledger.stopped)

    def _check_left(self, node: RemoteNode, facts: Facts) -> None:
        """A member that was let go since the log held it was not wiped: who does not know of that has an old copy of the log, or
        was replaced as coordinator. Raises NotANode."""
        topology, left = self._ledger.topology, facts.left
        member = topology.members.get(node.id)
        if member is None or left is None or (left.cluster, left.data_id) != (topology.cluster, member.data_id):
            return
        if topology.outdated_by(left.noted):
            if topology.home == HOME and node.id not in self._counted():
                # Who had left was not found when the log was rebuilt, and no other rebuilding would find it.
                return
            self._stop_outdated(f"{node.id} has left the cluster since")
        later = left.noted.epoch == topology.epoch and left.coordinator != self._coordinator
        if left.noted.epoch > topology.epoch or later:
            self._ledger.stop(
                f"another coordinator took this cluster over ({node.id} has left it since, under epoch {left.noted.epoch} of"
                f" {left.coordinator}); kvtui stops"
            )
            raise NotANode(self._ledger.stopped)

    def _judge_tail(self, node: RemoteNode, known: Facts) -> None:
        """Decide, by what a member says before it is told anything, whether its data ends before what it acknowledged.

        The hello that makes it obey may add a synced batch, and so would a second one whose answer was lost: the counter that comes
        after hides as many batches that are missing. So what was lost is logged before that hello is sent, and where it can't be,
        none is. Raises LinkLost, LogFull, ClusterError.
        """
        topology = self._ledger.topology
        member = topology.members.get(node.id)
        if member is None or known.data_id != member.data_id or self._will_refuse(known):
            # Other data is judged once the node obeys: who refuses to may be no member at all.
            return
        # A node that granted this epoch, and does not know of it, lost that batch, whoever has written to it since.
        forgot = node.id in self._ledger.granted and known.epoch < topology.epoch
        if not forgot and known.counter >= max(node.counter, member.counter):
            return
        if not self._watched(node):
            raise LinkLost("no member any more")
        self._note_loss(node, known)
        self._ledger.granted.discard(node.id)

    def _will_refuse(self, known: Facts) -> bool:
        topology = self._ledger.topology
        another = known.epoch == topology.epoch and known.coordinator != self._coordinator
        return known.epoch > topology.epoch or another or known.cluster not in ("", topology.cluster)

    def _judge(self, node: RemoteNode, facts: Facts) -> None:
        """Decide whether a member came back with its data, of which ``_judge_tail`` has seen the end. Promise: a new data id means
        wiped. Raises LogFull, ClusterError."""
        topology, left = self._ledger.topology, facts.left
        member = topology.members[node.id]
        if facts.data_id == member.data_id:
            return
        let_go = left is not None and (left.cluster, left.data_id) == (topology.cluster, member.data_id)
        if member.leaving and let_go and facts.empty:
            # Drained or the last one and empty, it was let go, and kvtui ended before it had logged that: nothing is lost by it.
            self._ledger.append(Seen(msgspec.structs.replace(member, data_id=facts.data_id, counter=facts.counter)))
            return
        self._note_loss(node, facts)

    def _note_loss(self, node: RemoteNode, facts: Facts) -> None:
        """Log that a member came back without its data, or without all of it. Raises LogFull, ClusterError."""
        # Nothing was cleared by its hello: whatever it holds of slots that it does not serve is garbage until it is.
        ledger, unheard = self._ledger, self._ledger.cautious and node.id not in self._ledger.granted
        # Of a rebuilt log all nodes that could be found were asked already.
        others = discredited(ledger.topology, node.id) if unheard and ledger.topology.home != HOME else []
        ledger.append(*others, Wiped(node.id, facts.data_id, facts.counter, empty=facts.empty))
        node.known_counter = facts.counter
        held = any(node.id in place.replicas for place in self._ledger.topology.distinct)
        if held:
            self._happenings.emit(Level.WARNING, f"{node.id} came back without its data", node.id)
        lost = sum(stop - start for start, stop in self._ledger.topology.lost)
        if lost:
            self._happenings.emit(Level.BAD, loss(lost, node.id, unheard=bool(others)), node.id)

    def take_up(self, node: RemoteNode, link: Link, facts: Facts) -> None:
        node.link, node.facts, node.state, node.trouble = link, facts, NodeState.UP, ""
        node.unlogged = False
        node.known_counter = facts.counter
        # Since a start, a node counts anew.
        self._damage_found.pop(node.id, None)
        self._ledger.grant(node.id)
        self._notes.take_up(node.id, facts.noted)
        self._ledger.stir()

    def note_fencing(self, node: RemoteNode, error: Refused) -> None:
        if error.reply.code == FENCED:
            self._ledger.stop(f"another coordinator took this cluster over ({node.id} says: {error}); kvtui stops")

    def _on_lost(self, node: RemoteNode) -> Callable[[Link, str], None]:
        def lost(link: Link, reason: str) -> None:
            if node.link is link:
                self.hang_up(node, reason)

        return lost

    async def part(self, node: RemoteNode) -> bool:
        """Let a drained node go, once the others have noted who holds what without it; nobody waits for what it still owed. False:
        this coordinator stopped meanwhile, and lets nobody go."""
        others = sorted({name for place in self._ledger.topology.distinct for name in place.clean} - {node.id})
        try:
            async with asyncio.timeout(NOTED_SECONDS):
                await self._notes.noted(others)
        except TimeoutError:
            # One that keeps refusing notes does not keep others from leaving: a table rebuilt from its note would miss the leaver.
            pass
        if self._ledger.stopped:
            return False
        try:
            await node.ask(Leave(noted=self._ledger.logged))
        except (LinkLost, LinkFull):
            # It can't be told; if it comes back, it is refused as a stranger that belongs to this cluster.
            pass
        link = node.unlink()
        self._notes.forget(node.id)
        if link is not None:
            link.close("it left the cluster")
        node.wake.set()
        return True

    def hang_up(self, node: RemoteNode, reason: str) -> None:
        """A link ended: before any waiting write hears of it, the node is recorded as behind where others go on."""
        link = node.unlink()
        if link is None:
            return
        self._notes.forget(node.id)
        reason = node.ended or reason
        node.state, node.trouble = NodeState.DOWN, reason
        if not self._closing and not self._ledger.stopped and node.id in self._ledger.topology.members:
            self._happenings.emit(Level.BAD, f"{node.id} is DOWN: {reason}", node.id)
            self._ledger.exclude(node.id, [(0, len(self._ledger.topology.places))])
            self._ledger.give_up_return(node.id)
            self._ledger.record(self._as_counted(node))
        self._ledger.stir()
        link.close(reason)
        node.wake.set()
