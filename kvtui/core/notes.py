"""Notes: the coordinator's record of who holds what, kept on the nodes themselves as well as in its metadata log.

They serve whoever must rebuild the table from the nodes alone (``kvtui.core.rebuilding``), and they show an old copy of a
state directory to be one. Two rules make them trustworthy. When a clean set changes, its members are told on the same link before
any write that counts by the new one, so their answers to such writes prove that they noted it; writes already under way wait
until they have. And before a move cuts over, its sources and newcomers have noted that it is under way.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final
from zlib import compress, decompress
from zlib import error as ZlibError

import msgspec

from kvtui.core.ledger import Ledger
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.malformed import MALFORMED
from kvtui.core.metadata_log import essence
from kvtui.core.progress import changed_clean_sets
from kvtui.core.protocol import Note, Reply
from kvtui.core.records import Counted, Record, read_record
from kvtui.core.seams.clock import Clock, Timer
from kvtui.core.topology import Topology, apply
from kvtui.core.undisturbed import undisturbed
from kvtui.core.version import NEVER, Version

SPREAD_SECONDS: Final = 0.25
"""How soon all nodes are told of a change that nothing waits for."""
SPREAD_BYTES: Final = 20_000_000
"""Most bytes a second, about, that are spent on that."""
SHORT: Final = 8 * 1024
"""A note of fewer characters is told at once."""
RETRY_SECONDS: Final = 1.0
"""When a node that refused a note is told again."""


class NoteDamaged(Exception):
    """A note can't be read; the text says why."""


def write_note(topology: Topology) -> str:
    """The text of a note that says ``topology``."""
    return b64encode(compress(msgspec.json.encode(essence(topology)), 1)).decode()


def read_note(text: str) -> Topology:
    """What a note says. Raises NoteDamaged, WrittenByNewer."""
    try:
        records = msgspec.json.decode(decompress(b64decode(text, validate=True)), type=list[msgspec.Raw])
        topology = Topology()
        for record in records:
            topology = apply(topology, read_record(bytes(record)))
    except (ValueError, ZlibError, *MALFORMED, KeyError) as error:
        raise NoteDamaged(str(error)) from None
    return topology


