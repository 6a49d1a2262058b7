"""What the cluster looks like at one moment: the immutable value that every screen draws.

Positions are 0..1 round the ring, from the top, clockwise.
"""

from dataclasses import dataclass
from enum import StrEnum

from kvtui.core.guarantee import guarantee, weakened
from kvtui.core.read_mode import ReadMode


class NodeState(StrEnum):
    """What heartbeats say of a node."""

    UP = "UP"
    SUSPECT = "SUSPECT"
    """Silent for longer than a heartbeat should take, not yet given up."""
    DOWN = "DOWN"


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` slots, at ``rate`` slots a second; ``left`` seconds to the end, None where nobody can tell."""

    done: int
    total: int
    rate: float = 0.0
    left: int | None = None

    @property
    def fraction(self) -> float:
        return self.done / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node. ``share`` and ``first_share`` are fractions (0..1) of the ring's slots, as any replica and as the first."""

    id: str
    host: str
    port: int
    state: NodeState
    weight: int = 1
    keys: int = 0
    """Live keys stored on the node, as last heard."""
    bytes: int = 0
    """Length of those keys and their values together."""
    tombstones: int = 0
    damaged: int = 0
    """Entries that failed their checksum and are not served."""
    operations: float = 0.0
    """Keys a second that the node writes and reads for this coordinator, copies of moves included."""
    p50: float = 0.0
    p99: float = 0.0
    """Milliseconds until it answers for a single key, over the last 5 to 10 seconds; 0: nothing was asked."""
    share: float = 0.0
    first_share: float = 0.0
    quota: float = 0.0
    """The ``share`` that the ring plans for the node."""
    behind: int = 0
    """Slots of which the node is a replica that may lack acknowledged writes."""
    hints: int = 0
    """Keys known to be missing on it."""
    awaited: int = 0
    """Slots that can't be served, or take no writes, and wait for it: it has a clean copy of them, and can't be reached."""
    receiving: Progress | None = None
    """Slots on their way to this node."""
    waits_for: tuple[str, ...] = ()
    """Nodes that can't be reached, without which slots can't move to this node, or off it."""
    leaving: bool = False
    """The node is being drained."""
    started_here: bool = False
    """kvtui started this process and can stop and start it."""
    pid: int | None = None
    since: float = 0.0
    """When it came into this state, as kvtui saw it: seconds since 1970; 0: not known."""
    data_id: str = ""
    """Names the life of its data directory: a new one means that earlier data is gone."""
    epoch: int = 0
    """The highest epoch that it has granted."""
    counter: int = 0
    """Synced batches of that life of its data."""
    durable: bool = True
    fault: str = ""
    """What a person had done to this node (``paused``, ``cut off``), in a few words; empty when nothing is."""
    note: str = ""
    """What a person should know of this node, in a few words; empty when all is well."""


@dataclass(frozen=True, slots=True)
class RangeView:
    """A run of neighbouring slots with the same replicas."""

    start: float
    stop: float
    replicas: tuple[str, ...]
    """Preference list: who serves this range now, first replica first."""
    clean: tuple[str, ...]
    """Those of ``replicas`` that hold every acknowledged write."""
    receiving: tuple[str, ...] = ()
    """Nodes that are being filled and will become replicas."""
    giving: tuple[str, ...] = ()
    """Replicas that end being so once ``receiving`` are filled."""
    waits_for: tuple[str, ...] = ()
    """The range is unavailable: nodes that can't be reached, one of which at least must be back before it is served."""
    writes_wait_for: tuple[str, ...] = ()
    """It can be read, and takes no writes: nodes without which too few clean copies can be reached."""


@dataclass(frozen=True, slots=True)
class OperationView:
    """One kind of operation: a second's rate, its recent history (oldest first), latencies of the last 10 s in milliseconds."""

    rate: float = 0.0
    history: tuple[float, ...] = ()
    p50: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    longest: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSnapshot:
    """Everything a screen shows of the cluster. Equal parts are the same objects in consecutive snapshots."""

    name: str
    epoch: int
    policy: str
    """``balanced``, or ``classic`` with its number of virtual nodes (``classic 64``)."""
    slots: int
    replication: int
    """Copies wanted of every key (N)."""
    copies_each: int
    """Copies possible with the nodes there are: min(N, nodes)."""
    write_quorum: int
    """Synced copies without which no write is acknowledged (W)."""
    reads: ReadMode = ReadMode.STRICT
    throttle: int = 0
    """Keys a second that may be copied between nodes; 0: any number."""
    nodes: tuple[NodeView, ...] = ()
    ranges: tuple[RangeView, ...] = ()
    """In ring order, covering 0..1; empty without nodes."""
    keys: int = 0
    """Distinct live keys that can be reached, as last counted."""
    unreachable_keys: int | None = 0
    """Distinct live keys of the slots that are unavailable, as counted while they could be reached; None where they were not."""
    unreachable_sure: bool = True
    """False where some may have been written or deleted after that count: then their number is a rough one."""
    copies: int = 0
    """Live keys summed over nodes."""
    density: tuple[int, ...] = ()
    """Distinct keys in equal parts of the ring, in ring order."""
    puts: OperationView = OperationView()
    gets: OperationView = OperationView()
    behind: int = 0
    """Copies of slots that may lack acknowledged writes."""
    hints: int = 0
    """Keys known to be missing on replicas that are behind."""
    under_replicated: int = 0
    """Slots with fewer clean copies than ``copies_each`` that are served all the same: neither ``unavailable`` nor ``lost``."""
    clean_copies: tuple[tuple[int, int], ...] = ()
    """(clean copies, slots that have so many), fewest copies first; empty without nodes."""
    lost: int = 0
    """Slots without any clean copy, on whatever node: their newest writes may be gone."""
    unavailable: int = 0
    """Slots with clean copies none of which can be reached now: they can't be served until a node is back."""
    waits_for: tuple[str, ...] = ()
    """The nodes that those wait for; that which has most of them first."""
    stale_at_best: int = 0
    """Slots of those of which a replica can be reached that may lack writes: ``available`` reads answer from there, flagged."""
    unwritable: int = 0
    """Slots that can be read, and take no writes: too few clean copies can be reached."""
    writes_wait_for: tuple[str, ...] = ()
    """The nodes that those wait for."""
    moving: Progress | None = None
    """All slots that are changing hands."""
    moves_waiting: int = 0
    """Slots that are to move, and can't."""
    moves_wait_for: tuple[str, ...] = ()
    """The nodes that those wait for."""
    moves_lost: int = 0
    """Slots that are to move, and are lost: there is nothing to copy until their data is back, or their loss is accepted."""
    durable: bool = True
    """False with ``--memory``: nothing survives the end of the processes."""
    state_directory: str = ""
    attached: str = ""
    """Who holds the coordinator, where that is another process, in its own words. Empty: this process does."""
    stopped: str = ""
    """Why this coordinator serves no more: another one took over, or its log can't be written. Empty: it serves."""
    log_full: str = ""
    """Why nothing can be logged for the time being: there is no space. What waits for it goes on once there is. Empty: it can."""

    @property
    def guarantee(self) -> str:
        """What holds at this moment, in words: the effective guarantee."""
        return guarantee(self)

    @property
    def guarantee_weakened(self) -> bool:
        """Whether that is less than the cluster's nodes and settings make possible."""
        return weakened(self)

    @property
    def known_keys(self) -> int | None:
        """Distinct live keys, those that can't be reached now included; None where nobody has counted them."""
        return None if self.unreachable_keys is None else self.keys + self.unreachable_keys

    def node(self, node: str) -> NodeView | None:
        """The node of that id, or None."""
        return next((view for view in self.nodes if view.id == node), None)
