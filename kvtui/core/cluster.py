"""The one way in: what dashboards, shells and gateways know of a cluster, whatever engine is behind it.

``Cluster`` is what every engine has. What only some have are capability protocols beside it, asked for with
``isinstance``; a screen leaves out what is absent.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, runtime_checkable

import msgspec

from kvtui.core.events import Event
from kvtui.core.read_mode import ReadMode as ReadMode
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.core.version import Version

if TYPE_CHECKING:
    from kvtui.core.change import Change
    from kvtui.core.explanation import Explanation
    from kvtui.core.plan import Plan


class KvtuiError(Exception):
    """Whatever kvtui raises for a cluster or its keys."""


class ClusterError(KvtuiError):
    """A request that was refused, whole: nothing changed. The text says what, why, and what to do."""


class ArgumentError(ClusterError, ValueError):
    """An argument that can't be: of the right type, but no possible value. Nothing was done. One of a wrong type is a TypeError."""


class Outcome(StrEnum):
    """The three ends of an operation."""

    OK = "ok"
    FAILED = "failed"
    """It did not happen and never will."""
    UNKNOWN = "unknown"
    """It may have happened: some replica may hold it."""


class ReplicaAnswer(msgspec.Struct, frozen=True, gc=False):
    """What one replica said: ``status`` as on the wire (ok, not_found, error); ``silent`` where it was asked and did not answer,
    ``unasked`` where it was not asked, since it can't be reached."""

    node: str
    status: str
    text: str = ""
    """For errors, and where there is no answer, why."""
    milliseconds: float = 0.0


class Written(msgspec.Struct, frozen=True, gc=False):
    """The end of one put or delete. ``text`` says why when it isn't OK."""

    outcome: Outcome
    version: Version
    replicas: tuple[ReplicaAnswer, ...] = ()
    """The key's replicas in preference order, with their answers."""
    existed: bool = True
    """For a delete: whether a value was there."""
    text: str = ""
    receiving: tuple[ReplicaAnswer, ...] = ()
    """Nodes that will be replicas of the key, with their answers, which don't count."""
    milliseconds: float = 0.0
    """Until its fate was known; 0 where that is not known yet, or where nothing was sent."""


class Given(NamedTuple):
    """Keys that were sent together: ``version`` is that of the first, those that follow count on."""

    version: Version
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WrittenMany:
    """The end of a batch: how many keys ended how; ``text`` is the first reason of those that didn't succeed."""

    ok: int
    failed: int = 0
    unknown: int = 0
    text: str = ""
    others: Mapping[bytes, Outcome] = field(default_factory=dict)
    """The keys that did not end OK, and how they ended."""
    existed: int = 0
    """For deletes that ended OK: the keys that a value was there for."""
    given: tuple[Given, ...] = ()
    """Which versions were given to the keys that ended OK or unknown, in the order in which they were given."""

    @property
    def versions(self) -> dict[bytes, Version]:
        """The version of each key that ended OK or unknown, as far as it is known; made anew at each call."""
        given = {
            key: Version(epoch, seq) for (epoch, first), keys in self.given for seq, key in enumerate(keys, start=first)
        }
        for key, end in self.others.items():
            if end is Outcome.FAILED:
                # An earlier write of a key that was named twice may have got one.
                given.pop(key, None)
        return given

    def __repr__(self) -> str:
        """How many, and not which: they may be thousands."""
        return (
            f"<WrittenMany: {self.ok:,} ok, {self.failed:,} failed, {self.unknown:,} unknown, {self.existed:,} existed"
            f"{_because(self.text)}>"
        )


class Read(msgspec.Struct, frozen=True, gc=False):
    """The end of a get: ``value`` None when the key is absent. ``text`` says why when it isn't OK."""

    outcome: Outcome
    value: bytes | None
    version: Version
    node: str = ""
    """The replica that answered."""
    milliseconds: float = 0.0
    text: str = ""
    stale: bool = False
    """Answered by a replica that may lack acknowledged writes, since no clean one could be asked (``available`` reads)."""

    def decode(self) -> str | None:
        """The value as text; None when the key is absent. Raises UnicodeDecodeError for what is not UTF-8."""
        return None if self.value is None else self.value.decode()

    def __repr__(self) -> str:
        """Without the value: logs and crash reports take down what they are shown."""
        value = "no value" if self.value is None else _sized(len(self.value))
        stale = ", stale" if self.stale else ""
        return f"<Read {self.outcome}: {value}, version {self.version}{stale}{_because(self.text)}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        size = None if self.value is None else len(self.value)
        return [("outcome", self.outcome), ("size", size), ("version", self.version)]


