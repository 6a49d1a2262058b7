"""Records a history while clients run."""

from __future__ import annotations

from collections.abc import Callable

from kvtui.check.operation import History, Kind, Operation, Outcome

NANOSECONDS = 1_000_000_000


class Pending:
    """An operation that has begun. ``end`` it once; if it is never ended, the history holds it as unknown."""

    __slots__ = ("_begun", "_recorder", "ended")

    def __init__(self, recorder: Recorder, begun: Operation) -> None:
        self._recorder = recorder
        self._begun = begun
        self.ended: Operation | None = None

    @property
    def operation(self) -> Operation:
        """As it stands: unknown, without end, until it has ended."""
        return self.ended or self._begun

    def end(
        self,
        outcome: Outcome,
        value: str | None = None,
        version: tuple[int, int] | None = None,
        stale: bool = False,
        note: str = "",
    ) -> Operation:
        """Note what the client was told. ``value`` counts for gets only. Raises RuntimeError when it has ended before."""
        if self.ended is not None:
            raise RuntimeError("this operation has ended already: every operation ends once")
        begun = self._begun
        self.ended = Operation(
            begun.process,
            begun.kind,
            begun.key,
            value if begun.kind is Kind.GET else begun.value,
            begun.start,
            self._recorder.tick(),
            Outcome(outcome),
            None if version is None else (version[0], version[1]),
            stale,
            note,
        )
        return self.ended


class Recorder:
    """Collects the operations of all clients in one process.

    ``now`` tells the time in seconds, e.g. ``time.monotonic`` or a virtual clock. Every begin, end and event gets a time strictly
    above the one before it (at least a nanosecond), so that what was recorded one after the other is never taken for
    concurrent, even under a virtual clock that stands still.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ticks: int | None = None
        self._seconds = 0.0
        self._pending: list[Pending] = []
        self._events: list[tuple[float, str]] = []

    def tick(self) -> float:
        """The time now, whole nanoseconds in seconds, above every time given before."""
        ticks = round(self._now() * NANOSECONDS)
        if self._ticks is not None:
            ticks = max(ticks, self._ticks + 1)
            while ticks / NANOSECONDS <= self._seconds:
                # Where a float is coarser than a nanosecond (seconds since 1970), the next float it is.
                ticks += 1
        self._ticks, self._seconds = ticks, ticks / NANOSECONDS
        return self._seconds

    def begin(self, process: int, kind: Kind, key: str, value: str | None = None) -> Pending:
        """Note that a client asks. ``value``: what a put writes; values of one key must differ for the check to be fast."""
        pending = Pending(self, Operation(process, kind, key, value, self.tick(), None, Outcome.UNKNOWN))
        self._pending.append(pending)
        return pending

    def event(self, text: str) -> None:
        """Note something else that happened, such as a fault injected now."""
        self._events.append((self.tick(), text))

    def history(self) -> History:
        """What was recorded so far; what has not ended is unknown."""
        return History(tuple(pending.operation for pending in self._pending), tuple(self._events))
