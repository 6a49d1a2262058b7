"""A member that runs by itself and comes back at another address: it is asked who it is, and is looked for there from then on."""

import asyncio
from typing import Final

import msgspec

from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.identities import check_returned, foreign
from kvtui.core.ledger import Ledger
from kvtui.core.protocol import Facts
from kvtui.core.records import Seen
from kvtui.core.remote_node import NotANode, NotTrusted, RemoteNode, interview
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.transport import Transport, Unreachable
from kvtui.core.supervisor import Supervisor

BACK_SECONDS: Final = 5.0
"""How long is waited until a node is UP at its new address; it goes on behind."""


class Readdressing:
    """Gives members other addresses."""

    def __init__(
        self, ledger: Ledger, transport: Transport, clock: Clock, happenings: Happenings, supervisor: Supervisor
    ) -> None:
        self._ledger = ledger
        self._transport = transport
        self._clock = clock
        self._happenings = happenings
        self._supervisor = supervisor

    async def readdress(self, node: RemoteNode, host: str, port: int) -> str:
        """Look for the member at another address from here on, once what listens there is known to be it; its former address.

        Raises ClusterError, and then, unless it says that the node is only not UP yet, nothing has changed.
        """
        address, former = f"{host}:{port}", node.address
        self._check_away(node)
        if address == former:
            raise ClusterError(f"{node.id} is looked for at {address} already ({node.trouble or node.state})")
        facts = await self._identity(node, host, port)
        there = await self._answering(node.host, node.port)
        member = self._ledger.topology.members.get(node.id)
        if member is None:
            raise ClusterError(f"{node.id} was removed meanwhile")
        self._check_away(node)
        cluster = self._ledger.topology.cluster
        check_returned(member, max(node.counter, member.counter), facts, there, address, cluster)
        try:
            self._supervisor.check_log(node, facts)
        except NotANode as error:
            raise ClusterError(str(error)) from None
        self._ledger.append(Seen(msgspec.structs.replace(member, host=host, port=port)))
        node.host, node.port = host, port
        self._happenings.emit(Level.INFO, f"{node.id} is at {address} from here on, no longer at {former}", node.id)
        node.wake.set()
        await self._until_up(node)
        return former

    def _check_away(self, node: RemoteNode) -> None:
        if node.usable:
            raise ClusterError(
                f"{node.id} is a node of this cluster already, {node.state} at {node.address}; for another node choose another id"
            )

    async def _identity(self, node: RemoteNode, host: str, port: int) -> Facts:
        name = node.id
        try:
            facts = await interview(self._transport, self._clock, host, port)
        except Unreachable as error:
            raise ClusterError(
                f"{name} is a node of this cluster already; to take it back at another address it must run there: {error}"
            ) from None
        except NotTrusted as error:
            raise ClusterError(f"node {name} at {host}:{port} {error}") from None
        except NotANode as error:
            raise ClusterError(f"{name} is not what listens at {host}:{port}: {error}") from None
        if facts.cluster and facts.cluster != self._ledger.topology.cluster:
            raise ClusterError(
                f"{name} is not what listens there: the node at {foreign(f'{host}:{port}', facts.cluster)}"
            )
        return facts

    async def _answering(self, host: str, port: int) -> Facts | None:
        try:
            return await interview(self._transport, self._clock, host, port)
        except (Unreachable, NotANode):
            return None

    async def _until_up(self, node: RemoteNode) -> None:
        try:
            async with asyncio.timeout(BACK_SECONDS):
                while not node.usable:
                    changed = self._ledger.changed()
                    if self._ledger.stopped:
                        raise ClusterError(self._ledger.stopped)
                    await changed
        except TimeoutError:
            raise ClusterError(
                f"{node.id} is looked for at {node.address} from here on, and is not UP there yet: {node.trouble}"
            ) from None
