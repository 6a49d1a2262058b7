"""Who holds the coordinator next, after its process ended: somebody who is looked for, gently, or this process.

It is looked for in the background, whether anything is asked meanwhile or not. What is asked meanwhile may wait for it.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from kvtui.control.channel import TurnedAway
from kvtui.control.held_here import holds
from kvtui.control.remote import BY_HAND
from kvtui.control.sockets import NoDirectory
from kvtui.core.cluster import ClusterError
from kvtui.core.opening import StateHeld
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.system_reason import system_reason
from kvtui.core.seams.transport import Unreachable

PATIENCE_SECONDS: Final = 20.0
"""Who holds the directory may be opening or closing: it is tried again for so long, and anew when another one holds it."""
HAND_OVERS_SECONDS: Final = 120.0
"""Where one holder follows the other, it is tried for so long in all. A script asks anew for so long what no holder began."""
HEIR_SECONDS: Final = 2.0
"""What a holder that ends did not begin waits so long for another one, where nobody holds the coordinator here by itself."""
TAKEN_UP_SECONDS: Final = 3.5
"""A program that takes the coordinator up has what nobody began wait so long for it: its operations end within five seconds."""
TRY_SECONDS: Final = 0.1
LOOK_LEAST_SECONDS: Final = 0.25
LOOK_MOST_SECONDS: Final = 0.8
"""How often it is looked whether somebody else took the coordinator up. Where nobody listens, that costs a system call or two."""
RETRY_LEAST_SECONDS: Final = 0.5
RETRY_MOST_SECONDS: Final = 30.0
"""How long after it could not be opened here it is tried again."""

TAKES_UP: Final = ", which takes the ring up by itself"
TAKEN_UP: Final = "it is taken up here, unless another process is faster"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a session goes on when the holder ended."""

    takes_up: bool = False
    """The coordinator is held here where nobody else does: nobody is there to say ``takeup``."""
    patience: float = HEIR_SECONDS
    """Seconds that an operation which nobody began waits for the next holder."""
    then: str = BY_HAND
    """What follows the end of the holder, in words for who is told of that."""
    told: str = ""
    """What others are told of this process while it holds the coordinator, behind what it is."""


ON_REQUEST: Final = Manner()
"""Of screens and shells: another holder is looked for, and a person says when it is taken up."""
PROGRAM_ON_REQUEST: Final = Manner(then="await store.cluster.take_up() opens it here")
"""The same of a program, in its own words."""
SCRIPT: Final = Manner(takes_up=True, patience=HAND_OVERS_SECONDS, then=TAKEN_UP)
PROGRAM: Final = Manner(takes_up=True, patience=TAKEN_UP_SECONDS, then=TAKEN_UP, told=TAKES_UP)
"""Of a program that is to go on by itself."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nobody could be attached to, and the coordinator was not opened here."""

    text: str = ""
    refusal: Exception | None = None
    """It is so until something is done about it: who waits is told at once."""
    holder: str = ""
    """Who has the directory and can't be attached to, in words."""
    since: float = 0.0
    """Since when that one was met (monotonic seconds)."""


class Ways(Protocol):
    """What there is to be tried."""

    @property
    def served(self) -> bool:
        """Whether there is a coordinator to ask, as far as is known. Only asked once there was one."""
        ...

    async def attach(self) -> None:
        """Attach to who holds the directory. Raises Unreachable, TurnedAway."""
        ...

    async def open(self, *, must_exist: bool) -> None:
        """Open the coordinator here. Raises ClusterError, StateHeld among them."""
        ...


