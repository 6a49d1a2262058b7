"""One cluster, whoever holds it: attach to the process that has the coordinator, or be that process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kvtui.control.session import Session, session
from kvtui.control.sockets import UnixSockets
from kvtui.core.opening import Settings, real_seams
from kvtui.core.seams.bundle import Seams


@asynccontextmanager
async def attached_or_opened(settings: Settings, seams: Seams | None = None) -> AsyncIterator[Session]:
    """Attach to whoever holds ``settings.state``, or open the coordinator here, and let others attach to it.

    Raises ClusterError, before it yields.
    """
    async with session(settings, seams or real_seams(settings.secret, settings.tls), UnixSockets()) as cluster:
        yield cluster