IT_IS_DOWN: Final = "it is down"
"""Why a replica was not asked."""


class Heard(StrEnum):
    """What is known of one replica's copy of a key, and how. Whether the replica may lack writes (is behind) is another matter."""

    ANSWERED = "answered"
    NOT_ASKED = "not asked"
    """It can't be reached, or nobody needed its answer."""
    NO_ANSWER = "no answer"
    """It was asked, and its connection ended before it answered."""
    DAMAGED = "damaged"
    """Its copy fails its checksum, and is not served: it is repaired from another replica."""
    REFUSED = "refused"
    """It answered with another error."""


@dataclass(frozen=True, slots=True)
class ReplicaCopy:
    """What one replica holds of a key. ``version`` is (0, 0) where it never had the key, None unless it ``ANSWERED``."""

    node: str
    version: Version | None
    deleted: bool = False
    clean: bool = True
    """It holds every acknowledged write; False: it is behind."""
    receiving: bool = False
    heard: Heard = Heard.ANSWERED
    why: str = ""
    """Why there is no version, in a few words."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a key is and why: its token's place on the ring (0..1), its range (0..1) and what each replica holds."""

    key: bytes
    token: int
    position: float
    start: float
    stop: float
    replicas: tuple[ReplicaCopy, ...]


class Item(msgspec.Struct, frozen=True, gc=False):
    """A live key of a scan."""

    key: bytes
    value: bytes | None
    """None when values weren't asked for."""
    version: Version
    size: int
    """Bytes of the value, whether it was asked for or not."""

    def decode(self) -> str | None:
        """The value as text; None when values weren't asked for. Raises UnicodeDecodeError for what is not UTF-8."""
        return None if self.value is None else self.value.decode()

    def __repr__(self) -> str:
        """Without the value."""
        return f"<Item {self.key!r}: {_sized(self.size)}, version {self.version}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("key", self.key), ("size", self.size), ("version", self.version)]


def _sized(count: int) -> str:
    return f"{count:,} byte{'' if count == 1 else 's'}"


def _because(text: str) -> str:
    return f": {text}" if text else ""


class OwnData(StrEnum):
    """What becomes of the keys that a standalone node holds when it joins."""

    REFUSE = "refuse"
    """A node with keys of its own does not join."""
    IMPORT = "import"
    """Its keys become the cluster's; a key that the cluster has already stays as it is there."""
    WIPE = "wipe"
    """They are deleted."""


@dataclass(frozen=True, slots=True)
class NodeAdded:
    """``started``: kvtui started the process; else it attached to one that listened there."""

    id: str
    host: str
    port: int
    started: bool
    imported: int = 0
    """Keys of its own that became the cluster's."""
    kept: int = 0
    """Keys of its own that were left out because the cluster had them already."""
    former: str = ""
    """Where it was, if it is a member that came back at another address."""


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """What a rebalance did: keys copied to, and removed from, nodes. ``copied`` and ``removed`` name the first few (key, node)."""

    copied: tuple[tuple[bytes, str], ...]
    removed: tuple[tuple[bytes, str], ...]
    copies: int
    removals: int


@dataclass(frozen=True, slots=True)
class Compaction:
    """How far a node is with giving back space: over when all of ``total`` pieces are ``done``."""

    node: str
    done: int
    total: int
    before: int
    """Bytes of the node's files when it began, and ``now``; 0 for a node that keeps all in memory."""
    now: int


