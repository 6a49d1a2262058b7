"""The edge of a cluster that programs are given: what they pass is made plain, once, before anybody acts on it.

Numbers of numpy, members of enums, digests of libraries are none that a wire or a log takes. Worse is what they take and can't read
again: a log in which the number of copies was ``true`` could not be opened any more, and what an attached process asked with a port
in letters ended its connection.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial, wraps
from inspect import Parameter, isfunction, signature
from typing import Any, Final, TypeVar

import msgspec

from kvtui.core.change import Change
from kvtui.core.cluster import ArgumentError, OwnData, ReadMode
from kvtui.core.plain import (
    plain_bytes,
    plain_keys,
    plain_number,
    plain_pairs,
    plain_real,
    plain_text,
    plain_truth,
    several,
    type_of,
)

T = TypeVar("T")

Plain = Callable[[Any, str], Any]
"""Makes an argument plain; the second one is what it is, for whom it must be refused to. Raises TypeError, ArgumentError."""


def takes_plain(kind: type[T]) -> type[T]:
    """The methods of that class get arguments of exactly the types with which they are annotated. Whatever can't be made such is
    refused, with TypeError or ArgumentError, at the call."""
    for name, method in list(vars(kind).items()):
        if isfunction(method) and not name.startswith("_"):
            setattr(kind, name, _taking_plain(method))
    return kind


def _taking_plain(method: Callable[..., Any]) -> Callable[..., Any]:
    parameters = list(signature(method).parameters.values())[1:]
    plain = {each.name: _PLAIN[each.annotation] for each in parameters if each.annotation in _PLAIN}
    if not plain:
        return method
    if all(each.annotation is bytes and each.default is Parameter.empty for each in parameters):
        return _taking_bytes(method, [each.name for each in parameters])
    names = [each.name for each in parameters]

    @wraps(method)
    def taking(cluster: object, *given: Any, **named: Any) -> Any:
        placed = [
            plain[name](value, name) if name in plain else value for name, value in zip(names, given, strict=False)
        ]
        named = {name: plain[name](value, name) if name in plain else value for name, value in named.items()}
        return method(cluster, *placed, *given[len(names) :], **named)

    return taking


def _taking_bytes(method: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """What puts, gets and deletes go through: it costs them next to nothing."""

    def key_alone(cluster: object, key: Any) -> Any:
        return method(cluster, key if type(key) is bytes else plain_bytes(key, "key"))

    def key_and_value(cluster: object, key: Any, value: Any) -> Any:
        if type(key) is not bytes or type(value) is not bytes:
            key, value = plain_bytes(key, "key"), plain_bytes(value, "value")
        return method(cluster, key, value)

    taking: dict[tuple[str, ...], Callable[..., Any]] = {("key",): key_alone, ("key", "value"): key_and_value}
    return wraps(method)(taking[tuple(names)])


def _keys(given: Iterable[Any], _: str) -> list[bytes]:
    return plain_keys(several(given, "keys"), plain_bytes)


def _items(given: Iterable[Any], _: str) -> list[tuple[bytes, bytes]]:
    return plain_pairs(several(given, "pairs of key and value"), plain_bytes)


def _member(kind: type[StrEnum], given: object, what: str) -> StrEnum:
    text = plain_text(given, what)
    for member in kind:
        if member == text:
            return member
    raise ArgumentError(f"{what} is one of: {', '.join(kind)}")


def _optional(plain: Plain, given: object, what: str) -> Any:
    return None if given is None else plain(given, what)


def _change(given: object, what: str) -> Change:
    if not isinstance(given, Change):
        raise TypeError(f"{what} is a change of the cluster, not {type_of(given)}")
    fields = msgspec.structs.fields(given)
    return type(given)(*(_PLAIN[each.type](getattr(given, each.name), each.name) for each in fields))


_PLAIN: Final[dict[Any, Plain]] = {
    bytes: plain_bytes,
    str: plain_text,
    int: plain_number,
    float: plain_real,
    bool: plain_truth,
    str | None: partial(_optional, plain_text),
    int | None: partial(_optional, plain_number),
    Sequence[bytes]: _keys,
    Sequence[tuple[bytes, bytes]]: _items,
    OwnData: partial(_member, OwnData),
    ReadMode: partial(_member, ReadMode),
    Change: _change,
}
