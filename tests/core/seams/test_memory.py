"""What a pair costs in memory, and how much of the keys' order is kept."""

import gc
import random
import tracemalloc

from kvtui.core.seams.memory import LEADING, ORDERS_KEPT, MemoryEngine
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


def test_a_pair_costs_little_beside_its_key_and_value() -> None:
    keys = random_keys(b"\x01")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        engine = filled(keys, b"v" * 125)
        used = (tracemalloc.get_traced_memory()[0] - before) / KEYS
    finally:
        tracemalloc.stop()
    assert engine.get(keys[0]) == b"v" * 125
    assert used < 64


def test_the_collector_walks_no_pair() -> None:
    engine = filled(random_keys(b"\x01"))
    assert len(engine._parts) == 256
    assert not any(gc.is_tracked(part) for part in engine._parts.values())


def test_the_order_of_few_keys_is_kept_and_only_while_it_holds() -> None:
    keys = sorted(random_keys(b"\x01"))
    engine = filled(keys)
    assert [key for key, _ in engine.scan(b"", b"\xff")] == keys
    assert len(engine._orders) == ORDERS_KEPT
    engine.apply(Batch([(keys[-1], b"new value")]))
    assert keys[-1][:LEADING] in engine._orders
    engine.apply(Batch([(keys[-1], None)]))
    assert keys[-1][:LEADING] not in engine._orders
    assert [key for key, _ in engine.scan(b"", b"\xff")] == keys[:-1]
