"""Several kvtui on one state directory, in one process under virtual time: the real sessions on simulated sockets and seams."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kvtui.control.session import Session, session
from kvtui.control.sockets import Door
from kvtui.control.succession import ON_REQUEST, Manner
from kvtui.core.opening import Settings
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.directory_trust import UnsafeDirectory
from kvtui.core.seams.launcher import Discarded, NodeProcess, NodeSpec
from kvtui.core.snapshot import ClusterSnapshot
from tests.simulation.disks import SimDisks
from tests.simulation.launcher import SimLauncher
from tests.simulation.loop import SimClock
from tests.simulation.machine import Machine
from tests.simulation.transport import SimNetwork, SimTransport

PORT = 9
"""Where the control socket of the one state directory is."""
STATE = Path("state")


class SimSockets:
    """The control socket as a port of a simulated network."""

    def __init__(self, transport: SimTransport) -> None:
        self._transport = transport
        self.connects: list[float] = []
        """When it was tried to connect."""

    async def connect(self, state: Path, make: Callable[[], asyncio.Protocol]) -> None:
        self.connects.append(asyncio.get_running_loop().time())
        await self._transport.connect("127.0.0.1", PORT, make)

    async def listen(self, state: Path, make: Callable[[], asyncio.Protocol]) -> Door:
        return await self._transport.listen("127.0.0.1", PORT, make)


class _Children:
    """Starts nodes that end with one machine, as a process's own do."""

    def __init__(self, launcher: SimLauncher, parent: Machine) -> None:
        self._launcher = launcher
        self._parent = parent

    async def start(self, spec: NodeSpec) -> NodeProcess:
        self._launcher.parent = self._parent
        return await self._launcher.start(spec)

    def refusal(self) -> str:
        return self._launcher.refusal()

    def stored(self, directory: Path) -> list[str]:
        return self._launcher.stored(directory)

    def discard(self, spec: NodeSpec) -> Discarded:
        return self._launcher.discard(spec)


class Desk:
    """One kvtui process."""

    def __init__(
        self, lab: "Lab", name: str, settings: Settings, attaching: bool, unheeded: Sequence[str], manner: Manner
    ) -> None:
        self._unheeded = unheeded
        self._manner = manner
        self.lab = lab
        self._settings = settings
        self._attaching = attaching
        self.machine = Machine(name)
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.transport = lab.network.transport(self.machine)
        self.sockets = SimSockets(self.transport)
        self.session: Session

    async def open(self) -> None:
        opened: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._task = self.machine.spawn(self._live(opened))
        self.session = await opened

    async def take_up(self) -> str:
        """As the command does."""
        return await self.machine.spawn(self.session.take_up())

    @property
    def left(self) -> bool:
        """Whether it ended in order."""
        return self._leave.is_set()

    async def leave(self) -> None:
        """End in order."""
        self._leave.set()
        assert self._task is not None
        await self._task
        self.machine.exit()

    def cancel(self) -> None:
        """Cancel what uses the session, as a signal does; it then ends in order."""
        assert self._task is not None
        self._leave.set()
        self._task.cancel()

    def kill(self) -> None:
        """``kill -9``."""
        self.machine.crash()

    async def until(self, holds: Callable[[ClusterSnapshot], bool]) -> ClusterSnapshot:
        """The first snapshot for which ``holds`` is true."""
        async with asyncio.timeout(60):
            snapshot = self.session.snapshot()
            while not holds(snapshot):
                snapshot = await self.session.changed(snapshot)
        return snapshot

    async def _live(self, opened: "asyncio.Future[Session]") -> None:
        try:
            seams = self.lab.seams(self.machine, self.transport)
            async with session(
                self._settings,
                seams,
                self.sockets,
                attaching=self._attaching,
                manner=self._manner,
                unheeded=self._unheeded,
            ) as made:
                opened.set_result(made)
                await self._leave.wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)


class Lab:
    """A network, disks and nodes that all desks share."""

    def __init__(self, *, nodes: int = 3, replication: int = 1, slots: int = 64, vnodes: int = 0) -> None:
        """``vnodes``: of a classic ring; 0: a balanced one."""
        self.network = SimNetwork(0)
        self.disks = SimDisks()
        self.clock = SimClock()
        self.launcher = SimLauncher(self.network, self.disks, self.clock, SeededRandom(0))
        self.refusal = ""
        """Why the state directory is not to be opened; empty where it may be."""
        self.openings: list[float] = []
        """When it was tried to open it."""
        self._random = SeededRandom(1)
        self._settings: dict[str, Any] = {"nodes": nodes, "replication": replication, "slots": slots}
        if vnodes:
            self._settings |= {"policy": "classic", "vnodes": vnodes}

    def seams(self, machine: Machine, transport: SimTransport) -> Seams:
        children = _Children(self.launcher, machine)
        return Seams(transport, self.clock, self._random, children, self.disks.opener(machine), admit=self._admit)

    def _admit(self, state: Path) -> tuple[str, ...]:
        self.openings.append(self.clock.monotonic())
        if self.refusal:
            raise UnsafeDirectory(self.refusal)
        return ()

    async def desk(
        self, name: str, *, attaching: bool = True, unheeded: Sequence[str] = (), manner: Manner = ON_REQUEST
    ) -> Desk:
        """Start a kvtui. Raises what it raises at its beginning."""
        settings = Settings(STATE, role=f"kvtui {name} (process {len(name)})", grace=0.0, **self._settings)
        desk = Desk(self, name, settings, attaching, unheeded, manner)
        await desk.open()
        return desk
