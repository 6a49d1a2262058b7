"""Functions that are no ``async def`` and return a coroutine all the same, marked as such for whoever asks before calling."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def returns_coroutine(function: F) -> F:
    """Mark it: web frameworks run in a thread what they don't take for asynchronous."""
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:
        mark(function)
    else:  # Python 3.11 has this one alone, as mock and others use it
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    return function
