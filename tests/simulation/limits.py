"""Limits so low that runs meet them all the time: what they bound is rare in life, and goes wrong there."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Final, NamedTuple


class Limit(NamedTuple):
    """A constant of the module ``where``, or of all modules of that package that have one of that name."""

    where: str
    name: str
    value: float


LOW: Final = (
    # How far nodes got is logged so often: who comes back with less than that is known to have lost something.
    Limit("kvtui.core.supervisor", "COUNTER_SECONDS", 0.3),
    # Values above that travel in pieces of it.
    Limit("kvtui", "INLINE_BYTES", 200),
    # Keys of one request of a batch, and such requests under way at once.
    Limit("kvtui.core.writes", "BATCH_ENTRIES", 2),
    Limit("kvtui.core.writes", "BATCHES_AT_ONCE", 4),
    # Keys of one page of a scan, of a list that is compared, of a request for many values.
    Limit("kvtui.core.reads", "PAGE", 6),
    Limit("kvtui.core.catch_up", "PAGE", 6),
    Limit("kvtui.core.several", "PAGE", 7),
    Limit("kvtui.core.several", "SINGLY_AT_ONCE", 3),
    # On the control socket: the length from which a message goes in pieces, and what one batch or page may hold.
    Limit("kvtui.control", "PIECE_BYTES", 600),
    Limit("kvtui.control", "ANSWER_BYTES", 700),
    Limit("kvtui.control", "BATCH_ENTRIES", 8),
    Limit("kvtui.control", "BATCH_READS", 8),
    Limit("kvtui.control", "PAGES", 2),
    # Seconds for which a holder that ends answers what it has begun.
    Limit("kvtui.control", "FINISH_SECONDS", 0.005),
)


SOMETIMES: Final[Mapping[str, tuple[Limit, ...]]] = {
    # The log is written anew as soon as it has twice the records that its sum takes.
    "log": (Limit("kvtui.core.metadata_log", "COMPACT_RECORDS", 4),),
    # Keys of unknown writes, and keys that a node missed, that are remembered one by one.
    "keys": (Limit("kvtui.core.ledger", "UNCERTAIN_KEYS", 1), Limit("kvtui.core.ledger", "HINTS", 2)),
    # Notes count as long: what is to be noted waits for more of its kind.
    "notes": (Limit("kvtui.core.notes", "SHORT", 0), Limit("kvtui.core.notes", "SPREAD_BYTES", 20_000)),
    # A ring takes many pieces of work, and few are under way together.
    "pieces": (
        Limit("kvtui.core.work", "CHUNK", 3),
        Limit("kvtui.core.mover", "CHUNK", 3),
        Limit("kvtui.core.mover", "AT_ONCE", 2),
        Limit("kvtui.core.mover", "SMALL_AT_ONCE", 3),
        Limit("kvtui.core.mover", "STUCK", 1),
    ),
    # Tombstones are looked for often.
    "purge": (Limit("kvtui.core.mover", "PURGE_SECONDS", 0.6),),
    # A node has room for few requests, and for few bytes of values under way.
    "room": (
        Limit("kvtui.core.link", "IN_FLIGHT", 30),
        Limit("kvtui.core.reads", "FETCHED_AT_ONCE_BYTES", 900),
        Limit("kvtui.node.uploads", "UPLOAD_BYTES", 2_500),
    ),
    # A store that was opened is verified behind its answers, little by little.
    "verification": (
        Limit("kvtui.node.verification", "SLICE_ENTRIES", 2),
        Limit("kvtui.node.verification", "PAUSE_SECONDS", 0.05),
    ),
    # Batches and pages are cut by their bytes.
    "bytes": (
        Limit("kvtui", "BATCH_BYTES", 500),
        Limit("kvtui.node.pages", "EXAMINED_BYTES", 900),
        Limit("kvtui.node.service", "EXAMINED_BYTES", 900),
    ),
    # Placements that no slot has any more are forgotten at once.
    "placements": (Limit("kvtui.core.topology", "INTERNED_MOST", 0),),
}
"""Further ones, by what they bound, of which each holds for a part of the plans."""


@contextmanager
def low_limits(further: Iterable[str] = ()) -> Iterator[None]:
    """Within, the limits are low, those of ``further`` names included; afterwards they are as they were."""
    lowered = [(module, limit, getattr(module, limit.name)) for module, limit in _places(tuple(further))]
    for module, limit, _ in lowered:
        setattr(module, limit.name, limit.value)
    try:
        yield
    finally:
        for module, limit, usual in lowered:
            setattr(module, limit.name, usual)


@cache
def _places(further: tuple[str, ...]) -> list[tuple[ModuleType, Limit]]:
    """The modules that have them: all that a run needs are loaded when the first one begins."""
    limits = (*LOW, *(limit for group in further for limit in SOMETIMES[group]))
    return [place for limit in limits for place in _places_of(limit)]


@cache
def _places_of(limit: Limit) -> list[tuple[ModuleType, Limit]]:
    return [
        (module, limit)
        for name, module in list(sys.modules.items())
        if (name == limit.where or name.startswith(f"{limit.where}.")) and hasattr(module, limit.name)
    ]