class Succession:
    """The search for the next holder. ``run`` must run."""

    def __init__(self, ways: Ways, clock: Clock, manner: Manner) -> None:
        self.manner = manner
        self._ways = ways
        self._clock = clock
        self._reached = False
        """There was a coordinator. From then on no cluster is made: where it is gone with its directory, people must know."""
        self._met: Obstacle | None = None
        """What the last try met; None before the first, and where it met nothing."""
        # asyncio's, not anyio's: a callback of the loop sets one, and where sniffio is installed anyio knows no loop there.
        self._gone = asyncio.Event()
        self._news = asyncio.Event()
        self._trying = asyncio.Lock()

    def lost(self) -> None:
        """The holder is gone. May be called from callbacks of the event loop."""
        self._met = None
        self._gone.set()

    def look(self) -> None:
        """Have those who wait look whether that is over."""
        self._news.set()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Look for the next holder whenever there is none, for ever."""
        while True:
            await self._gone.wait()
            self._gone.clear()
            await self._search()

    async def reach(self) -> None:
        """Attach, or open the coordinator here, whatever the manner; nothing where there is one by now. Raises ClusterError."""
        begun = self._clock.monotonic()
        while True:
            async with self._trying:
                met = None if self._reached and self._ways.served else await self._try(opening=True)
            if met is None:
                return
            if met.refusal is not None:
                raise met.refusal
            if self._clock.monotonic() > begun + HAND_OVERS_SECONDS:
                raise ClusterError(met.text)
            await self._clock.sleep(TRY_SECONDS)

    async def wait(self, over: Callable[[], bool], until: float) -> str:
        """Wait until ``over``, or as long as it makes sense, at most ``until`` then (monotonic seconds); what is in the way, in
        words."""
        while not over():
            met = self._met
            left = until - self._clock.monotonic()
            if left <= 0 or (self.manner.takes_up and met is not None and met.refusal is not None):
                return "" if met is None else met.text
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()
        return ""

    async def _search(self) -> None:
        look, retry, opens_at = LOOK_LEAST_SECONDS, RETRY_LEAST_SECONDS, self._clock.monotonic()
        told = ""
        # Who was let go by a holder that goes on does not come back in the same moment.
        await self._clock.sleep(TRY_SECONDS if self.manner.takes_up else look)
        while True:
            async with self._trying:
                if self._ways.served:
                    return
                opening = self.manner.takes_up and self._clock.monotonic() >= opens_at
                met = await self._try(opening)
            if met is None:
                return
            if opening and met.refusal is not None:
                if met.text != told:
                    told = met.text
                    _log.warning("the coordinator can't be taken up here, and that is tried again: %s", told)
                if not met.holder:
                    opens_at = self._clock.monotonic() + retry
                    retry = min(2 * retry, RETRY_MOST_SECONDS)
            hand_over = met.holder and met.refusal is None
            await self._clock.sleep(TRY_SECONDS if hand_over else look)
            look = min(1.2 * look, LOOK_MOST_SECONDS)

    async def _try(self, opening: bool) -> Obstacle | None:
        self._met = met = await self._tried(opening)
        self._reached = self._reached or met is None
        self.look()
        return met

    async def _tried(self, opening: bool) -> Obstacle | None:
        try:
            await self._ways.attach()
            return None
        except TurnedAway as refusal:
            return Obstacle(str(refusal), ClusterError(str(refusal)))
        except Unreachable as error:
            if isinstance(error, NoDirectory) and self._reached:
                return Obstacle(f"{error} any more", ClusterError(f"{error} any more"))
            unreachable = str(error)
        before = self._met
        if not opening:
            # Why it could not be opened here the last time is so still.
            return before if self.manner.takes_up and before is not None else Obstacle()
        try:
            await self._ways.open(must_exist=self._reached)
            return None
        except StateHeld as held:
            holder, now = str(held), self._clock.monotonic()
            since = before.since if before is not None and before.holder == holder else now
            text = f"{holder}, which can't be attached to ({unreachable})"
            if now <= since + PATIENCE_SECONDS:
                return Obstacle(text, None, holder, since)
            ours = holds(held.state)
            text += ": close that store first, and let its event loop run meanwhile" if ours else ": end that one first"
            return Obstacle(text, ClusterError(text), holder, since)
        except ClusterError as refusal:
            return Obstacle(str(refusal), refusal)
        except OSError as error:
            # Of a system that refuses what nobody thought of: whoever asked wants a line, and another try.
            text = f"the coordinator can't be opened here: {system_reason(error)}"
            return Obstacle(text, ClusterError(text))
