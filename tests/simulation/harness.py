"""A whole cluster in one process: the real coordinator and real nodes on simulated seams, and everything that happens to them."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeVar

from kvtui.control.holder import serving
from kvtui.core.authentication import Secret
from kvtui.core.cluster import ClusterError, Item, NodeAdded, Outcome, OwnData, Read, Written, WrittenMany
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, StateHeld, open_cluster
from kvtui.core.recovery import recover
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.launcher import NodeSpec
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.core.version import NEVER
from kvtui.node.server import GOODBYE_SECONDS
from tests.simulation.attached import AttachedClient, SimSockets
from tests.simulation.disks import Disk, MemoryDisk, SimDisks
from tests.simulation.engine import FaultyDisk
from tests.simulation.happened import Event
from tests.simulation.launcher import SimLauncher, SimProcess
from tests.simulation.loop import SimClock
from tests.simulation.machine import Machine, MachineCrashed, State
from tests.simulation.transport import SimNetwork

T = TypeVar("T")

COORDINATOR: Final = "coordinator"
"""The coordinator's machine, by name."""
ORPHANS_SECONDS: Final = GOODBYE_SECONDS + 1
"""Until then, nodes that lost the coordinator have ended."""
ORPHANS_LOOK_SECONDS: Final = 0.05
HAND_OVER_SECONDS: Final = 60.0
"""Until then a coordinator that leaves has let go of its directory."""
TRY_SECONDS: Final = 0.005
"""Between two tries to open a directory that another one holds."""
ENDING_SECONDS: Final = 0.02
"""What a process still takes to end when it has closed its directory."""
STATE: Final = Path("state")
"""The coordinator's directory on the simulated disks; node ``n1`` has ``state/nodes/n1``."""


class CoordinatorGone(Exception):
    """The coordinator crashed while it was asked something: whether it did it is unknown."""


