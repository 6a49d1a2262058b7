"""Limits so low that runs meet them all the time: what they bound is rare in life, and goes wrong there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple


class Limit(NamedTuple):
    """A constant of the module ``where``; empty: of every module of kvtui that has one of that name."""

    where: str
    name: str
    value: int


LOW: Final = (
    # Values above that travel in pieces of it.
    Limit("", "INLINE_BYTES", 200),
    # Keys of one request of a batch, and such requests under way at once.
    Limit("kvtui.core.writes", "BATCH_ENTRIES", 2),
    Limit("kvtui.core.writes", "BATCHES_AT_ONCE", 4),
    # Keys of one page of a scan, of a list that is compared, of a request for many values.
    Limit("kvtui.core.reads", "PAGE", 6),
    Limit("kvtui.core.catch_up", "PAGE", 6),
    Limit("kvtui.core.several", "PAGE", 7),
    Limit("kvtui.core.several", "SINGLY_AT_ONCE", 3),
)


@contextmanager
def low_limits() -> Iterator[None]:
    """Within, the limits are low; afterwards they are as they were."""
    before = [
        (module, limit.name, getattr(module, limit.name))
        for limit in LOW
        for name, module in list(sys.modules.items())
        if (name == limit.where if limit.where else name.startswith("kvtui.")) and hasattr(module, limit.name)
    ]
    values = {(limit.where, limit.name): limit.value for limit in LOW}
    for module, name, _ in before:
        low = values.get((module.__name__, name), values.get(("", name)))
        setattr(module, name, low)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
