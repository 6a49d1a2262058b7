"""Arcs as letters, for terminals that have nothing else: which one stands for each step of the ring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kvtui.widgets.colour import RGB
from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.samples import STEPS, step_at


@dataclass(frozen=True, slots=True)
class Letters:
    """What stands for an arc: ``letter``, and ``other`` where it is drawn in the colour ``other_colour``."""

    letter: str
    other: str = ""
    other_colour: RGB | None = None

    def of(self, colour: RGB) -> str:
        """The letter for a colour of the arc."""
        return self.other if self.other and colour == self.other_colour else self.letter


LOST, UNSERVED = "/", "!"
"""What stands for the stripes of an arc that is lost, and of one that waits for a node."""


def letters_of(arcs: Sequence[Arc], colour: Callable[[str], RGB], bad: RGB) -> list[Letters]:
    """The letters of each step. ``bad`` is the colour of stripes that tell bad news."""
    letters = [Letters(".")] * STEPS
    for arc in arcs:
        first, last = step_at(arc.start), step_at(arc.stop)
        other = arc.gaining or arc.follower
        if arc.lost or arc.unserved:
            ours = Letters(letter_of(arc.node), LOST if arc.lost else UNSERVED, bad)
        else:
            ours = Letters(letter_of(arc.node), letter_of(other), colour(other) if other else None)
        letters[first:last] = [ours] * (last - first)
    return letters


def letter_of(node: str) -> str:
    """The last one of a node's id that every terminal has: that tells n1 from n2."""
    return next((char for char in reversed(node) if "!" <= char <= "~"), "#") if node else "."