class SimCluster:
    """A coordinator and its nodes; use it with ``async with``, under ``run_virtual``.

    Faults of streams go to ``network``, faults of disks to ``disks``; machines are named ``coordinator``, ``n1``, ``n2``…
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        nodes: int = 3,
        replication: int = 1,
        slots: int = 64,
        policy: Literal["balanced", "classic"] = "balanced",
        vnodes: int = 8,
        memory: bool = False,
        attached: bool = False,
        grace: float = 0.0,
        make_disk: Callable[[Path], Disk] = MemoryDisk,
        network: SimNetwork | None = None,
        secret: Secret | None = None,
        revive: bool = False,
        shared: bool = False,
        written_before: int = 0,
    ) -> None:
        """``memory``: no state directory, and nodes in memory, as ``kvtui --memory`` has them. ``attached``: the nodes run by
        themselves, and ``join`` is what adds them. ``shared``: other processes can attach to the coordinator.
        ``written_before``: every coordinator gives its writes numbers above that."""
        self.attached = attached
        self._written_before = written_before
        self.happened: Counter[Event] = Counter()
        """Whoever does something to the cluster, or sees it, counts it here."""
        self.shared = shared
        self._ports: dict[str, int] = {}
        self._data_paths: dict[str, Path] = {}
        self._control_ports: dict[Path, int] = {}
        self.secret = secret
        self.network = network or SimNetwork(seed)
        self.disks = SimDisks(make_disk)
        self.clock = SimClock()
        self.launcher = SimLauncher(self.network, self.disks, self.clock, SeededRandom(seed))
        self.machine = Machine(COORDINATOR)
        """The coordinator's present life."""
        self._random = SeededRandom(seed + 1_000_000)
        self.settings = Settings(
            None if memory else STATE,
            nodes=nodes,
            replication=replication,
            policy=policy,
            vnodes=vnodes,
            slots=slots,
            grace=grace,
            revive=revive,
        )
        self.rebuilt: tuple[int, Path | None] = 0, None
        """How many logs were rebuilt so far, and the last of them."""
        self.disputed = 0
        """Slots of rebuilt logs of which it could not be said which coordinator served them last."""
        self._coordinator: Coordinator | None = None
        self._task: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._gone: asyncio.Future[None] | None = None
        self.opened_at = 0.0
        """Since when the present coordinator serves."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self.machine.alive:
            await self.close()

    # The coordinator.

    @property
    def coordinator(self) -> Coordinator:
        """The real one, of its present life. What it is asked directly never ends when it crashes: see ``call``. Raises
        CoordinatorGone while none is open."""
        if self._coordinator is None:
            raise CoordinatorGone("the cluster is not open")
        return self._coordinator

    @property
    def running(self) -> bool:
        """Whether there is a coordinator to ask."""
        return self.machine.alive and self._coordinator is not None

    async def open(self) -> None:
        """Open the cluster, or open it again after ``close`` or a crash. Raises ClusterError, CoordinatorGone."""
        loop = asyncio.get_running_loop()
        self._coordinator = None
        self.machine = machine = Machine(COORDINATOR)
        self._gone = gone = loop.create_future()
        machine.on_end(lambda orderly: None if gone.done() else gone.set_result(None))
        self._leave = asyncio.Event()
        self.launcher.parent = machine
        seams = self.seams_of(machine, self.secret)
        opened: asyncio.Future[Coordinator] = loop.create_future()
        self._task = machine.spawn(self._live(seams, opened))
        self._coordinator = await self._unless_gone(opened)
        self.opened_at = loop.time()

    def seams_of(self, machine: Machine, secret: Secret | None) -> Seams:
        """Those of a machine on this network whose coordinator knows that secret."""
        transport, opener = self.network.transport(machine), self.disks.opener(machine)
        return Seams(transport, self.clock, self._random, self.launcher, opener, secret=secret)

    async def close(self) -> None:
        """Leave the cluster in order: its nodes end too. Raises what the coordinator raised in its life."""
        assert self._task is not None, "the cluster is not open"
        self._leave.set()
        await self._unless_gone(self._task)
        self.machine.exit()

    async def hand_over(self) -> None:
        """Leave in order, while the next one tries to open the same directory all the time: it is refused until that is let go.

        What is under way then is unknown. Raises ClusterError, CoordinatorGone, when the next one could not be opened.
        """
        former, task, gone = self.machine, self._task, self._gone
        assert task is not None
        assert gone is not None
        self._leave.set()
        ended = asyncio.ensure_future(asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED))
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                while True:
                    try:
                        await self.open()
                        break
                    except StateHeld:
                        await asyncio.sleep(TRY_SECONDS)
        finally:
            await ended
            # A process is not over when it has closed all.
            await asyncio.sleep(ENDING_SECONDS)
            former.exit()
        if task.done():
            task.result()

    async def take_over(self, state: Path) -> "tuple[Machine, Coordinator]":
        """Open the cluster on a copy of its log, at ``state``, while its coordinator is paused; that one is returned. A copy that
        is there already is taken, however old it is.

        Raises ClusterError, CoordinatorGone: then there is no coordinator.
        """
        former, sleeper = self.machine, self.coordinator
        former.pause()
        assert self._gone is not None
        if not self._gone.done():
            # Whoever waits for the sleeper hears no more of it, and can't know what it will do.
            self._gone.set_result(None)
        if not self.disks.exists(state / "metadata"):
            self.copy_log(state)
        await self.open_at(state)
        return former, sleeper

    async def open_at(self, state: Path) -> None:
        """Open the cluster on the log of another state directory. Raises ClusterError, CoordinatorGone."""
        self.settings = replace(self.settings, state=state)
        await self.open()

    def copy_log(self, state: Path) -> None:
        """Copy the log as it is now to another state directory."""
        self.disks.copy(self._metadata, state / "metadata")

    def attached_client(self, name: str) -> AttachedClient:
        """Another process on the coordinator's state directory, wherever that is."""
        return AttachedClient(name, self.network, self.clock, self._control_ports, lambda: self.settings)

    @property
    def joined(self) -> list[tuple[str, int]]:
        """Addresses of nodes that run by themselves and know of the cluster."""
        servers = [process.server for process in self.launcher.processes.values() if process.alive]
        return sorted(server.address for server in servers if server is not None and server.store.membership.cluster)

    def belongs(self, node: str) -> bool:
        """Whether a node runs that belongs to a cluster."""
        process = self.launcher.processes.get(node)
        server = None if process is None or not process.alive else process.server
        return server is not None and bool(server.store.membership.cluster)

    async def recover(self, state: Path, without: Sequence[str] = (), unnamed: Sequence[str] = ()) -> None:
        """End the coordinator, and open a log at ``state`` that is rebuilt from the nodes: those that run by themselves, but for
        ``unnamed`` ones, and those whose data lies beside the log. Raises ClusterError; then the log is where it was."""
        self.machine.crash()
        for name, port in list(self._ports.items()):
            if not self.process(name).alive:
                await self.launch(name, port)
        left_out = {self._ports[name] for name in unnamed}
        addresses = [(host, port) for host, port in self.joined if port not in left_out] if self.attached else []
        machine = Machine("rebuilder")
        self.launcher.parent = machine
        seams = self.seams_of(machine, self.secret)
        if not self.attached:
            state = STATE
            self.disks.rename(STATE / "metadata", STATE / "lost")
        try:
            rebuilt = await recover(state, addresses, without, seams)
            self.disputed += rebuilt.disputed
            self.rebuilt = self.rebuilt[0] + 1, state
        except ClusterError:
            if not self.attached:
                self.disks.rename(STATE / "lost", STATE / "metadata")
            raise
        finally:
            machine.exit()
        await self.open_at(state)

    def log_had_space(self, seconds: float) -> bool:
        """Whether there is space for the log's records, and has been for so long."""
        log = self.disks.disk(self._metadata)
        if not isinstance(log, FaultyDisk):
            return True
        return log.free is None and log.refused_at < asyncio.get_running_loop().time() - seconds

    @property
    def _metadata(self) -> Path:
        assert self.settings.state is not None
        return self.settings.state / "metadata"

    def crash(self) -> None:
        """The coordinator's process is killed (its nodes then end in order, as they lose their parent). ``open`` revives it."""
        self.machine.crash()

    async def until_orphans_end(self) -> None:
        """Until the nodes have ended that the coordinator took with it, or have had the time for it."""
        if self.attached:
            return
        end = asyncio.get_running_loop().time() + ORPHANS_SECONDS
        while asyncio.get_running_loop().time() < end:
            if not any(process.alive for process in self.launcher.processes.values()):
                return
            await asyncio.sleep(ORPHANS_LOOK_SECONDS)

    async def call(self, ask: Callable[[Coordinator], Awaitable[T]]) -> T:
        """Ask the coordinator, as code of its machine. Raises CoordinatorGone when it crashes meanwhile."""

        coordinator = self._coordinator
        if not self.machine.alive or coordinator is None:
            raise CoordinatorGone("the coordinator is not running")

        async def asking() -> T:
            return await ask(coordinator)

        return await self._unless_gone(self.machine.spawn(asking()))

    async def put(self, key: bytes, value: bytes) -> Written:
        """As ``Cluster.put``; UNKNOWN when the coordinator crashes meanwhile."""
        return await self._write(lambda coordinator: coordinator.put(key, value))

    async def delete(self, key: bytes) -> Written:
        """As ``Cluster.delete``; UNKNOWN when the coordinator crashes meanwhile."""
        return await self._write(lambda coordinator: coordinator.delete(key))

    async def get(self, key: bytes) -> Read:
        """As ``Cluster.get``; FAILED when the coordinator crashes meanwhile."""
        try:
            return await self.call(lambda coordinator: coordinator.get(key))
        except CoordinatorGone as gone:
            return Read(Outcome.FAILED, None, NEVER, text=str(gone))

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        """As ``Cluster.put_many``; all UNKNOWN when the coordinator crashes meanwhile."""
        return await self._write_many(lambda coordinator: coordinator.put_many(items), [key for key, _ in items])

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        """As ``Cluster.delete_many``; all UNKNOWN when the coordinator crashes meanwhile."""
        return await self._write_many(lambda coordinator: coordinator.delete_many(keys), keys)

    async def _write_many(
        self, ask: Callable[[Coordinator], Awaitable[WrittenMany]], keys: Sequence[bytes]
    ) -> WrittenMany:
        try:
            return await self.call(ask)
        except CoordinatorGone as gone:
            others = dict.fromkeys(keys, Outcome.UNKNOWN)
            return WrittenMany(0, unknown=len(keys), text=str(gone), others=others)

    async def get_many(self, keys: Sequence[bytes]) -> list[Read]:
        """As ``Cluster.get_many``; all FAILED when the coordinator crashes meanwhile."""
        try:
            return await self.call(lambda coordinator: coordinator.get_many(keys))
        except CoordinatorGone as gone:
            return [Read(Outcome.FAILED, None, NEVER, text=str(gone))] * len(keys)

    async def scan(self, take: Callable[[list[Item]], None], prefix: bytes = b"") -> None:
        """``take`` each page of ``Cluster.scan``. Raises ClusterError, and CoordinatorGone when the coordinator crashes."""

        async def scanning(coordinator: Coordinator) -> None:
            async with aclosing(coordinator.scan(prefix)) as pages:  # type: ignore[type-var]
                async for page in pages:
                    take(page)

        await self.call(scanning)

    async def until(self, holds: Callable[[ClusterSnapshot], bool], seconds: float = 60.0) -> ClusterSnapshot:
        """The first snapshot for which ``holds`` is true. Raises TimeoutError after so many virtual seconds."""
        async with asyncio.timeout(seconds):
            while not (holds(self.drawn()) and holds(snapshot := await self.call(lambda c: c.refresh()))):
                await asyncio.sleep(0.1)
        return snapshot

    def drawn(self) -> ClusterSnapshot:
        """What the coordinator knows now, without asking nodes for their counts. Raises CoordinatorGone."""
        if not self.machine.alive or self._coordinator is None:
            raise CoordinatorGone("the coordinator is not running")
        if self.machine.state is State.RUNNING:
            self.machine.call(self._coordinator._observatory.redraw)
        return self._coordinator.snapshot()

    # The nodes.

    def process(self, node: str) -> SimProcess:
        """The newest life of a node that was started here."""
        return self.launcher.processes[node]

    def kill(self, node: str) -> None:
        """``kill -9``."""
        self.process(node).signal(signal.SIGKILL)

    def pause(self, node: str) -> None:
        """``kill -STOP``."""
        self.process(node).signal(signal.SIGSTOP)

    def resume(self, node: str) -> None:
        """``kill -CONT``."""
        self.process(node).signal(signal.SIGCONT)

    def data_of(self, node: str) -> Path:
        """The directory of a node's data."""
        path = self._data_paths.get(node)
        if path is None:
            path = self._data_paths[node] = Path("alone") / node if self.attached else STATE / "nodes" / node
        return path

    async def join(self, node: str) -> None:
        """Add a node, launching it first where nodes run by themselves."""
        if self.attached:
            await self.launch_to_stay(node)
        await self.add(node)

    async def launch_to_stay(self, node: str) -> None:
        """Start a node of no cluster, as one that is expected at its address from here on."""
        self._ports[node] = (await self.launch(node)).address[1]

    async def add(self, node: str, own_data: OwnData = OwnData.REFUSE) -> NodeAdded:
        """As ``Cluster.add_node``, where the node runs or is to run. Raises ClusterError, CoordinatorGone."""
        port = self._ports.get(node, 0)
        return await self.call(lambda coordinator: coordinator.add_node(node, "127.0.0.1", port, own_data=own_data))

    async def revive(self, node: str) -> None:
        """Start a dead node again, on its data, as the command ``start`` does, or by itself."""
        if self.attached:
            await self.launch(node, self._ports[node])
            return
        await self.call(lambda coordinator: coordinator.start_node(node))

    def port_of(self, node: str) -> int:
        """Where a node that runs by itself is expected."""
        return self._ports[node]

    async def launch(self, node: str, port: int = 0) -> SimProcess:
        """Start a node of no cluster, which outlives the coordinator, on a directory ``alone/<node>``: for ``addnode`` to find."""
        parent, self.launcher.parent = self.launcher.parent, None
        try:
            return await self.launcher.start(NodeSpec(node, "127.0.0.1", port, Path("alone") / node, self.secret))
        finally:
            self.launcher.parent = parent

    async def start_elsewhere(self, node: str) -> None:
        """Start a dead node that runs by itself again, on its data, at an address that it never had."""
        self._ports[node] = (await self.launch(node)).address[1]

    async def take_back(self, node: str) -> None:
        """Tell the coordinator where a node that runs by itself is now, if it is no longer where it is looked for. Raises
        ClusterError, CoordinatorGone."""
        view = (await self.call(lambda coordinator: coordinator.refresh())).node(node)
        if view is not None and view.state is NodeState.DOWN and view.port != (port := self._ports[node]):
            await self.call(lambda coordinator: coordinator.add_node(node, "127.0.0.1", port))

    def wipe(self, node: str) -> None:
        """Delete the data of a node that is dead."""
        assert node not in self.launcher.processes or not self.process(node).alive, f"{node} is running"
        self.disks.wipe(STATE / "nodes" / node)
        self.disks.wipe(Path("alone") / node)

    async def mend(self) -> None:
        """End every fault: a calm network, no crashes to come, the coordinator and all nodes running. Raises ClusterError."""
        self.network.calm()
        self.disks.forget_crashes()
        for process in self.launcher.processes.values():
            process.signal(signal.SIGCONT)
        if not self.machine.alive:
            await self.until_orphans_end()
            await self.open()
        await self._start_all()
        await self.find_moved()
        if any(self._is_dead(view) for view in self.coordinator.snapshot().nodes):
            # Who was where another one is looked for had to go.
            await self._start_all()

    async def _start_all(self) -> None:
        for view in (await self.call(lambda coordinator: coordinator.refresh())).nodes:
            if self._is_dead(view):
                await (self.revive(view.id) if view.started_here else self._start_where_looked_for(view))

    def _is_dead(self, view: NodeView) -> bool:
        return view.id in self.launcher.processes and not self.process(view.id).alive

    async def find_moved(self) -> None:
        """Bring together the nodes that run by themselves and the addresses at which they are looked for, as a person does. Raises
        ClusterError where the coordinator has stopped."""
        for view in (await self.call(lambda coordinator: coordinator.refresh())).nodes:
            if view.id not in self._ports or not self.process(view.id).alive:
                continue
            try:
                await self.take_back(view.id)
            except ClusterError:
                if self.coordinator.snapshot().stopped:
                    raise
                # It is not what it was, or not all of it: where it is looked for, it counts as wiped.
                self.kill(view.id)
                await self._start_where_looked_for(view)

    async def _start_where_looked_for(self, view: NodeView) -> None:
        self._ports[view.id] = view.port
        for name, process in self.launcher.processes.items():
            server = process.server
            if name != view.id and process.alive and server is not None and server.address[1] == view.port:
                self.kill(name)
        other = self.network.listening(("127.0.0.1", view.port))
        if other is not None:
            # An earlier life of a node that runs elsewhere by now.
            other.crash()
        await self.launch(view.id, view.port)

    # Within.

    async def _live(self, seams: Seams, opened: "asyncio.Future[Coordinator]") -> None:
        try:
            async with open_cluster(self.settings, seams) as coordinator, self._shared(coordinator, seams):
                coordinator._ledger.seq += self._written_before
                opened.set_result(coordinator)
                await self._leave.wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)
            self.machine.exit()

    @asynccontextmanager
    async def _shared(self, coordinator: Coordinator, seams: Seams) -> AsyncIterator[None]:
        state = self.settings.state
        if not self.shared or state is None:
            yield
            return
        sockets = SimSockets(seams.transport, self._control_ports)
        async with serving(coordinator, state, sockets, self.clock, COORDINATOR):
            yield

    async def _unless_gone(self, answer: "asyncio.Future[T]") -> T:
        gone = self._gone
        assert gone is not None
        if not (answer.done() or gone.done()):
            either = asyncio.get_running_loop().create_future()

            def ended(_: object) -> None:
                if not either.done():
                    either.set_result(None)

            answer.add_done_callback(ended)
            gone.add_done_callback(ended)
            try:
                await either
            except asyncio.CancelledError:
                answer.cancel()
                raise
            finally:
                answer.remove_done_callback(ended)
                gone.remove_done_callback(ended)
        if answer.done() and not isinstance(answer.exception(), MachineCrashed):
            return answer.result()
        # Nobody will look at how that ends.
        answer.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        raise CoordinatorGone("the coordinator crashed")

    async def _write(self, ask: Callable[[Coordinator], Awaitable[Written]]) -> Written:
        if not self.machine.alive:
            return Written(Outcome.FAILED, NEVER, text="the coordinator is not running")
        try:
            return await self.call(ask)
        except CoordinatorGone as gone:
            return Written(Outcome.UNKNOWN, NEVER, text=str(gone))


def settled(snapshot: ClusterSnapshot) -> bool:
    """Whether every member is UP, every copy is clean and nothing moves: for ``SimCluster.until``."""
    up = all(node.state is NodeState.UP for node in snapshot.nodes)
    return (
        up
        and snapshot.moving is None
        and not (snapshot.behind or snapshot.under_replicated or snapshot.unavailable or snapshot.lost)
    )
