"""What a person can tune while the cluster serves: how many copies a write needs, what reads fall back to, who holds what."""

from typing import Final

from kvtui.core.cluster import ArgumentError, ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.limits import REPLICAS_MOST, VNODES, VNODES_MOST
from kvtui.core.naming import slots
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Planned, Tuned
from kvtui.core.ring import Balanced, Classic, Policy, Ring
from kvtui.core.topology import Topology
from kvtui.notation import brief

WEIGHT_MOST: Final = 100
THROTTLE_MOST: Final = 1_000_000_000
"""Keys a second: more than any machine copies."""


class Tuning:
    """Checks a wish and logs it; routes follow the log."""

    def __init__(self, ledger: Ledger, happenings: Happenings) -> None:
        self._ledger = ledger
        self._happenings = happenings

    def set_quorum(self, copies: int) -> None:
        """As ``Guarantees.set_quorum``."""
        topology = self._ledger.topology
        most = topology.planned.replication
        if not 0 <= copies <= REPLICAS_MOST:
            raise ArgumentError(f"a write can't need {copies} copies: use 0 to {REPLICAS_MOST}")
        if copies > most:
            keys = "every key has 1 copy" if most == 1 else f"every key has {most} copies"
            raise ClusterError(f"a write can't need {copies} copies: {keys}; raise that first with: setreplica")
        if copies != topology.quorum:
            self._ledger.append(Tuned(copies, topology.reads, topology.throttle))
            needed = f"{copies} clean copies" if copies else "the default number of clean copies"
            self._happenings.emit(Level.INFO, f"a write needs {needed} from now on")

    def set_reads(self, mode: ReadMode) -> None:
        """As ``Guarantees.set_reads``."""
        topology = self._ledger.topology
        if mode is not topology.reads:
            self._ledger.append(Tuned(topology.quorum, mode, topology.throttle))
            self._happenings.emit(Level.INFO, f"reads are {mode} from now on")

    def set_throttle(self, keys_per_second: int) -> None:
        """As ``Throttles.set_throttle``."""
        topology = self._ledger.topology
        if not 0 <= keys_per_second <= THROTTLE_MOST:
            raise ArgumentError(
                f"{keys_per_second} keys a second are not possible: use 1 to {THROTTLE_MOST:,}, or 0 for no limit"
            )
        if keys_per_second != topology.throttle:
            self._ledger.append(Tuned(topology.quorum, topology.reads, keys_per_second))
            limit = f"at most {keys_per_second:,} keys a second are" if keys_per_second else "keys are"
            unlimited = "" if keys_per_second else " as fast as they go"
            self._happenings.emit(Level.INFO, f"{limit} copied between nodes{unlimited} from now on")

    def set_policy(self, policy: str, vnodes: int) -> None:
        """As ``Policies.set_policy``."""
        wanted = policy_of(policy, vnodes)
        points = f" with {wanted.vnodes} virtual nodes a node" if isinstance(wanted, Classic) else ""
        self._plan(self._ledger.topology.planned.under(wanted), f"the ring is {policy}{points} from now on")

    def set_weight(self, node: str, weight: int) -> None:
        """As ``Policies.set_weight``."""
        ring = self._ledger.topology.planned
        check_weight(ring, node, weight)
        self._plan(ring.reweigh(node, weight), f"{node} has weight {weight} from now on")

    def _plan(self, ring: Ring, said: str) -> None:
        before = self._ledger.topology.planned
        if ring != before:
            self._ledger.append(Planned(ring.to_record()))
            moves = sum(set(new) != set(old) for new, old in zip(ring.table, before.table, strict=True))
            move = f": {slots(moves)} {'moves' if moves == 1 else 'move'}" if moves else ": nothing has to move"
            self._happenings.emit(Level.INFO, said + move)


def policy_of(policy: str, vnodes: int) -> Policy:
    """The policy of that name; ``vnodes`` 0: the default. Raises ArgumentError."""
    if policy == "classic":
        if not 0 <= vnodes <= VNODES_MOST:
            raise ArgumentError(f"{vnodes} virtual nodes are not possible: use 1 to {VNODES_MOST}")
        return Classic(vnodes or VNODES)
    if policy == "balanced":
        if vnodes:
            raise ArgumentError("the balanced ring has no virtual nodes")
        return Balanced()
    raise ArgumentError(f"{brief(policy)} is no policy: use balanced or classic")


def check_weight(ring: Ring, node: str, weight: int) -> None:
    """Raise ClusterError unless the node may have that weight."""
    if node not in ring.weights:
        known = ", ".join(ring.weights) or "there are none"
        raise ClusterError(f"there is no node {brief(node)} that holds a share; nodes: {known}")
    check_scale(weight)


def check_scale(weight: int) -> None:
    """Raise ArgumentError unless nodes may have that weight."""
    if not 1 <= weight <= WEIGHT_MOST:
        raise ArgumentError(f"a weight of {weight} is not possible: use 1 to {WEIGHT_MOST}")


def check_replication(topology: Topology, copies: int) -> None:
    """Raise ClusterError unless every key may have that many copies."""
    if not 1 <= copies <= REPLICAS_MOST:
        raise ArgumentError(f"{copies} copies are not possible: use 1 to {REPLICAS_MOST}")
    if copies < topology.quorum:
        raise ClusterError(f"a write needs {topology.quorum} copies: lower that first with: setquorum {copies}")
