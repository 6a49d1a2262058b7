"""Clients in processes of their own, attached to whoever holds the coordinator: the real control protocol on simulated streams."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, cast

from kvtui.control.channel import NotBegun, TurnedAway
from kvtui.control.greeting import attach
from kvtui.control.remote import PartlyBegun, RemoteCluster, together, unread, unwritten_many
from kvtui.control.sockets import Door
from kvtui.core.cluster import ClusterError, Item, Outcome, Read, Written, WrittenMany
from kvtui.core.opening import Settings
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.transport import Transport, Unreachable
from kvtui.core.version import NEVER
from tests.simulation.machine import Machine
from tests.simulation.transport import SimNetwork

FIRST_PORT: Final = 100
NOBODY: Final = (Unreachable, TurnedAway)
"""There is nobody to attach to: nothing was asked."""


class SimSockets:
    """The control sockets of state directories as ports of the simulated network, ``ports`` by directory."""

    def __init__(self, transport: Transport, ports: dict[Path, int]) -> None:
        self._transport = transport
        self._ports = ports

    async def connect(self, state: Path, make: Callable[[], asyncio.Protocol]) -> None:
        await self._transport.connect("127.0.0.1", self._port(state), make)

    async def listen(self, state: Path, make: Callable[[], asyncio.Protocol]) -> Door:
        return await self._transport.listen("127.0.0.1", self._port(state), make)

    def _port(self, state: Path) -> int:
        return self._ports.setdefault(state, FIRST_PORT + len(self._ports))


class AttachedClient:
    """One such process. It attaches when it has something to ask; what nobody began has failed."""

    def __init__(
        self, name: str, network: SimNetwork, clock: Clock, ports: dict[Path, int], settings: Callable[[], Settings]
    ) -> None:
        """``settings`` tells where the coordinator's directory is now."""
        self.machine = Machine(name)
        self._network = network
        self._clock = clock
        self._settings = settings
        self._sockets = SimSockets(network.transport(self.machine), ports)
        self._remote: RemoteCluster | None = None
        self._state: Path | None = None

    def sever(self) -> int:
        """Break its connection, wherever it is within a request; returns how many were broken."""
        return self._network.cut(self.machine.name)

    async def put(self, key: bytes, value: bytes) -> Written:
        """As ``Cluster.put``."""
        return await self._write(lambda remote: remote.put(key, value))

    async def delete(self, key: bytes) -> Written:
        """As ``Cluster.delete``."""
        return await self._write(lambda remote: remote.delete(key))

    async def get(self, key: bytes) -> Read:
        """As ``Cluster.get``."""
        try:
            return await (await self._reached()).get(key)
        except (NotBegun, *NOBODY) as error:
            return unread(str(error))

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        """As ``Cluster.put_many``."""
        return await self._write_many(lambda remote: remote.put_many(items), [key for key, _ in items])

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        """As ``Cluster.delete_many``."""
        return await self._write_many(lambda remote: remote.delete_many(keys), keys)

    async def get_many(self, keys: Sequence[bytes]) -> list[Read]:
        """As ``Cluster.get_many``."""
        try:
            return await (await self._reached()).get_many(keys)
        except (NotBegun, *NOBODY) as error:
            return [unread(str(error))] * len(keys)

    async def scan(self, take: Callable[[list[Item]], None]) -> None:
        """``take`` each page of ``Cluster.scan``. Raises ClusterError."""
        try:
            remote = await self._reached()
        except Unreachable as error:
            raise ClusterError(str(error)) from None
        async with aclosing(cast(Any, remote.scan())) as pages:
            async for page in pages:
                take(page)

    async def _reached(self) -> RemoteCluster:
        """Raises Unreachable, TurnedAway."""
        settings = self._settings()
        if self._remote is None or not self._remote.open or settings.state != self._state:
            if self._remote is not None:
                self._remote.close()
                self._remote = None
            self._remote = await attach(settings, self._sockets, self._clock, lambda reason: None)
            self._state = settings.state
        return self._remote

    async def _write(self, ask: Callable[[RemoteCluster], Any]) -> Written:
        try:
            written: Written = await ask(await self._reached())
        except (NotBegun, *NOBODY) as error:
            return Written(Outcome.FAILED, NEVER, text=str(error))
        return written

    async def _write_many(self, ask: Callable[[RemoteCluster], Any], keys: Sequence[bytes]) -> WrittenMany:
        try:
            written: WrittenMany = await ask(await self._reached())
        except PartlyBegun as partly:
            rest = [item if isinstance(item, bytes) else item[0] for item in partly.rest]
            return together(partly.done, unwritten_many(rest, Outcome.FAILED, str(partly)))
        except NOBODY as error:
            return unwritten_many(keys, Outcome.FAILED, str(error))
        return written
