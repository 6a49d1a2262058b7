"""The coordinator's one mutable truth: the logged topology, the members' links, and what is not certain yet."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kvtui.core.cluster import ClusterError
from kvtui.core.graves import Graves
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.placement import Placement
from kvtui.core.progress import concerned, progress
from kvtui.core.records import Behind, Counted, CutOver, LossAccepted, Opened, Record, Recovered, Runs, Tuned
from kvtui.core.remote_node import RemoteNode
from kvtui.core.ring.token import slot_shift, token_of
from kvtui.core.routes import Route, Routes
from kvtui.core.seams.storage import EngineFailed, EngineFull
from kvtui.core.topology import Topology
from kvtui.core.version import NEVER, Version

UNCERTAIN_KEYS: Final = 100_000
"""Keys with a write of unknown outcome that are remembered one by one; beyond it their whole slots are suspected."""
SUSPECTED_ANEW: Final = 2
"""In ``Ledger.unverified``: suspected since the comparison that may be under way began."""
HINTS: Final = 100_000
"""Keys remembered a node as missing there; beyond it only the number goes on."""


class LogFull(ClusterError):
    """There is no space for a record: nothing was logged, and nothing changed."""


@dataclass(slots=True, eq=False)
class Counting:
    """A follower whose acknowledgement writes of slots ``start``..``stop`` need while it is being verified."""

    node: str
    start: int
    stop: int
    spoiled: bool = False
    """A write did not reach it: the verification is void."""

    def covers(self, slots: Iterable[int]) -> bool:
        """Whether any of the slots is being verified."""
        return any(self.start <= slot < self.stop for slot in slots)


class Ledger:
    """Appends records, and keeps routes and waiters in step with them. Every change of placement goes through here."""

    def __init__(
        self,
        log: MetadataLog,
        on_stop: Callable[[str], None] = lambda reason: None,
        on_space: Callable[[str], None] = lambda reason: None,
        *,
        home: str = "",
    ) -> None:
        """``log`` holds a created cluster. ``on_stop`` is told why this coordinator serves no more; ``on_space`` why the log takes
        no more records for the time being, and an empty text once it does again."""
        self._log = log
        self.topology: Topology = log.topology
        """What is logged."""
        self._home = home
        self.cautious = log.topology.home != home
        """No clean set goes on without a member that has not granted this epoch: it might obey another coordinator."""
        self._on_stop = on_stop
        self._on_space = on_space
        self.nodes: dict[str, RemoteNode] = {}
        self._routes = Routes(self.nodes)
        self._by_slot: dict[int, Route] = {}
        self._shift = slot_shift(len(log.topology.places))
        self.seq = 0
        self.uncertain: dict[bytes, Version] = {}
        """Keys with a write of unknown outcome, and the newest such write: the next read consults all of S."""
        self.unverified = bytearray(b"\1") * len(log.topology.places)
        """Slots (not 0) whose clean replicas have not been compared since this coordinator started."""
        self.graves = Graves(len(log.topology.places))
        """Slots that may hold tombstones."""
        self.repairs: Counter[int] = Counter()
        """Reads of each slot that may write back what they have read."""
        self.counting: list[Counting] = []
        self.hints: dict[str, set[bytes]] = {}
        self.revision = 0
        """Grows with every change of the topology or of a link."""
        self._waiters: list[asyncio.Future[None]] = []
        self.granted: set[str] = set()
        """Nodes that have granted this coordinator's epoch."""
        self.on_records: Callable[[Sequence[Record]], None] = lambda records: None
        """Told of records once they are durable, before anybody acts on them."""
        self.on_clean: Callable[[Sequence[str], int, int], None] = lambda nodes, start, stop: None
        """Told which nodes were made equal to a clean replica of slots ``start``..``stop``, and count from now on."""
        self.remade: dict[str, int] = {}
        """The revision at which each node was last made equal to a clean replica of any slots, and counted from then on."""
        self.stopped = ""
        """Why this coordinator had to stop; empty while it is the one active coordinator."""
        self.full = ""
        """Why the log takes no records for the time being: its disk is full. Empty: it does."""
        self._unlogged: set[str] = set()
        """Members that were lost while that was so."""

    @property
    def logged(self) -> Version:
        """How far the log has got: its epoch, and the number of its newest record."""
        return Version(self._log.topology.epoch, self._log.last)

    def append(self, *records: Record) -> None:
        """Log records, and how far the nodes got whose standing they change, then act on them. Raises LogFull when there is no
        space for them, which changes nothing, and ClusterError when the log fails: then this coordinator stops. One that has
        stopped logs nothing."""
        if self.stopped:
            raise ClusterError(self.stopped)
        before = self.topology
        records = (*records, *progress(self.topology, concerned(self.topology, records), self.nodes))
        try:
            self._log.append(*records)
            self.topology = self._log.topology
        except EngineFull as error:
            raise self._note_full(str(error)) from None
        except EngineFailed as error:
            self.stop(f"the state directory can't be written, so kvtui stops: {error}")
            raise ClusterError(self.stopped) from None
        if self.topology.places is not before.places:
            self._forget_hints()
        self.stir()
        self.on_records(records)
        for record in records:
            if isinstance(record, Recovered):
                self._count(record, (record.node,))
            elif isinstance(record, CutOver):
                self._count(record, before.places[record.start].receiving)
            elif isinstance(record, LossAccepted):
                self._count(record, record.clean)

    def _forget_hints(self) -> None:
        """Who is behind nowhere any more misses nothing, whether it was made equal, moved or let go."""
        if self.hints:
            behind = {node for place in self.topology.distinct for node in place.behind}
            self.hints = {node: keys for node, keys in self.hints.items() if node in behind}

    def _count(self, record: Recovered | CutOver | LossAccepted, nodes: tuple[str, ...]) -> None:
        self.remade.update(dict.fromkeys(nodes, self.revision))
        self.on_clean(nodes, record.start, record.stop)

    def log_progress(self, names: Iterable[str]) -> None:
        """Log how far those nodes got, where it is further than is logged. Raises as ``append``."""
        records = progress(self.topology, names, self.nodes)
        if records:
            self.append(*records)

    def record(self, *records: Record) -> bool:
        """``append`` where nobody waits for the outcome: whether they are logged. When not, ``stopped`` or ``full`` says why.

        While the log is full it is not even tried: whoever still wants them logged comes again at the ``stir`` that ends that.
        """
        if self.full:
            return False
        try:
            self.append(*records)
        except ClusterError:
            return False
        return True

    def check_space(self) -> None:
        """Raise LogFull, or ClusterError, when a record can't be logged now: a small one that says nothing new is."""
        topology = self.topology
        member = next(iter(topology.members.values()), None)
        if member is None:
            self.append(Tuned(topology.quorum, topology.reads, topology.throttle))
        else:
            self.append(Counted(member.id, member.counter))
        if self.full:
            self.full = ""
            self._on_space("")
            self._note_home()
            self._exclude_lost()
            self.stir()

    def _exclude_lost(self) -> None:
        """Who was lost meanwhile and is not back is behind from here on; who is back missed nothing that was acknowledged."""
        lost, self._unlogged = self._unlogged, set()
        for name in sorted(lost):
            node = self.nodes.get(name)
            if node is not None and not node.usable and name in self.topology.members:
                self.exclude(name, [(0, len(self.topology.places))])

    def _note_full(self, why: str) -> LogFull:
        """Told once, until there is space again."""
        if not self.full:
            self.full = f"the metadata log takes no more records: {why}"
            self._on_space(self.full)
            self.stir()
        return LogFull(f"it can't be logged, so nothing changed: {why}; make space there")

    def stop(self, reason: str) -> None:
        """Serve no more. The first reason stays, and is told once."""
        if not self.stopped:
            self.stopped = reason
            self._on_stop(reason)
        self.stir()

    def stir(self) -> None:
        """Something changed: routes are stale, and whoever waits looks again."""
        self.revision += 1
        self._routes.forget()
        self._by_slot.clear()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def changed(self) -> "asyncio.Future[None]":
        """Done at the next ``stir``. One future for each caller, so that a cancelled one disturbs nobody."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters = [other for other in self._waiters if not other.done()]
        self._waiters.append(waiter)
        return waiter

    def slot(self, key: bytes) -> int:
        """The slot that holds the key."""
        return token_of(key) >> self._shift

    def route(self, slot: int) -> Route:
        """Who takes part in the operations of the slot at present."""
        route = self._by_slot.get(slot)
        if route is not None:
            return route
        topology = self.topology
        place = topology.places[slot]
        if not self.may_place(place):
            return self._routes.closed(place, topology.quorum, self.granted)
        route = self._by_slot[slot] = self._routes.of(place, topology.quorum)
        return route

    def obeyed(self, place: Placement) -> bool:
        """Whether all who are, or may have become, clean replicas have granted this coordinator's epoch."""
        return self.granted.issuperset(place.counted if place.replicas else self.topology.members)

    def may_place(self, place: Placement) -> bool:
        """Whether a slot that is placed so may be served, and given other replicas. On what may be an old copy of the log, another
        coordinator may have done that already, and whoever has not granted this one's epoch may know."""
        return not self.cautious or self.obeyed(place)

    def unheard(self, place: Placement) -> tuple[str, ...]:
        """Who must grant this coordinator's epoch before a slot that is placed so may be served; nobody where it may."""
        if self.may_place(place):
            return ()
        return tuple(node for node in place.counted if node not in self.granted)

    @property
    def newest(self) -> Version:
        """The newest version given to a write so far."""
        return Version(self.topology.epoch, self.seq)

    def next_version(self, keys: int = 1) -> Version:
        """The version of the next write, and room for ``keys`` - 1 more after it."""
        first = self.seq + 1
        self.seq += keys
        return Version(self.topology.epoch, first)

    def grant(self, node: str) -> None:
        """The node obeys this coordinator. Once all do, this is no old copy of the log, and where it was opened it is at home."""
        self.granted.add(node)
        self._note_home()

    def _note_home(self) -> None:
        topology = self.topology
        if (self.cautious or topology.ends) and self.granted.issuperset(topology.members):
            self.record(Opened(topology.epoch, topology.coordinator, self._home))
            self.cautious = self.cautious and self.topology.home != self._home

    def exclude(self, node: str, runs: Runs) -> None:
        """Record that the node is behind in those of ``runs`` whose clean set may go on without it."""
        if self.cautious and node not in self.granted:
            return
        shrinkable = self.topology.shrinkable(node)
        allowed = [
            (max(start, low), min(stop, high))
            for start, stop in runs
            for low, high in shrinkable
            if max(start, low) < min(stop, high)
        ]
        if allowed and not self.record(Behind(node, allowed)):
            self._unlogged.add(node)

    def give_up_return(self, node: str) -> None:
        """The node is away again before it was made equal: nobody who goes on without it needs to wonder whether it was."""
        runs = self.topology.runs(lambda place: node in place.returning)
        if runs and not (self.cautious and node not in self.granted):
            self.record(Behind(node, runs))

    def suspect_key(self, key: bytes, slot: int, version: Version) -> None:
        """The write of the key with that version ended unknown."""
        if key in self.uncertain or len(self.uncertain) < UNCERTAIN_KEYS:
            self.uncertain[key] = max(version, self.uncertain.get(key, NEVER))
        else:
            news = not self.unverified[slot]
            self.unverified[slot] = SUSPECTED_ANEW
            if news:
                self.stir()

    def suspect(self, start: int, stop: int) -> None:
        """The clean replicas of slots ``start``..``stop`` are to be compared, whatever comparison of them is under way."""
        self.unverified[start:stop] = bytes((SUSPECTED_ANEW,)) * (stop - start)

    def spoil(self, slot: int) -> None:
        """Something is stored on a clean replica alone: whoever is being compared with it must be compared again."""
        for counting in self.counting:
            if counting.covers((slot,)):
                counting.spoiled = True

    def overruled(self, key: bytes, version: Version) -> None:
        """Every clean replica holds that version of the key: older writes don't matter any more, newer ones do."""
        if self.uncertain.get(key, version) <= version:
            self.uncertain.pop(key, None)

    def hint(self, node: str, keys: Iterable[bytes]) -> None:
        """A write was acknowledged without the node."""
        known = self.hints.setdefault(node, set())
        if len(known) < HINTS:
            known.update(keys)

    def close(self) -> str:
        """Why the log could not be closed in order, in words; empty when it was. Nothing is lost by that."""
        return self._log.close()
