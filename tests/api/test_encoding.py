"""What keys and values may be, and what arrives of it: exactly its bytes, whatever its class does."""

import asyncio
import inspect
import sys
from array import array
from collections.abc import Callable
from typing import Any

import pytest

import kvtui
from kvtui.api.encoding import keys_to_bytes, pairs_to_bytes, to_bytes, under_keys
from kvtui.core.cluster import ArgumentError, Outcome, Read
from kvtui.core.version import NEVER
from tests.api.calls_of_programs import REFUSED, Color, Old, accepted
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual

iscoroutinefunction = inspect.iscoroutinefunction if sys.version_info >= (3, 12) else asyncio.iscoroutinefunction


def forbidden(*_: object) -> Any:
    raise AssertionError("a method of the caller's class was called")


class Sha(bytes):
    """As libraries have them, with everything of its own."""

    __len__ = __eq__ = __hash__ = __getitem__ = __iter__ = __contains__ = __repr__ = forbidden
    __bytes__ = __buffer__ = decode = startswith = forbidden  # type: ignore[assignment]


class Text(str):
    """A text that says something else of itself."""

    __len__ = __eq__ = __hash__ = __getitem__ = __iter__ = __repr__ = __str__ = encode = forbidden  # type: ignore[assignment]


class Buffer(bytearray):
    __len__ = __eq__ = __getitem__ = __iter__ = __repr__ = forbidden
    __bytes__ = __buffer__ = decode = forbidden  # type: ignore[assignment]


CONTENTS: list[tuple[Callable[[], Any], bytes]] = [
    (lambda: Sha(b"a\0\xff"), b"a\0\xff"),
    (lambda: Text("\u00e9"), "\u00e9".encode()),
    (lambda: Buffer(b"ab"), b"ab"),
    (lambda: Color.RED, b"red"),
    (lambda: Old.BLUE, b"blue"),
    (lambda: bytearray(b"ab"), b"ab"),
    (lambda: memoryview(b"ab"), b"ab"),
    (lambda: memoryview(b"abcdef")[::2], b"ace"),
    (lambda: memoryview(b"abcdef")[::-1], b"fedcba"),
    (lambda: memoryview(array("i", [1, 2])), array("i", [1, 2]).tobytes()),
    (lambda: memoryview(b"abcd").cast("B", (2, 2)), b"abcd"),
    (lambda: bytearray(), b""),
]


@pytest.mark.parametrize(("make", "content"), CONTENTS)
def test_what_arrives_is_plain_bytes_of_exactly_the_content(make: Callable[[], Any], content: bytes) -> None:
    given = make()
    (in_list,) = keys_to_bytes([given])
    ((key, value),) = pairs_to_bytes([(given, given)])
    for made in (to_bytes(given, "key"), in_list, key, value):
        assert type(made) is bytes
        assert made == content


def test_plain_bytes_are_not_copied() -> None:
    given = b"x" * 1_000
    assert to_bytes(given, "value") is given


