"""Where tombstones may be, and which of them may go: pure decisions.

A tombstone may go when every replica of its slot is clean and either holds it at the same version or nothing of the key,
nobody else holds entries of the slot, and nothing older can still arrive: no write or repair of the key is under way here, and
nodes refuse requests of superseded sessions. Its age never matters.
"""

from collections.abc import Sequence
from typing import Final

from kvtui.core.placement import Placement
from kvtui.core.protocol import Entry
from kvtui.core.version import NEVER, Version

FRESH: Final = 1
"""A tombstone may have been stored in the slot since the last look."""
RIPE: Final = 2
"""It is time to look whether the slot's tombstones can go."""


class Graves:
    """Marks a slot: nothing (0), FRESH or RIPE."""

    def __init__(self, slots: int) -> None:
        """Any slot may hold tombstones of earlier times."""
        self.marks = bytearray([FRESH]) * slots

    def bury(self, slot: int) -> None:
        """A tombstone was stored in the slot."""
        self.marks[slot] = self.marks[slot] or FRESH

    def ripen(self) -> bool:
        """Time has passed; whether any slot is to be looked at now that was not before."""
        if FRESH not in self.marks:
            return False
        self.marks = self.marks.replace(bytes([FRESH]), bytes([RIPE]))
        return True

    def looked(self, start: int, stop: int) -> None:
        """Slots ``start``..``stop`` are looked at: what is buried from here on is for the next time."""
        self.marks[start:stop] = bytes(stop - start)


def eligible(place: Placement, target: tuple[str, ...]) -> bool:
    """Whether tombstones of a slot may be purged at all: every copy is clean and stays where it is, nobody else has any."""
    still = not place.target and not place.receiving and not place.garbage and place.replicas == target
    return bool(place.replicas) and still and place.clean == place.replicas


def purgeable(copies: Sequence[Entry]) -> Version | None:
    """The version of the tombstone that all ``copies`` of a key agree on, those that hold nothing aside; None where one differs."""
    held = {(entry.version, entry.size < 0) for entry in copies if entry.version != NEVER}
    if len(held) != 1:
        return None
    version, dead = held.pop()
    return version if dead else None
