"""Plans the first replicas of the next ring: every node leads its quota, in few arcs.

No slot changes its first replica needlessly: only slots of nodes that lead too much (or that left) go, and
only to nodes that lead too little. A node grows from the edges of its own arcs, or settles on a boundary
between two arcs that give, and swallows short arcs whole. Each step takes the growth that leaves the fewest
arcs; among those the one that settles most nodes, then the largest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvtui.core.ring.arcs import Arcs, Take

MOST_CHOICES = 1500
"""Growths compared in one step. On a ring cut so finely that there are more, arcs can't be few anyway."""

MOST_GIVERS = 32
"""Arcs that the neediest node looks at, if there are too many to compare all."""

Growth = tuple[tuple[int, int, int], int, int, list[Take], list[Take]]
"""Rank (less is better), the node that grows, the arc from which, and what it takes left and right."""


def plan_heads(heads: Sequence[int], quota: Sequence[int]) -> list[int]:
    """The first replica of each slot, so that node i leads quota[i] slots; the quotas sum to the slots.

    `heads` has the first replicas now, VACANT where there is none.
    """
    arcs = Arcs(heads, quota)
    givers = [arc for arc in range(len(arcs.owner)) if arcs.gives(arc)]
    while needy := [node for node, need in enumerate(arcs.need) if need]:
        givers = [arc for arc in givers if arcs.gives(arc)]
        _, node, arc, left, right = min(_growths(arcs, givers, needy), key=lambda growth: growth[0])
        if arcs.owner[arc] != node:
            arc = arcs.insert(arc, node)
        arcs.extend(arc, left, right)
    return arcs.heads()


def _growths(arcs: Arcs, givers: list[int], needy: list[int]) -> Iterator[Growth]:
    """The growths to compare now: all, or if they are too many, some of the neediest node's."""
    if len(givers) * len(needy) > MOST_CHOICES:
        needy = [max(needy, key=lambda node: arcs.need[node])]
        givers = givers[:MOST_GIVERS]
    for node in needy:
        sites: dict[int, None] = {}
        for giver in givers:
            for site in (arcs.prior[giver], giver):
                # Beside an arc of the node's own, that arc itself is the site.
                sites[arcs.next[site] if arcs.owner[arcs.next[site]] == node else site] = None
        for site in sites:
            for left_first in (False, True):
                growth = _growth(arcs, node, site, left_first)
                if growth is not None:
                    yield growth


def _growth(arcs: Arcs, node: int, site: int, left_first: bool) -> Growth | None:
    """How `node` can grow from its arc `site`, or from a new arc right after `site`; None if it can't."""
    own = arcs.owner[site] == node
    used: dict[int, int] = {}
    leftward = arcs.prior[site] if own else site
    rightward = arcs.next[site]
    left: list[Take] = []
    right: list[Take] = []
    seen = {site} if own else set()
    gone = 0
    for is_left in (left_first, not left_first):
        takes = left if is_left else right
        need = arcs.need[node] - sum(used.values())
        links = arcs.prior if is_left else arcs.next
        gone += _reach(arcs, node, leftward if is_left else rightward, links, need, used, seen, takes)
    amount = sum(used.values())
    if not amount:
        return None
    settled = sum(1 for giver, taken in used.items() if taken == arcs.spare[giver]) + (amount == arcs.need[node])
    return ((0 if own else 1) - gone, -settled, -amount), node, site, left, right


def _reach(
    arcs: Arcs,
    node: int,
    arc: int,
    links: list[int],
    need: int,
    used: dict[int, int],
    seen: set[int],
    takes: list[Take],
) -> int:
    """Walk from `arc` along `links`, noting what can be taken; returns how many arcs vanish by it."""
    gone = 0
    while arc not in seen:
        owner, size = arcs.owner[arc], arcs.size[arc]
        if owner == node:
            if not takes:
                break
            gone += 1
            seen.add(arc)
            takes.append((arc, size))
            arc = links[arc]
            continue
        amount = min(size, need, arcs.spare[owner] - used.get(owner, 0))
        if not amount:
            break
        need -= amount
        used[owner] = used.get(owner, 0) + amount
        takes.append((arc, amount))
        if amount < size:
            # Its far part stays: a walk from the other side must not take the same slots.
            seen.add(arc)
            break
        gone += 1
        seen.add(arc)
        arc = links[arc]
    return gone
