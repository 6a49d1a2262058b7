"""Lets copies go where a slot or a node has too many, so that as few as possible must be placed again."""

from __future__ import annotations

from kvtui.core.ring.draft import VACANT, Draft
from kvtui.core.ring.fill import scattered_runs

URGENCY = 1.0
"""Weight of an even loss of surplus against even pairs."""


def shed_overfull(draft: Draft) -> None:
    """Let overfull slots go: each drops nodes above their quota, those most in surplus and most crowded."""
    overfull = [slot for slot, row in enumerate(draft.rows) if len(row) > draft.copies]
    if not overfull:
        return
    # In how many of the overfull slots still to come each node could make way.
    chances = [0] * draft.nodes
    for slot in overfull:
        for node in _movable(draft, slot):
            chances[node] += 1
    for part in scattered_runs(draft.slots, draft.grain):
        choice = VACANT
        for slot in part:
            row = draft.rows[slot]
            if len(row) <= draft.copies:
                continue
            for node in _movable(draft, slot):
                chances[node] -= 1
            while len(row) > draft.copies:
                if choice not in row or choice == draft.heads[slot] or not draft.spares(choice):
                    choice = max(_movable(draft, slot), key=lambda node: _worth(draft, slot, node, chances))
                draft.drop(slot, choice)


def _movable(draft: Draft, slot: int) -> list[int]:
    """Who can make way: never a node that must hold every slot, and the first replica only if all others must."""
    free = [node for node in draft.rows[slot] if draft.limits.floors[node] < draft.slots]
    return [node for node in free if node != draft.heads[slot]] or free


def _worth(draft: Draft, slot: int, node: int, chances: list[int]) -> tuple[bool, float]:
    """How good it is that `node` makes way: best if it has few other chances to lose its surplus."""
    share = min(1.0, (draft.held[node] - draft.quota[node]) / (chances[node] + 1))
    urgency = 1 / (1.02 - share) - 1 / (0.02 + max(0.0, share))
    return draft.spares(node), URGENCY * urgency + draft.crowding(node, slot)


def shed_rich(draft: Draft) -> None:
    """Drop what nodes hold above their quotas; first replicas stay wherever it can be helped."""
    if not any(draft.spares(node) for node in range(draft.nodes)):
        return
    for heads in (False, True):
        for slot, row in enumerate(draft.rows):
            for node in list(row):
                if draft.spares(node) and (heads or draft.heads[slot] != node):
                    draft.drop(slot, node)
