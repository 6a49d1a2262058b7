"""A real coordinator with real node processes in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.commands.person import Opened, Person


@pytest.fixture
def opened() -> Opened:
    """``async with opened(nodes=2) as person``: a person at a cluster of its own, all in memory."""
    from kvtui.core.opening import Settings, open_cluster

    @asynccontextmanager
    async def opening(nodes: int = 0, replication: int = 1) -> AsyncIterator[Person]:
        settings = Settings(state=None, name="test", nodes=nodes, replication=replication, role="test", slots=64)
        async with open_cluster(settings) as cluster:
            yield Person(cluster)

    return opening
