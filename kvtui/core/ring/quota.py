"""How many slots each node of a balanced ring holds, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kvtui.core.ring.token import SLOTS


class Bounds(msgspec.Struct, frozen=True):
    """Floor and ceiling of each node's exact share, by position; `total` is the sum that is handed out."""

    floors: tuple[int, ...]
    ceilings: tuple[int, ...]
    remainders: tuple[int, ...]
    total: int


class Quotas(msgspec.Struct, frozen=True):
    """Slots each node holds as a replica, and the part of them that it holds as first replica."""

    replicas: dict[str, int]
    firsts: dict[str, int]


def bounds(weights: Sequence[int], copies: int, slots: int) -> Bounds:
    """Each node's share of `slots` * `copies` by weight, at most `slots` each (water-filling).

    What the cap takes from a heavy node is shared by the others, again by weight. `copies` is at most the
    number of nodes. All in integers, so that every machine agrees.
    """
    total = slots * copies
    if not weights:
        return Bounds((), (), (), 0)
    floors, ceilings, remainders = [0] * len(weights), [0] * len(weights), [0] * len(weights)
    left, weight_left = total, sum(weights)
    # From the heaviest down: once one node is below the cap, all lighter ones are too.
    order = sorted(range(len(weights)), key=lambda node: -weights[node])
    capped = 0
    for node in order:
        if weights[node] * left < slots * weight_left:
            break
        floors[node] = ceilings[node] = slots
        left -= slots
        weight_left -= weights[node]
        capped += 1
    for node in order[capped:]:
        floors[node], remainders[node] = divmod(weights[node] * left, weight_left)
        ceilings[node] = floors[node] + (remainders[node] > 0)
    return Bounds(tuple(floors), tuple(ceilings), tuple(remainders), total)


def settle(
    limits: Bounds,
    held: Sequence[int],
    at_most: Sequence[int] | None = None,
    growing: Sequence[bool] | None = None,
) -> list[int]:
    """Whole quotas within `limits`, with their sum right: floors, and ceilings for as many as it takes.

    Ceilings go first to nodes that already hold more than their floor, for those need not copy for it; then
    to `growing` nodes, then to the largest remainders. `at_most` caps each quota (a node leads no more slots
    than it holds).
    """
    quota = list(limits.floors)
    if at_most is not None:
        quota = [min(share, cap) for share, cap in zip(quota, at_most, strict=True)]
    spare = limits.total - sum(quota)
    above = [count > floor for count, floor in zip(held, limits.floors, strict=True)]
    eager = growing or [False] * len(quota)
    order = sorted(range(len(quota)), key=lambda node: (not above[node], not eager[node], -limits.remainders[node]))
    for node in order:
        if not spare:
            break
        cap = limits.ceilings[node] if at_most is None else min(limits.ceilings[node], at_most[node])
        if quota[node] < cap:
            quota[node] += 1
            spare -= 1
    return quota


def lead_quotas(limits: Bounds, leading: Sequence[int], held: Sequence[int], replicas: Sequence[int]) -> list[int]:
    """First-replica quotas that go with the quotas `replicas`: who gets copies anyway gets ceilings too."""
    growing = [share > now for share, now in zip(replicas, held, strict=True)]
    return settle(limits, leading, replicas, growing)


def quotas(
    weights: Mapping[str, int],
    replication: int,
    slots: int = SLOTS,
    held: Mapping[str, int] | None = None,
    leading: Mapping[str, int] | None = None,
) -> Quotas:
    """The quotas of a balanced ring, in slots, as replica and as first replica.

    Each is the floor or the ceiling of the node's exact share: of `slots` by weight as first replica, of
    `slots` * min(`replication`, nodes) by weight as replica, there capped at one copy of each slot. `held`
    and `leading` say what the nodes have now; who is above its floor keeps its ceiling.
    """
    nodes = list(weights)
    shares = list(weights.values())
    now = [(held or {}).get(node, 0) for node in nodes]
    first = [(leading or {}).get(node, 0) for node in nodes]
    replicas = settle(bounds(shares, min(replication, len(nodes)), slots), now)
    firsts = lead_quotas(bounds(shares, min(1, len(nodes)), slots), first, now, replicas)
    return Quotas(dict(zip(nodes, replicas, strict=True)), dict(zip(nodes, firsts, strict=True)))
