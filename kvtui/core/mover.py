"""Carries out the work that ``kvtui.core.work`` wants: compares, recovers, moves, clears, a few pieces at a time.

A move is ``DUAL -> COPY -> VERIFY -> CUTOVER -> CLEANUP``. DUAL, CUTOVER and the end of CLEANUP are records, logged before they
act. COPY needs no cursor in the log: after a crash the digests of each slot say what has arrived already. VERIFY counts the
newcomers' acknowledgements for every write that begins, then compares digests taken at one point of all write streams.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, Protocol

import anyio
from anyio.abc import TaskGroup

from kvtui.core.background import start_soon
from kvtui.core.catch_up import NAMED, CatchUp, Peer, StepFailed, ask, differing, digests_of
from kvtui.core.cluster import ClusterError
from kvtui.core.ledger import SUSPECTED_ANEW, Counting, Ledger
from kvtui.core.link import LinkFull, LinkLost
from kvtui.core.notes import Notes
from kvtui.core.placement import Placement, first_placement, without
from kvtui.core.protocol import Clear, Counts, Scan, from_blob
from kvtui.core.purge import purge
from kvtui.core.records import Cleaned, CutOver, Dual, Placed, Record, Recovered, Returning
from kvtui.core.ring import slot_of, token_of
from kvtui.core.seams.clock import Clock
from kvtui.core.throttle import Throttle
from kvtui.core.work import CHUNK, Kind, Outlook, Work, keeps_reach
from kvtui.notation import brief

AT_ONCE: Final = 4
"""Pieces of work under way together."""
SMALL_AT_ONCE: Final = 32
"""The same of small pieces, while they have no more slots together than one large piece. On a large ring each slot has replicas of
its own: then what one of them has to wait for, such as a note, many wait for at once."""
ROUNDS: Final = 6
"""Times that a piece copies and compares before it is put off."""
RETRY_SECONDS: Final = 0.5
"""How long a piece that failed is put off; doubles with each failure up to ``RETRY_MOST_SECONDS``."""
RETRY_MOST_SECONDS: Final = 5.0
PATIENCE: Final = 3
"""Failures of a piece after which nobody waits for it any more; it is still tried again."""
STUCK: Final = 1_000
"""Pieces that are remembered to have failed; beyond it they are forgotten, and told again."""
PURGE_SECONDS: Final = 5.0
"""How often tombstones are looked for, where some were stored."""
UNLOGGED: Final = (Kind.COMPARE,)
"""Pieces that need no record: they go on while the log has no space for any."""
DAMAGED_NAMED: Final = 3
"""Keys of damaged entries that are named to a person."""
KEY_SHOWN: Final = 60
"""Most characters of such a key that are shown."""


class MoveObserver(Protocol):
    """Who is told of what moves."""

    def copied(self, node: str, keys: list[bytes], total: int) -> None:
        """``total`` keys arrived at a node; ``keys`` names some of them."""
        ...

    def removed(self, node: str, keys: list[bytes], total: int) -> None:
        """``total`` keys went from a node; ``keys`` names some of them."""
        ...

    def stuck(self, start: int, stop: int, reason: str) -> None:
        """A piece of work on slots ``start``..``stop`` failed, and is tried again."""
        ...

    def settled(self, *, waiting: bool) -> None:
        """Nothing is left that can be done now; ``waiting``: but pieces that failed, and are tried again."""
        ...


class Mover:
    """Runs until cancelled. It is settled while nothing can be done with the nodes that can be reached."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        observer: MoveObserver,
        notes: Notes,
        may_purge: Callable[[bytes], bool],
        throttle: Throttle,
    ) -> None:
        """``may_purge`` says whether no write of a key is under way or of unknown outcome."""
        self._throttle = throttle
        self._may_purge = may_purge
        self._notes = notes
        self._ledger = ledger
        self._clock = clock
        self._observer = observer
        self._outlook = Outlook()
        self._finishing: list[tuple[Callable[[], bool], Callable[[], list[Record]], asyncio.Future[bool]]] = []
        """What is about to be logged: whether it still holds, the records, and who waits for them."""
        self._running: list[Work] = []
        self._failures: dict[Work, int] = {}
        self._held: set[Work] = set()
        self._stuck: set[Work] = set()
        """Pieces of which it was told that they wait, and that have not succeeded since."""
        self._large = asyncio.Lock()
        self.trouble = ""
        """Why a piece of work was put off last; empty once nothing is put off any more."""
        self._idle = True
        self._looked = asyncio.Event()
        """Set after each look at the work, and then replaced."""
        self._passed = -1
        """The ledger's revision that the last look at the work saw."""

    async def run(self) -> None:
        """Do whatever there is to do, for ever."""
        async with anyio.create_task_group() as tasks:
            start_soon(tasks, self._ripen)
            while not self._ledger.stopped:
                changed = self._ledger.changed()
                if self._has_room():
                    self._start_pieces(tasks)
                await changed
            tasks.cancel_scope.cancel()
        self._looked.set()

    async def _ripen(self) -> None:
        while True:
            await self._clock.sleep(PURGE_SECONDS)
            if self._ledger.graves.ripen():
                self._ledger.stir()

    def try_again(self) -> None:
        """What was put off is tried again at once, as if it had never failed."""
        self._held.clear()
        self._failures.clear()
        self._ledger.stir()

    async def until_settled(self) -> None:
        """Return once nothing more can be done with the nodes that can be reached."""
        while not (self._idle and self._passed == self._ledger.revision):
            if self._ledger.stopped:
                return
            await self._looked.wait()

    def _start_pieces(self, tasks: TaskGroup) -> None:
        outlook = self._look()
        self._passed = self._ledger.revision
        startable = False
        for piece in outlook:
            if (self._held and piece in self._held) or any(piece.overlaps(other) for other in self._running):
                continue
            startable = True
            if not self._has_room(piece):
                break
            self._running.append(piece)
            start_soon(tasks, self._carry_out, piece)
        # A piece that failed a few times only may have met a passing trouble: it is waited for.
        hopeful = any(self._failures.get(piece, 0) <= PATIENCE for piece in self._held)
        idle = not (startable or self._running or hopeful)
        if idle and not self._idle:
            self._observer.settled(waiting=bool(self._held))
        if idle and not self._held:
            self._failures.clear()
            self.trouble = ""
        self._idle = idle
        self._looked.set()
        self._looked = asyncio.Event()

    def _has_room(self, piece: Work | None = None) -> bool:
        """Whether a piece more may be under way; without one, whether any may."""
        running = len(self._running)
        if running < AT_ONCE or (running < SMALL_AT_ONCE and piece is None):
            return True
        slots = sum(other.stop - other.start for other in self._running)
        return running < SMALL_AT_ONCE and piece is not None and slots + piece.stop - piece.start <= CHUNK

    def _look(self) -> Iterable[Work]:
        """What there is to do now. Slots that nobody holds have nothing to copy: they get their replicas at once."""
        work = self._wanted()
        empty = [piece for piece in self._outlook.of(Kind.PLACE) if self._ledger.may_place(piece.place)]
        if not empty or self._ledger.full:
            return work
        records: list[Record] = [Placed(p.start, p.stop, first_placement(p.place, p.target)) for p in empty]
        if not self._ledger.record(*records):
            return [] if self._ledger.stopped else self._wanted()
        for piece in empty:
            self._verified(piece)
        return self._wanted()

    def _wanted(self) -> Iterable[Work]:
        ledger = self._ledger
        self._outlook.look(ledger.topology, self._usable(), ledger.unverified, ledger.graves.marks)
        return (
            piece
            for piece in self._outlook
            # As long as others may serve the slots, nothing is made equal to who served them once, nor removed.
            if ledger.may_place(piece.place) and (piece.kind in UNLOGGED or not ledger.full)
        )

    def _usable(self) -> set[str]:
        return {node.id for node in self._ledger.nodes.values() if node.usable}

    async def _carry_out(self, piece: Work) -> None:
        steps: dict[Kind, Callable[[Work], object]] = {
            Kind.CLEAR: self._clear,
            Kind.COMPARE: self._compare,
            Kind.RECOVER: self._recover,
            Kind.MOVE: self._move,
            Kind.PURGE: self._purge,
        }
        try:
            await steps[piece.kind](piece)  # type: ignore[misc]
            self._failures.pop(piece, None)
            self._stuck.discard(piece)
        except (StepFailed, LinkLost, LinkFull) as error:
            self._put_off(piece, str(error))
        except ClusterError:
            # Its end can't be logged: the ledger has stopped, or waits for space, and says why.
            pass
        finally:
            self._running.remove(piece)
            self._ledger.stir()

    def _put_off(self, piece: Work, reason: str) -> None:
        failures = self._failures[piece] = self._failures.get(piece, 0) + 1
        delay = min(RETRY_MOST_SECONDS, RETRY_SECONDS * 2 ** (failures - 1))
        self._held.add(piece)
        self.trouble = reason
        needed = {*piece.place.clean, *piece.place.receiving, *piece.target, *([piece.node] if piece.node else [])}
        # That one of them can't be reached is told as that.
        if piece not in self._stuck and needed <= self._usable():
            if len(self._stuck) >= STUCK:
                self._stuck.clear()
            self._stuck.add(piece)
            self._observer.stuck(piece.start, piece.stop, reason)

        def again() -> None:
            self._held.discard(piece)
            self._ledger.stir()

        self._clock.call_later(delay, again)

    def _peer(self, node: str) -> Peer:
        remote = self._ledger.nodes.get(node)
        if remote is None or remote.link is None:
            raise LinkLost(f"{node} can't be reached")
        return node, remote.link

    def _source(self, place: Placement) -> Peer:
        for node in place.clean:
            remote = self._ledger.nodes.get(node)
            if remote is not None and remote.link is not None:
                return node, remote.link
        raise LinkLost("no clean replica can be reached")

    def _place(self, piece: Work) -> Placement:
        """The piece's placement now. Raises StepFailed when its slots have come to differ."""
        places = set(self._ledger.topology.places[piece.start : piece.stop])
        if len(places) != 1:
            raise StepFailed("its slots were placed differently meanwhile")
        return places.pop()

    def _verified(self, piece: Work) -> None:
        self._ledger.unverified[piece.start : piece.stop] = bytes(piece.stop - piece.start)

    async def _clear(self, piece: Work) -> None:
        node, link = self._peer(piece.node)
        place, logged = self._place(piece), self._ledger.logged
        listed = await ask(node, link, Scan(start=piece.start, stop=piece.stop, limit=NAMED, values=False))
        counted = await ask(node, link, Counts(ranges=[(piece.start, piece.stop)]))
        # Nor may a node that was emptied still believe that it serves these slots.
        await self._clock.sleep(self._notes.pause)
        await self._notes.noted((node,), logged)
        # Nor does one that was superseded meanwhile empty who may count by now.
        if node not in place.garbage or self._place(piece) != place or self._ledger.stopped:
            return
        await ask(node, link, Clear(start=piece.start, stop=piece.stop))
        self._ledger.append(Cleaned(node, piece.start, piece.stop))
        names = [from_blob(entry.key) for entry in listed.entries or [] if entry.size >= 0]
        self._observer.removed(node, names, sum(counted.counts or []))

    async def _purge(self, piece: Work) -> None:
        """Remove tombstones while no other piece touches their slots; what must wait is looked at again later."""
        place = self._place(piece)
        peers = [self._peer(node) for node in place.clean]
        slots = len(self._ledger.topology.places)
        self._ledger.graves.looked(piece.start, piece.stop)

        def still() -> bool:
            return self._place(piece) == place and self._still(place, peers, [])

        def quiet(key: bytes) -> bool:
            return self._may_purge(key) and not self._ledger.repairs[slot_of(token_of(key), slots)]

        def log() -> None:
            self._ledger.log_progress(place.clean)

        try:
            for key in await purge(peers, piece.start, piece.stop, still, quiet, log):
                self._ledger.graves.bury(slot_of(token_of(key), slots))
        except (StepFailed, LinkLost, LinkFull, ClusterError):
            for slot in range(piece.start, piece.stop):
                self._ledger.graves.bury(slot)
            raise

    async def _compare(self, piece: Work) -> None:
        for _ in range(ROUNDS):
            place = self._place(piece)
            peers = [self._peer(node) for node in place.clean]
            if len(peers) < 2:
                self._verified(piece)
                return
            self._ledger.unverified[piece.start : piece.stop] = b"\1" * (piece.stop - piece.start)
            digests = await digests_of(peers, piece.start, piece.stop)
            if all(other == digests[0] for other in digests[1:]):
                suspected_anew = SUSPECTED_ANEW in self._ledger.unverified[piece.start : piece.stop]
                if self._place(piece).clean == place.clean and not suspected_anew:
                    self._verified(piece)
                    return
                continue
            for peer in peers[1:]:
                await self._catch_up(peer, peers[0]).merge(piece.start, piece.stop)
            for peer in peers[1:]:
                await self._catch_up(peers[0], peer).merge(piece.start, piece.stop)
        raise StepFailed(f"{', '.join(place.clean)} did not become equal")

    async def _recover(self, piece: Work) -> None:
        if piece.node not in piece.place.returning:
            if piece.node not in self._place(piece).returning:
                # For all of its slots at once: what is noted of one piece serves the others. They come anew, placed so.
                runs = self._ledger.topology.runs(lambda place: piece.node in place.behind)
                self._ledger.append(Returning(piece.node, runs))
            return
        _, link = self._peer(piece.node)
        await self._announce(piece)

        def recovered(place: Placement) -> list[Record]:
            # Behind anew, it has to be announced anew: it may be returning again by now, which nobody has noted yet.
            remote = self._ledger.nodes.get(piece.node)
            announced = remote is not None and remote.link is link and piece.node in place.returning
            return [Recovered(piece.node, piece.start, piece.stop)] if announced else []

        await self._fill(piece, lambda place: (piece.node,) if piece.node in place.behind else (), recovered)

    async def _move(self, piece: Work) -> None:
        if self._place(piece).target != piece.target:
            self._ledger.append(Dual(piece.start, piece.stop, piece.target))
        await self._announce(piece)

        def arrived(place: Placement) -> list[Record]:
            # A replica that fell behind meanwhile is made equal first: the last step takes away no clean copy for one that isn't,
            # nor the last that can be reached.
            whole = place.target == piece.target and not without(place.target, place.clean + place.receiving)
            reached = whole and keeps_reach(place, place.target, self._usable())
            return [CutOver(piece.start, piece.stop)] if reached else []

        def compared(place: Placement) -> tuple[str, ...]:
            # What a clean copy that leaves holds, those that stay may have lost to damage since they were made equal.
            if not without(place.clean, piece.target):
                return ()
            usable = self._usable()
            return tuple(node for node in place.clean if node in usable)

        await self._fill(piece, lambda place: place.receiving, arrived, compared)

    async def _announce(self, piece: Work) -> None:
        """Return once the clean replicas have noted who is to join them.

        Whoever opens an older copy of the log, or rebuilds the table from nodes that have not heard of the end of it, learns from
        one of them at least that others may serve the slots by now. One that can't be reached, or does not note it, is no obstacle
        as long as another one has. Raises StepFailed.
        """
        logged = self._ledger.logged
        await self._clock.sleep(self._notes.pause)
        place = self._place(piece)
        if not await self._notes.noted_by_any(place.clean, logged):
            raise StepFailed(f"{', '.join(place.clean)} can't note that others are to hold them")

    async def _fill(
        self,
        piece: Work,
        targets: Callable[[Placement], tuple[str, ...]],
        finish: Callable[[Placement], list[Record]],
        compared: Callable[[Placement], tuple[str, ...]] = lambda place: (),
    ) -> None:
        """Copy to ``targets`` until they verify, then log what ``finish`` says. Clean replicas that are ``compared`` must verify as
        well: where they don't, they are made equal first. Raises StepFailed."""
        for _ in range(ROUNDS):
            place = self._place(piece)
            source = self._source(place)
            peers = [self._peer(node) for node in targets(place)]
            clean = [self._peer(node) for node in compared(place) if node != source[0]]
            with self._counted(peers, piece) as counted:
                own, *others = await digests_of([source, *peers, *clean], piece.start, piece.stop)
                if any(other != own for other in others[len(peers) :]):
                    self._ledger.suspect(piece.start, piece.stop)
                    self._ledger.stir()
                    raise StepFailed("its clean copies differ, and are made equal first")
                equal = all(other == own for other in others)
                if equal and await self._log_if(
                    # What was equal stays so while no write misses a newcomer.
                    partial(self._stays_equal, piece, place, [source, *peers], counted),
                    partial(finish, place),
                ):
                    return
            damaged: set[bytes] = set()
            for peer, theirs in zip(peers, others[: len(peers)], strict=True):
                for start, stop in differing(piece.start, own, theirs):
                    damaged |= await self._catch_up(source, peer).equalise(start, stop)
        if damaged:
            raise StepFailed(_only_damaged(source[0], damaged))
        raise StepFailed("the copies did not become equal")

    def _stays_equal(self, piece: Work, place: Placement, peers: list[Peer], counted: list[Counting]) -> bool:
        places = self._ledger.topology.places[piece.start : piece.stop]
        return self._still(place, peers, counted) and set(places) == {place}

    async def _log_if(self, holds: Callable[[], bool], records: Callable[[], list[Record]]) -> bool:
        """Log ``records`` together with what others finish at about the same time, if ``holds`` then, and say whether it did.

        Each change of a clean set is noted at once, and a note of a large ring takes long: several changes make one.
        """
        logged: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._finishing.append((holds, records, logged))
        if len(self._finishing) == 1:
            self._clock.call_later(self._notes.pause, self._log_finished)
        return await logged

    def _log_finished(self) -> None:
        """Checked and logged without a tick between."""
        finishing, self._finishing = self._finishing, []
        finishing = [each for each in finishing if not each[2].done()]
        try:
            held = [(logged, records() if holds() else None) for holds, records, logged in finishing]
            together = [record for _, records in held for record in records or ()]
            if together:
                self._ledger.append(*together)
        except Exception as error:
            # A defect among them: whoever waits is told nevertheless, and tries again or ends.
            for _, _, logged in finishing:
                logged.set_exception(error)
            return
        for logged, records in held:
            logged.set_result(records is not None)

    @contextmanager
    def _counted(self, peers: list[Peer], piece: Work) -> Iterator[list[Counting]]:
        counted = [Counting(node, piece.start, piece.stop) for node, _ in peers]
        self._ledger.counting += counted
        try:
            yield counted
        finally:
            for counting in counted:
                self._ledger.counting.remove(counting)

    def _still(self, place: Placement, peers: list[Peer], counted: list[Counting]) -> bool:
        """Whether what the digests showed still holds: same links, no other coordinator, no write that missed a newcomer."""
        links = all(
            (remote := self._ledger.nodes.get(node)) is not None and remote.link is link for node, link in peers
        )
        sound = links and not self._ledger.stopped
        return sound and peers[0][0] in place.clean and not any(counting.spoiled for counting in counted)

    def _catch_up(self, source: Peer, target: Peer) -> CatchUp:
        return CatchUp(source, target, self._observer.copied, self._observer.removed, self._large, self._throttle)


def _only_damaged(node: str, keys: set[bytes]) -> str:
    """A source whose own entries are damaged has nothing to give of them, and nobody knows who else has the newest."""
    first = ", ".join(brief(key.decode("utf-8", "surrogateescape"), KEY_SHOWN) for key in sorted(keys)[:DAMAGED_NAMED])
    more = f" and {len(keys) - DAMAGED_NAMED:,} more" if len(keys) > DAMAGED_NAMED else ""
    return f"{node} has the last clean copy of them, and can't read {first}{more}: put a new value"
