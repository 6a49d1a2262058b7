"""The transport seam in one process: machines, the streams between them, and everything that goes wrong with those.

Faults go by the names of machines, not by addresses: all machines may share 127.0.0.1, as the nodes that kvtui starts do. What a
partition holds back is what the system would send again: when it heals, a stream goes on with it, late, or breaks and loses
it, as chance has it; both happen.
"""

import asyncio
import random
from asyncio import get_running_loop
from collections.abc import Callable, Iterable
from typing import Final

from kvtui.core.seams.transport import CONNECT_SECONDS, CannotListen, Listener, Unreachable
from tests.simulation.machine import Machine
from tests.simulation.stream import Address, Connection, End, Mark

LATENCY: Final = (0.000_1, 0.002)
"""Seconds that a piece takes, at least and at most."""
SPLIT: Final = 0.05
"""How often written bytes are cut in two."""
GUSTY_SECONDS: Final = 0.3
"""So long after messages were delayed by chance the last of them may be on its way."""
FIRST_PORT: Final = 20_000
"""The first port that is given for port 0."""
ANY: Final = "*"
"""Every machine, for faults."""

Names = str | Iterable[str]


class SimNetwork:
    """Machines, listeners, streams and faults. The same ``seed`` and the same calls give the same deliveries."""

    def __init__(self, seed: int = 0, *, latency: tuple[float, float] = LATENCY, split: float = SPLIT) -> None:
        self.latency = latency
        self._gusts = 0.0
        self._gusty = 0.0
        """How long a message takes more, on average, by chance, and until when what was so delayed is on its way."""
        self.split = split
        self.fingerprint = 0
        """A checksum of everything that arrived anywhere, with its time: equal for equal runs."""
        self.deliveries = 0
        """How many pieces arrived."""
        self.watch: Callable[[str, str, bytes], None] | None = None
        """Told of all bytes that arrive anywhere: from whom, to whom, and what."""
        self._chance = random.Random(f"network:{seed}")
        self._listeners: dict[Address, SimListener] = {}
        self._owners: dict[Address, str] = {}
        self._connections: dict[Connection, None] = {}
        self._blocked: dict[tuple[str, str], None] = {}
        self._slow: dict[str, float] = {}
        self._refusing: dict[str, None] = {}
        self._next_port = FIRST_PORT
        self._next_client_port = 2 * FIRST_PORT

    def transport(self, machine: Machine) -> "SimTransport":
        """The transport seam as seen from ``machine``; its streams and listeners end with it."""
        machine.on_end(lambda orderly: self._ended(machine, orderly))
        return SimTransport(self, machine)

    @property
    def connections(self) -> list[Connection]:
        """The open streams, oldest first."""
        return list(self._connections)

    # Faults.

    def cut(self, one: str, other: str = ANY) -> int:
        """Break every stream between two machines, wherever it is within a request; returns how many."""
        found = [
            connection
            for connection in self._connections
            if _between(one, other, connection.client, connection.server)
            or _between(one, other, connection.server, connection.client)
        ]
        for connection in found:
            connection.cut(self._some)
        return len(found)

    def cut_address(self, host: str, port: int) -> int:
        """Break every stream that was accepted at an address; returns how many."""
        found = [connection for connection in self._connections if connection.address == _address(host, port)]
        for connection in found:
            connection.cut(self._some)
        return len(found)

    def strand(self, client: str, server: str, seconds: float, holding: bytes = b"") -> bytes:
        """Break every stream on which something that has ``holding`` in it is on its way from ``client`` to ``server``, for the
        client alone: that arrives so much later. Returns what."""
        ours = [one for one in self._connections if (one.client, one.server) == (client, server)]
        found = [(one, sent) for one in ours if (sent := one.sent) and holding in sent]
        for connection, _ in found:
            connection.strand(seconds)
        return b"".join(sent for _, sent in found)

    @property
    def prompt(self) -> bool:
        """Whether nothing is slow or held back."""
        return not (self._slow or self._blocked or self._gusts) and self._gusty < get_running_loop().time()

    def partition(self, senders: Names, receivers: Names = ANY, *, one_way: bool = False) -> None:
        """Let nothing through from ``senders`` to ``receivers`` nor, unless ``one_way``, back. Nobody is told;
        connecting takes its full time and fails."""
        for sender in _names(senders):
            for receiver in _names(receivers):
                self._blocked[sender, receiver] = None
                if not one_way:
                    self._blocked[receiver, sender] = None

    def heal(self, *, late: bool | None = None) -> None:
        """End all partitions. ``late``: whether what they held back arrives now, or is lost with its stream; None: chance."""
        self._blocked.clear()
        for connection in self.connections:
            held = [end for end in connection.ends if end.held]
            for end in held:
                end.unhold()
            if held and not (self._chance.random() < 0.5 if late is None else late):
                connection.cut()

    def slow(self, machine: str, seconds: float) -> None:
        """Delay everything that goes to or from ``machine`` by so much more; 0: no longer."""
        if seconds:
            self._slow[machine] = seconds
        else:
            self._slow.pop(machine, None)

    def gust(self, seconds: float) -> None:
        """Delay each message by chance, so many seconds more on average; 0: no longer."""
        self._gusts = seconds
        self._gusty = get_running_loop().time() + GUSTY_SECONDS

    def refuse(self, machine: str, refusing: bool = True) -> None:
        """Refuse new connections to ``machine``, as if nothing listened there."""
        if refusing:
            self._refusing[machine] = None
        else:
            self._refusing.pop(machine, None)

    def calm(self) -> None:
        """End all partitions, delays and refusals."""
        self.gust(0.0)
        self._slow.clear()
        self._refusing.clear()
        self.heal()

    # What transports and streams ask.

    def delay(self, sender: str, receiver: str) -> float:
        least, most = self.latency
        delay = least + (most - least) * self._chance.random()
        if self._gusts:
            delay += self._chance.expovariate(1 / self._gusts)
        slow = self._slow
        return delay + slow.get(sender, 0.0) + slow.get(receiver, 0.0) if slow else delay

    def pieces(self, data: bytes) -> list[bytes]:
        if len(data) > 1 and self._chance.random() < self.split:
            place = self._chance.randrange(1, len(data))
            return [data[:place], data[place:]]
        return [data]

    def survivors(self, count: int) -> int | None:
        return None if self._chance.random() < 0.5 else self._some(count)

    def blocked(self, sender: str, receiver: str) -> bool:
        blocked = self._blocked
        return (
            bool(blocked)
            and sender != receiver
            and ((sender, receiver) in blocked or (sender, ANY) in blocked or (ANY, receiver) in blocked)
        )

    def delivered(self, sender: str, receiver: str, item: bytes | Mark) -> None:
        self.deliveries += 1
        if isinstance(item, bytes):
            # How much of it arrived when tells runs apart as well as what it was.
            self.fingerprint = hash((self.fingerprint, get_running_loop().time(), len(item)))
            if self.watch is not None:
                self.watch(sender, receiver, item)

    def closed(self, connection: Connection) -> None:
        self._connections.pop(connection, None)

    async def dial(self, machine: Machine, address: Address, make: Callable[[], asyncio.Protocol]) -> None:
        """Open a stream from ``machine``. Raises Unreachable."""
        host, port = address
        listener = await self._reach(machine, address)
        if listener is None:
            raise Unreachable(f"{host}:{port} can't be reached: Connection refused")
        self._next_client_port += 1
        own = ("127.0.0.1", self._next_client_port)
        client = End(self, machine, make, own, address)
        server = End(self, listener.machine, listener.make, address, own)
        self._connections[Connection(client, server)] = None
        server.accept(Mark.OPEN)
        machine.call(client.open)

    def listening(self, address: Address) -> Machine | None:
        """Who accepts streams at an address."""
        listener = self._listeners.get(address)
        return None if listener is None else listener.machine

    def bind(self, machine: Machine, address: Address, make: Callable[[], asyncio.Protocol]) -> "SimListener":
        """Accept streams at an address. Raises CannotListen."""
        host, port = address
        if not 0 <= port <= 65_535:
            raise CannotListen(f"can't listen on {host}:{port}: port must be 0-65535.")
        while not port or (not address[1] and (host, port) in self._listeners):
            port, self._next_port = self._next_port, self._next_port + 1
        if (host, port) in self._listeners:
            raise CannotListen(f"can't listen on {host}:{port}: Address already in use")
        listener = self._listeners[host, port] = SimListener(self, machine, (host, port), make)
        self._owners[host, port] = machine.name
        return listener

    def unbind(self, listener: "SimListener") -> None:
        if self._listeners.get(listener.address) is listener:
            del self._listeners[listener.address]

    async def _reach(self, machine: Machine, address: Address) -> "SimListener | None":
        """Who listens at ``address``, after a round trip; None when nobody does. Raises Unreachable when nobody answers."""
        host, port = address
        owner = self._owners.get(address, host)
        trip = self.delay(machine.name, owner) + self.delay(owner, machine.name)
        lost = self.blocked(machine.name, owner) or self.blocked(owner, machine.name)
        if lost or trip > CONNECT_SECONDS:
            await asyncio.sleep(CONNECT_SECONDS)
            raise Unreachable(f"{host}:{port} did not answer within {CONNECT_SECONDS:g} s")
        await asyncio.sleep(trip)
        listener = self._listeners.get(address)
        return None if listener is None or listener.machine.name in self._refusing else listener

    def _ended(self, machine: Machine, orderly: bool) -> None:
        for listener in list(self._listeners.values()):
            if listener.machine is machine:
                listener.close()
        for connection in self.connections:
            for end in connection.ends:
                if end.machine is machine:
                    end.die(orderly)

    def _some(self, count: int) -> int:
        return self._chance.randint(0, count)


class SimListener:
    """An open listening address."""

    def __init__(
        self, network: SimNetwork, machine: Machine, address: Address, make: Callable[[], asyncio.Protocol]
    ) -> None:
        self.machine = machine
        self.make = make
        self._network = network
        self._address = address

    @property
    def address(self) -> Address:
        return self._address

    def close(self) -> None:
        self._network.unbind(self)


class SimTransport:
    """The transport seam of one machine."""

    def __init__(self, network: SimNetwork, machine: Machine) -> None:
        self._network = network
        self._machine = machine

    async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
        await self._network.dial(self._machine, _address(host, port), make)

    async def listen(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> Listener:
        await asyncio.sleep(0)
        return self._network.bind(self._machine, _address(host, port), make)


def _address(host: str, port: int) -> Address:
    return ("127.0.0.1" if host == "localhost" else host), port


def _names(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _between(one: str, other: str, here: str, there: str) -> bool:
    return one in (here, ANY) and other in (there, ANY)
