"""The last resort for first replicas: copies change places, so that a node can lead where it did not hold.

Only needed on rings of very few slots a node with unequal weights, where reordering alone can't reach every
quota of first replicas. First another table of the same price is sought, from which reordering can; only
then may it cost copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from kvtui.core.ring.draft import SWAP, VACANT, Draft

Trade = tuple[int, int, int, int, int]
"""Price in copies, the slot to lead, who leaves it, the slot that one goes to, who comes from there."""

MOST_EXCHANGES = 4000
"""Free exchanges tried before one is paid for. Where reordering can fail, a ring has far fewer."""

Exchange = tuple[int, int, int, int]
"""A slot, who leaves it, who comes, and the slot that the two change places with (SWAP: none, a ceiling)."""


def exchange_freely(draft: Draft, helps: Callable[[], bool]) -> bool:
    """Make one exchange that costs no copy and after which `helps` is true; False if none of those tried is."""
    for slot, leaver, comer, other in islice(_free_exchanges(draft), MOST_EXCHANGES):
        heads = draft.heads[slot], draft.heads[other] if other != SWAP else VACANT
        _exchange(draft, slot, leaver, comer, other)
        if helps():
            return True
        _exchange(draft, slot, comer, leaver, other)
        draft.lead(slot, heads[0])
        if other != SWAP:
            draft.lead(other, heads[1])
    return False


def _free_exchanges(draft: Draft) -> Iterator[Exchange]:
    """Exchanges without a price; a first replica that goes hands its lead to whoever takes its place."""
    for slot in range(draft.slots):
        for leaver in list(draft.rows[slot]):
            if draft.quota[leaver] > draft.limits.floors[leaver]:
                for comer in draft.below_ceiling():
                    if comer not in draft.rows[slot] and _price(draft, slot, comer, leaver) <= 0:
                        yield slot, leaver, comer, SWAP
            for other in range(draft.slots):
                if leaver in draft.rows[other]:
                    continue
                for comer in list(draft.rows[other]):
                    price = _price(draft, slot, comer, leaver) + _price(draft, other, leaver, comer)
                    if comer not in draft.rows[slot] and price <= 0:
                        yield slot, leaver, comer, other


def _exchange(draft: Draft, slot: int, leaver: int, comer: int, other: int) -> None:
    _replace(draft, slot, leaver, comer)
    if other == SWAP:
        draft.quota[leaver] -= 1
        draft.quota[comer] += 1
    else:
        _replace(draft, other, comer, leaver)


def _replace(draft: Draft, slot: int, leaver: int, comer: int) -> None:
    led = draft.heads[slot] == leaver
    draft.drop(slot, leaver)
    draft.add(slot, comer)
    if led:
        draft.lead(slot, comer)


def trade_copies(draft: Draft, giver: int) -> None:
    """Pass one lead of `giver` to a node that lacks one and comes into the slot, by the cheapest trade.

    Every node holds as many copies as before. Raises AssertionError if no two slots can trade.
    """
    trades = [
        trade
        for node in range(draft.nodes)
        if draft.leading[node] < draft.lead_quota[node]
        for trade in _trades(draft, giver, node)
    ]
    if not trades:
        raise AssertionError("a table that holds the quotas has a trade that passes a lead on")
    _, slot, leaver, other, comer = min(trades)
    draft.drop(slot, leaver)
    draft.drop(other, comer)
    draft.add(slot, comer)
    draft.add(other, leaver)
    draft.lead(slot, comer)


def _trades(draft: Draft, giver: int, comer: int) -> list[Trade]:
    """For each node that could make way for `comer` in a slot led by `giver`, the cheapest trade."""
    goals: dict[int, tuple[int, int]] = {}
    for slot, row in enumerate(draft.rows):
        if comer in row and draft.heads[slot] != comer:
            for leaver in range(draft.nodes):
                if leaver not in row:
                    price = _price(draft, slot, leaver, comer)
                    goals[leaver] = min(goals.get(leaver, (price, slot)), (price, slot))
    return [
        (goals[leaver][0] + _price(draft, slot, comer, leaver), slot, leaver, goals[leaver][1], comer)
        for slot, row in enumerate(draft.rows)
        if draft.heads[slot] == giver and comer not in row
        for leaver in row
        if leaver in goals
    ]


def _price(draft: Draft, slot: int, comer: int, leaver: int) -> int:
    before = draft.before[slot]
    return (comer not in before) - (leaver not in before)
