"""What happened in runs, counted by name, and how often each must: what never happens proves nothing.

Whoever does something or sees it counts it in ``SimCluster.happened``: clients what they ask, faults what became of them,
``tests.simulation.watch`` what goes by on the wire and to the disks. Nothing of the product is asked to count.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from kvtui.check import History, Kind, Outcome

FLOOR_SEEDS: Final = 2_000
"""Runs for which the floors hold; so many times as many have so many times higher ones."""
OFTEN: Final = 1_000
"""Of what clients do."""
KINDS: Final = 300
"""Of each kind of fault, and of what the product does because of them."""
STORIES: Final = 100
"""Of whole stories, which take several things to come together."""


class Event(StrEnum):
    """What is counted besides faults. Each has a floor."""

    # What clients do and are told.
    GET = "gets"
    PUT = "puts"
    DELETE = "deletes"
    UNKNOWN = "operations of unknown outcome"
    FAILED = "operations that failed"
    STALE = "reads that may be stale, and say so"
    SCAN = "scans"
    SCAN_FAILED = "scans that failed"
    GIVEN_UP = "given up"
    TORN_BATCH = "batches that ended differently"
    ATTACHED = "operations of attached clients"
    SEVERED = "attached clients whose connection broke"
    MANY_REQUESTS = "batches of more requests than are under way at once"

    # What goes by on the wire.
    WRITE_BACK = "write-backs"
    WRITE_BACK_LARGE = "write-backs of large values"
    WRITE_BACK_TOMBSTONE = "write-backs of tombstones"
    WRITE_BACK_VERIFY = "write-backs while their slot is verified"
    PURGE = "purges of tombstones"
    DROP = "drops of what nobody acknowledged"
    CLEAR = "slots cleared of garbage"
    PAGE = "pages of a listing after its first"
    SUPERSEDED = "requests of superseded sessions refused"
    FENCED = "requests refused as fenced"
    DAMAGED = "requests that met a damaged entry"
    FULL = "requests refused for want of space"

    # What goes to the coordinator's log.
    BEHIND = "replicas that fell behind"
    RECOVERED = "replicas made equal again"
    WIPED = "nodes found wiped"
    MOVED = "moves begun"
    CUT_OVER = "moves cut over"
    LOSS_ACCEPTED = "losses accepted"
    COMPACTED = "logs written anew"

    # Whole stories.
    JOIN_REFUSED = "nodes with keys of their own refused"
    JOIN_IMPORTED = "nodes joined with their keys"
    JOIN_WIPED = "nodes joined without their keys"
    LAST_LEFT = "last nodes that left"
    FORGOTTEN = "logs lost right after a node fell behind"
    MANY_COPIES = "runs with four copies or five"

    # What the coordinator has in its memory.
    OVERFLOW = "writes of unknown outcome more than are remembered by key"


FLOORS: Final[Mapping[Event, int]] = {
    Event.GET: OFTEN,
    Event.PUT: OFTEN,
    Event.DELETE: OFTEN,
    Event.UNKNOWN: OFTEN,
    Event.FAILED: OFTEN,
    Event.STALE: OFTEN,
    Event.SCAN: OFTEN,
    Event.SCAN_FAILED: KINDS,
    Event.GIVEN_UP: KINDS,
    Event.TORN_BATCH: KINDS,
    Event.ATTACHED: OFTEN,
    Event.SEVERED: OFTEN,
    Event.MANY_REQUESTS: OFTEN,
    Event.WRITE_BACK: KINDS,
    Event.WRITE_BACK_LARGE: STORIES,
    Event.WRITE_BACK_TOMBSTONE: STORIES,
    Event.WRITE_BACK_VERIFY: STORIES,
    Event.PURGE: KINDS,
    Event.DROP: STORIES,
    Event.CLEAR: KINDS,
    Event.PAGE: KINDS,
    Event.SUPERSEDED: KINDS,
    Event.FENCED: KINDS,
    Event.DAMAGED: KINDS,
    Event.FULL: KINDS,
    Event.BEHIND: OFTEN,
    Event.RECOVERED: OFTEN,
    Event.WIPED: KINDS,
    Event.MOVED: OFTEN,
    Event.CUT_OVER: OFTEN,
    Event.LOSS_ACCEPTED: STORIES,
    Event.COMPACTED: KINDS,
    Event.JOIN_REFUSED: STORIES,
    Event.JOIN_IMPORTED: STORIES,
    Event.JOIN_WIPED: STORIES,
    Event.LAST_LEFT: STORIES,
    Event.FORGOTTEN: STORIES,
    Event.MANY_COPIES: STORIES,
    Event.OVERFLOW: STORIES,
}
"""How often each happens in ``FLOOR_SEEDS`` runs, at least."""


Name = TypeVar("Name", bound=StrEnum)


def too_seldom(counted: Mapping[Name, int], floors: Mapping[Name, int], seeds: int) -> dict[str, tuple[int, float]]:
    """What happened less often in so many runs than it must: how often it did, and its floor for so many."""
    share = seeds / FLOOR_SEEDS
    return {
        str(name): (counted.get(name, 0), floor * share)
        for name, floor in floors.items()
        if counted.get(name, 0) < floor * share
    }


def operations(history: History) -> Counter[Event]:
    """What clients did, and what they were told."""
    kinds = {Kind.GET: Event.GET, Kind.PUT: Event.PUT, Kind.DELETE: Event.DELETE}
    outcomes = {Outcome.UNKNOWN: Event.UNKNOWN, Outcome.FAILED: Event.FAILED}
    counted: Counter[Event] = Counter()
    for operation in history.operations:
        counted[kinds[operation.kind]] += 1
        if operation.outcome in outcomes:
            counted[outcomes[operation.outcome]] += 1
        counted[Event.STALE] += operation.stale
    return counted
