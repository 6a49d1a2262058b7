"""What one request asked whom, when, and what came back: noted only where a person wants to see it."""

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum

from kvtui.core.protocol import ERROR, OK, Reply
from kvtui.core.seams.clock import Clock
from kvtui.core.version import Version

SILENT, UNASKED = "silent", "unasked"
"""Of a node that was asked and gave no answer, and of one that was not asked."""


class Purpose(StrEnum):
    """What a node was asked for."""

    PUT = "put"
    DELETE = "del"
    GET = "get"
    REPAIR = "repair"
    """Store what was read: it held an older version."""
    WAIT = "wait"
    """Nobody was asked: a write of the key was in flight."""


class Doubt(StrEnum):
    """Why one clean replica's answer is not enough for a get, and all of them are asked."""

    IN_FLIGHT = "a write of the key is still in flight"
    UNKNOWN = "an earlier write of the key ended unknown"
    UNVERIFIED = "its replicas are still to be compared, as after a start"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One node was asked once. Times are milliseconds since the request began; ``ended`` None: it never answered."""

    node: str
    """Empty for a wait."""
    purpose: Purpose
    began: float
    ended: float | None = None
    status: str = SILENT
    """As on the wire (ok, not_found, error), or ``silent``."""
    version: Version | None = None
    """The version that the node told, or was told to store."""
    text: str = ""
    """Why it failed."""


class Trace:
    """Filled by ``Reads`` while one get is carried out; of bounded length, as a get's attempts are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._asked: list[tuple[Exchange, asyncio.Future[Reply] | asyncio.Future[None]]] = []
        self._ended: dict[int, float] = {}
        self.doubts: list[Doubt] = []

    @property
    def milliseconds(self) -> float:
        """Since the request began."""
        return (self._clock.monotonic() - self._began) * 1000

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What was asked so far, in the order in which it began, with the answers that are here."""
        return tuple(self._exchange(place) for place in range(len(self._asked)))

    def follow(
        self, node: str, purpose: Purpose, answer: "asyncio.Future[Reply]", version: Version | None = None
    ) -> None:
        """A node was asked, and is to be heard through ``answer``; ``version`` is what it was told to store."""
        self._note(Exchange(node, purpose, self.milliseconds, version=version, text="no answer"), answer)

    def wait(self, settled: "asyncio.Future[None]") -> None:
        """A write in flight is waited for."""
        self._note(Exchange("", Purpose.WAIT, self.milliseconds, text="it has not ended"), settled)

    def doubt(self, *doubts: Doubt) -> None:
        """All of the clean set are asked, and this is why."""
        self.doubts += [doubt for doubt in doubts if doubt not in self.doubts]

    def _note(self, asked: Exchange, answer: "asyncio.Future[Reply] | asyncio.Future[None]") -> None:
        place = len(self._asked)
        self._asked.append((asked, answer))
        answer.add_done_callback(lambda _: self._ended.setdefault(place, self.milliseconds))

    def _exchange(self, place: int) -> Exchange:
        asked, answer = self._asked[place]
        if not answer.done():
            return asked
        # Who waits for an answer may be told of it before this is.
        ended = self._ended.setdefault(place, self.milliseconds)
        if answer.cancelled() or answer.exception() is not None:
            text = "" if answer.cancelled() else str(answer.exception())
            return replace(asked, ended=ended, text=text or asked.text)
        reply = answer.result()
        if reply is None:
            return replace(asked, ended=ended, status=OK, text="")
        version = asked.version or reply.version
        text = reply.msg if reply.status == ERROR else ""
        return replace(asked, ended=ended, status=reply.status, version=version, text=text)
