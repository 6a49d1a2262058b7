"""Sets the first replicas right by reordering: who leads changes, who holds does not, so no data moves.

A node that leads too much hands slots to another replica of them, that one may hand on some of its own, and
so on to a node that leads too little: an augmenting path of reorderings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from kvtui.core.ring.draft import VACANT, Draft
from kvtui.core.ring.quota import settle
from kvtui.core.ring.trade import exchange_freely, trade_copies

Handover = tuple[int, list[int]]
"""The next node of a path, and the slots it can take over from the one before."""


def settle_order(draft: Draft) -> None:
    """Make every node lead its quota, floor or ceiling."""
    draft.lead_quota = settle(draft.lead_limits, draft.leading, draft.held)
    _lead_vacant(draft)
    # An exchange may set leads wrong elsewhere: their number is limited, so that settling ends.
    exchanges = draft.nodes
    while (giver := _too_much(draft)) != VACANT:
        path = _path(draft, giver)
        if path is not None:
            _pass_on(draft, giver, path)
        elif exchanges and exchange_freely(draft, lambda: _reorder_suffices(draft)):
            exchanges -= 1
        else:
            exchanges = 0
            trade_copies(draft, giver)


def _too_much(draft: Draft) -> int:
    """A node that leads more than its quota; VACANT if none does."""
    nodes = range(draft.nodes)
    return next((node for node in nodes if draft.leading[node] > draft.lead_quota[node]), VACANT)


def _reorder_suffices(draft: Draft) -> bool:
    """Whether nobody leads too much, or the first who does has a path now; quotas stay as they are."""
    giver = _too_much(draft)
    quota = list(draft.lead_quota)
    found = giver == VACANT or _path(draft, giver) is not None
    draft.lead_quota = quota
    return found


def _lead_vacant(draft: Draft) -> None:
    """Give every slot without a first replica one: a neighbour's if it may lead more, else the neediest."""
    for slot, row in enumerate(draft.rows):
        if draft.heads[slot] != VACANT:
            continue
        beside = (draft.heads[slot - 1], draft.heads[(slot + 1) % draft.slots])

        def worth(node: int, beside: tuple[int, int] = beside) -> tuple[bool, bool, int]:
            lacking = draft.lead_quota[node] - draft.leading[node]
            return lacking > 0, node in beside, lacking

        draft.lead(slot, max(row, key=worth))


def _path(draft: Draft, giver: int) -> list[Handover] | None:
    """The shortest path from `giver` to a node that leads too little; None if there is none."""
    led: dict[int, list[int]] = {}
    for slot, head in enumerate(draft.heads):
        led.setdefault(head, []).append(slot)
    came: dict[int, tuple[int, list[int]]] = {giver: (VACANT, [])}
    queue = deque([giver])
    spare_ceiling = VACANT
    while queue:
        node = queue.popleft()
        for heir, slots in _heirs(draft, led.get(node, [])).items():
            if heir in came or heir == node:
                continue
            came[heir] = node, slots
            if draft.leading[heir] < draft.lead_quota[heir]:
                return _traced(came, heir)
            if spare_ceiling == VACANT and _may_rise(draft, heir):
                spare_ceiling = heir
            queue.append(heir)
    return _raised(draft, came, spare_ceiling)


def _may_rise(draft: Draft, node: int) -> bool:
    return draft.lead_quota[node] < min(draft.lead_limits.ceilings[node], draft.held[node])


def _raised(draft: Draft, came: dict[int, tuple[int, list[int]]], node: int) -> list[Handover] | None:
    """The path to `node`, once it has the ceiling of a node that no path reaches; None if none can give it."""
    if node == VACANT:
        return None
    for other in range(draft.nodes):
        quota = draft.lead_quota[other]
        if quota > draft.lead_limits.floors[other] and draft.leading[other] < quota:
            draft.lead_quota[other] -= 1
            draft.lead_quota[node] += 1
            return _traced(came, node)
    return None


def _traced(came: dict[int, tuple[int, list[int]]], node: int) -> list[Handover]:
    path: list[Handover] = []
    while node != VACANT:
        before, slots = came[node]
        path.append((node, slots))
        node = before
    return path[-2::-1]


def _heirs(draft: Draft, slots: list[int]) -> dict[int, list[int]]:
    """The other replicas of these slots, each with the slots it can take over."""
    heirs: dict[int, list[int]] = {}
    for slot in slots:
        head = draft.heads[slot]
        for other in draft.rows[slot]:
            if other != head:
                heirs.setdefault(other, []).append(slot)
    return heirs


def _pass_on(draft: Draft, giver: int, path: list[Handover]) -> None:
    """Hand leads along `path`: as many as the giver has too many, the last lacks, and every step can."""
    last = path[-1][0]
    count = min(
        draft.leading[giver] - draft.lead_quota[giver],
        draft.lead_quota[last] - draft.leading[last],
        *(len(slots) for _, slots in path),
    )
    for heir, slots in path:
        for slot in _edges_first(draft, heir, slots)[:count]:
            draft.lead(slot, heir)


def _edges_first(draft: Draft, heir: int, slots: list[int]) -> list[int]:
    """The slots in the order that cuts arcs least: runs beside the heir's own arcs, then the longest."""
    ordered: list[list[int]] = []
    for run in _runs(slots):
        before, after = draft.heads[run[0] - 1], draft.heads[(run[-1] + 1) % draft.slots]
        giver = draft.heads[run[0]]
        beside = (before == heir) + (after == heir)
        cut = (before == giver) + (after == giver)
        # Taken in part, a run must be taken from the side that touches the heir's arc, or the giver's end.
        backward = before != heir and (after == heir or (before == giver and after != giver))
        ordered.append([beside - cut, len(run), run[0], *(run[::-1] if backward else run)])
    ordered.sort(key=lambda run: (-run[0], -run[1], run[2]))
    return [slot for run in ordered for slot in run[3:]]


def _runs(slots: list[int]) -> Iterator[list[int]]:
    """Rising slots, cut where they are not neighbours."""
    run: list[int] = []
    for slot in slots:
        if run and slot != run[-1] + 1:
            yield run
            run = []
        run.append(slot)
    if run:
        yield run
