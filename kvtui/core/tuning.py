"""What a person can tune while the cluster serves: how many copies a write needs, what reads fall back to, who holds what."""

from typing import Final

from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Planned, Tuned
from kvtui.core.ring import Balanced, Classic, Policy, Ring

VNODES: Final = 64
"""Points of a node of weight 1 on a classic ring, by default."""
VNODES_MOST: Final = 1024
WEIGHT_MOST: Final = 100


class Tuning:
    """Checks a wish and logs it; routes follow the log."""

    def __init__(self, ledger: Ledger, happenings: Happenings) -> None:
        self._ledger = ledger
        self._happenings = happenings

    def set_quorum(self, copies: int) -> None:
        """As ``Guarantees.set_quorum``."""
        topology = self._ledger.topology
        most = topology.planned.replication
        if not 0 <= copies <= most:
            keys = "every key has 1 copy" if most == 1 else f"every key has {most} copies"
            raise ClusterError(f"a write can't need {copies} copies: {keys}; raise that first with: setreplica")
        if copies != topology.quorum:
            self._ledger.append(Tuned(copies, topology.reads))
            needed = f"{copies} clean copies" if copies else "the default number of clean copies"
            self._happenings.emit(Level.INFO, f"a write needs {needed} from now on")

    def set_reads(self, mode: ReadMode) -> None:
        """As ``Guarantees.set_reads``."""
        topology = self._ledger.topology
        if mode is not topology.reads:
            self._ledger.append(Tuned(topology.quorum, mode))
            self._happenings.emit(Level.INFO, f"reads are {mode} from now on")

    def set_policy(self, policy: str, vnodes: int) -> None:
        """As ``Policies.set_policy``."""
        wanted: Policy
        if policy == "classic":
            if not 0 <= vnodes <= VNODES_MOST:
                raise ClusterError(f"{vnodes} virtual nodes are not possible: use 1 to {VNODES_MOST}")
            wanted = Classic(vnodes or VNODES)
        elif policy == "balanced":
            if vnodes:
                raise ClusterError("the balanced ring has no virtual nodes")
            wanted = Balanced()
        else:
            raise ClusterError(f"{policy} is no policy: use balanced or classic")
        self._plan(self._ledger.topology.planned.under(wanted), f"the ring is {policy} from now on: slots move")

    def set_weight(self, node: str, weight: int) -> None:
        """As ``Policies.set_weight``."""
        ring = self._ledger.topology.planned
        if node not in ring.weights:
            known = ", ".join(ring.weights) or "there are none"
            raise ClusterError(f"there is no node {node} that holds a share; nodes: {known}")
        if not 1 <= weight <= WEIGHT_MOST:
            raise ClusterError(f"a weight of {weight} is not possible: use 1 to {WEIGHT_MOST}")
        self._plan(ring.reweigh(node, weight), f"{node} has weight {weight} from now on: slots move")

    def _plan(self, ring: Ring, said: str) -> None:
        if ring != self._ledger.topology.planned:
            self._ledger.append(Planned(ring.to_record()))
            self._happenings.emit(Level.INFO, said)
