"""One run of a plan: clients and faults at once, then everything mended, and the verdict on what the clients were told."""

import asyncio
import gc
import random
import re
import traceback
from collections import Counter
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final, Literal, cast

from kvtui.check import History, Kind, Recorder, Report, Verdict, check, timeline
from kvtui.check import Outcome as Told
from kvtui.core import observatory
from kvtui.core.authentication import Secret
from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.ring import slot_of, token_of
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from tests.simulation.absences import Absences
from tests.simulation.calm import REPAIR_SECONDS, Calm
from tests.simulation.clients import LAST_CLIENT, Clients
from tests.simulation.contents import Contents
from tests.simulation.faults.newcomers import begin_with_keys
from tests.simulation.happened import Event, operations
from tests.simulation.harness import SimCluster, settled
from tests.simulation.invariants import Invariants, WatchedRecorder
from tests.simulation.leftovers import leftover
from tests.simulation.limits import low_limits
from tests.simulation.loop import run_virtual
from tests.simulation.model import Model
from tests.simulation.nemesis import Nemesis
from tests.simulation.plan import FURTHER_KEYS, KEYS, FaultKind, Plan
from tests.simulation.reopened import Reopened
from tests.simulation.values import name_of
from tests.simulation.watch import Watch

SLACK_SECONDS: Final = 0.25
"""What an operation may take beyond its deadline."""
SETTLE_SECONDS: Final = 60.0
"""Until then after the last fault, everything is as wanted again."""
OBEY_SECONDS: Final = 10.0
"""Until then a coordinator knows whether it is obeyed."""
OPENINGS: Final = 3
FIRST_SHARE: Final = 0.3
"""Clusters of nodes that run by themselves of which the first one brings keys."""
WRITTEN_BEFORE: Final = (0, 220, 65_500)
"""Numbers of writes take another byte soon."""
SECRET: Final = Secret(b"known to the cluster alone")
DAMAGED: Final = "failed its checksum"
CHECKSUM: Final = "failed their checksum"
"""Of one entry, and of those that a scan comes across."""
ELSEWHERE: Final = "obeys another coordinator"
"""In the note of a node that was wiped, and has joined again since, unknown to the log that is open."""
ANOTHER: Final = " answers at "
"""In the note of a member where another one is found, or one that was wiped, and has joined under another name."""
LONE: Final = "belongs to no cluster"
OF_ITS_OWN: Final = "of its own; only an empty one can join"
NOTELESS: Final = "none of the nodes has a note"
WITHOUT: Final = re.compile(r"--without (\S+)")


class _BeyondOrder(Exception):
    """Nodes were wiped, joined anew under other names, and are looked for at each other's addresses: it is left at that."""


class Wrong(Exception):
    """The run shows a defect; the text tells all that is known of it."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to."""

    operations: int
    seconds: float
    """Virtual ones."""
    faults: Counter[FaultKind]
    lost: int
    """Slots whose last clean copy was wiped, and that said so."""
    happened: Counter[Event]


def quicken() -> None:
    """Draw fewer pictures, and look for garbage between runs alone: in processes that do nothing else than run stories."""
    gc.collect()
    gc.freeze()
    gc.disable()
    observatory.FRAME_SECONDS = 3.0  # type: ignore[misc]
    observatory.LOOK_SECONDS = 3.0  # type: ignore[misc]


def run(plan: Plan) -> Run:
    """Carry a plan out. Raises Wrong."""
    story = _Story(plan)
    try:
        with low_limits(plan.low):
            return run_virtual(story.tell, seed=plan.seed)
    finally:
        story.forget()
        if not gc.isenabled():
            gc.collect()


def failure_of(plan: Plan) -> str:
    """What is wrong with a plan's run; empty when nothing is. Whatever escapes from a run is a defect."""
    try:
        run(plan)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return told(error)
    return ""


