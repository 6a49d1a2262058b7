"""A cluster is for the tasks of the event loop in which it was opened: what another loop awaited of it would never come."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction, isfunction, signature
from typing import Any, Final, Protocol, TypeVar, get_origin

from kvtui.core.cluster import ClusterError

T = TypeVar("T")

running_loop: Final = asyncio._get_running_loop
"""The event loop that runs who calls it; None where none does."""

ELSEWHERE: Final = "the store belongs to the event loop in which it was opened: open one in this loop"


class InLoop(Protocol):
    """What is for one loop."""

    loop: asyncio.AbstractEventLoop


def in_its_loop(kind: type[T]) -> type[T]:
    """What is awaited of that class's methods is refused in any loop but ``loop``, with ClusterError: it would wait for ever."""
    for name, method in list(vars(kind).items()):
        if isfunction(method) and not name.startswith("_"):
            if iscoroutinefunction(method) or get_origin(method.__annotations__.get("return")) is Coroutine:
                setattr(kind, name, _checked(method, _later))
            elif get_origin(method.__annotations__.get("return")) is AsyncIterator:
                setattr(kind, name, _checked(method, lambda _, items: items))
    return kind


def _checked(method: Callable[..., Any], later: Callable[[InLoop, Any], Any]) -> Callable[..., Any]:
    """``later`` makes what is returned where no loop runs yet: it is handed to one from another thread, or begins with it."""

    def elsewhere(cluster: InLoop, *given: Any, **named: Any) -> Any:
        if running_loop() is not None:
            raise ClusterError(ELSEWHERE)
        return later(cluster, method(cluster, *given, **named))

    def checked(cluster: InLoop, *given: Any, **named: Any) -> Any:
        return (method if running_loop() is cluster.loop else elsewhere)(cluster, *given, **named)

    # Gets and puts go through these: to pass on arguments of any number costs more than all the rest.
    def checked_key(cluster: InLoop, key: bytes) -> Any:
        return (method if running_loop() is cluster.loop else elsewhere)(cluster, key)

    def checked_key_and_value(cluster: InLoop, key: bytes, value: bytes) -> Any:
        return (method if running_loop() is cluster.loop else elsewhere)(cluster, key, value)

    by_parameters: dict[tuple[str, ...], Callable[..., Any]] = {
        ("key",): checked_key,
        ("key", "value"): checked_key_and_value,
    }
    return wraps(method)(by_parameters.get(tuple(signature(method).parameters)[1:], checked))


async def _later(cluster: InLoop, awaited: Coroutine[Any, Any, Any]) -> Any:
    if asyncio.get_running_loop() is not cluster.loop:
        awaited.close()
        raise ClusterError(ELSEWHERE)
    return await awaited
