"""The launcher seam in one process: each node is the real node's code on a machine of its own."""

import asyncio
import signal
from itertools import count
from pathlib import Path
from typing import Final

from kvtui.core.seams.chance import Random
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.launcher import Discarded, LaunchFailed, NodeSpec, how_ended
from kvtui.core.seams.storage import EngineFailed, EngineFull, EngineLocked, EngineUnreadable
from kvtui.core.seams.transport import CannotListen
from kvtui.node.gate import Gate
from kvtui.node.server import NodeServer
from kvtui.node.store import OPENING_ENTRIES, Store
from tests.simulation.disks import SimDisks
from tests.simulation.machine import Machine
from tests.simulation.transport import SimNetwork

BOOT_SECONDS: Final = (0.05, 0.2)
"""How long a node takes to start, at least and at most."""
FAILED_STATUS: Final = 1
"""A node's exit status when its engine failed."""
CANNOT_START_STATUS: Final = 2
"""A node's exit status when it can't start as asked."""


class SimProcess:
    """One life of a node."""

    def __init__(self, machine: Machine, pid: int) -> None:
        self.machine = machine
        self.server: NodeServer | None = None
        """The node itself, once it serves."""
        self._pid = pid
        self._status: int | None = None
        self._ended = asyncio.Event()
        self._ending = False
        self.may_be_signalled = True
        machine.on_end(self._note_end)

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def address(self) -> tuple[str, int]:
        assert self.server is not None, "not started"
        return self.server.address

    @property
    def alive(self) -> bool:
        return self.machine.alive

    @property
    def ended(self) -> str:
        return "" if self.alive or self._status is None else how_ended(self._status)

    def signal(self, number: int) -> bool:
        """SIGKILL crashes, SIGSTOP and SIGCONT pause and resume, SIGTERM and SIGINT end in order (once it isn't paused)."""
        if not self.may_be_signalled:
            return False
        if not self.alive or number == 0:
            return True
        if number == signal.SIGKILL:
            self.machine.crash()
        elif number == signal.SIGSTOP:
            self.machine.pause()
        elif number == signal.SIGCONT:
            self.machine.resume()
        elif number in (signal.SIGTERM, signal.SIGINT):
            self.machine.spawn(self._close())
        else:
            raise ValueError(f"signal {number} is not simulated")
        return True

    def orphan(self) -> None:
        if self.alive:
            self.machine.spawn(self._close())

    async def wait(self) -> int:
        await self._ended.wait()
        assert self._status is not None
        return self._status

    def exit(self, status: int) -> None:
        """End with that status, as the node's own code does."""
        if self.alive:
            self._status = status
            self.machine.exit()

    async def _close(self) -> None:
        if self._ending:
            return
        self._ending = True
        failed = False
        if self.server is not None:
            try:
                await self.server.close()
            except EngineFailed:
                failed = True
            failed = failed or self.server.failure is not None
        self.exit(FAILED_STATUS if failed else 0)

    def _note_end(self, orderly: bool) -> None:
        if self._status is None:
            self._status = -signal.SIGKILL
        self._ended.set()


class SimLauncher:
    """Starts nodes on the network and the disks of a run."""

    def __init__(self, network: SimNetwork, disks: SimDisks, clock: Clock, random: Random, *, prefix: str = "") -> None:
        """``prefix`` goes before the names of machines, where another launcher starts nodes of the same ids."""
        self._prefix = prefix
        self.processes: dict[str, SimProcess] = {}
        """The newest life of each node; one that is alive is not replaced by an attempt to start another beside it."""
        self.least_garbage = 500
        """Nodes that are started from now on give back space from so many bytes on. A run writes little."""
        self.parent: Machine | None = None
        """The machine whose children are started from now on: they end in order when it ends, however it does."""
        self._network = network
        self._disks = disks
        self._clock = clock
        self._random = random
        self._pids = count(1000)

    async def start(self, spec: NodeSpec) -> SimProcess:
        if spec.data is not None and self._disks.was_given_up(spec.data) and (left := self.discard(spec).left):
            raise LaunchFailed(f"node {spec.node} can't begin anew: {left}")
        process = SimProcess(Machine(self._prefix + spec.node), next(self._pids))
        before = self.processes.get(spec.node)
        if before is None or not before.alive:
            self.processes[spec.node] = process
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def ended(orderly: bool) -> None:
            if not started.done():
                started.set_result(f"node {spec.node} ended before it accepted")

        process.machine.on_end(ended)
        if self.parent is not None:
            self.parent.on_end(lambda orderly: process.orphan())
        process.machine.spawn(self._boot(process, spec, started))
        try:
            trouble = await started
        except BaseException:
            # Who leaves while a node begins ends it.
            process.signal(signal.SIGKILL)
            raise
        if trouble:
            raise LaunchFailed(trouble)
        self.processes[spec.node] = process
        return process

    def refusal(self) -> str:
        return ""

    def stored(self, directory: Path) -> list[str]:
        return sorted(path.name for path in self._disks.paths if path.parent == directory)

    def discard(self, spec: NodeSpec) -> Discarded:
        return Discarded() if spec.data is None else self._disks.discard(spec.data)

    async def _boot(self, process: SimProcess, spec: NodeSpec, started: "asyncio.Future[str]") -> None:
        await self._clock.sleep(self._random.uniform(*BOOT_SECONDS))
        try:
            store = self._open_store(process, spec)
        except (EngineLocked, EngineUnreadable, EngineFailed, EngineFull) as error:
            started.set_result(str(error))
            process.exit(CANNOT_START_STATUS)
            return
        transport = self._network.transport(process.machine)
        gate = None if spec.secret is None else Gate(spec.secret, self._random, self._clock, lambda _: None)
        server = NodeServer(
            store,
            transport,
            self._clock,
            spec.host,
            spec.port,
            failed=lambda _: process.exit(FAILED_STATUS),
            gate=gate,
            least_garbage=self.least_garbage,
        )
        try:
            await server.start()
        except CannotListen as error:
            store.close()
            started.set_result(str(error))
            process.exit(CANNOT_START_STATUS)
            return
        process.server = server
        started.set_result("")

    def _open_store(self, process: SimProcess, spec: NodeSpec) -> Store:
        machine = process.machine
        if spec.data is None:
            return Store(self._disks.memory(machine), self._random)
        holder = f"kvtui-node on {spec.host}:{spec.port}, process {process.pid}"
        engine = self._disks.opener(machine)(spec.data, holder)
        # Every other one answers before it has read what it holds, as a large store does.
        at_opening = OPENING_ENTRIES if process.pid % 2 else 0
        try:
            return Store(engine, self._random, at_opening=at_opening)
        except (EngineUnreadable, EngineFailed, EngineFull):
            engine.close()
            raise
