"""One cluster, whoever holds it: attach to the process that has the coordinator, or be that process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kvtui.control.session import Session, session
from kvtui.control.sockets import UnixSockets
from kvtui.control.succession import ON_REQUEST, PROGRAM
from kvtui.core.opening import Settings, real_seams
from kvtui.core.seams.bundle import Seams


@asynccontextmanager
async def attached_or_opened(
    settings: Settings, seams: Seams | None = None, *, takes_up: bool = False
) -> AsyncIterator[Session]:
    """Attach to whoever holds ``settings.state``, or open the coordinator here, and let others attach to it. ``takes_up``: the same
    again, by itself, whenever that one ended.

    Raises ClusterError, before it yields.
    """
    manner = PROGRAM if takes_up else ON_REQUEST
    seams = seams or real_seams(settings.secret, settings.tls)
    async with session(settings, seams, UnixSockets(), manner=manner) as cluster:
        yield cluster