def released() -> memoryview:
    view = memoryview(b"secret")
    view.release()
    return view


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("secret\udcff", ArgumentError, "the key has no UTF-8: half a surrogate pair is in it"),
        (Color.RED.value + "secret\ud800", ArgumentError, "the key has no UTF-8: half a surrogate pair is in it"),
        (released(), ArgumentError, "the key is a memoryview that was released"),
        (None, TypeError, "a key is str, bytes, bytearray or memoryview, not NoneType: encode it first"),
        (5, TypeError, "a key is str, bytes, bytearray or memoryview, not int: encode it first"),
        ([b"secret"], TypeError, "a key is str, bytes, bytearray or memoryview, not list: encode it first"),
    ],
)
def test_what_has_no_bytes_is_told_in_one_line_without_the_key(given: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as refused:
        to_bytes(given, "key")
    assert str(refused.value) == said
    assert refused.value.__context__ is None or "secret" not in repr(vars(refused.value.__context__))


def test_every_operation_takes_them_and_the_caller_may_change_them_after_the_call() -> None:
    """They were encoded once the operation ran, a moment later."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            store = kvtui.Store(cluster.coordinator)
            buffer = bytearray(b"1")
            puts = []
            for number in range(10):
                buffer[:] = b"%d" % number
                puts.append(asyncio.ensure_future(store.put(buffer, memoryview(buffer))))
            buffer[:] = b"z"
            await asyncio.gather(*puts)
            assert {item.key: item.value async for item in store.scan()} == {
                b"%d" % number: b"%d" % number for number in range(10)
            }
            many, prefix, going = [(buffer, buffer)], bytearray(b"z"), [bytearray(b"7"), bytearray(b"8")]
            later = store.put_many(many), store.scan(prefix), store.delete_many(going), store.get(prefix)
            buffer[:] = prefix[:] = going[0][:] = b"9"
            many.clear()
            assert (await later[0]).ok == 1
            assert [(item.key, item.value) async for item in later[1]] == [(b"z", b"z")]
            assert (await later[2]).existed == 2
            assert (await later[3]).value == b"z"
            assert (await store.get(Sha(b"5"))).value == b"5"
            assert (await store.delete(memoryview(b"x5x")[1:2])).existed
            assert [page[0].key async for page in store.pages(Text("6"))] == [b"6"]

    run_virtual(main)


def read_of(value: bytes) -> Read:
    return Read(Outcome.OK, value, NEVER)


def test_answers_are_under_the_keys_as_given_or_where_that_can_t_be_under_their_bytes() -> None:
    class Unhashable(bytes):
        __hash__ = None  # type: ignore[assignment]

    view = memoryview(b"view")
    given: list[Any] = ["a", b"a", Color.RED, "red", bytearray(b"b"), b"b", Unhashable(b"c"), view, "a"]
    keys = keys_to_bytes(given)
    found = under_keys(given, keys, {key: read_of(key) for key in keys})
    assert [(type(name), name) for name in found] == [
        (str, "a"),
        (bytes, b"a"),
        (Color, Color.RED),
        (bytes, b"b"),
        (bytes, b"c"),
        (bytes, b"view"),
    ]
    assert all(found[name].value == key for name, key in zip(given, keys, strict=True) if key not in {b"b", b"c"})
    assert found[bytes(bytearray(b"b"))].value == b"b"


@pytest.mark.parametrize("name", ["put", "get", "delete", "put_many", "get_many", "delete_many", "close"])
def test_who_asks_is_told_that_an_operation_returns_a_coroutine(name: str) -> None:
    """A web framework would run it in a thread of its own, and nobody would await what comes back."""
    store = object.__new__(kvtui.Store)
    assert iscoroutinefunction(getattr(store, name))


def test_a_key_in_two_forms_is_read_once() -> None:
    asked: list[list[bytes]] = []

    class Counting:
        async def get_many(self, keys: list[bytes]) -> list[Read]:
            asked.append(keys)
            return [read_of(key) for key in keys]

    async def main() -> None:
        cluster: Any = Counting()
        found = await kvtui.Store(cluster).get_many(["a", b"a", bytearray(b"a"), "b"])
        assert asked == [[b"a", b"b"]]
        assert {name: read.value for name, read in found.items()} == {"a": b"a", b"a": b"a", "b": b"b"}

    run_virtual(main)


def test_what_is_typed_works() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            await accepted(kvtui.Store(cluster.coordinator))

    run_virtual(main)


def test_what_is_not_typed_does_not_work_and_says_so() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            store = kvtui.Store(cluster.coordinator)
            for ask in REFUSED:
                with pytest.raises(TypeError, match=r"^(a|several|each of the) (key|value|prefix|keys|pairs)"):
                    await ask(store)
            assert [item async for item in store.scan()] == []

    run_virtual(main)


def test_a_pair_of_letters_is_no_key_and_its_value() -> None:
    """A list of texts with two letters each was stored, one letter under the other."""
    for wrong, kind in ((["ab"], "str"), ([b"ab"], "bytes"), ([("a",)], "tuple"), ([{"a", "b"}], "set")):
        given: Any = wrong
        with pytest.raises(
            TypeError, match=rf"^each of the pairs is a tuple of a key and its value; one is not \({kind}\)$"
        ):
            pairs_to_bytes(given)


def test_a_bytes_that_shows_other_bytes_is_still_what_it_is() -> None:
    """From Python 3.12 on a class may say what its buffer is."""

    class Lying(bytes):
        def __buffer__(self, flags: int) -> memoryview:
            return memoryview(b"other")

    assert to_bytes(Lying(b"own"), "key") == b"own", sys.version
