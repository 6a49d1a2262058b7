"""The two placement policies, as plain values that can be stored."""

from __future__ import annotations

import msgspec


class Classic(msgspec.Struct, frozen=True, tag="classic", forbid_unknown_fields=True):
    """Virtual nodes at hashed points; replicas are the next distinct nodes clockwise.

    `vnodes` is the number of points of a node of weight 1. ValueError if it is below 1.
    """

    vnodes: int

    def __post_init__(self) -> None:
        if self.vnodes < 1:
            raise ValueError(f"a classic ring needs at least 1 virtual node per node, not {self.vnodes}")


class Balanced(msgspec.Struct, frozen=True, tag="balanced", forbid_unknown_fields=True):
    """Every node holds its weighted quota of slots, and a change copies no more than it must."""


Policy = Classic | Balanced
