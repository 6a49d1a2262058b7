"""Cuts a list of keys or entries to what one request may carry."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from kvtui.core.protocol import BATCH_BYTES, BATCH_ENTRIES

T = TypeVar("T")


def batches(items: Iterable[T], weight: Callable[[T], int], most: int = BATCH_ENTRIES) -> Iterator[list[T]]:
    """``items`` in their order, in lists of at most ``most`` whose weights (bytes) sum to ``BATCH_BYTES`` at most.

    A single item that is heavier goes alone.
    """
    batch: list[T] = []
    total = 0
    for item in items:
        heavy = weight(item)
        if batch and (len(batch) >= most or total + heavy > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += heavy
    if batch:
        yield batch
