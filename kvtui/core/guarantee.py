"""What the store guarantees at this moment, in words: the effective guarantee, not the one that is aimed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvtui.core.events import Level
from kvtui.core.read_mode import ReadMode

if TYPE_CHECKING:
    from kvtui.core.happenings import Happenings
    from kvtui.core.snapshot import ClusterSnapshot


def guarantee(picture: ClusterSnapshot) -> str:
    """Such as ``every acknowledged write on 2 nodes; reads never older``."""
    if picture.stopped:
        return "none from here: kvtui stopped serving"
    if not picture.clean_copies:
        return "none yet: there are no nodes"
    reads = "reads never older" if picture.reads is ReadMode.STRICT else "reads may be older where flagged stale"
    kept = "" if picture.durable else "; in memory only"
    return f"{_copies(picture)}; {reads}{kept}"


def weakened(picture: ClusterSnapshot) -> bool:
    """Whether it is less than the cluster's nodes and settings make possible."""
    if picture.stopped or picture.lost:
        return True
    return any(copies < picture.copies_each for copies, _ in picture.clean_copies)


def strength(picture: ClusterSnapshot) -> tuple[int, ...]:
    """Compares guarantees: the smaller tuple promises less."""
    fewest = min((copies for copies, _ in picture.clean_copies if copies), default=0)
    return (not picture.stopped, -picture.lost, fewest, picture.reads is ReadMode.STRICT)


class GuaranteeWatch:
    """Follows the pictures of a cluster, and tells the moment its guarantee weakens, and when it is whole again."""

    def __init__(self, picture: ClusterSnapshot, happenings: Happenings) -> None:
        self._happenings = happenings
        self._strength = strength(picture)
        self._weak = False

    def look(self, picture: ClusterSnapshot) -> None:
        """At the next picture."""
        before, self._strength = self._strength, strength(picture)
        if self._strength < before:
            self._weak = True
            self._happenings.emit(Level.WARNING, f"the guarantee is weaker now: {picture.guarantee}")
        elif self._weak and not picture.guarantee_weakened:
            self._weak = False
            self._happenings.emit(Level.GOOD, f"the guarantee is whole again: {picture.guarantee}")


def _copies(picture: ClusterSnapshot) -> str:
    sizes = [(copies, slots) for copies, slots in picture.clean_copies if copies]
    lost = f"{_slots(picture.lost)} lost" if picture.lost else ""
    if not sizes:
        return lost
    fewest, slots = sizes[0]
    wanted = f" ({picture.replication} wanted)" if fewest <= picture.copies_each < picture.replication else ""
    if fewest < picture.copies_each and slots < picture.slots:
        said = f"{_slots(slots)} on {_nodes(fewest)} only"
    else:
        only = " only" if fewest < picture.copies_each else ""
        said = f"every acknowledged write on {_nodes(fewest)}{only}{wanted}"
    return f"{lost}; {said}" if lost else said


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"


def _slots(number: int) -> str:
    return "1 slot" if number == 1 else f"{number:,} slots"
