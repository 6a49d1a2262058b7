"""One cluster, whoever holds it: attach to the process that has the coordinator, or be that process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio

from kvtui.control.event_log import OF_A_PROGRAM, log_events
from kvtui.control.session import Session, session
from kvtui.control.sockets import UnixSockets
from kvtui.control.succession import PROGRAM, PROGRAM_ON_REQUEST
from kvtui.core.background import start_soon
from kvtui.core.opening import Settings, real_seams
from kvtui.core.seams.bundle import Seams


@asynccontextmanager
async def attached_or_opened(
    settings: Settings, seams: Seams | None = None, *, takes_up: bool = False, unheeded: Sequence[str] = ()
) -> AsyncIterator[Session]:
    """Attach to whoever holds ``settings.state``, or open the coordinator here, and let others attach to it. ``takes_up``: the same
    again, by itself, whenever that one ended. ``unheeded``: arguments that were given, and do nothing where there is one. Where it
    is held here, what happens to nodes is told to the logger ``kvtui``.

    Raises ClusterError, before it yields.
    """
    manner = PROGRAM if takes_up else PROGRAM_ON_REQUEST
    seams = seams or real_seams(settings.secret, settings.tls)
    async with (
        session(settings, seams, UnixSockets(), manner=manner, unheeded=unheeded) as cluster,
        anyio.create_task_group() as tasks,
    ):
        start_soon(tasks, log_events, cluster.events(), OF_A_PROGRAM, lambda: not cluster.holder)
        yield cluster
        tasks.cancel_scope.cancel()
