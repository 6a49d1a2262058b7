"""Hashes by order of first use in place of memory addresses.

asyncio and anyio keep tasks, futures and cancel scopes in sets, and wake or cancel their members in the set's order. That order
follows the hash, which is an object's address unless it says otherwise: another process, another order.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from anyio._backends import _asyncio as anyio_backend

from tests.simulation.machine import Machine

_numbers = count()


def restart_numbers() -> None:
    """Begin at 0 again, so that a run doesn't depend on the runs before it in this process."""
    global _numbers
    _numbers = count()


def _number(owner: Any) -> int:
    try:
        number: int = owner._number
    except AttributeError:
        number = owner._number = next(_numbers)
    return number


class NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set is the same in every process."""

    machine: Machine | None = None
    """Whose code it runs."""
    __hash__ = _number


class NumberedFuture(asyncio.Future[Any]):
    """A future whose place in a set is the same in every process."""

    __hash__ = _number


def _host_number(scope: anyio_backend.CancelScope) -> int:
    # Scopes have no room for a number. Those that share a set were entered by different tasks, and leave it before their task ends.
    return hash(scope._host_task)


@contextmanager
def numbered_scopes() -> Iterator[None]:
    """Within, anyio's cancel scopes hash by the number of the task that entered them."""
    scope = anyio_backend.CancelScope
    plain = scope.__hash__
    scope.__hash__ = _host_number  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        scope.__hash__ = plain  # type: ignore[method-assign]
