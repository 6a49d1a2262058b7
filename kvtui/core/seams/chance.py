"""The random seam: identities and jitter. Named apart from the standard module it wraps."""

import random
import secrets
from typing import Protocol


class Random(Protocol):
    """A source of chance; a seeded one makes a whole run repeatable."""

    def identity(self) -> str:
        """A fresh name of 16 hexadecimal digits, for clusters, data directories and coordinators."""
        ...

    def nonce(self) -> bytes:
        """32 bytes that come once, and that nobody can foresee."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between ``low`` and ``high``, for the jitter of retries."""
        ...


class SystemRandom:
    """The operating system's randomness."""

    def identity(self) -> str:
        return secrets.token_hex(8)

    def nonce(self) -> bytes:
        return secrets.token_bytes(32)

    def uniform(self, low: float, high: float) -> float:
        return random.uniform(low, high)


class SeededRandom:
    """The same seed gives the same identities and numbers."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)

    def identity(self) -> str:
        return f"{self._source.getrandbits(64):016x}"

    def nonce(self) -> bytes:
        return self._source.randbytes(32)

    def uniform(self, low: float, high: float) -> float:
        return self._source.uniform(low, high)
