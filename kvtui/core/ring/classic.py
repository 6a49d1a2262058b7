"""The classic placement: hashed points of virtual nodes, replicas clockwise.

Source: Karger et al., "Consistent Hashing and Random Trees" (STOC 1997), with the successor list of
DeCandia et al., "Dynamo" (SOSP 2007), section 4.2-4.3.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from kvtui.core.ring.table import Replicas, Table
from kvtui.core.ring.token import slot_shift, token_of


def points_of(node: str, count: int) -> list[tuple[int, str]]:
    """The node's points: point i lies at the token of `node#i`."""
    return [(token_of(f"{node}#{index}".encode()), node) for index in range(count)]


def classic_table(weights: Mapping[str, int], vnodes: int, replication: int, slots: int) -> Table:
    """The table of a classic ring: a node of weight w has w * `vnodes` points.

    A slot is placed by its first token: its replicas are the first `replication` distinct nodes at or after
    that token, clockwise and round the end (all nodes, if there are fewer). Points with one token are
    ordered by node id. So a point within a slot counts from the next slot on.
    """
    points = sorted(point for node, weight in weights.items() for point in points_of(node, weight * vnodes))
    if not points:
        return ((),) * slots
    owners = [node for _, node in points]
    tokens = [token for token, _ in points]
    wanted = min(replication, len(weights))
    shift = slot_shift(slots)
    known: dict[int, Replicas] = {}
    table: list[Replicas] = []
    for slot in range(slots):
        index = bisect_left(tokens, slot << shift) % len(tokens)
        replicas = known.get(index)
        if replicas is None:
            replicas = known[index] = _clockwise(owners, index, wanted)
        table.append(replicas)
    return tuple(table)


def _clockwise(owners: list[str], index: int, wanted: int) -> Replicas:
    """The first `wanted` distinct owners from `index` on; there are at least that many."""
    found: list[str] = []
    while len(found) < wanted:
        owner = owners[index]
        if owner not in found:
            found.append(owner)
        index = (index + 1) % len(owners)
    return tuple(found)
