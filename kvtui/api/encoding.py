"""Keys and values as people write them: text is its UTF-8, and what could still change is copied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from kvtui.core.cluster import Read
from kvtui.core.plain import plain_bytes, plain_keys, plain_pairs, several, type_of, utf8_of

Data: TypeAlias = str | bytes | bytearray | memoryview
"""A key or a value."""
Key = TypeVar("Key", bound=Data)
"""What the keys of a mapping are, enums among them: a mapping of some kind of keys is none of all kinds of them."""
Name = TypeVar("Name", bound=str | bytes)
"""A key under which its answer can be found again."""
Pairs: TypeAlias = Mapping[Any, Data] | Iterable[tuple[Data, Data]]
"""Keys and their values: a mapping, or pairs."""


def to_bytes(given: Data, what: str) -> bytes:
    """The plain bytes of a ``what`` (a key, a value, a prefix). Raises TypeError, and ArgumentError for text without UTF-8."""
    kind = type(given)
    if kind is bytes:
        return given  # type: ignore[return-value]
    if kind is str:
        try:
            return given.encode()  # type: ignore[union-attr]
        except UnicodeEncodeError:
            pass  # not told in here: that exception holds the text
    if issubclass(kind, str):
        return utf8_of(given, f"the {what}")
    if issubclass(kind, bytes | bytearray | memoryview):
        return plain_bytes(given, f"the {what}")
    raise TypeError(f"a {what} is str, bytes, bytearray or memoryview, not {type_of(given)}: encode it first")


def keys_to_bytes(given: Iterable[Data]) -> list[bytes]:
    """The bytes of each key. Raises as ``to_bytes``."""
    return plain_keys(given, to_bytes)


def pairs_to_bytes(given: Pairs) -> list[tuple[bytes, bytes]]:
    """The bytes of each key and of its value. Raises as ``to_bytes``, and TypeError for what is no pair."""
    return plain_pairs(
        given.items() if isinstance(given, Mapping) else several(given, "pairs of key and value"), to_bytes
    )


def under_keys(given: Sequence[Any], keys: Sequence[bytes], reads: Mapping[bytes, Read]) -> dict[Any, Read]:
    """The answer to each key of ``keys`` under that key as it was ``given``: where that can't be, or must not, under its bytes."""
    if set(map(type, given)) <= {str, bytes}:
        return {name: reads[key] for name, key in zip(given, keys, strict=True)}
    found: dict[Any, Read] = {}
    for name, key in zip(given, keys, strict=True):
        if issubclass(type(name), bytearray | memoryview) or not _hashable(name):
            # A bytearray is no name, and a memoryview would keep what it shows; it finds its bytes all the same.
            found[key] = reads[key]
        else:
            found[name] = reads[key]
    return found


def _hashable(name: object) -> bool:
    try:
        hash(name)
    except Exception:  # of a subclass, whose own method does as it pleases
        return False
    return True
