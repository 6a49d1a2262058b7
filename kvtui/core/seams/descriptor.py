"""A descriptor of this process that is closed exactly once."""

import os

from kvtui.core.seams.forked import left_to_parent, unforked


class Descriptor:
    """Owns a raw descriptor: closed by ``close``, or once nobody knows it any more. Programs that are started don't inherit it, and
    processes that are forked off let go of it."""

    def __init__(self, number: int) -> None:
        self.number = number
        """-1 once it is closed."""
        left_to_parent(self, lambda owner: (owner.number,))

    @property
    def is_open(self) -> bool:
        return self.number >= 0

    def close(self) -> None:
        """Does nothing a second time."""
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    def __del__(self) -> None:
        self.close()


def pipe() -> tuple[Descriptor, Descriptor]:
    """The reading and the writing end of a new pipe. Raises OSError."""
    with unforked():
        reading, writing = os.pipe()
        return Descriptor(reading), Descriptor(writing)
