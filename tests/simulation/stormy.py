"""Runs in which little fails, and much is done at once: replicas that are compared or made equal while the same few keys are
written and read over and over."""

import random
from collections.abc import Mapping
from typing import Final

SHARE: Final = 0.1
"""Plans that are so."""
STORMS: Final = (4, 6)
OTHERS: Final = (2, 4)
"""Least and most storms, and other faults."""
NODES: Final = (2, 3, 3, 4)
COPIES: Final = (2, 2, 3, 3)
WEIGHTS: Final[Mapping[str, float]] = {
    "FLIP": 6,
    "KILL": 2,
    "CUT": 2,
    "FULL_DISK": 1,
    "COORDINATOR_KILL": 1,
    "JOIN": 1,
    "LEAVE": 1,
    "PAUSE": 1,
    "WIPE": 0.5,
    "COPIES": 1,
    "QUORUM": 1,
}
"""Kinds of other faults by name, and how often each is chosen beside the others."""
SHORTER: Final = 0.3
"""By what part those are shorter."""


def kinds(dice: random.Random) -> list[str]:
    """The faults of one run, by the names of their kinds."""
    others = dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=dice.randint(*OTHERS))
    return ["STORM"] * dice.randint(*STORMS) + others
