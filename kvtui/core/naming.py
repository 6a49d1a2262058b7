"""Nodes and slots in a sentence, by name and by number."""

from collections.abc import Sequence
from typing import Final

NAMED: Final = 3
"""Nodes that are named; of more it is said how many there are."""


def named(nodes: Sequence[str], most: int = NAMED) -> str:
    """``A``, ``A and B``, ``A, B and 3 more``."""
    if len(nodes) <= 1:
        return "".join(nodes)
    if len(nodes) <= most:
        return f"{', '.join(nodes[:-1])} and {nodes[-1]}"
    kept = max(1, most - 1)
    return f"{', '.join(nodes[:kept])} and {len(nodes) - kept:,} more"


def awaited(nodes: Sequence[str], most: int = NAMED) -> str:
    """Who is waited for: all of them by name, or those first for whom most waits."""
    return named(sorted(nodes) if len(nodes) <= most else nodes, most)


def any_of(nodes: Sequence[str]) -> str:
    """``A``, ``A or B``, ``A, B or C``."""
    *others, last = nodes or ("",)
    return f"{', '.join(others)} or {last}" if others else last


def nodes(number: int) -> str:
    """``1 node``, ``3 nodes``."""
    return "1 node" if number == 1 else f"{number:,} nodes"


def slots(number: int) -> str:
    """``1 slot``, ``2,870 slots``."""
    return "1 slot" if number == 1 else f"{number:,} slots"
