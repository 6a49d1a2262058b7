"""The ring: which node holds which slot of the keys, as an immutable value.

A `Ring` is a function of its history alone; `moves` is the difference of two of them.
"""

from kvtui.core.ring.diff import Move, moves
from kvtui.core.ring.policy import Balanced, Classic, Policy
from kvtui.core.ring.quota import Quotas, quotas
from kvtui.core.ring.record import RingRecord
from kvtui.core.ring.ring import Ring
from kvtui.core.ring.table import Range, Replicas, Table
from kvtui.core.ring.token import SLOTS, slot_of, token_of

__all__ = [
    "SLOTS",
    "Balanced",
    "Classic",
    "Move",
    "Policy",
    "Quotas",
    "Range",
    "Replicas",
    "Ring",
    "RingRecord",
    "Table",
    "moves",
    "quotas",
    "slot_of",
    "token_of",
]
