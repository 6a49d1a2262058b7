"""Keys and values that nobody wrote, so that there is something to look at, and how they are told from those that somebody did.

Keys are ``made-1``, ``made-2`` and on. A value repeats its key and that it is made up, as often as its size takes. What is not
exactly that was written by somebody.
"""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = b"made-"
NUMBER_MOST: Final = 99_999_999
SIZE_LEAST: Final = 16
"""Bytes of a value; a shorter one would not hold its key, and might be anybody's."""
SIZE_MOST: Final = 1024 * 1024
_KEY: Final = re.compile(rb"made-([1-9][0-9]{0,7})")


def key_of(number: int) -> bytes:
    """The key of that number, from 1 to ``NUMBER_MOST``."""
    return PREFIX + b"%d" % number


def value_of(key: bytes, size: int) -> bytes:
    """The value of ``size`` bytes that belongs to a key. It ends in a full stop: a blank at its end would not be seen."""
    words = key + b" is made up. "
    return (words * (size // len(words) + 1))[: size - 1] + b"."


def number_of(key: bytes) -> int | None:
    """The number of a key that has the shape of a made-up one; None for another."""
    found = _KEY.fullmatch(key)
    return int(found[1]) if found is not None else None


def is_made_up(key: bytes, value: bytes) -> bool:
    """Whether it is what ``value_of`` would have made."""
    return number_of(key) is not None and len(value) >= SIZE_LEAST and value == value_of(key, len(value))
