"""What a node knows of each slot without reading it: its digest, its live keys, its tombstones and its damage."""

from collections.abc import Iterable

from xxhash import xxh3_64_intdigest

from kvtui.node.record import contribution, is_live, placed, range_of, sound, token_at

_DIGEST_MASK = 2**64 - 1


class SlotTable:
    """Sums per slot, kept in step with every staged write.

    A digest is the sum, modulo 2**64, of its entries' contributions, so that order does not matter and an entry
    is added and taken away in constant time. A damaged entry contributes a number of this data directory alone: the digest
    then agrees with no other node's, until the entry is repaired.
    """

    __slots__ = ("_salt", "damaged", "dead", "digests", "live", "misplaced", "shift", "slots")

    def __init__(self, slots: int, salt: str) -> None:
        """``slots`` is a power of two; ``salt`` names the data directory's life."""
        self.slots = slots
        self._salt = salt.encode()
        # As kvtui.core.ring.token.slot_shift, whose package takes longer to import than the rest of the node.
        self.shift = 65 - slots.bit_length()
        self.digests = [0] * slots
        self.live = [0] * slots
        self.dead = [0] * slots
        self.damaged: dict[int, set[bytes]] = {}
        """Where the damaged entries of a slot lie, for slots that have any."""
        self.misplaced: set[int] = set()
        """Slots with a damaged entry whose own key can't be told: what is absent there may be that entry."""

    @property
    def damages(self) -> int:
        """Damaged entries of the node."""
        return sum(map(len, self.damaged.values()))

    def slot_at(self, where: bytes) -> int:
        """The slot of the entry at ``where``."""
        return token_at(where) >> self.shift

    def range(self, start: int, stop: int) -> tuple[bytes, bytes]:
        """The engine keys of slots ``start``..``stop``."""
        return range_of(start, stop, self.shift)

    def change(self, where: bytes, old: bytes | None, new: bytes | None) -> None:
        """Account for the entry at ``where`` going from record ``old`` to ``new``; both are sound, or absent."""
        slot = token_at(where) >> self.shift
        digest = self.digests[slot]
        if old is not None:
            digest -= contribution(where, old)
            (self.live if is_live(old) else self.dead)[slot] -= 1
        if new is not None:
            digest += contribution(where, new)
            (self.live if is_live(new) else self.dead)[slot] += 1
        self.digests[slot] = digest & _DIGEST_MASK

    def is_damaged(self, where: bytes) -> bool:
        return bool(self.damaged) and where in self.damaged.get(self.slot_at(where), ())

    def repair(self, where: bytes) -> None:
        """Forget the damage at ``where``, because a new record takes its place."""
        slot = self.slot_at(where)
        left = self.damaged[slot] - {where}
        if left:
            self.damaged[slot] = left
        else:
            del self.damaged[slot]
        self.digests[slot] = (self.digests[slot] - self._damage(where)) & _DIGEST_MASK

    def reset(self, start: int, stop: int) -> None:
        """Slots ``start``..``stop`` are empty."""
        nothing = [0] * (stop - start)
        for column in (self.digests, self.live, self.dead):
            column[start:stop] = nothing
        for slot in [slot for slot in self.damaged if start <= slot < stop]:
            del self.damaged[slot]
        self.misplaced = {slot for slot in self.misplaced if not start <= slot < stop}

    def tally(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Add every entry of ``pairs``, verifying each."""
        digests, live, dead, shift = self.digests, self.live, self.dead, self.shift
        for where, record in pairs:
            slot = int.from_bytes(where[1:9], "big") >> shift
            if sound(where, record):
                digests[slot] = (digests[slot] + contribution(where, record)) & _DIGEST_MASK
                (live if is_live(record) else dead)[slot] += 1
            else:
                self.damaged.setdefault(slot, set()).add(where)
                digests[slot] = (digests[slot] + self._damage(where)) & _DIGEST_MASK
                if not placed(where):
                    self.misplaced.add(slot)

    def _damage(self, where: bytes) -> int:
        return xxh3_64_intdigest(b"damaged" + self._salt + where)
