"""What a node says of strangers that it turned away: each kind once an address and minute, then how many more there were."""

from collections.abc import Callable
from enum import Enum
from typing import Final

from kvtui.core.seams.clock import Clock, Timer

WINDOW_SECONDS: Final = 60.0
"""A kind of refusal is told once an address in this time; the others are counted, and told at its end."""
ADDRESSES_MOST: Final = 32
"""Addresses told apart in one window; what the others do is told of all of them together."""
_OTHERS: Final = "other addresses"


class Kind(Enum):
    """Why a connection was turned away before it proved anything."""

    NONE = "a request without the secret"
    WRONG = "a wrong secret"
    REPLAY = "a recorded exchange, replayed"
    RELAYED = "a connection that something relays (its address here is not the one that was meant)"
    SILENT = "a connection that proved nothing in time"
    FLOOD = "too many connections that proved nothing"


class Refusals:
    """Counts refusals and tells of them, in so few lines that nobody can fill a disk or a screen with them."""

    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        """``say`` is given one line at a time."""
        self._clock = clock
        self._say = say
        self._counts: dict[tuple[Kind, str], int] = {}
        self._hosts: set[str] = set()
        self._timer: Timer | None = None

    def note(self, kind: Kind, host: str) -> None:
        """A connection from ``host`` was refused."""
        if host not in self._hosts:
            if len(self._hosts) >= ADDRESSES_MOST:
                host = _OTHERS
            else:
                self._hosts.add(host)
        count = self._counts.get((kind, host), 0)
        self._counts[kind, host] = count + 1
        if not count:
            self._say(f"refused {host}: {kind.value}")
        if self._timer is None:
            self._timer = self._clock.call_later(WINDOW_SECONDS, self.tell)

    def tell(self) -> None:
        """End the window: tell what was only counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counts, self._counts = self._counts, {}
        self._hosts.clear()
        for (kind, host), count in counts.items():
            if count > 1:
                self._say(f"refused {host}: {kind.value}, {count - 1:,} more in {WINDOW_SECONDS:g} s")
