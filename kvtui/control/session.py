"""One cluster for as long as a program runs, whoever holds its coordinator: this process, or another one, which may end.

Screens and shells keep their one ``Session``; what is behind it changes.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn, Protocol, TypeVar, cast

import anyio
from anyio.abc import TaskGroup, TaskStatus

from kvtui.control.asked_here import AskedHere
from kvtui.control.channel import NotBegun, Unanswered
from kvtui.control.greeting import attach
from kvtui.control.held_here import holds, in_the_way
from kvtui.control.holder import serving
from kvtui.control.own_loop import in_its_loop
from kvtui.control.plain_arguments import takes_plain
from kvtui.control.remote import PartlyBegun, RemoteCluster, together, unread, unwritten, unwritten_many
from kvtui.control.sockets import Sockets
from kvtui.control.succession import ON_REQUEST, Manner, Succession
from kvtui.control.unanswered import AGAIN, CLOSED, CLOSED_MEANWHILE, INCOMPLETE, plainly
from kvtui.control.unheeded import unheeded_words
from kvtui.core.background import start_soon, started
from kvtui.core.change import Change
from kvtui.core.cluster import (
    Cluster,
    ClusterError,
    Compaction,
    Compacts,
    Explains,
    Faults,
    Guarantees,
    Item,
    LocalNodes,
    Location,
    Losses,
    NodeAdded,
    Observable,
    Observer,
    Outcome,
    OwnData,
    Plans,
    Policies,
    Read,
    ReadMode,
    Rebalanced,
    Throttles,
    Written,
    WrittenMany,
)
from kvtui.core.events import Event, Level
from kvtui.core.explanation import Explanation
from kvtui.core.happenings import Happenings
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.plan import Plan
from kvtui.core.seams.bundle import Seams
from kvtui.core.seams.forked import OF_PARENT, when_forked
from kvtui.core.seams.transport import CannotListen, Unreachable
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.core.uncopied import uncopied
from kvtui.core.version import Version
from kvtui.notation import as_rest

KEY_SECONDS: Final = 5.0
"""An operation on one key that waited for the next holder has ended by then, counted from its beginning."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Whole(
    Cluster,
    LocalNodes,
    Losses,
    Guarantees,
    Throttles,
    Compacts,
    Observable,
    Policies,
    Explains,
    Plans,
    Faults,
    Protocol,
):
    """A cluster with every capability: a coordinator, or one that is attached to."""


