"""Who a node is, whatever its address: by the id of its data. Pure decisions, and what a person is told of them.

Nothing here offers to delete what may be the last copy: a member's data under another address, what a former member holds while
anything is out of reach, what another cluster left behind.
"""

from collections.abc import Collection

from kvtui.core.cluster import ClusterError, OwnData
from kvtui.core.protocol import Facts
from kvtui.core.records import Member
from kvtui.core.topology import Topology, described


def check_stranger(
    topology: Topology, usable: Collection[str], cautious: bool, facts: Facts, address: str, own_data: OwnData
) -> None:
    """Raise ClusterError unless what listens at ``address`` may become a new member. ``cautious``: the log may be an old copy."""
    if facts.cluster and facts.cluster != topology.cluster:
        raise ClusterError(f"the node at {foreign(address, facts.cluster)}")
    known = next((member for member in topology.members.values() if member.data_id == facts.data_id), None)
    if known is not None:
        raise ClusterError(f"what listens at {address} is {_known(known, usable, address)}")
    if not facts.keys:
        return
    if not facts.cluster:
        if own_data is OwnData.REFUSE:
            raise ClusterError(
                f"the node at {address} holds {facts.keys:,} keys of its own: say whether it is to import them into the"
                " cluster, or to wipe them, which deletes them for good"
            )
        return
    doubt = out_of_reach(topology, usable, cautious)
    if doubt:
        raise ClusterError(
            f"the node at {address} was a node of this cluster, and {doubt}: what it holds may be the last copy. Keep it, and"
            " start the nodes that are DOWN first"
        )
    if own_data is not OwnData.WIPE:
        raise ClusterError(
            f"the node at {address} was a node of this cluster, and what it holds is old; all keys are on other nodes: say that"
            " it is to wipe them, and it joins again, emptied"
        )


def _known(member: Member, usable: Collection[str], address: str) -> str:
    if member.id in usable:
        return f"node {member.id} already"
    if member.started_here:
        return f"node {member.id}, which kvtui starts itself: end that process, then: start {member.id}"
    return f"node {member.id}, with its data: it goes on there with: addnode {member.id} {address}"


def out_of_reach(topology: Topology, usable: Collection[str], cautious: bool) -> str:
    """Why something outside may be the last copy of a key, as the end of a sentence; empty when each slot has a clean copy that can
    be reached."""
    if cautious:
        return "this log may be an old copy"
    runs = topology.runs(lambda place: bool(place.replicas) and not any(node in usable for node in place.clean))
    return f"{described(runs)} have no clean copy that can be reached" if runs else ""


def foreign(address: str, cluster: str) -> str:
    """What to do about a node of another cluster, after "the node at"."""
    return (
        f"{address} belongs to another cluster ({cluster}). If nobody runs that one any more, this opens it again from what its"
        f" nodes keep, in a new state directory: kvtui recover {address}; for this cluster start kvtui-node on a data"
        " directory of its own"
    )


def check_returned(member: Member, known: int, facts: Facts, there: Facts | None, address: str, cluster: str) -> None:
    """Raise ClusterError unless what listens at ``address`` is ``member``, with all that it has acknowledged, and there alone.

    ``known`` is the highest write counter that it told; ``there`` is what answers at its former address, if anything does.
    """
    name, former = member.id, f"{member.host}:{member.port}"
    if member.started_here:
        raise ClusterError(f"{name} is a node that kvtui starts itself, on its own data: start {name}")
    if facts.data_id != member.data_id or facts.cluster != cluster:
        whose = "belongs to no cluster" if not facts.cluster else "holds other data"
        raise ClusterError(
            f"{name} is a node of this cluster already, and what listens at {address} is not {name}: it {whose}; for another node"
            " choose another id"
        )
    if there is not None and there.data_id == member.data_id:
        raise ClusterError(
            f"{name} answers at {former} still, with the same data as what listens at {address}: one of them is a copy; end one,"
            " and keep the data of both until all is well"
        )
    if facts.counter < known:
        raise ClusterError(
            f"what listens at {address} has lost writes of {name}, or is an older copy of it: it has got to batch"
            f" {facts.counter:,}, and {name} had acknowledged batch {known:,}. Start the newest copy, and keep this one until then"
        )
