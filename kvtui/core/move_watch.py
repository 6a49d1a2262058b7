"""Tells when moves begin to wait for nodes that can't be reached, and when they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvtui.core.events import Level
from kvtui.core.naming import named, slots

if TYPE_CHECKING:
    from kvtui.core.happenings import Happenings
    from kvtui.core.snapshot import ClusterSnapshot


class MoveWatch:
    """Follows the pictures of a cluster."""

    def __init__(self, happenings: Happenings) -> None:
        self._happenings = happenings
        self._waits_for: tuple[str, ...] = ()

    def look(self, picture: ClusterSnapshot) -> None:
        """At the next picture. What waits for fewer nodes than before is no news."""
        if picture.stopped:
            return
        before, self._waits_for = self._waits_for, tuple(sorted(picture.moves_wait_for))
        if set(self._waits_for) - set(before):
            many = picture.moves_waiting != 1
            told = f"{slots(picture.moves_waiting)} that {'are' if many else 'is'} to move {'wait' if many else 'waits'} for"
            self._happenings.emit(Level.WARNING, f"{told} {named(self._waits_for)}")
        elif before and not self._waits_for and picture.moving is not None:
            self._happenings.emit(Level.INFO, f"{named(before)} can be reached again: slots move on")
