"""Tells when the guarantee weakens, when it is whole again, and when a change of who holds what has come to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvtui.core.events import Level
from kvtui.core.guarantee import strength
from kvtui.core.settled import settled, settled_words

if TYPE_CHECKING:
    from kvtui.core.happenings import Happenings
    from kvtui.core.snapshot import ClusterSnapshot


class GuaranteeWatch:
    """Follows the pictures of a cluster.

    Whatever was begun (a join, a leave, more copies or fewer, a recovery, a replacement) or was told to be worse ends in one line,
    ``every key is on 2 nodes now``. Of an empty ring, where nothing had to be copied, nothing is said.
    """

    def __init__(self, picture: ClusterSnapshot, happenings: Happenings) -> None:
        self._happenings = happenings
        self._strength = strength(picture)
        self._weak = False
        """It was told that it is weaker, and not yet that it is whole."""
        self._unserved = False
        """Whether it was told that slots can't be served."""
        self._under_way = False
        """Not every slot is where it is to be."""

    def look(self, picture: ClusterSnapshot) -> None:
        """At the next picture."""
        before, self._strength = self._strength, strength(picture)
        under_way, self._under_way = self._under_way, not settled(picture)
        if self._strength < before and not _as_wished(picture):
            self._weak = True
            level = Level.BAD if picture.lost or picture.unavailable or picture.unwritable else Level.WARNING
            self._happenings.emit(level, f"the guarantee is weaker now: {picture.guarantee}")
        elif under_way and not self._under_way:
            if picture.copies or self._weak:
                self._happenings.emit(Level.GOOD, settled_words(picture))
            self._weak = False
        elif self._weak and not picture.guarantee_weakened:
            self._weak = False
            self._happenings.emit(Level.GOOD, f"the guarantee is whole again: {picture.guarantee}")
        elif self._unserved and not picture.unavailable and not picture.stopped:
            every = "every slot that is not lost" if picture.lost else "every slot"
            self._happenings.emit(Level.GOOD, f"{every} is served again: {picture.guarantee}")
        self._unserved = self._weak and picture.unavailable > 0


def _as_wished(picture: ClusterSnapshot) -> bool:
    """Whether it is weaker because fewer copies are wanted: whoever asked for that was told."""
    fewest = min((copies for copies, _ in picture.clean_copies if copies), default=0)
    return not picture.guarantee_weakened and fewest >= picture.replication