@runtime_checkable
class Cluster(Protocol):
    """A ring of nodes that holds keys. Keys and values are bytes.

    Operations on keys end in an ``Outcome``, never in an exception; requests about nodes raise ClusterError.
    """

    def snapshot(self) -> ClusterSnapshot:
        """The newest picture; the same object while nothing changed."""
        ...

    async def changed(self, seen: ClusterSnapshot) -> ClusterSnapshot:
        """Wait until ``snapshot()`` is another object than ``seen``, and return it. At most 10 times a second."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """Events from the call on, after the last few that came before it. A listener that falls far behind misses the
        oldest and is told so by an event of its own."""
        ...

    async def refresh(self) -> ClusterSnapshot:
        """Ask every node that is up for its counts now, and return the picture that results."""
        ...

    async def put(self, key: bytes, value: bytes) -> Written: ...

    async def get(self, key: bytes) -> Read: ...

    async def delete(self, key: bytes) -> Written: ...

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        """Store a batch of any length, each key on its own replicas. A key that comes twice ends with its
        last value, and counts twice."""
        ...

    async def get_many(self, keys: Sequence[bytes], *, room: int | None = None) -> list[Read]:
        """One answer a key, in order; each is read by itself, so that a batch that is written meanwhile may be found in part. With
        ``room``, only those of the first keys whose values have that many bytes together at
        most, or that of one key: what has no room is not read."""
        ...

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        """Delete a batch of any length. A key that comes twice counts twice."""
        ...

    async def locate(self, key: bytes) -> Location: ...

    def scan(
        self, prefix: bytes = b"", *, values: bool = True, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]:
        """Every live key that begins with ``prefix``, in ring order, a page at a time. Raises ClusterError where a range
        can't be read. A key written meanwhile may come or not.

        ``passed`` is told how far round the ring (0..1) the scan has come, where nothing was found included.
        """
        ...

    async def add_node(self, node: str, host: str, port: int, *, own_data: OwnData = OwnData.REFUSE) -> NodeAdded:
        """Attach to the node at ``host:port``, or start one there (port 0: any free one). Raises ClusterError.

        A member that runs by itself and was started at another address is looked for there from then on, if it is that member,
        with all that it has acknowledged. ``own_data`` says what becomes of the keys that a standalone node holds.

        Returns when the node belongs to the cluster; its share of the keys moves in the background.
        """
        ...

    async def remove_node(self, node: str, *, force: bool = False) -> str:
        """Move everything off the node, then forget it; returns what of its data directory could not be deleted, in words (empty:
        nothing is left). Raises ClusterError.

        ``force`` removes a node that is DOWN: its slots are copied from their other clean replicas. It is refused, with the
        slots named, where the node has the last clean copy: those must be given up first (``Losses.accept_loss``).
        """
        ...

    async def set_replication(self, copies: int) -> None:
        """Want that many copies of every key from now on, existing ones included. Raises ClusterError."""
        ...

    async def rebalance(self) -> Rebalanced:
        """Finish all moves, compare all replicas and repair what differs. Raises ClusterError when it can't finish."""
        ...


@runtime_checkable
class LocalNodes(Protocol):
    """A cluster that runs nodes as processes of its own."""

    async def start_node(self, node: str) -> None:
        """Start a stopped or killed node of this machine again, on its data. Raises ClusterError."""
        ...

    async def stop_node(self, node: str) -> None:
        """End the node's process in order; it stays a member, DOWN. Raises ClusterError."""
        ...


@runtime_checkable
class Losses(Protocol):
    """A cluster that can tell what it lost, and waits for a person to accept it."""

    async def accept_loss(self, node: str | None = None) -> int:
        """Serve lost slots again, from what is left of them. Returns how many slots. Raises ClusterError.

        With a ``node`` that is DOWN, what only it holds is given up as well.
        """
        ...


@runtime_checkable
class Guarantees(Protocol):
    """A cluster whose promises can be tuned."""

    async def set_quorum(self, copies: int) -> None:
        """Acknowledge writes only with that many synced clean copies (W); 0: the default for the number of copies.

        Raises ClusterError, for more than the copies that are kept among others.
        """
        ...

    async def set_reads(self, mode: ReadMode) -> None:
        """Say what a get does where no clean replica can be asked. Raises ClusterError."""
        ...


@runtime_checkable
class Throttles(Protocol):
    """A cluster whose moves and recoveries can be slowed down, for the sake of its clients."""

    async def set_throttle(self, keys_per_second: int) -> None:
        """Copy at most so many keys a second from node to node, all nodes together; 0: as fast as they go. Raises ClusterError."""
        ...


