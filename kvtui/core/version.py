"""The version of an entry: the total order of all writes of one cluster."""

from typing import NamedTuple


class Version(NamedTuple):
    """(epoch, seq), compared in that order: no wall clock takes part.

    ``epoch`` is the coordinator's, strictly above every earlier coordinator's; ``seq`` counts the writes of
    that epoch from 1. A node outside any cluster gives versions itself, with epoch 0.
    """

    epoch: int
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"


NEVER = Version(0, 0)
"""Below every version that was ever given: a key that was never written."""