@takes_plain
@in_its_loop
class Session:
    """Implements ``Cluster``, every capability, and ``Shared``. ``session`` makes one."""

    def __init__(
        self,
        settings: Settings,
        seams: Seams,
        sockets: Sockets,
        tasks: TaskGroup,
        holding: TaskGroup,
        manner: Manner,
    ) -> None:
        """``tasks`` carries what follows the cluster, ``holding`` the coordinator itself."""
        self.unheeded: Sequence[str] = ()
        """Options that do nothing where a coordinator runs already, for whoever attaches at first to be told."""
        self._settings = settings
        self._seams = seams
        self._sockets = sockets
        self._tasks = tasks
        self._holding = holding
        self._manner = manner
        self._succession = Succession(self, seams.clock, manner)
        self._happenings = Happenings(seams.clock)
        self._switched = anyio.Event()
        self._leave = anyio.Event()
        self._foreign = False
        """Whether this process was forked off from the one that it belongs to."""
        self._here = AskedHere()
        self._refusal = ""
        """Why nothing can be asked of it here, or any more."""
        when_forked(self, Session._leave_to_parent)
        self.loop = asyncio.get_running_loop()
        self._of_this_process: Whole
        self._remote: RemoteCluster | None = None

    def __reduce__(self) -> NoReturn:
        raise uncopied("Cluster", "kvtui.connect")

    def _leave_to_parent(self) -> None:
        self._foreign = True
        self._refusal = OF_PARENT

    @property
    def _behind(self) -> Whole:
        """Who is asked. Raises ClusterError once it is left: a node that is started then would not end; and in a process that was
        forked off, where nothing of it goes on."""
        if self._refusal:
            raise ClusterError(self._refusal)
        return self._of_this_process

    # Who holds the coordinator.

    def __repr__(self) -> str:
        return f"<kvtui.Cluster {self.whereabouts}>"

    @property
    def place(self) -> str:
        """Where it is kept, in words."""
        return "in memory" if self._settings.state is None else f"in {as_rest(str(self._settings.state))}"

    @property
    def whereabouts(self) -> str:
        """The same, and who holds it. It never raises: whoever looks for a fault shows it in any process, thread and state."""
        remote = self._remote
        if self._foreign:
            return f"{self.place}, of the process that this one was forked from"
        if remote is None:
            return f"{self.place}, held by this program"
        return f"{self.place}, attached to {remote.holder}{'' if remote.open else ', which is gone'}"

    @property
    def holder(self) -> str:
        """The other process that holds the coordinator, or held it, in words; empty where it is this one."""
        return "" if self._remote is None else self._remote.holder

    @property
    def held_beside(self) -> str:
        """Where it is held by this very process, which opened it before: that, in words; or empty."""
        if self._remote is None or self._settings.state is None or not holds(self._settings.state):
            return ""
        return f"{as_rest(str(self._settings.state))} is open in this program"

    @property
    def attached_line(self) -> str:
        """What a person is told who attached."""
        told = f"attached to {self.holder}, which holds the coordinator"
        return f"{told}; no effect have: {', '.join(self.unheeded)}" if self.unheeded else told

    @property
    def in_vain(self) -> str:
        """Which of those options ask for another cluster than there is, in a sentence; or empty."""
        return unheeded_words(self.unheeded, self._settings, self.snapshot())

    async def begin(self, *, attaching: bool = True) -> None:
        """Attach to who holds the state directory, or open the coordinator here. Without ``attaching`` a directory that is held is
        refused, and so is one where others can't attach. Raises ClusterError."""
        start_soon(self._tasks, self._succession.run)
        if attaching:
            await self._succession.reach()
        else:
            await self.open(must_serve=True)
        if self._remote is None and (told := self.in_vain):
            self._happenings.emit(Level.WARNING, told)

    async def take_up(self) -> str:
        _ = self._behind
        if self._remote is None:
            raise ClusterError("this kvtui holds the coordinator itself: there is nothing to take up")
        if self._remote.open:
            raise ClusterError(f"the coordinator in {self._remote.holder} serves: there is nothing to take up")
        await self._succession.reach()
        if self._remote is None:
            return "The coordinator is here now: others can attach to this kvtui"
        return f"Attached to {self._remote.holder}, which took it up"

    def leave(self) -> None:
        """Let go of the coordinator, or of who holds it. Who waits for anything of it is told."""
        self._refusal = self._refusal or CLOSED
        if self._remote is not None:
            self._remote.close()
        self._leave.set()
        self._switched.set()
        self._succession.look()
        self._happenings.end()
        self._here.end()

    # What the succession tries.

    @property
    def served(self) -> bool:
        """Whether there is a coordinator to ask, as far as is known."""
        return self._remote is None or self._remote.open

    async def attach(self) -> None:
        """Attach to who holds the state directory. Raises Unreachable, TurnedAway."""
        if self._settings.state is None:
            raise Unreachable("a cluster in memory is this process's own")
        remote = await attach(self._settings, self._sockets, self._seams.clock, self._lost, self._manner.then)
        self._remote = remote
        self._switch(remote)
        self._happenings.emit(Level.INFO, self.attached_line)

    async def open(self, *, must_exist: bool = False, must_serve: bool = False) -> None:
        """Open the coordinator here. Raises ClusterError, StateHeld among them."""
        if self._settings.state is not None and (told := in_the_way(self._settings.state)):
            raise ClusterError(told)
        role = f"{self._settings.role}{self._manner.told}"
        settings = replace(self._settings, must_exist=must_exist, role=role)
        coordinator = await started(self._holding, self._hold, settings, must_serve)
        if self._remote is not None and self._manner.takes_up:
            self._happenings.emit(Level.INFO, "the coordinator is here now: others can attach to this process")
        self._remote = None
        self._switch(coordinator)

    async def _hold(self, settings: Settings, must_serve: bool, *, task_status: TaskStatus[Whole]) -> None:
        async with open_cluster(settings, self._seams) as coordinator:
            if settings.state is None:
                task_status.started(coordinator)
                await self._leave.wait()
                return
            try:
                async with serving(coordinator, settings.state, self._sockets, self._seams.clock, self._settings.role):
                    task_status.started(coordinator)
                    await self._leave.wait()
            except CannotListen as error:
                if must_serve:
                    raise ClusterError(str(error)) from None
                self._happenings.emit(Level.WARNING, f"nobody else can attach to this kvtui: {error}")
                task_status.started(coordinator)
                await self._leave.wait()

    def _switch(self, behind: Whole) -> None:
        self._of_this_process = behind
        self._switched.set()
        self._switched = anyio.Event()
        start_soon(self._tasks, self._follow, behind)

    async def _follow(self, behind: Whole) -> None:
        """Pass on what happens, as long as it is there."""
        try:
            async for event in behind.events():
                self._happenings.pass_on(event, again=behind is not self._remote)
        except ClusterError:
            pass  # whoever attaches anew follows anew

    def _lost(self, reason: str) -> None:
        """The holder ended, or let this process go. A callback of the event loop tells so, and where sniffio is installed anyio
        knows its loop in tasks alone: this starts none."""
        self.unheeded = ()
        _log.warning("%s", reason)
        self._happenings.emit(Level.BAD, self._of_this_process.snapshot().stopped or reason)
        self._succession.lost()

    # Asking who is behind it. What is here is asked directly; what was surely not begun far away is asked for again.

    def _ask(self, ask: Callable[[Whole], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]:
        if self._remote is None:
            return self._here.ask(lambda: ask(self._behind))
        return self._ask_there(ask)

    async def _ask_there(self, ask: Callable[[Whole], Coroutine[Any, Any, T]]) -> T:
        try:
            return await self._ask_afar(ask, _raised)
        except Unanswered as error:
            raise self._plainly(error) from None

    def _plainly(self, error: Unanswered, what: str = "") -> ClusterError:
        return plainly(error, then=AGAIN if self.served else self._manner.then, what=what)

    async def _ask_afar(
        self,
        ask: Callable[[Whole], Coroutine[Any, Any, T]],
        ended: Callable[[ClusterError], T],
        *,
        one_key: bool = False,
    ) -> T:
        """``ended`` makes the end of what nobody began, and of an operation on ``one_key`` for which no time is left."""
        begun = self._seams.clock.monotonic()
        limit: float | None = None
        while True:
            behind, asked = self._behind, self._asked
            try:
                if limit is None:
                    return await ask(behind)
                async with asyncio.timeout(limit):
                    return await ask(behind)
            except NotBegun as error:
                undone = error
            except TimeoutError:
                return ended(
                    ClusterError(f"no answer within {KEY_SECONDS:g} s: the coordinator changed hands meanwhile")
                )
            try:
                await self._other_than(behind, asked, begun, undone, KEY_SECONDS if one_key else math.inf)
            except NotBegun as error:
                return ended(error)
            if self._refusal:
                return ended(NotBegun(CLOSED_MEANWHILE))
            if one_key and self._manner.patience < KEY_SECONDS:
                limit = begun + KEY_SECONDS - self._seams.clock.monotonic()
                if limit <= 0:
                    return ended(NotBegun(str(self._plainly(undone))))

    async def _write_many_afar(
        self,
        write: Callable[[Whole, Sequence[Any]], Coroutine[Any, Any, WrittenMany]],
        items: Sequence[Any],
        key_of: Callable[[Any], bytes],
    ) -> WrittenMany:
        ends, rest = WrittenMany(0), items

        async def write_rest(behind: Whole) -> WrittenMany:
            nonlocal ends, rest
            try:
                return together(ends, await write(behind, rest))
            except PartlyBegun as partly:
                ends, rest = together(ends, partly.done), partly.rest
                raise

        def failed(error: ClusterError) -> WrittenMany:
            return together(ends, unwritten_many([key_of(item) for item in rest], Outcome.FAILED, str(error)))

        return await self._ask_afar(write_rest, failed)

    async def _scan_afar(
        self, prefix: bytes, values: bool, passed: Callable[[float], None] | None
    ) -> AsyncIterator[list[Item]]:
        begun = self._seams.clock.monotonic()
        while True:
            behind, asked = self._behind, self._asked
            try:
                async with aclosing(cast(Any, behind.scan(prefix, values=values, passed=passed))) as pages:
                    async for page in pages:
                        yield page
                return
            except NotBegun as undone:
                # Then no page came.
                try:
                    await self._other_than(behind, asked, begun, undone)
                except NotBegun as error:
                    raise ClusterError(str(error)) from None
                if self._refusal:
                    raise ClusterError(CLOSED_MEANWHILE) from None
            except Unanswered as error:
                raise self._plainly(error, INCOMPLETE) from None

    @property
    def _asked(self) -> bool:
        """Whether who is behind it hears what it is asked now."""
        return self._remote is not None and self._remote.open

    async def _other_than(
        self, behind: Whole, asked: bool, begun: float, undone: NotBegun, most: float = math.inf
    ) -> None:
        """Return once there is another one to ask than ``behind``, which ended or is ending. Raises ``undone``, with what is in the
        way, where nobody is to be waited for any longer.

        ``asked``: it could be asked, and did not begin: then somebody may hold the coordinator soon. Where it is taken up here,
        that counts from when the operation was ``begun``, and else nobody may ever come. ``most`` counts from there, too.
        """
        now, manner = self._seams.clock.monotonic(), self._manner
        until = min(now + manner.patience, begun + most) if asked else now
        if manner.takes_up:
            until = begun + manner.patience
        met = await self._succession.wait(lambda: self._of_this_process is not behind or bool(self._refusal), until)
        if self._of_this_process is behind and not self._refusal:
            raise NotBegun(f"{undone}; {met}" if met else str(self._plainly(undone)))

    # Cluster, from here on.

    def snapshot(self) -> ClusterSnapshot:
        if self._foreign:
            raise ClusterError(OF_PARENT)
        return self._of_this_process.snapshot()

    async def changed(self, seen: ClusterSnapshot) -> ClusterSnapshot:
        while (snapshot := self._behind.snapshot()) is seen:
            if self._remote is None or self._remote.open:
                try:
                    return await self._behind.changed(seen)
                except NotBegun:
                    continue  # it ended, or this was left
            await self._switched.wait()
        return snapshot

    def events(self) -> AsyncIterator[Event]:
        _ = self._behind
        return self._happenings.listen()

    def refresh(self) -> Coroutine[Any, Any, ClusterSnapshot]:
        return self._ask(lambda behind: behind.refresh())

    def put(self, key: bytes, value: bytes) -> Coroutine[Any, Any, Written]:
        if self._remote is None:
            return self._behind.put(key, value)
        return self._ask_afar(lambda behind: behind.put(key, value), unwritten, one_key=True)

    def get(self, key: bytes) -> Coroutine[Any, Any, Read]:
        if self._remote is None:
            return self._behind.get(key)
        return self._ask_afar(lambda behind: behind.get(key), lambda error: unread(str(error)), one_key=True)

    def delete(self, key: bytes) -> Coroutine[Any, Any, Written]:
        if self._remote is None:
            return self._behind.delete(key)
        return self._ask_afar(lambda behind: behind.delete(key), unwritten, one_key=True)

    def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> Coroutine[Any, Any, WrittenMany]:
        if self._remote is None:
            return self._behind.put_many(items)
        return self._write_many_afar(lambda behind, rest: behind.put_many(rest), items, lambda item: item[0])

    def get_many(self, keys: Sequence[bytes], *, room: int | None = None) -> Coroutine[Any, Any, list[Read]]:
        if self._remote is None:
            return self._behind.get_many(keys, room=room)
        return self._ask_afar(
            lambda behind: behind.get_many(keys, room=room), lambda error: [unread(str(error)) for _ in keys]
        )

    def delete_many(self, keys: Sequence[bytes]) -> Coroutine[Any, Any, WrittenMany]:
        if self._remote is None:
            return self._behind.delete_many(keys)
        return self._write_many_afar(lambda behind, rest: behind.delete_many(rest), keys, lambda key: key)

    def locate(self, key: bytes) -> Coroutine[Any, Any, Location]:
        return self._ask(lambda behind: behind.locate(key))

    def scan(
        self, prefix: bytes = b"", *, values: bool = True, passed: Callable[[float], None] | None = None
    ) -> AsyncIterator[list[Item]]:
        if self._remote is None:
            return self._behind.scan(prefix, values=values, passed=passed)
        return self._scan_afar(prefix, values, passed)

    def add_node(
        self, node: str, host: str, port: int, *, own_data: OwnData = OwnData.REFUSE
    ) -> Coroutine[Any, Any, NodeAdded]:
        return self._ask(lambda behind: behind.add_node(node, host, port, own_data=own_data))

    def remove_node(self, node: str, *, force: bool = False) -> Coroutine[Any, Any, str]:
        return self._ask(lambda behind: behind.remove_node(node, force=force))

    def set_replication(self, copies: int) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.set_replication(copies))

    def rebalance(self) -> Coroutine[Any, Any, Rebalanced]:
        return self._ask(lambda behind: behind.rebalance())

    # Capabilities.

    def start_node(self, node: str) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.start_node(node))

    def stop_node(self, node: str) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.stop_node(node))

    def accept_loss(self, node: str | None = None) -> Coroutine[Any, Any, int]:
        return self._ask(lambda behind: behind.accept_loss(node))

    def set_quorum(self, copies: int) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.set_quorum(copies))

    def set_reads(self, mode: ReadMode) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.set_reads(mode))

    def set_throttle(self, keys_per_second: int) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.set_throttle(keys_per_second))

    @property
    def observer(self) -> Observer | None:
        return self._behind.observer

    def observe(self, observer: Observer | None) -> Version:
        return self._behind.observe(observer)

    def set_policy(self, policy: str, vnodes: int = 0) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.set_policy(policy, vnodes))

    def set_weight(self, node: str, weight: int) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.set_weight(node, weight))

    def explain_put(self, key: bytes, value: bytes) -> Coroutine[Any, Any, Explanation]:
        return self._ask(lambda behind: behind.explain_put(key, value))

    def explain_get(self, key: bytes) -> Coroutine[Any, Any, Explanation]:
        return self._ask(lambda behind: behind.explain_get(key))

    def explain_delete(self, key: bytes) -> Coroutine[Any, Any, Explanation]:
        return self._ask(lambda behind: behind.explain_delete(key))

    def plan(self, change: Change) -> Coroutine[Any, Any, Plan]:
        return self._ask(lambda behind: behind.plan(change))

    def compact(self, node: str, *, begin: bool = True) -> Coroutine[Any, Any, Compaction]:
        return self._ask(lambda behind: behind.compact(node, begin=begin))

    def kill_node(self, node: str) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.kill_node(node))

    def pause_node(self, node: str) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.pause_node(node))

    def resume_node(self, node: str) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.resume_node(node))

    def slow_node(self, node: str, seconds: float) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.slow_node(node, seconds))

    def cut_node(self, node: str) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.cut_node(node))

    def heal(self) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.heal())

    def wipe_node(self, node: str) -> Coroutine[Any, Any, None]:
        return self._ask(lambda behind: behind.wipe_node(node))


@asynccontextmanager
async def session(
    settings: Settings,
    seams: Seams,
    sockets: Sockets,
    *,
    attaching: bool = True,
    manner: Manner = ON_REQUEST,
    unheeded: Sequence[str] = (),
) -> AsyncIterator[Session]:
    """The cluster of a state directory, held here or attached to; on leaving, what is held here is closed in order. ``unheeded``
    are options that do nothing where it is attached to. ``manner``: how it goes on when a holder that it was attached to ended.

    Raises ClusterError, before it yields; without ``attaching``, StateHeld where another process holds it.
    """
    try:
        async with anyio.create_task_group() as holding, anyio.create_task_group() as tasks:
            made = Session(settings, seams, sockets, tasks, holding, manner)
            made.unheeded = unheeded
            try:
                await made.begin(attaching=attaching)
                yield made
            finally:
                made.leave()
                tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # Task groups wrap what the caller's own block raised; the caller wants it as it was.
        raise _only(group) from None


def _raised(error: ClusterError) -> Any:
    raise ClusterError(str(error))


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception within, where there is one."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup) and len(found.exceptions) == 1:
        found = found.exceptions[0]
    return found
