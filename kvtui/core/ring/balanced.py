"""The balanced placement: quotas held exactly, a change copies the minimum, pairs of nodes stay even.

The next table is a function of the last table and the new weights: nothing is drawn at random, and nothing
depends on the order of a set. Steps: whole-number quotas; first replicas as few arcs (growth); the other
copies directly, evenly over pairs (fill); what is left by shortest paths (flow); first replicas settled by
reordering (order).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kvtui.core.ring.draft import VACANT, Draft
from kvtui.core.ring.fill import carry_out, fill_capped, fill_empty, hand_over
from kvtui.core.ring.flow import settle_rest
from kvtui.core.ring.growth import plan_heads
from kvtui.core.ring.order import settle_order
from kvtui.core.ring.regain import regain
from kvtui.core.ring.shed import shed_overfull, shed_rich
from kvtui.core.ring.table import Replicas, Table


def balanced_table(before: Sequence[Replicas], weights: Mapping[str, int], replication: int) -> Table:
    """The table that follows `before` once the nodes are those of `weights` and the copies `replication`."""
    if not weights:
        return ((),) * len(before)
    names = list(weights)
    index = {name: position for position, name in enumerate(names)}
    rows = [[index[name] for name in replicas if name in index] for replicas in before]
    heads = [index.get(replicas[0], VACANT) if replicas else VACANT for replicas in before]
    draft = Draft(rows, heads, list(weights.values()), min(replication, len(names)))
    _place(draft)
    settle_order(draft)
    return _named(draft, names)


def _place(draft: Draft) -> None:
    """Place all copies: keep the most that the quotas allow, then fill up evenly, then by shortest paths.

    Nothing that costs a copy comes before what is kept is settled: else more would be copied than must be.
    """
    fill_capped(draft)
    if any(len(row) > draft.copies for row in draft.rows):
        shed_overfull(draft)
        regain(draft, heads=False)
        regain(draft, heads=True)
    carry_out(draft, plan_heads(draft.heads, draft.lead_quota))
    fill_empty(draft)
    hand_over(draft)
    shed_rich(draft)
    fill_empty(draft)
    settle_rest(draft)


def _named(draft: Draft, names: list[str]) -> Table:
    """The rows as names: the first replica, then those who were there in their order, then newcomers."""
    known: dict[tuple[int, ...], Replicas] = {}
    table: list[Replicas] = []
    for head, row, before in zip(draft.heads, draft.rows, draft.before, strict=True):
        rest = [node for node in before if node in row and node != head]
        rest += [node for node in row if node not in before and node != head]
        key = (head, *rest)
        named = known.get(key)
        if named is None:
            named = known[key] = tuple(names[node] for node in key)
        table.append(named)
    return tuple(table)
