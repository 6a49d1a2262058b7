"""The holder's end of the control socket: serves a cluster to those attached."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio

from kvtui.control.attached import Attached
from kvtui.control.sockets import Sockets
from kvtui.control.wire import ATTACHED, FINISH_SECONDS, PARTING_SECONDS
from kvtui.core.cluster import Cluster
from kvtui.core.seams.clock import Clock


class Holder:
    """Everybody who is attached to one cluster."""

    def __init__(self, cluster: Cluster, clock: Clock, who: str) -> None:
        """``who`` is this process, in words for those who attach."""
        self._cluster = cluster
        self._clock = clock
        self._who = who
        # A dict for its order: they are told of the end in the order in which they came.
        self._attached: dict[Attached, None] = {}
        self._closed = False

    @property
    def attached(self) -> int:
        """How many connections there are."""
        return len(self._attached)

    def make(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        if self._closed:
            return _Late()
        if len(self._attached) >= ATTACHED:
            refusal = f"{ATTACHED} are attached to {self._who} already, and that is the most: leave one of them"
        else:
            refusal = ""
        attached = Attached(self._cluster, self._clock, self._who, refusal, self._forget)
        self._attached[attached] = None
        return attached

    def _forget(self, attached: Attached) -> None:
        self._attached.pop(attached, None)

    async def close(self) -> None:
        """Answer what is under way, for ``FINISH_SECONDS`` at most; begin nothing more, and tell everybody so. Then tell that the
        holder ends, cancel what is left, and return when nothing of it runs any more."""
        self._closed = True
        leaving = list(self._attached)
        await _within(FINISH_SECONDS, [attached.finish() for attached in leaving])
        for attached in leaving:
            attached.part()
        await _within(PARTING_SECONDS, [attached.parted() for attached in leaving])
        for attached in leaving:
            attached.drop()
        await asyncio.gather(*(attached.ended() for attached in leaving))


async def _within(seconds: float, works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Wait for all of them, for so long at most."""
    tasks = [asyncio.ensure_future(work) for work in works]
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def serving(cluster: Cluster, state: Path, sockets: Sockets, clock: Clock, who: str) -> AsyncIterator[Holder]:
    """Let others attach while the block runs. Raises CannotListen, before it yields."""
    holder = Holder(cluster, clock, who)
    door = await sockets.listen(state, holder.make)
    try:
        yield holder
    finally:
        door.close()
        with anyio.CancelScope(shield=True):
            await holder.close()


class _Late(asyncio.Protocol):
    """A connection that came when the holder was ending: without a word, as if nobody listened any more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
