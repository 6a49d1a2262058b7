"""What a pair costs in memory, and what keys that begin alike do to that."""

import gc
import random
import tracemalloc

from kvtui.core.seams.memory import BUCKET_LEAST, BUCKET_MOST, MemoryEngine
from kvtui.core.seams.storage import Batch

KEYS = 50_000


def filled(keys: list[bytes], value: bytes = b"") -> MemoryEngine:
    engine = MemoryEngine()
    for start in range(0, len(keys), 1_000):
        engine.apply(Batch([(key, value) for key in keys[start : start + 1_000]]))
    return engine


def random_keys(beginning: bytes) -> list[bytes]:
    chance = random.Random(1)
    return [beginning + chance.randbytes(24) for _ in range(KEYS)]


def test_a_pair_costs_its_bytes_and_little_more() -> None:
    keys = random_keys(b"\x01")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        engine = filled(keys, b"v" * 125)
        used = (tracemalloc.get_traced_memory()[0] - before) / KEYS
    finally:
        tracemalloc.stop()
    assert engine.get(keys[0]) == b"v" * 125
    assert 150 < used < 250


def test_the_collector_walks_no_pair() -> None:
    engine = filled(random_keys(b"\x01"))
    (shelf,) = engine._shelves.values()
    assert len(shelf.directory) > KEYS // BUCKET_MOST
    assert not any(gc.is_tracked(bucket) for bucket in shelf.directory)


def test_keys_that_begin_alike_get_no_directory_that_is_larger_than_they_are() -> None:
    engine = filled(random_keys(b"\x01same beginning")[:5_000])
    (shelf,) = engine._shelves.values()
    assert shelf.count == 5_000
    assert len(shelf.directory) <= 2 * shelf.count // BUCKET_LEAST


def test_a_bucket_never_holds_more_than_its_most_where_keys_differ() -> None:
    engine = filled(random_keys(b"\x01"))
    (shelf,) = engine._shelves.values()
    assert max(map(len, shelf.directory)) <= BUCKET_MOST
    assert shelf.count == KEYS
