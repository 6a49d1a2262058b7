"""What a node keeps about itself lies in its engine below a checksum (xxh3_64 of the rest)."""

from typing import Final

from xxhash import xxh3_64_digest

CHECKSUM_BYTES: Final = 8


def seal(content: bytes) -> bytes:
    """``content`` below its checksum."""
    return xxh3_64_digest(content) + content


def is_sealed(stored: bytes) -> bool:
    """Whether ``stored`` is, byte for byte, what ``seal`` made."""
    return xxh3_64_digest(stored[CHECKSUM_BYTES:]) == stored[:CHECKSUM_BYTES]


def content_of(stored: bytes) -> bytes:
    """What was sealed."""
    return stored[CHECKSUM_BYTES:]
