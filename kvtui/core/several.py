"""What is known so far of the keys of one get_many, and which of them are read next. No I/O."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from kvtui.core.batches import batches
from kvtui.core.cluster import Read
from kvtui.core.protocol import INLINE_BYTES

PAGE: Final = 1_000
"""Most keys of one request."""
SINGLY_AT_ONCE: Final = 64
"""Keys that are read one by one at the same time: something about them is uncertain, or their values are long."""
UNKNOWN_AT_ONCE: Final = 4
"""The same of values that may be of any length, where only some of the answers have room."""


class Several:
    """The keys that are asked for, each once, in their order."""

    def __init__(self, keys: Sequence[bytes], room: int | None = None) -> None:
        """``room``: bytes of values; the answers of the first keys that have room in it are enough, one at least."""
        self._keys = keys
        self._room = room
        self.wanted: list[bytes] = list(dict.fromkeys(keys))
        """Keys that are still of interest, answered or not."""
        self.answers: dict[bytes, Read] = {}
        self._sizes: dict[bytes, int] = {}
        """Bytes of values that were left out of a reply."""

    @property
    def known(self) -> int:
        """Of how many keys something is known."""
        return len(self.answers) + len(self._sizes)

    def answer(self, key: bytes, read: Read) -> None:
        self.answers[key] = read

    def leave_out(self, key: bytes, size: int) -> None:
        """A reply had no room for the key's value."""
        self._sizes[key] = size

    def pages(self, keys: Sequence[bytes]) -> Iterator[list[bytes]]:
        """Keys of one node, in lists that one request may ask for; values that are known to be so long come whole."""
        return batches(keys, lambda key: len(key) + self._sizes.get(key, 0), PAGE)

    def cut(self) -> None:
        """Lose interest in keys that have no room after those before them."""
        if self._room is None:
            return
        held = 0
        for number, key in enumerate(self.wanted):
            held += self._length(key)
            if held > self._room and number:
                del self.wanted[number:]
                return

    def small_ones(self) -> list[bytes]:
        """Keys without an answer whose values fit into a reply, as far as is known."""
        return [key for key in self.wanted if key not in self.answers and self._sizes.get(key, 0) <= INLINE_BYTES]

    def one_by_one(self) -> Iterator[list[bytes]]:
        """Lists of keys that are to be read one by one, at the same time: each list once those of the one before are answered."""
        left = [key for key in self.wanted if key not in self.answers]
        while left:
            some = left[:SINGLY_AT_ONCE] if self._room is None else self._with_room(left[:SINGLY_AT_ONCE])
            if not some:
                return
            del left[: len(some)]
            yield some

    def _with_room(self, keys: list[bytes]) -> list[bytes]:
        """The first of the keys: those that have room as far as is known, and few of which nothing is known."""
        self.cut()
        wanted = set(self.wanted)
        some: list[bytes] = []
        unknown = 0
        for key in keys:
            unknown += key not in self._sizes
            if key not in wanted or unknown > UNKNOWN_AT_ONCE:
                break
            some.append(key)
        return some

    def in_order(self) -> list[Read]:
        """The answers, one a key as it was asked for; with ``room``, those of the first keys."""
        if self._room is None:
            return [self.answers[key] for key in self._keys]
        answered = takewhile(self.answers.__contains__, self._keys)
        return first_that_fit([self.answers[key] for key in answered], self._room)

    def _length(self, key: bytes) -> int:
        """Bytes of the key's value, as far as is known."""
        read = self.answers.get(key)
        if read is not None:
            return 0 if read.value is None else len(read.value)
        return self._sizes.get(key, 0)


def first_that_fit(reads: list[Read], room: int) -> list[Read]:
    """The first of the answers, as many as have ``room`` bytes of values together; one at least."""
    held = 0
    for number, read in enumerate(reads):
        held += 0 if read.value is None else len(read.value)
        if held > room and number:
            return reads[:number]
    return reads
