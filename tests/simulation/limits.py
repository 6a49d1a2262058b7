"""Limits so low that runs meet them all the time: what they bound is rare in life, and goes wrong there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Final, NamedTuple


class Limit(NamedTuple):
    """A constant of the module ``where``, or of all modules of that package that have one of that name."""

    where: str
    name: str
    value: int


LOW: Final = (
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
)


@contextmanager
def low_limits() -> Iterator[None]:
    """Within, the limits are low; afterwards they are as they were."""
    lowered = [(module, limit, getattr(module, limit.name)) for module, limit in _places()]
    for module, limit, _ in lowered:
        setattr(module, limit.name, limit.value)
    try:
        yield
    finally:
        for module, limit, usual in lowered:
            setattr(module, limit.name, usual)


@cache
def _places() -> list[tuple[ModuleType, Limit]]:
    """The modules that have them: all that a run needs are loaded when the first one begins."""
    return [
        (module, limit)
        for limit in LOW
        for name, module in list(sys.modules.items())
        if (name == limit.where or name.startswith(f"{limit.where}.")) and hasattr(module, limit.name)
    ]
