"""What callers give, as the plain value of its kind: exactly bytes, str, int, float, bool.

Subclasses are common (numpy's scalars, enums, digests of libraries), and do as they please: one may be unhashable, equal to
everything, or refused by whatever encodes messages. None of their own methods is called here. The texts of what is raised hold no
key and no value.
"""

import builtins
from collections.abc import Callable, Iterable
from math import inf, isfinite
from operator import index
from typing import Any, Final, TypeVar

from kvtui.core.cluster import ArgumentError
from kvtui.notation import brief

T = TypeVar("T")

_ALL: Final = slice(None)
_WHOLE_MOST: Final = 2**63
"""No wire and no log takes a larger number."""
_TYPE_TOLD: Final = 80


def type_of(given: object) -> str:
    """What a type is called in a refusal: with its module where it shares the name of one of Python's, as numpy's ``bool`` does."""
    kind = type(given)
    name = kind.__name__
    its_own = getattr(builtins, name, kind) is kind
    return brief(name if its_own else f"{kind.__module__}.{name}", _TYPE_TOLD)


def plain_bytes(given: object, what: str) -> bytes:
    """The content of bytes, of a bytearray or a memoryview, copied where it could still change. Raises TypeError, ArgumentError."""
    kind = type(given)
    if kind is bytes:
        return given  # type: ignore[return-value]
    if issubclass(kind, bytes):
        return bytes.__getitem__(given, _ALL)  # type: ignore[call-overload, no-any-return]
    if issubclass(kind, bytearray):
        return bytes(bytearray.__getitem__(given, _ALL))  # type: ignore[call-overload]
    if isinstance(given, memoryview):
        try:
            return given.tobytes()
        except ValueError:
            raise ArgumentError(f"{what} is a memoryview that was released") from None
    raise TypeError(f"{what} is bytes, bytearray or memoryview, not {type_of(given)}: encode it first")


def utf8_of(given: object, what: str) -> bytes:
    """The UTF-8 of a str. Raises TypeError, and ArgumentError for half a surrogate pair, which has none."""
    kind = type(given)
    if not issubclass(kind, str):
        raise TypeError(f"{what} is str, not {type_of(given)}")
    try:
        return str.encode(given)  # type: ignore[arg-type]
    except UnicodeEncodeError:
        pass
    # Not within ``except``: that exception holds the text.
    raise ArgumentError(f"{what} has no UTF-8: half a surrogate pair is in it")


def plain_text(given: object, what: str) -> str:
    """The text of a str. Raises as ``utf8_of``."""
    utf8_of(given, what)
    return str.__str__(given)


def plain_number(given: object, what: str) -> int:
    """A whole number, be it numpy's or an enum's. A bool is none. Raises TypeError, ArgumentError."""
    number = _whole(given, what)
    if not -_WHOLE_MOST <= number < _WHOLE_MOST:
        raise ArgumentError(f"{what} is not possible: a number of {number.bit_length():,} bits")
    return number


def _whole(given: object, what: str) -> int:
    kind = type(given)
    if kind is int:
        return given  # type: ignore[return-value]
    if not issubclass(kind, bool):
        if issubclass(kind, int):
            return int.__int__(given)  # type: ignore[arg-type]
        try:
            return index(given)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise TypeError(f"{what} is a whole number, not {type_of(given)}")


def plain_real(given: object, what: str) -> float:
    """A number that need not be whole, and is finite. Raises TypeError, ArgumentError."""
    kind = type(given)
    if issubclass(kind, float):
        number = float.__float__(given)  # type: ignore[arg-type]
    elif issubclass(kind, bool) or not hasattr(kind, "__float__"):
        raise TypeError(f"{what} is a number, not {type_of(given)}")
    else:
        try:
            number = float(given)  # type: ignore[arg-type]
        except OverflowError:
            number = inf
    if not isfinite(number):
        raise ArgumentError(f"{what} is a finite number, not {number}")
    return number


def plain_truth(given: object, what: str) -> bool:
    """True or False. Raises TypeError."""
    if given is True or given is False:
        return given
    raise TypeError(f"{what} is True or False, not {type_of(given)}")


def several(given: Iterable[T], what: str) -> Iterable[T]:
    """What was given, unless that is a single one, which is iterable too, a letter at a time. Raises TypeError."""
    kind = type(given)
    if issubclass(kind, str | bytes | bytearray | memoryview) or not isinstance(given, Iterable):
        raise TypeError(f"several {what} are wanted, not one {type_of(given)}: put it into a list")
    return given


def plain_keys(given: Iterable[Any], plain: Callable[[Any, str], bytes]) -> list[bytes]:
    """The bytes of each key, as ``plain`` makes them. Raises what that raises."""
    return [key if type(key) is bytes else plain(key, "key") for key in given]


def plain_pairs(given: Iterable[Any], plain: Callable[[Any, str], bytes]) -> list[tuple[bytes, bytes]]:
    """The bytes of each key and value, as ``plain`` makes them. Raises what that raises, and TypeError for what is no pair."""

    def plain_pair(key: Any, value: Any) -> tuple[bytes, bytes]:
        return plain(key, "key"), plain(value, "value")

    # Written out: it is done for every key of large batches, which most often need nothing else.
    return [
        pair
        if type(pair) is tuple and len(pair) == 2 and type(pair[0]) is bytes is type(pair[1])
        else plain_pair(*_a_pair(pair))
        for pair in given
    ]


def _a_pair(given: object) -> tuple[Any, Any]:
    """A key and its value. Raises TypeError, for two letters too."""
    if isinstance(given, tuple | list) and len(given) == 2:
        return given[0], given[1]
    raise TypeError(f"each of the pairs is a tuple of a key and its value; one is not ({type_of(given)})")