@runtime_checkable
class Compacts(Protocol):
    """A cluster whose nodes give back the space of what was deleted."""

    async def compact(self, node: str, *, begin: bool = True) -> Compaction:
        """Have a node that is up give back, in the background, all the space that it can; without ``begin`` only ask how far it is.
        Nothing that is stored changes. Raises ClusterError, where it failed as well.
        """
        ...


class Observer(Protocol):
    """Who is told of every operation on keys as clients see it, such as a recorder of histories. Nothing here may raise or wait."""

    def begin(self, kind: str, key: bytes, value: bytes | None) -> object:
        """An operation (``put``, ``get``, ``delete``) begins; what is returned is given back at its end."""
        ...

    def end(self, begun: object, outcome: Outcome, value: bytes | None, version: Version | None, stale: bool) -> None:
        """It ends so. One that is never ended has an unknown outcome."""
        ...

    def event(self, text: str) -> None:
        """Something else happened, such as a fault."""
        ...

    def closed(self) -> None:
        """The cluster is closed: nothing more comes."""
        ...


@runtime_checkable
class Observable(Protocol):
    """A cluster whose operations can be observed."""

    @property
    def observer(self) -> Observer | None:
        """Who observes now."""
        ...

    def observe(self, observer: Observer | None) -> Version:
        """Tell that observer of every operation that begins from now on; None: nobody. Returns the newest version given so far:
        what is older was written before. Raises ClusterError while somebody else observes."""
        ...


@runtime_checkable
class Policies(Protocol):
    """A cluster that can place its ring anew while it serves."""

    async def set_policy(self, policy: str, vnodes: int = 0) -> None:
        """``balanced``, or ``classic`` with ``vnodes`` points a node (0: 64). Slots move in the background. Raises ClusterError."""
        ...

    async def set_weight(self, node: str, weight: int) -> None:
        """Give a node ``weight`` times the share of a node of weight 1. Raises ClusterError."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A cluster that can carry a request out and tell how it went, step by step."""

    async def explain_put(self, key: bytes, value: bytes) -> "Explanation":
        """As ``put``."""
        ...

    async def explain_get(self, key: bytes) -> "Explanation":
        """As ``get``."""
        ...

    async def explain_delete(self, key: bytes) -> "Explanation":
        """As ``delete``."""
        ...


@runtime_checkable
class Plans(Protocol):
    """A cluster that can tell what a change of its nodes or its placement would do."""

    async def plan(self, change: "Change") -> "Plan":
        """What would move, and at what risk. Changes nothing; a change that can't be made has a plan that says why not."""
        ...


@runtime_checkable
class Faults(Protocol):
    """A cluster that can do to nodes of its own what life does to others'. Each raises ClusterError for nodes it did not start."""

    async def kill_node(self, node: str) -> None:
        """End the process at once, as ``kill -9`` does."""
        ...

    async def pause_node(self, node: str) -> None:
        """Stop the process where it is (SIGSTOP); it keeps what it holds, and what is sent to it waits."""
        ...

    async def resume_node(self, node: str) -> None:
        """Let a paused process go on (SIGCONT)."""
        ...

    async def slow_node(self, node: str, seconds: float) -> None:
        """Delay everything to and from the node by so much each way; 0: no longer."""
        ...

    async def cut_node(self, node: str) -> None:
        """Partition the node from the coordinator: nothing comes through, either way, until ``heal``."""
        ...

    async def heal(self) -> None:
        """End all partitions and delays, and resume what is paused. Killed nodes stay killed: ``start_node`` starts them."""
        ...

    async def wipe_node(self, node: str) -> None:
        """End the node's process and delete its data directory; it stays a member. Refused while it has the last clean copy of
        anything."""
        ...


@runtime_checkable
class Shared(Protocol):
    """A cluster whose coordinator may be in another process, which may end."""

    async def take_up(self) -> str:
        """After the process with the coordinator ended: open it here, or attach to who was faster. Returns what came of it, in
        words. Raises ClusterError where there is nothing to take up, or it can't be opened.
        """
        ...
