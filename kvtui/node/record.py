"""How an entry lies in the engine.

Key: one prefix byte, the token as 8 bytes big-endian, the key: so entries are ordered by (token, key), and a run of slots is a run
of engine keys. Value: a checksum of everything else (xxh3_64 of key, version, kind and value), the version as
two 8-byte numbers, the kind (value or tombstone), the value.
"""

from struct import Struct
from typing import Final

from xxhash import xxh3_64_digest, xxh3_64_intdigest

from kvtui.core.version import Version

ENTRY: Final = b"\x01"
"""Prefix of entries."""
AFTER_ENTRIES: Final = b"\x02"
"""Above every entry."""
META: Final = b"\x00"
"""Prefix of what the node keeps about itself."""
SEQ_MOST: Final = 2**63 - 1
"""Highest epoch and highest sequence number of a version."""

VALUE: Final = b"\x01"
TOMBSTONE: Final = b"\x00"

_KEY_AT = 9
_CHECKSUM = 8
_KIND_AT = 24
_VALUE_AT = 25
_version = Struct(">QQ")

OVERHEAD: Final = _KEY_AT + _VALUE_AT
"""What an entry takes in the engine beside the bytes of its key and value."""


def engine_key(key: bytes) -> bytes:
    """Where ``key``'s entry lies."""
    return ENTRY + xxh3_64_digest(key) + key


def key_of(where: bytes) -> bytes:
    """The key of the entry at ``where``."""
    return where[_KEY_AT:]


def token_at(where: bytes) -> int:
    """The token of the entry at ``where``."""
    return int.from_bytes(where[1:_KEY_AT], "big")


def range_of(start: int, stop: int, shift: int) -> tuple[bytes, bytes]:
    """The half-open range of engine keys that holds slots ``start``..``stop``; ``shift`` makes a slot of a token."""
    return _first_of(start, shift), _first_of(stop, shift)


def _first_of(slot: int, shift: int) -> bytes:
    token = slot << shift
    return AFTER_ENTRIES if token >> 64 else ENTRY + token.to_bytes(8, "big")


def pack(key: bytes, version: bytes, value: bytes | None) -> bytes:
    """The record of a value, or of a tombstone (None), at a packed ``version``."""
    body = version + (TOMBSTONE if value is None else VALUE + value)
    return xxh3_64_digest(key + body) + body


def pack_version(version: Version) -> bytes:
    """A version as records hold it: 16 bytes, ordered as versions are."""
    return _version.pack(*version)


def unpack_version(packed: bytes) -> Version:
    """The version that ``pack_version`` packed."""
    return Version(*_version.unpack(packed))


def packed_version(record: bytes) -> bytes:
    """The record's version, packed."""
    return record[_CHECKSUM:_KIND_AT]


def sound(where: bytes, record: bytes) -> bool:
    """Whether the record at ``where`` is, byte for byte, what was written there."""
    return xxh3_64_digest(where[_KEY_AT:] + record[_CHECKSUM:]) == record[:_CHECKSUM] and len(record) >= _VALUE_AT


def placed(where: bytes) -> bool:
    """Whether the entry's key belongs to the token it is stored under."""
    return xxh3_64_digest(where[_KEY_AT:]) == where[1:_KEY_AT]


def version_of(record: bytes) -> Version:
    return Version(*_version.unpack_from(record, _CHECKSUM))


def is_live(record: bytes) -> bool:
    """Whether the record holds a value, rather than a tombstone."""
    return record[_KIND_AT] == 1


def value_of(record: bytes) -> bytes:
    """The value of a live record."""
    return record[_VALUE_AT:]


def part_of(record: bytes, offset: int, most: int) -> bytes:
    """At most so many bytes of a live record's value, from ``offset`` on: the whole of a long one is not copied for it."""
    return record[_VALUE_AT + offset : _VALUE_AT + offset + most]


def size_of(record: bytes) -> int:
    """The value's length; -1 for a tombstone."""
    return len(record) - _VALUE_AT if record[_KIND_AT] == 1 else -1


def contribution(where: bytes, record: bytes) -> int:
    """What the entry adds to its slot's digest: xxh3_64 of key, version and kind."""
    return xxh3_64_intdigest(where[_KEY_AT:] + record[_CHECKSUM:_VALUE_AT])
