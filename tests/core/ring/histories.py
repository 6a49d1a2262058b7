"""Random histories of rings, for hypothesis and for loops with a seed."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from kvtui.core.ring import Ring

Change = tuple[str, int, int]
"""What happens, to which node or with what number (taken modulo what there is), and a weight."""


def changes(most: int, heaviest: int = 8) -> st.SearchStrategy[list[Change]]:
    """Lists of up to `most` changes with weights up to `heaviest`. More joins than leaves."""
    kinds = st.sampled_from(["join", "join", "join", "leave", "reweigh", "replicate"])
    return st.lists(st.tuples(kinds, st.integers(0, 63), st.integers(1, heaviest)), max_size=most)


def follow(ring: Ring, change: Change, most_nodes: int = 64, most_replicas: int = 3) -> Ring:
    """The ring after a change; what can't happen to it (a leave of nobody, a join too many) is left out."""
    kind, number, weight = change
    nodes = list(ring.weights)
    if kind == "replicate":
        return ring.replicate(number % most_replicas + 1)
    if kind == "join" and len(nodes) < most_nodes:
        free = next(index for index in range(most_nodes) if f"n{index}" not in ring.weights)
        return ring.join(f"n{free}", weight)
    if kind == "leave" and nodes:
        return ring.leave(nodes[number % len(nodes)])
    if kind == "reweigh" and nodes:
        return ring.reweigh(nodes[number % len(nodes)], weight)
    return ring


def random_change(random: Random, heaviest: int = 8) -> Change:
    """One change, drawn from `random`."""
    kind = random.choice(["join", "join", "leave", "reweigh", "replicate"])
    return kind, random.randrange(64), random.randint(1, heaviest)
