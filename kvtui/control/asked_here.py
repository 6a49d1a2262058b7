"""What is asked of a coordinator in this process, operations on keys apart. What waits for the cluster, such as a rebalance, would
wait for ever once that is closed: it is told instead."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kvtui.control.unanswered import CLOSED_MEANWHILE
from kvtui.core.cluster import ClusterError

T = TypeVar("T")


class AskedHere:
    """All of it that is under way."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()
        self._over = False

    async def ask(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await what ``make`` makes. Raises what that raises, or ClusterError where it did not end before ``end``."""
        asking = asyncio.get_running_loop().create_task(make())
        self._under_way.add(asking)
        asking.add_done_callback(self._under_way.discard)
        try:
            return await asking
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if self._over and (me is None or not me.cancelling()):
                raise ClusterError(f"{CLOSED_MEANWHILE}; whether it was carried out is not known") from None
            raise

    def end(self) -> None:
        """The cluster is closed: nobody waits any longer."""
        self._over = True
        for asking in list(self._under_way):
            asking.cancel()
