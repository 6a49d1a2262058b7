"""A descriptor of this process that is closed exactly once."""

import os


class Descriptor:
    """Owns a raw descriptor: closed by ``close``, or once nobody knows it any more. Programs that are started don't inherit it."""

    def __init__(self, number: int) -> None:
        self.number = number
        """-1 once it is closed."""

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
