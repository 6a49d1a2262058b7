"""Runs in which coordinators contend for the same nodes: takeovers from sleepers that wake, one after the other, amid what changes
who holds what and who can note it."""

import random
from collections.abc import Mapping
from typing import Final

SHARE: Final = 0.06
"""Plans that are so."""
TAKEOVERS: Final = (2, 4)
OTHERS: Final = (3, 8)
"""Least and most takeovers, and other faults."""
NODES: Final = (2, 2, 3, 3, 4)
COPIES: Final = (1, 2, 2, 2, 3)
WEIGHTS: Final[Mapping[str, int]] = {
    "WIPE": 3,
    "FULL_DISK": 3,
    "KILL": 3,
    "FORCE": 2,
    "JOIN": 2,
    "LEAVE": 2,
    "PARTITION": 2,
    "WEIGHT": 2,
    "CUT": 1,
    "DEAF": 1,
    "MUTE": 1,
    "SLOW": 1,
    "PAUSE": 1,
    "COPIES": 1,
    "REBALANCE": 1,
    "FULL_LOG": 1,
    "FAILED_SYNC": 1,
    "NODE_CRASH": 1,
    "READDRESS": 1,
    "LOST_STATE": 1,
    "COORDINATOR_KILL": 1,
}
"""Kinds of faults by name, and how often each is chosen beside the others."""


def kinds(dice: random.Random) -> list[str]:
    """The faults of one run, by the names of their kinds."""
    others = dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=dice.randint(*OTHERS))
    return ["TAKEOVER"] * dice.randint(*TAKEOVERS) + others
