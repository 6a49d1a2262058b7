"""The last resort for first replicas: two slots trade copies, so that a node can lead where it did not hold.

Only needed on rings of very few slots a node with unequal weights, where reordering alone can't reach every
quota of first replicas.
"""

from __future__ import annotations

from kvtui.core.ring.draft import Draft

Trade = tuple[int, int, int, int, int]
"""Price in copies, the slot to lead, who leaves it, the slot that one goes to, who comes from there."""


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
