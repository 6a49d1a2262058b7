"""What a get does where no clean replica can be asked."""

from enum import StrEnum


class ReadMode(StrEnum):
    """The mode of a cluster's reads."""

    STRICT = "strict"
    """A get fails rather than read older than what was acknowledged or read before."""
    AVAILABLE = "available"
    """A get answers from a replica that may be behind, flagged ``stale``."""
