"""How evenly the ring is shared."""

from kvtui.core.snapshot import ClusterSnapshot


def balance(snapshot: ClusterSnapshot) -> float:
    """The fullest node's share of the ring's copies over the mean, weights taken into account; 1.0 is even.

    Shares of slots, not of keys: with few keys those would only tell chance.
    """
    nodes = [node for node in snapshot.nodes if not node.leaving]
    total = sum(node.share for node in nodes)
    weights = sum(node.weight for node in nodes)
    if not total or not weights:
        return 1.0
    return max(node.share / node.weight for node in nodes) * weights / total
