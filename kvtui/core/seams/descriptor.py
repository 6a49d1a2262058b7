"""A descriptor of this process that is closed exactly once."""

import os

from kvtui.core.seams.forked import is_still, left_to_parent, unforked
from kvtui.core.seams.same_file import identity_of


class Descriptor:
    """Owns a raw descriptor: closed by ``close``, or once nobody knows it any more. Programs that are started don't inherit it, and
    processes that are forked off let go of it. Where the program closed it, and has a file of its own under its number, that stays
    as it is."""

    def __init__(self, number: int) -> None:
        self.number = number
        """-1 once it is closed."""
        self._identity = identity_of(number)
        left_to_parent(self, lambda owner: (owner.number,))

    @property
    def is_open(self) -> bool:
        return self.number >= 0

    @property
    def is_ours(self) -> bool:
        """Whether it is open, and its number means what it meant."""
        return self.number >= 0 and is_still(self.number, self._identity)

    def close(self) -> None:
        """Does nothing a second time."""
        ours, number, self.number = self.is_ours, self.number, -1
        if ours:
            os.close(number)

    def __del__(self) -> None:
        self.close()


def pipe() -> tuple[Descriptor, Descriptor]:
    """The reading and the writing end of a new pipe. Raises OSError."""
    with unforked():
        reading, writing = os.pipe()
        return Descriptor(reading), Descriptor(writing)