def told(error: BaseException) -> str:
    """A failure in words, and where an unexpected one came from."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Wrong):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"


class _Story:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._keys = tuple(b"key %d" % number for number in range(KEYS))
        self._further = tuple(b"further %d" % number for number in range(FURTHER_KEYS))
        self._model = Model()
        self._retired: set[bytes] = set()
        self._accepted_at = inf
        """When it was given up what slots had held: until then nothing of them was answered."""

    async def tell(self) -> Run:
        plan, loop = self._plan, asyncio.get_running_loop()
        policy = cast(Literal["balanced", "classic"], plan.policy)
        async with SimCluster(
            plan.seed,
            nodes=0 if plan.attached else plan.nodes,
            attached=plan.attached,
            grace=plan.grace,
            revive=plan.revive,
            replication=plan.replication,
            slots=plan.slots,
            policy=policy,
            vnodes=4,
            secret=SECRET if plan.secret else None,
            shared=True,
            # Of dice of its own, so that all else of a seed stays as it is.
            written_before=random.Random(f"written before:{plan.seed}").choice(WRITTEN_BEFORE),
            make_disk=lambda path: self._model.make(path, plan.seed),
        ) as cluster:
            self._cluster = cluster
            Watch(cluster)
            cluster.happened[Event.MANY_COPIES] += plan.replication > 3
            invariants = Invariants(cluster, self._model)
            Reopened(cluster, self._model)
            Absences(cluster, self._model)
            self._recorder = WatchedRecorder(loop.time, invariants)
            nemesis = Nemesis(cluster, self._keys, plan.seed, self._recorder, self._further)
            for number in range(plan.nodes if plan.attached else 0):
                if not number and random.Random(f"first:{plan.seed}").random() < FIRST_SHARE:
                    await begin_with_keys(nemesis, "n1")
                else:
                    await cluster.join(f"n{number + 1}")
            await cluster.call(lambda coordinator: coordinator.set_quorum(plan.quorum))
            await cluster.call(lambda coordinator: coordinator.set_reads(plan.reads))
            nemesis.tails.on_gap = invariants.forget
            nemesis.on_rebalanced = invariants.check_rebalanced
            self._clients = Clients(cluster, self._recorder, self._keys, self._further)
            nemesis.scan = self._clients.scan
            clients = (self._clients.take(number, steps) for number, steps in enumerate(plan.clients))
            await asyncio.gather(*clients, *(nemesis.inflict(fault) for fault in plan.faults))
            self._complain()
            await nemesis.end_all()
            try:
                lost = await self._put_in_order(nemesis)
            except _BeyondOrder:
                lost = plan.slots
            self._judge(nemesis)
            history = self._recorder.history()
            happened = cluster.happened + operations(history)
            return Run(len(history.operations), loop.time(), nemesis.done, lost, happened)

    async def _put_in_order(self, nemesis: Nemesis) -> int:
        """All is mended, and found as it must be; how many slots were lost. Raises _BeyondOrder."""
        cluster = self._cluster
        if not await self._become_obeyed(nemesis):
            return self._plan.slots
        lost = await self._settle(nemesis)
        if not cluster.coordinator.topology.members:
            # The last one was leaving, and was let go meanwhile.
            await nemesis.begin_anew()
            await cluster.until(settled, SETTLE_SECONDS)
        if self._is_misplaced():
            raise _BeyondOrder
        await self._read_all()
        await self._begin_anew()
        # What is promised to be repaired, made equal or moved is so by itself, before anybody asks for it.
        await self._compare()
        hot = [key for key in self._keys if key not in self._retired]
        calm = Calm(cluster, self._model, self._clients, hot, self._plan.seed)
        if trouble := await calm.trouble(nothing_lost=not lost):
            raise Wrong(trouble)
        await self._compare()
        await calm.differ(self._recorder)
        await nemesis.rebalance()
        await self._compare()
        if left := leftover(cluster):
            raise Wrong(left)
        return lost

    def _is_misplaced(self) -> bool:
        """Whether a member's data is that of another directory: it was wiped, and another node answers at its address."""
        members = self._cluster.coordinator.topology.members.values()
        by_data = {disk.identity.data_id: path for path, disk in self._model.disks.items()}
        own = {each.data_id: self._cluster.data_of(each.id) for each in members}
        return any(by_data.get(data_id, path) != path for data_id, path in own.items())

    def forget(self) -> None:
        """Let go of all that is large. What is left refers to itself, and costs much to find and free."""
        for disk in self._model.disks.values():
            vars(disk).clear()
        for each in vars(self).values():
            if isinstance(each, SimCluster | Recorder | Clients):
                vars(each).clear()

    async def _settle(self, nemesis: Nemesis) -> int:
        """Wait until all is as wanted. Slots that were lost must say so, and are given up; returns how many."""
        await self._empty_lone_ones(nemesis)
        coordinator = self._cluster.coordinator
        lost = sum(stop - start for start, stop in coordinator.topology.lost)
        if lost:
            # A coordinator that dies between the leave of the last node, which was empty, and its record finds it gone.
            last = any(fault.kind is FaultKind.LEAVE_TO_THE_LAST for fault in self._plan.faults)
            lost_sight = nemesis.wiped or nemesis.given_up or self._model.mistaken
            if not (lost_sight or self._cluster.disputed or last):
                raise Wrong(f"{lost} slots are lost although no node was wiped or given up, and no note disputed")
            # A log that can't say yet that it is no old copy, for want of space, gives nothing up.
            try:
                await self._cluster.until(
                    lambda s: all(view.state is NodeState.UP for view in s.nodes) and not s.log_full, SETTLE_SECONDS
                )
            except TimeoutError:
                away = [view for view in self._cluster.drawn().nodes if view.state is not NodeState.UP]
                if any(ANOTHER in view.note for view in away):
                    raise _BeyondOrder from None
                raise Wrong(f"slots are lost, and nodes do not come back: {away}") from None
            await self._retire(coordinator.topology.lost)
            self._accepted_at = self._recorder.tick()
            await self._cluster.call(lambda c: c.accept_loss())
        await self._write_damaged_anew()
        try:
            # What was put off for want of space in the log goes on by itself, a moment after there is some.
            await self._cluster.until(lambda s: settled(s) and not s.log_full, SETTLE_SECONDS)
        except TimeoutError:
            snapshot = await self._cluster.call(lambda c: c.refresh())
            states = [(view.id, str(view.state), view.behind, view.note) for view in snapshot.nodes]
            raise Wrong(
                f"it never settled: {snapshot.guarantee}, moving {snapshot.moving}, {states},"
                f" {set(coordinator.topology.places)}"
            ) from None
        return lost

    async def _empty_lone_ones(self, nemesis: Nemesis) -> None:
        """A node that lost all since it joined stands alone, with the keys of its own that it had: a person empties it."""
        for view in (await self._cluster.call(lambda c: c.refresh())).nodes:
            if OF_ITS_OWN in view.note and nemesis.wiped and self._cluster.attached:
                self._cluster.kill(view.id)
                self._cluster.wipe(view.id)
                await self._cluster.launch(view.id, view.port)

    async def _write_damaged_anew(self) -> None:
        """A flipped bit may be the last clean copy's, when the others fell behind since: only a new value mends it, of which one
        clean copy must do."""
        keys = self._keys + self._further
        for key, read in zip(keys, await self._cluster.get_many(keys), strict=True):
            # What is left of a lost slot may be damaged as well.
            if read.stale or DAMAGED in read.text:
                await self._cluster.call(lambda c: c.set_quorum(1))
                await self._clients.operate(LAST_CLIENT, Kind.PUT, key, f"anew {key.decode()}")

    async def _become_obeyed(self, nemesis: Nemesis) -> bool:
        """After a takeover whose log was too old, the log is rebuilt from the nodes, as a person would do it. False: there is
        nothing to rebuild it from, since all that knew of it was wiped."""
        for attempt in range(OPENINGS):
            try:
                snapshot = await self._cluster.until(_known, OBEY_SECONDS)
            except TimeoutError:
                snapshot = self._cluster.coordinator.snapshot()
                if not any(ELSEWHERE in view.note for view in snapshot.nodes):
                    return True
            if not snapshot.stopped and not any(ELSEWHERE in view.note for view in snapshot.nodes):
                return True
            # Who was given up may have obeyed a coordinator that nobody else has heard of, and who was not there when the log was
            # rebuilt may have noted what the others have lost.
            forgot = any(cut.note for cut in nemesis.tails.cuts)
            if not (nemesis.taken_over or nemesis.given_up or forgot):
                raise Wrong(f"the coordinator stopped: {snapshot.stopped}")
            if nemesis.wiped and not self._cluster.joined:
                return False
            if not await self._rebuild(Path(f"rebuilt{attempt}"), nemesis):
                return False
            try:
                await self._cluster.find_moved()
            except ClusterError:
                if not self._cluster.coordinator.snapshot().stopped:
                    raise
        raise Wrong(f"it stopped again and again: {snapshot.stopped}")

    async def _rebuild(self, state: Path, nemesis: Nemesis) -> bool:
        """Nodes whose data is gone are given up, by the names that ``kvtui recover`` gives. False: no node knows anything."""
        try:
            await self._recover(state)
            return True
        except ClusterError as error:
            if (nemesis.wiped and NOTELESS in str(error)) or not self._cluster.joined:
                return False
            without = WITHOUT.findall(str(error))
            # Who runs, and belongs to no cluster, was let go by a coordinator that is obeyed no more.
            belonging = [name for name in without if self._cluster.belongs(name)]
            if not without or (belonging and not nemesis.wiped):
                raise Wrong(f"all nodes are there, and yet: {error}") from None
            nemesis.given_up = True
        try:
            await self._cluster.recover(state, without)
        except ClusterError as error:
            raise Wrong(f"{without} are given up, and yet: {error}") from None
        return True

    async def _recover(self, state: Path) -> None:
        try:
            await self._cluster.recover(state)
        except ClusterError as error:
            if LONE not in str(error):
                raise
            # The sleeper's last words reached a node that it let go.
            await self._cluster.recover(state)

    async def _retire(self, runs: list[tuple[int, int]]) -> None:
        """Keys of lost slots: reading them must fail, not find them absent. What comes after proves nothing."""
        slots = {slot for start, stop in runs for slot in range(start, stop)}
        self._retired = {key for key in self._keys + self._further if slot_of(token_of(key), self._plan.slots) in slots}
        for key in sorted(self._retired):
            read = await self._cluster.get(key)
            if read.outcome is not Outcome.FAILED and not read.stale:
                raise Wrong(f"{key!r} lies in a lost slot and was read as {read.value!r}")

    async def _read_all(self) -> None:
        left = [key for key in self._keys + self._further if key not in self._retired]
        hot = [key for key in self._keys if key not in self._retired]
        for key in hot:
            if await self._clients.operate(LAST_CLIENT, Kind.GET, key, None) is not Told.OK:
                note = self._recorder.history().operations[-1].note
                raise Wrong(f"{key!r} can't be read although all is well: {note}")
        scanned = await self._clients.scan(LAST_CLIENT)
        if scanned is None and CHECKSUM in self._clients.unscanned:
            # It came across damage in slots that are still to be compared, and said so: that is repaired soon, unless the sound
            # copy left before anybody had come across it.
            await asyncio.sleep(REPAIR_SECONDS)
            await self._write_damaged_anew()
            scanned = await self._clients.scan(LAST_CLIENT)
        if scanned is None:
            raise Wrong(f"nothing can be scanned although all is well: {self._clients.unscanned}")
        for key, read in zip(left, await self._clients.read_many(LAST_CLIENT, left), strict=True):
            if read.outcome is not Outcome.OK or read.stale:
                raise Wrong(f"{key!r} can't be read although all is well: {read.text}")
            found = None if key not in scanned else scanned[key].value
            if found != read.value:
                raise Wrong(f"a scan finds {key!r} as {found!r}, a get as {read.value!r}")

    async def _begin_anew(self) -> None:
        """What was lost and given up is served again: what is found of a key was written to it once, and from here on counts."""
        if not self._retired:
            return
        put = {(op.key, op.value) for op in self._recorder.history().operations if op.kind is Kind.PUT}
        for key in sorted(self._retired):
            read = await self._cluster.get(key)
            if DAMAGED in read.text:
                continue
            if read.outcome is not Outcome.OK or read.stale:
                raise Wrong(f"{key!r} can't be read although its loss was accepted: {read.text}")
            if read.value is not None and (key.decode(), name_of(read.value)) not in put:
                raise Wrong(f"{key!r} was lost, and is {name_of(read.value)} now, which nobody put")
            again = await self._cluster.get(key)
            if again.value != read.value or (read.value is not None and again.version != read.version):
                # Of what is not there a tombstone may be purged between the two.
                raise Wrong(f"{key!r} was given up and read as {read.version}, and then as {again.version}")
            written = await self._cluster.put(key, b"after the loss")
            if written.outcome is not Outcome.OK or written.version <= read.version:
                raise Wrong(f"{key!r} can't be put after its loss was accepted: {written.outcome}, {written.text}")
            if (await self._cluster.get(key)).value != b"after the loss":
                raise Wrong(f"{key!r} was put after its loss was accepted, and reads as something else")

    async def _compare(self) -> None:
        """Soon all replicas of a slot hold the same, and nobody else anything of it; what was just found damaged is repaired."""
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        contents = Contents(self._cluster, self._model)
        while difference := contents.difference():
            if asyncio.get_running_loop().time() > deadline:
                raise Wrong(difference)
            await asyncio.sleep(0.5)

    def _complain(self) -> None:
        if self._model.wrong:
            raise Wrong(self._model.wrong[0])

    def _judge(self, nemesis: Nemesis) -> None:
        self._complain()
        if nemesis.served_elsewhere:
            raise Wrong(nemesis.served_elsewhere[0])
        if self._clients.wrong:
            raise Wrong(self._clients.wrong[0])
        if self._clients.overtime > SLACK_SECONDS:
            raise Wrong(f"an operation took {self._clients.overtime:.2f} s more than it may")
        history = self._recorder.history()
        retired = {key.decode() for key in self._retired}
        left = [op for op in history.operations if op.key not in retired or op.start < self._accepted_at]
        report = check(History(nemesis.tails.split(left), history.events))
        if report.verdict is not Verdict.LINEARIZABLE:
            raise Wrong(_told(report))


def _known(snapshot: ClusterSnapshot) -> bool:
    """Whether the coordinator knows that it is obeyed, or not: a node that is away may prove its log to be an old copy."""
    up = all(view.state is NodeState.UP for view in snapshot.nodes)
    return bool(snapshot.stopped) or settled(snapshot) or (up and bool(snapshot.lost))


def _told(report: Report) -> str:
    if not report.violations:
        return "the history could not be decided"
    violation = report.violations[0]
    return "\n".join([f"{violation.key!r}: {violation.reason}", *timeline(violation.operations, 120)])
