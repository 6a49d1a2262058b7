"""What a node knows of each slot without reading it: its digest, its live keys, its tombstones and its damage."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from xxhash import xxh3_64_intdigest

from kvtui.node.record import OVERHEAD, contribution, is_live, key_of, placed, range_of, sound, token_at
from kvtui.node.sums import Row

_DIGEST_MASK = 2**64 - 1


class Held(NamedTuple):
    """What a node holds in all, in three numbers."""

    entries: int
    """Live keys, tombstones and damaged entries."""
    total: int
    """The sum of all digests, modulo 2**64."""
    damages: int
    """Damaged entries."""

    def lacks(self, written: "Held") -> bool:
        """Whether this is not all of what was ``written``. A damaged entry is still there, though its digest is another."""
        sound = not self.damages and not written.damages
        return self.entries != written.entries or (sound and self.total != written.total)


NOTHING: Final = Held(0, 0, 0)


class SlotTable:
    """Sums per slot, kept in step with every staged write.

    A digest is the sum, modulo 2**64, of its entries' contributions, so that order does not matter and an entry
    is added and taken away in constant time. A damaged entry contributes a number of this data directory alone: the digest
    then agrees with no other node's, until the entry is repaired.
    """

    __slots__ = (
        "_salt", "damaged", "dead", "digests", "entries", "found", "live", "misplaced", "shift", "sizes", "slots", "total",
    )  # fmt: skip

    def __init__(self, slots: int, salt: str, found: int = 0) -> None:
        """``slots`` is a power of two; ``salt`` names the data directory's life; ``found`` goes on from a former table's."""
        self.slots = slots
        self._salt = salt.encode()
        # As kvtui.core.ring.token.slot_shift, whose package takes longer to import than the rest of the node.
        self.shift = 65 - slots.bit_length()
        self.digests = [0] * slots
        self.live = [0] * slots
        self.dead = [0] * slots
        self.sizes = [0] * slots
        """Bytes of the live keys and their values."""
        self.entries = 0
        """Entries of the node: live keys, tombstones and damaged ones."""
        self.total = 0
        """The sum of all digests, modulo 2**64."""
        self.damaged: dict[int, set[bytes]] = {}
        """Where the damaged entries of a slot lie, for slots that have any."""
        self.misplaced: set[int] = set()
        """Slots with a damaged entry whose own key can't be told: what is absent there may be that entry."""
        self.found = found
        """How often an entry was found damaged: it never falls, whatever is repaired."""

    @property
    def keys(self) -> int:
        """Live keys of the node."""
        return sum(self.live) if self.entries else 0

    @property
    def live_bytes(self) -> int:
        """Bytes of the node's live keys and their values."""
        return sum(self.sizes) if self.entries else 0

    @property
    def tombstones(self) -> int:
        """Tombstones of the node."""
        return sum(self.dead) if self.entries else 0

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

    def change(self, where: bytes, old: bytes | None, new: bytes | None) -> int:
        """Account for the entry at ``where`` going from record ``old`` to ``new``; both are sound, or absent. Returns its slot."""
        slot = token_at(where) >> self.shift
        # A value in the place of another, which is what most writes are, changes no count.
        lived = old is not None and is_live(old)
        lives = new is not None and is_live(new)
        change = size = 0
        if old is not None:
            change -= contribution(where, old)
            if lived:
                size -= len(old)
        if new is not None:
            change += contribution(where, new)
            if lives:
                size += len(new)
        if lived is not lives or old is None or new is None:
            self.live[slot] += lives - lived
            self.dead[slot] += (new is not None and not lives) - (old is not None and not lived)
            self.entries += (new is not None) - (old is not None)
            size += (lives - lived) * (len(where) - OVERHEAD)
        self.sizes[slot] += size
        self._add(slot, change)
        return slot

    def is_damaged(self, where: bytes) -> bool:
        return bool(self.damaged) and where in self.damaged.get(self.slot_at(where), ())

    def damaged_keys(self, first: bytes, end: bytes) -> list[bytes]:
        """The keys under which the damaged entries lie from engine key ``first`` up to ``end``, in ring order."""
        return [
            key_of(where)
            for slot in sorted(self.damaged)
            for where in sorted(self.damaged[slot])
            if first <= where < end
        ]

    def repair(self, where: bytes) -> None:
        """Forget the damage at ``where``, because a new record takes its place."""
        slot = self.slot_at(where)
        left = self.damaged[slot] - {where}
        if left:
            self.damaged[slot] = left
        else:
            del self.damaged[slot]
        self.entries -= 1
        self._add(slot, -self._damage(where))

    @property
    def held(self) -> "Held":
        return Held(self.entries, self.total, self.damages)

    def held_outside(self, start: int, stop: int) -> "Held":
        """What is held in all slots but ``start``..``stop``."""
        damages = sum(len(places) for slot, places in self.damaged.items() if start <= slot < stop)
        entries = sum(self.live[start:stop]) + sum(self.dead[start:stop]) + damages
        total = (self.total - sum(self.digests[start:stop])) & _DIGEST_MASK
        return Held(self.entries - entries, total, self.damages - damages)

    def columns(self, start: int, stop: int) -> tuple[list[int], list[int], list[int]]:
        """Digests, live keys and tombstones of slots ``start``..``stop``."""
        return self.digests[start:stop], self.live[start:stop], self.dead[start:stop]

    def filled(self, slots: Iterable[int]) -> list[int]:
        """Those of ``slots`` that hold anything."""
        if not self.entries:
            return []
        digests, live, dead = self.digests, self.live, self.dead
        return [slot for slot in slots if digests[slot] or live[slot] or dead[slot] or slot in self.damaged]

    def rows(self, slots: Iterable[int]) -> list[Row]:
        """The sums of ``slots``."""
        digests, live, dead, sizes, damaged = self.digests, self.live, self.dead, self.sizes, self.damaged
        return [
            (slot, digests[slot], live[slot], dead[slot], len(damaged.get(slot, ())), sizes[slot]) for slot in slots
        ]

    def restore(self, rows: Sequence[Row]) -> dict[int, int]:
        """Take sums, for a table that is empty, as they were written; of a slot the last ones count.

        Returns how many entries of a slot were damaged, where any were: which ones, only reading them can tell.
        """
        damages: dict[int, int] = {}
        for slot, digest, live, dead, damaged, size in rows:
            self.digests[slot] = digest
            self.live[slot] = live
            self.dead[slot] = dead
            self.sizes[slot] = size
            if damaged or damages:
                damages[slot] = damaged
        if rows:
            self.entries = sum(self.live) + sum(self.dead) + sum(damages.values())
            self.total = sum(self.digests) & _DIGEST_MASK
        return {slot: number for slot, number in damages.items() if number}

    def reset(self, start: int, stop: int) -> None:
        """Slots ``start``..``stop`` are empty."""
        if self.entries:
            self.entries, self.total, _ = self.held_outside(start, stop)
        nothing = [0] * (stop - start)
        for column in (self.digests, self.live, self.dead, self.sizes):
            column[start:stop] = nothing
        for slot in [slot for slot in self.damaged if start <= slot < stop]:
            del self.damaged[slot]
        self.misplaced = {slot for slot in self.misplaced if not start <= slot < stop}

    def tally(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Add every entry of ``pairs``, verifying each."""
        digests, live, dead, sizes, shift = self.digests, self.live, self.dead, self.sizes, self.shift
        entries, total = self.entries, self.total
        for where, record in pairs:
            slot = int.from_bytes(where[1:9], "big") >> shift
            if sound(where, record):
                added = contribution(where, record)
                if is_live(record):
                    live[slot] += 1
                    sizes[slot] += len(where) + len(record) - OVERHEAD
                else:
                    dead[slot] += 1
            else:
                self.damaged.setdefault(slot, set()).add(where)
                self.found += 1
                added = self._damage(where)
                if not placed(where):
                    self.misplaced.add(slot)
            digests[slot] = (digests[slot] + added) & _DIGEST_MASK
            total += added
            entries += 1
        self.entries, self.total = entries, total & _DIGEST_MASK

    def _add(self, slot: int, change: int) -> None:
        self.digests[slot] = (self.digests[slot] + change) & _DIGEST_MASK
        self.total = (self.total + change) & _DIGEST_MASK

    def _damage(self, where: bytes) -> int:
        return xxh3_64_intdigest(b"damaged" + self._salt + where)
