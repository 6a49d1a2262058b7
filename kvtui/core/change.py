"""Changes of who is in the cluster and how it places keys, as values: what is planned before it is done."""

import msgspec

from kvtui.core.ring import Policy, Ring


class AddNode(msgspec.Struct, frozen=True, tag=True):
    """A node joins; one of a weight other than 1 gets it right after."""

    node: str
    weight: int = 1

    def __str__(self) -> str:
        return f"add {self.node}" if self.weight == 1 else f"add {self.node} {self.weight}"


class RemoveNode(msgspec.Struct, frozen=True, tag=True):
    """A node is drained and forgotten."""

    node: str

    def __str__(self) -> str:
        return f"remove {self.node}"


class SetReplication(msgspec.Struct, frozen=True, tag=True):
    """Every key is to have that many copies."""

    copies: int

    def __str__(self) -> str:
        return f"setreplica {self.copies}"


class SetPolicy(msgspec.Struct, frozen=True, tag=True):
    """The ring is placed anew; ``vnodes`` 0: the default of a classic ring."""

    policy: str
    vnodes: int = 0

    def __str__(self) -> str:
        return f"policy {self.policy}{f' {self.vnodes}' if self.vnodes else ''}"


class SetWeight(msgspec.Struct, frozen=True, tag=True):
    """A node is to hold ``weight`` times the share of one of weight 1."""

    node: str
    weight: int

    def __str__(self) -> str:
        return f"weight {self.node} {self.weight}"


Change = AddNode | RemoveNode | SetReplication | SetPolicy | SetWeight


def changed(ring: Ring, change: Change, policy: Policy) -> Ring:
    """The ring that follows, as the commands make it; ``policy`` is what a ``SetPolicy`` means. Raises ValueError."""
    match change:
        case AddNode():
            joined = ring.join(change.node)
            return joined if change.weight == 1 else joined.reweigh(change.node, change.weight)
        case RemoveNode():
            return ring.leave(change.node) if change.node in ring.weights else ring
        case SetReplication():
            return ring.replicate(change.copies) if change.copies != ring.replication else ring
        case SetPolicy():
            return ring.under(policy)
        case SetWeight():
            return ring.reweigh(change.node, change.weight)
