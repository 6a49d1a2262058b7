"""Calls as programs write them: ``accepted`` ones are typed and work, ``refused`` ones are neither. Type checkers read this too."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from enum import Enum, StrEnum
from typing import assert_type

import kvtui


class Color(StrEnum):
    RED = "red"


class Old(str, Enum):  # noqa: UP042
    BLUE = "blue"


ENUMS: Mapping[Color, str] = {Color.RED: "1"}
OLD: dict[Old, Old] = {Old.BLUE: Old.BLUE}
BY_TEXT: dict[str, bytes] = {"text": b"1"}
MIXED: list[tuple[str | bytes, str | bytes]] = [("text", b"1"), (b"bytes", "2")]
VIEWS: dict[bytes, memoryview] = {b"view": memoryview(b"1")}
BUFFERS: list[tuple[bytes, bytearray]] = [(b"buffer", bytearray(b"1"))]
EITHER: list[str | bytes] = ["a", b"b"]
ANY_KIND: list[str | bytearray] = ["a", bytearray(b"b")]


def some() -> Generator[bytes, None, None]:
    yield b"a"


async def accepted(store: kvtui.Store) -> None:
    await store.put(Color.RED, bytearray(b"1"))
    await store.put(bytearray(b"a"), memoryview(b"1"))
    await store.put_many(ENUMS)
    await store.put_many(OLD)
    await store.put_many(BY_TEXT)
    await store.put_many(MIXED)
    await store.put_many(VIEWS)
    await store.put_many(BUFFERS)
    await store.put_many({"a": "1", "b": b"2"})
    await store.put_many({"a": "1", b"b": b"2"})
    await store.put_many([("a", "1"), (b"b", bytearray())])
    await store.put_many((key, "1") for key in some())
    await store.put_many(zip(["a"], [b"1"], strict=True))
    await store.put_many(BY_TEXT.items())
    await store.put_many(dict.fromkeys(Color, "1"))
    await store.put_many([])
    await store.put_many({})
    assert_type(await store.get_many(["a"]), dict[str, kvtui.Read])
    assert_type(await store.get_many(ENUMS), dict[Color, kvtui.Read])
    assert_type(await store.get_many(EITHER), dict[str | bytes, kvtui.Read])
    assert_type(await store.get_many(some()), dict[bytes, kvtui.Read])
    assert_type(await store.get_many(BY_TEXT.keys()), dict[str, kvtui.Read])
    assert_type(await store.get_many([bytearray(b"a"), memoryview(b"b")]), dict[bytes, kvtui.Read])
    assert_type(await store.get_many(ANY_KIND), dict[str | bytes, kvtui.Read])
    await store.get_many(["a", b"b"])
    await store.get_many(("a", "b"))
    await store.delete_many({"a", "b"})
    await store.delete_many({Color.RED: 1})
    await store.delete_many(EITHER)
    await store.delete_many([b"a", memoryview(b"b"), Old.BLUE])
    found: AsyncIterator[kvtui.Item] = store.scan(memoryview(b"a"))
    assert_type([item.key async for item in found], list[bytes])


def accepted_without_a_loop(store: kvtui.SyncStore) -> None:
    store.put(Color.RED, bytearray(b"1"))
    store.put_many(ENUMS)
    store.put_many([(b"a", memoryview(b"1"))])
    assert_type(store.get_many(ENUMS), dict[Color, kvtui.Read])
    assert_type(store.get_many(EITHER), dict[str | bytes, kvtui.Read])
    assert_type(store.get_many([bytearray(b"a")]), dict[bytes, kvtui.Read])
    store.delete_many({"a": 1})
    assert_type([item.key for item in store.scan(bytearray(b"a"))], list[bytes])


REFUSED: list[Callable[[kvtui.Store], Awaitable[object]]] = [
    lambda store: store.put(1, "x"),  # type: ignore[arg-type]
    lambda store: store.put("x", None),  # type: ignore[arg-type]
    lambda store: store.put("x", ["y"]),  # type: ignore[arg-type]
    lambda store: store.get(None),  # type: ignore[arg-type]
    lambda store: store.delete(1.5),  # type: ignore[arg-type]
    lambda store: store.put_many({1: "x"}),  # type: ignore[dict-item]
    lambda store: store.put_many({"x": 1}),  # type: ignore[dict-item]
    lambda store: store.put_many([("x", 1)]),  # type: ignore[list-item]
    lambda store: store.put_many(["xy"]),  # type: ignore[list-item]
    lambda store: store.put_many(("x", "y")),  # type: ignore[arg-type]
    lambda store: store.put_many(None),  # type: ignore[call-overload]
    lambda store: store.get_many([1]),  # type: ignore[type-var]
    lambda store: store.get_many(5),  # type: ignore[call-overload]
    lambda store: store.delete_many([None]),  # type: ignore[list-item]
    lambda store: anext(store.scan(5)),  # type: ignore[arg-type]
    lambda store: anext(store.pages(None)),  # type: ignore[arg-type]
]


REFUSED_WITHOUT_A_LOOP: list[Callable[[kvtui.SyncStore], object]] = [
    lambda store: store.put(1, "x"),  # type: ignore[arg-type]
    lambda store: store.put_many({"x": 1}),  # type: ignore[dict-item]
    lambda store: store.get_many([None]),  # type: ignore[type-var]
    lambda store: store.delete_many(None),  # type: ignore[arg-type]
    lambda store: next(store.scan(5)),  # type: ignore[arg-type]
]
