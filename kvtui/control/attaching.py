"""One cluster, whoever holds it: attach to the process that has the coordinator, or be that process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kvtui.core.cluster import Cluster
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.seams.bundle import Seams


@asynccontextmanager
async def attached_or_opened(settings: Settings, seams: Seams | None = None) -> AsyncIterator[Cluster]:
    """Attach to whoever holds ``settings.state``, or open the coordinator here, and let others attach to it.

    Raises ClusterError, before it yields.
    """
    async with open_cluster(settings, seams) as cluster:
        yield cluster
