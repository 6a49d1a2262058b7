"""Where a key lies on the ring: its token, and the slot that token falls into."""

from __future__ import annotations

from xxhash import xxh3_64_intdigest

SLOTS = 16_384
"""Slots of a ring: equal parts of the token space, as many as a Valkey Cluster has."""

TOKEN_BITS = 64


def token_of(key: bytes) -> int:
    """The key's place on the ring, 0 to 2**64 - 1: the XXH3 64-bit hash of its bytes."""
    return xxh3_64_intdigest(key)


def slot_of(token: int, slots: int = SLOTS) -> int:
    """The slot, 0 to `slots` - 1, that holds `token`: the token's top bits. `slots` is a power of two."""
    return token >> slot_shift(slots)


def slot_shift(slots: int) -> int:
    """How far to shift a token right to get its slot; ValueError unless `slots` is a power of two."""
    if slots < 1 or slots & (slots - 1) or slots > 1 << TOKEN_BITS:
        raise ValueError(f"the number of slots must be a power of two, not {slots}")
    return TOKEN_BITS - slots.bit_length() + 1