class Notes:
    """Tells nodes of changes, and knows who has yet to answer."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._told: dict[str, Version] = {}
        self._owed: dict[str, Version] = {}
        """Nodes that were sent a note, and have not kept one so new."""
        self.missed: set[str] = set()
        """Nodes that were lost while they owed one, or were not there to be told of a change that concerns them; until they are
        told."""
        self._waiting: list[tuple[frozenset[str], Callable[[bool], None]]] = []
        self._spread: Timer | None = None
        self._text: tuple[Version, str] = (NEVER, "")
        ledger.on_records = self._follow

    def tell(self, name: str) -> bool:
        """Send the newest note to a node, ahead of whatever is sent to it from here on. False: it can't be reached."""
        node = self._ledger.nodes.get(name)
        if node is None or node.link is None or self._ledger.stopped:
            return False
        version = self._ledger.logged
        self._owed[name] = version
        self.missed.discard(name)
        try:
            node.link.send(self._note(version), partial(self._answered, name, node.link, version))
        except (LinkLost, LinkFull):
            self._again(name)
        return True

    def take_up(self, name: str, noted: Version) -> None:
        """A node is back, having noted so much: it is told what is new since."""
        if noted.epoch == self._ledger.topology.epoch:
            self._told[name] = noted
        self.tell(name)

    def forget(self, name: str) -> None:
        """A node's link is gone: nobody waits for it, and it is told anew when it is back."""
        self._told.pop(name, None)
        if self._owed.pop(name, None) is not None:
            self.missed.add(name)
            self._release()

    def owing(self, names: Collection[str]) -> bool:
        """Whether any of the nodes has yet to note what it was told."""
        return bool(self._owed) and any(name in self._owed for name in names)

    def when_noted(self, names: Collection[str], callback: Callable[[bool], None]) -> None:
        """Call back with True once none of the nodes owes anything, be it that it was lost; with False when all is over before."""
        self._waiting.append((frozenset(names), callback))

    @property
    def pause(self) -> float:
        """Seconds for which whatever is to be noted should wait for more of its kind; a note of a small ring costs nothing."""
        length = len(self._text[1])
        return 0.0 if length < SHORT else length / SPREAD_BYTES

    async def noted(self, names: Sequence[str], logged: Version | None = None) -> None:
        """Return once each of the nodes has noted all that was ``logged`` (None: all there is now), or can't be reached, or all is
        over."""
        version = logged or self._ledger.logged
        for name in names:
            if self._told.get(name, NEVER) < version and self._owed.get(name, NEVER) < version:
                self.tell(name)
        if self.owing(names):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.when_noted(names, lambda _noted: None if done.done() else done.set_result(None))
            await done

    def known_to_any(self, names: Collection[str], logged: Version) -> bool:
        """Whether one of the nodes at least has noted all that was ``logged``."""
        return any(self._told.get(name, NEVER) >= logged for name in names)

    async def noted_by_any(self, names: Sequence[str], logged: Version) -> bool:
        """Return once one of the nodes at least has noted all that was ``logged``; False: none of them does, or all is over."""
        for name in names:
            if self._told.get(name, NEVER) < logged and self._owed.get(name, NEVER) < logged:
                self.tell(name)
        while not self.known_to_any(names, logged):
            owing = [name for name in names if name in self._owed]
            if not owing or self._ledger.stopped:
                return False
            await self._until_one_owes_nothing(owing)
        return True

    async def _until_one_owes_nothing(self, names: Sequence[str]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for name in names:
            self.when_noted((name,), lambda _noted: None if done.done() else done.set_result(None))
        await done

    def release(self) -> None:
        """The coordinator has stopped or ends: nobody waits any longer."""
        waiting, self._waiting = self._waiting, []
        for _, callback in waiting:
            undisturbed(callback, False)

    def _follow(self, records: Sequence[Record]) -> None:
        if all(isinstance(record, Counted) for record in records):
            # To note it would raise the counters, which would be recorded, and noted, for ever.
            return
        for name in sorted(self._concerned(records)):
            if not self.tell(name):
                self.missed.add(name)
        if self._spread is None and not self._ledger.stopped:
            # A note of a large ring is long: told to all its nodes too often, it would keep their links from everything else.
            size = len(self._text[1]) * len(self._ledger.nodes)
            self._spread = self._clock.call_later(max(SPREAD_SECONDS, size / SPREAD_BYTES), self._tell_all)

    def _concerned(self, records: Sequence[Record]) -> set[str]:
        """The clean replicas of slots whose clean set changed."""
        places = self._ledger.topology.places
        runs = changed_clean_sets(records, len(places))
        distinct = {place for start, stop in runs for place in places[start:stop]}
        return {name for place in distinct for name in place.clean}

    def _tell_all(self) -> None:
        self._spread = None
        version = self._ledger.logged
        for name in list(self._ledger.nodes):
            if self._told.get(name, NEVER) < version and self._owed.get(name, NEVER) < version:
                self.tell(name)

    def _note(self, version: Version) -> Note:
        if self._text[0] != version:
            self._text = (version, write_note(self._ledger.topology))
        return Note(text=self._text[1], noted=version)

    def _answered(self, name: str, link: Link, version: Version, reply: Reply | None) -> None:
        node = self._ledger.nodes.get(name)
        if node is None or node.link is not link:
            return
        if reply is None or reply.status == "error":
            self._again(name)
            return
        self._told[name] = max(version, self._told.get(name, NEVER))
        if self._owed.get(name, NEVER) <= version:
            self._owed.pop(name, None)
            self._release()

    def _again(self, name: str) -> None:
        def retry() -> None:
            if name in self._owed:
                self.tell(name)

        self._clock.call_later(RETRY_SECONDS, retry)

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for names, callback in waiting:
            if names.isdisjoint(self._owed):
                undisturbed(callback, True)
            else:
                self._waiting.append((names, callback))
