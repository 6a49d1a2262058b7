"""A word that stands on the screen: what it is called, what it means, and what it is of this cluster at this moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvtui.core.naming import named
from kvtui.core.snapshot import ClusterSnapshot, NodeView

NAMED = 6
"""Nodes that a sentence names; of the others it says how many there are."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word, or two that belong together. ``text`` is two sentences, ``now`` one or two more, with the values of a snapshot."""

    name: str
    text: str
    now: Callable[[ClusterSnapshot], str]
    aliases: tuple[str, ...] = ()
    """Other forms that mean the same: plurals, abbreviations, the words of a title."""

    @property
    def brief(self) -> str:
        """The first sentence."""
        return self.text.partition(". ")[0]

    def begins(self, begun: str) -> bool:
        """Whether the name begins so; another form of it only where that is clear by then."""
        return self.name.startswith(begun) or (len(begun) > 2 and any(form.startswith(begun) for form in self.aliases))


def listed(words: Sequence[str], none: str = "nobody") -> str:
    """``n1``, ``n1 and n2``, ``n1, n2 and 5 more``; ``none`` where there are none."""
    return named(words, NAMED) or none


def each_node(picture: ClusterSnapshot, about: str, words: Callable[[NodeView], str]) -> str:
    """``Shares now: A 33.3% and B 66.7%.``: what ``words`` says of each node, those aside of which it says nothing."""
    if not picture.nodes:
        return "There are no nodes yet."
    return f"{about}: {listed([text for text in map(words, picture.nodes) if text])}."
