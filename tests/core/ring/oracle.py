"""The least copies any table within the quotas needs: a min-cost flow, solved anew from nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil, floor

from kvtui.core.ring import Ring
from kvtui.core.ring.table import Replicas
from tests.core.ring.measures import shares

Edge = list[int]
"""Where it leads, capacity left, price, and its reverse's place there."""


class Flow:
    """A flow network on numbered points, with prices."""

    def __init__(self, points: int):
        self.edges: list[list[Edge]] = [[] for _ in range(points)]

    def join(self, start: int, end: int, capacity: int, price: int) -> None:
        self.edges[start].append([end, capacity, price, len(self.edges[end])])
        self.edges[end].append([start, 0, -price, len(self.edges[start]) - 1])

    def cheapest(self, source: int, sink: int, amount: int) -> int:
        """The price of the cheapest flow of `amount`, by successive shortest paths (Bellman-Ford)."""
        total = 0
        while amount:
            distance, last = self._paths(source)
            assert sink in distance, "the quotas can't be held"
            path: list[Edge] = []
            point = sink
            while point != source:
                before, edge = last[point]
                path.append(edge)
                point = before
            pushed = min(amount, *(edge[1] for edge in path))
            for edge in path:
                edge[1] -= pushed
                self.edges[edge[0]][edge[3]][1] += pushed
            amount -= pushed
            total += pushed * distance[sink]
        return total

    def _paths(self, source: int) -> tuple[dict[int, int], dict[int, tuple[int, Edge]]]:
        distance = {source: 0}
        last: dict[int, tuple[int, Edge]] = {}
        queue = deque([source])
        queued = {source}
        while queue:
            point = queue.popleft()
            queued.discard(point)
            for edge in self.edges[point]:
                through = distance[point] + edge[2]
                if edge[1] and (edge[0] not in distance or through < distance[edge[0]]):
                    distance[edge[0]] = through
                    last[edge[0]] = point, edge
                    if edge[0] not in queued:
                        queued.add(edge[0])
                        queue.append(edge[0])
        return distance, last


def least_copies(before: Sequence[Replicas], ring: Ring) -> int:
    """The least copies from table `before` to any table in which the nodes of `ring` hold floor or ceiling.

    First replicas are left out: this is a lower bound that holds with them, too.
    """
    nodes, wanted = list(ring.weights), min(ring.replication, len(ring.weights))
    exact = shares(ring, wanted)
    source, ceilings, first = 0, 1, 2
    sink = first + len(nodes) + ring.slots
    flow = Flow(sink + 1)
    # Floors are met in every full flow: ceilings can carry no more than what the floors leave over.
    flow.join(source, ceilings, ring.slots * wanted - sum(floor(share) for share in exact.values()), 0)
    for position, node in enumerate(nodes):
        flow.join(source, first + position, floor(exact[node]), 0)
        flow.join(ceilings, first + position, ceil(exact[node]) - floor(exact[node]), 0)
        for slot in range(ring.slots):
            flow.join(first + position, first + len(nodes) + slot, 1, int(node not in before[slot]))
    for slot in range(ring.slots):
        flow.join(first + len(nodes) + slot, sink, wanted, 0)
    return flow.cheapest(source, sink, ring.slots * wanted)
