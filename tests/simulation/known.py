"""Which disk is a member's: whoever judges a coordinator by the disks looks there, and passes over what it can't know yet."""

from kvtui.core.topology import Topology
from tests.simulation.harness import SimCluster
from tests.simulation.model import KnownDisk, Model


def disk_of(cluster: SimCluster, model: Model, topology: Topology, node: str) -> KnownDisk | None:
    """The disk of a member, if it holds the data that the coordinator knows it to have."""
    path, member = cluster.data_of(node), topology.members.get(node)
    disk = model.disks.get(path)
    if disk is None or member is None or not cluster.disks.exists(path):
        return None
    return disk if disk.identity.data_id == member.data_id else None
