"""Why a key is on the nodes that it is on, in words: what the ring is drawn by as well."""

from collections.abc import Sequence

from kvtui.commands.legend import Sign
from kvtui.commands.wording import harmless
from kvtui.core.ring_walk import Met, Step, range_at, virtual_nodes, walk
from kvtui.core.snapshot import ClusterSnapshot

STEPS_NAMED = 12
"""Virtual nodes that are named; more are cut in the middle of a long way."""


def chosen_for_balance(picture: ClusterSnapshot) -> bool:
    """Whether replicas are where balance put them; while something moves, they may be where they were put before."""
    return not virtual_nodes(picture) and picture.moving is None


def why_words(picture: ClusterSnapshot, position: float) -> str:
    """Such as ``chosen for balance``, or ``clockwise: A, A again (skipped), B``; empty where there is nothing to say."""
    steps = walk(picture, position)
    if steps:
        return f"clockwise: {_named(steps)}"
    part = range_at(picture, position)
    several = part is not None and len(part.replicas) > 1
    return Sign.CHOSEN.value.brief if several and chosen_for_balance(picture) else ""


def _named(steps: Sequence[Step]) -> str:
    words = {Met.REPLICA: "{}", Met.SKIPPED: "{} again (skipped)", Met.COMING: "{} (being filled)"}
    told = [words[step.met].format(harmless(step.node)) for step in steps]
    if len(told) > STEPS_NAMED:
        told[STEPS_NAMED // 2 : -STEPS_NAMED // 2] = ["…"]
    return ", ".join(told)
