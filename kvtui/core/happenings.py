"""Events on their way to whoever listens: a bounded past for newcomers, a bounded queue each."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from kvtui.core.events import Event, Level
from kvtui.core.seams.clock import Clock

PAST: Final = 200
"""Events that a new listener is told first."""
QUEUE: Final = 1_000
"""Events that wait for one slow listener; beyond it the oldest go, and it is told how many."""


class _Listener:
    def __init__(self, past: deque[Event]) -> None:
        self.queue: deque[Event] = deque(past, maxlen=QUEUE)
        self.missed = 0
        self.ready = asyncio.Event()
        if self.queue:
            self.ready.set()

    def tell(self, event: Event) -> None:
        if len(self.queue) == QUEUE:
            self.missed += 1
        self.queue.append(event)
        self.ready.set()


class Happenings:
    """Emits events to any number of listeners."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._past: deque[Event] = deque(maxlen=PAST)
        self._listeners: list[_Listener] = []
        self._over = False
        self.overheard: Callable[[str], None] | None = None
        """Told the text of each event as it happens."""

    def emit(self, level: Level, text: str, *nodes: str) -> None:
        """Tell everybody. ``text`` names nodes and outcome, never a value."""
        self.pass_on(Event(self._clock.wall(), level, text, nodes))

    def pass_on(self, event: Event, *, again: bool = True) -> None:
        """Tell everybody of an event that happened elsewhere; not ``again``: unless it is one of the last that were told."""
        if not again and event in self._past:
            return
        self._past.append(event)
        if self.overheard is not None:
            self.overheard(event.text)
        for listener in self._listeners:
            listener.tell(event)

    def end(self) -> None:
        """Nothing more happens: whoever listens comes to an end."""
        self._over = True
        for listener in self._listeners:
            listener.ready.set()

    async def listen(self) -> AsyncIterator[Event]:
        """The last events, then every one to come until ``end``."""
        listener = _Listener(self._past)
        self._listeners.append(listener)
        try:
            while listener.queue or not self._over:
                await listener.ready.wait()
                listener.ready.clear()
                while listener.queue:
                    # Looked at before every event: a gap is told where it is, not after what follows it.
                    if listener.missed:
                        text = f"{listener.missed} events came too fast to be shown"
                        listener.missed = 0
                        yield Event(self._clock.wall(), Level.WARNING, text)
                        continue
                    yield listener.queue.popleft()
        finally:
            self._listeners.remove(listener)
