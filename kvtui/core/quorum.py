"""How many synced copies a write needs, and when a replica may leave the clean set. Pure decisions."""


def write_quorum(replicas: int, wanted: int = 0) -> int:
    """W for a slot of that many replicas: ``wanted``, if that many replicas are there, or as many as there are.

    By default (``wanted`` 0) it is 0 for none, 1 for one or two, else a majority.
    N and W of a slot rise and fall together, because W follows from the replicas that the slot has *now*.
    """
    if wanted:
        return min(wanted, replicas)
    if replicas <= 2:
        return min(1, replicas)
    return replicas // 2 + 1


def may_shrink(clean: int, replicas: int, wanted: int = 0) -> bool:
    """Whether a clean set of that size may lose one more member: it never falls below max(1, W)."""
    return clean - 1 >= max(1, write_quorum(replicas, wanted))
