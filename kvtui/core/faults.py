"""Faults on purpose: what life does to nodes, done by a person who looks on. Only to nodes that kvtui started."""

import signal
from typing import Final

from kvtui.core.cluster import ArgumentError, ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.impaired_transport import WHOLE, ImpairedTransport, Impairment
from kvtui.core.ledger import Ledger
from kvtui.core.local_processes import LocalProcesses
from kvtui.core.node_access import Access
from kvtui.core.process_ends import OF_ANOTHER_USER, end_by_force
from kvtui.core.records import Behind, Wiped
from kvtui.core.remote_node import RemoteNode
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.launcher import NodeProcess
from kvtui.core.topology import described
from kvtui.core.unheard import check_heard
from kvtui.notation import brief

SLOW_MOST_SECONDS: Final = 60.0
"""Longest delay that can be asked for."""


class FaultsRoom:
    """Implements ``Faults``, and says of each node what is being done to it."""

    def __init__(
        self, ledger: Ledger, access: Access, clock: Clock, happenings: Happenings, processes: LocalProcesses
    ) -> None:
        self._ledger = ledger
        self._happenings = happenings
        self._processes = processes
        self._impaired: dict[str, Impairment] = {}
        self._paused: dict[str, NodeProcess] = {}
        self._transports = tuple(ImpairedTransport(way, clock, self._impairment_at) for way in access)
        self.access = Access(*self._transports)
        """What the coordinator reaches its nodes through."""

    def of(self, node: str) -> str:
        """What is being done to a node, in words; empty when nothing is."""
        paused = "paused" if self._is_paused(node) else ""
        words = self._impaired.get(node, WHOLE).words
        return ", ".join(part for part in (paused, words) if part)

    async def kill(self, name: str) -> None:
        """As ``Faults.kill_node``."""
        process, node = self._process(name), self._local(name)
        _signal(name, process, 0)  # before anything is noted
        known = node.link is not None
        node.ended, node.at_rest = "it was killed (kill -9)", True
        await end_by_force(process)
        if not known:
            # Of one that was up, the end of its link tells it.
            self._happenings.emit(Level.WARNING, f"{name}, which was DOWN, was killed (kill -9)", name)

    def pause(self, name: str) -> None:
        """As ``Faults.pause_node``."""
        process = self._process(name)
        if self._is_paused(name):
            raise ClusterError(f"{name} is paused already; let it go on with: resume {name}")
        _signal(name, process, signal.SIGSTOP)
        self._paused[name] = process
        self._tell(f"{name} is paused (SIGSTOP)", name)

    def resume(self, name: str) -> None:
        """As ``Faults.resume_node``."""
        process = self._process(name)
        if not self._is_paused(name):
            raise ClusterError(f"{name} is not paused")
        _signal(name, process, signal.SIGCONT)
        del self._paused[name]
        self._tell(f"{name} goes on (SIGCONT)", name)

    def slow(self, name: str, seconds: float) -> None:
        """As ``Faults.slow_node``."""
        if not 0 <= seconds <= SLOW_MOST_SECONDS:
            raise ArgumentError(f"a delay of {seconds * 1000:g} ms is not possible: use 0 to {SLOW_MOST_SECONDS:g} s")
        self._local(name)
        self._impair(name, Impairment(seconds, self._impaired.get(name, WHOLE).cut))
        each_way = f"slowed by {seconds * 1000:g} ms each way" if seconds else "no longer slowed"
        self._tell(f"{name} is {each_way}", name)

    def cut(self, name: str) -> None:
        """As ``Faults.cut_node``."""
        self._local(name)
        before = self._impaired.get(name, WHOLE)
        if before.cut:
            raise ClusterError(f"{name} is cut off already; end that with: heal")
        self._impair(name, Impairment(before.seconds, cut=True))
        self._tell(f"{name} is cut off from here (partition)", name)

    def heal(self) -> None:
        """As ``Faults.heal``."""
        healed = sorted({*self._impaired, *(name for name in self._paused if self._is_paused(name))})
        for name, process in self._paused.items():
            _signal(name, process, signal.SIGCONT)
        self._impaired.clear()
        self._look_again()
        self._paused.clear()
        for node in self._ledger.nodes.values():
            node.wake.set()
        if healed:
            self._tell(f"healed: {', '.join(healed)}", *healed)

    async def wipe(self, name: str) -> None:
        """As ``Faults.wipe_node``."""
        node = self._local(name)
        self._check_spare(name)
        self._ledger.check_space()
        if node.process is not None:
            _signal(name, node.process, 0)
        node.at_rest = True
        if node.process is not None and node.process.alive:
            node.ended = "it was killed, to be wiped"
            await end_by_force(node.process)
        while node.link is not None:
            # Its end is noticed by its link: from then on writes go on without it, and it can't become clean again.
            await self._ledger.changed()
        self._check_spare(name)
        clean = self._ledger.topology.runs(lambda place: name in place.clean)
        if clean:
            # Nobody counts on its copies from here on; whether they are gone is told by what the deletion comes to.
            self._ledger.append(Behind(name, clean))
        discarded = self._processes.discard(node)
        if discarded.intact:
            raise ClusterError(f"{name} was killed, but its data is still there: {discarded.left}")
        self._ledger.append(Wiped(name, "", 0, empty=not discarded.left))
        node.ended = "it was wiped"
        self._tell(f"{name} was wiped: it has no data", name)
        if discarded.left:
            self._tell(f"of {name}, which was wiped: {discarded.left}", name)

    def _look_again(self) -> None:
        for transport in self._transports:
            transport.look_again()

    def check_startable(self, name: str) -> None:
        """Raises ClusterError for a paused node, which runs already in a way."""
        if self._is_paused(name):
            raise ClusterError(f"{name} is paused; let it go on with: resume {name}")

    def _check_spare(self, name: str) -> None:
        check_heard(self._ledger, name)
        last = self._ledger.topology.only_at(name)
        if last:
            raise ClusterError(
                f"{name} has the last clean copy of {described(last)}: wiping it would lose them; wait until the others have"
                " caught up (rebalance), or raise the number of copies (setreplica)"
            )
        left = self._ledger.topology.left_at(name)
        if left:
            raise ClusterError(
                f"{described(left)} have no clean copy left, and {name} may hold what is left of them: start the nodes that held"
                " them; accept-loss serves what is left"
            )

    def _impair(self, name: str, impairment: Impairment) -> None:
        if impairment == WHOLE:
            self._impaired.pop(name, None)
        else:
            self._impaired[name] = impairment
        self._look_again()

    def _impairment_at(self, host: str, port: int) -> Impairment:
        if not self._impaired:
            return WHOLE
        for name, impairment in self._impaired.items():
            node = self._ledger.nodes.get(name)
            if node is not None and (node.host, node.port) == (host, port):
                return impairment
        return WHOLE

    def _is_paused(self, name: str) -> bool:
        process, node = self._paused.get(name), self._ledger.nodes.get(name)
        return process is not None and process.alive and node is not None and node.process is process

    def _process(self, name: str) -> NodeProcess:
        process = self._local(name).process
        if process is None or not process.alive:
            raise ClusterError(f"{name} is not running; start it with: start {name}")
        return process

    def _local(self, name: str) -> RemoteNode:
        node = self._ledger.nodes.get(name)
        if node is None or name not in self._ledger.topology.members:
            known = ", ".join(self._ledger.topology.members) or "there are none"
            raise ClusterError(f"there is no node {brief(name)}; nodes: {known}")
        if not self._ledger.topology.members[name].started_here:
            raise ClusterError(f"{name} was not started by kvtui: do that where it runs")
        return node

    def _tell(self, text: str, *nodes: str) -> None:
        self._happenings.emit(Level.WARNING, text, *nodes)
        self._ledger.stir()


def _signal(name: str, process: NodeProcess, number: int) -> None:
    """Signal 0 only asks whether one may. Raises ClusterError."""
    if not process.signal(number):
        raise ClusterError(f"{name} (process {process.pid}) stays as it is: {OF_ANOTHER_USER}")
