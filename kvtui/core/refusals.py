"""What a cluster refuses to change, and why: asked before a change is made, and by whoever only plans it. Pure decisions."""

from collections.abc import Mapping
from typing import Final

from kvtui.core.change import AddNode, Change, RemoveNode, SetPolicy, SetReplication, SetWeight
from kvtui.core.cluster import ClusterError
from kvtui.core.node_names import check_name
from kvtui.core.snapshot import NodeState
from kvtui.core.topology import Topology, described
from kvtui.core.tuning import check_replication, check_scale, check_weight, policy_of
from kvtui.notation import brief

NODES_MOST: Final = 1000


def refusal(topology: Topology, states: Mapping[str, NodeState], keys: int, change: Change) -> str:
    """Why the change can't be made now, in words; empty when it can. ``keys`` are stored in the whole cluster."""
    try:
        match change:
            case AddNode():
                check_name(change.node)
                check_room(topology, change.node)
                check_scale(change.weight)
            case RemoveNode():
                _check_removable(topology, states, keys, change.node)
            case SetReplication():
                check_replication(topology, change.copies)
            case SetPolicy():
                policy_of(change.policy, change.vnodes)
            case SetWeight():
                check_weight(topology.planned, change.node, change.weight)
    except ClusterError as error:
        return str(error)
    return ""


def _check_removable(topology: Topology, states: Mapping[str, NodeState], keys: int, name: str) -> None:
    check_member(topology, name)
    if states.get(name, NodeState.DOWN) is NodeState.DOWN:
        check_spare(topology, name)
    if topology.members[name].leaving:
        raise ClusterError(f"{name} is leaving already")
    if any(other != name and not member.leaving for other, member in topology.members.items()):
        return
    if len(topology.members) > 1:
        raise ClusterError(f"{name} is the last node that stays: the others must have left before")
    if keys or topology.lost:
        raise ClusterError(f"{name} is the last node, and holds keys; add another first")


def check_room(topology: Topology, name: str) -> None:
    """Raise ClusterError unless one more node can have that id."""
    if name in topology.members:
        raise ClusterError(f"{name} is a node of this cluster already; choose another id")
    if len(topology.members) >= NODES_MOST:
        raise ClusterError(f"a cluster has at most {NODES_MOST} nodes")


def check_member(topology: Topology, name: str) -> None:
    """Raise ClusterError unless the cluster has that node."""
    if name not in topology.members:
        known = ", ".join(topology.members) or "there are none"
        raise ClusterError(f"there is no node {brief(name)}; nodes: {known}")


def check_spare(topology: Topology, name: str) -> None:
    """Raise ClusterError where the node has the last clean copy of a slot, or what is left of a lost one, saying which."""
    last = topology.only_at(name)
    if last:
        raise ClusterError(
            f"{name} has the last clean copy of {described(last)}: {_start(topology, name)}, or give those up first with:"
            f" accept-loss {name}"
        )
    left = topology.left_at(name)
    if left:
        raise ClusterError(
            f"{described(left)} have no clean copy left, and {name} may hold what is left of them: {_start(topology, name)};"
            " accept-loss then serves that"
        )


def _start(topology: Topology, name: str) -> str:
    """What to do so that the node is back."""
    if topology.members[name].started_here:
        return f"start it (start {name})"
    return f"start it where it runs (at another address: then addnode {name} <address>)"
