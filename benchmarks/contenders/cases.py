"""The work that every contender gets: 16-byte keys, 100-byte values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Final, Literal

KEY_BYTES: Final = 16
VALUE_BYTES: Final = 100
KEYS: Final = 100_000
"""Distinct keys; gets ask for any of them, and all are stored before the first."""
BATCH: Final = 1000
_VALUES: Final = 1000
"""Distinct values."""

Kind = Literal["put", "get", "many", "mset", "memory"]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of work, by so many tasks at once."""

    name: str
    kind: Kind
    tasks: int
    says: str


CASES: Final = {
    case.name: case
    for case in (
        Case("put-1", "put", 1, "put, 1 task"),
        Case("get-1", "get", 1, "get, 1 task"),
        Case("put-64", "put", 64, "put, 64 tasks"),
        Case("get-64", "get", 64, "get, 64 tasks"),
        Case("put-256", "put", 256, "put, 256 tasks"),
        Case("get-256", "get", 256, "get, 256 tasks"),
        Case("put-many", "many", 1, f"put_many({BATCH}) or pipeline"),
        Case("mset", "mset", 1, f"MSET of {BATCH}"),
        Case("memory", "memory", 1, "memory a key"),
    )
}
"""Each operation in ``put-many`` and ``mset`` is one key; ``memory`` counts no operations, but bytes."""


def items(seed: int = 1, keys: int = KEYS) -> list[tuple[bytes, bytes]]:
    """So many distinct keys with their values, the same for the same seed."""
    random = Random(seed)
    values = [random.randbytes(VALUE_BYTES) for _ in range(_VALUES)]
    names: set[bytes] = set()
    while len(names) < keys:
        names.add(b"%016x" % random.getrandbits(64))
    ordered = sorted(names)
    random.shuffle(ordered)
    return [(name, values[number % _VALUES]) for number, name in enumerate(ordered)]


def batches(of: Sequence[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Batches of distinct keys, without end."""
    return cycle([list(of[start : start + BATCH]) for start in range(0, len(of), BATCH)])
