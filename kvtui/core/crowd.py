"""A bounded number of waiting strangers, in which no single address crowds the others out."""

from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """Somebody who waits; told by its own identity."""

    def abort(self) -> None:
        """Stop waiting, at once."""
        ...


W = TypeVar("W", bound=Waiting)


class Crowd(Generic[W]):
    """Who waits, by address. A newcomer always gets in: where it is full, the longest waiting of the most numerous address goes.

    So a flood from one address ends its own connections before anybody else's, and an idle crowd makes way for a
    newcomer of the same address.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._hosts: dict[W, str] = {}
        self._waiting: dict[str, dict[W, None]] = {}

    def __len__(self) -> int:
        return len(self._hosts)

    def enter(self, newcomer: W, host: str) -> str | None:
        """Let ``newcomer`` wait. Returns the address of the one who had to go for it, or None."""
        crowded = self._make_room() if len(self._hosts) >= self._most else None
        self._hosts[newcomer] = host
        self._waiting.setdefault(host, {})[newcomer] = None
        return crowded

    def leave(self, waiting: W) -> None:
        """Forget somebody who waits no more; does nothing for one who is forgotten already."""
        host = self._hosts.pop(waiting, None)
        if host is None:
            return
        mates = self._waiting[host]
        del mates[waiting]
        if not mates:
            del self._waiting[host]

    def disperse(self) -> None:
        """Let nobody wait any more."""
        for waiting in list(self._hosts):
            self.leave(waiting)
            waiting.abort()

    def _make_room(self) -> str:
        host = max(self._waiting, key=lambda host: len(self._waiting[host]))
        oldest = next(iter(self._waiting[host]))
        self.leave(oldest)
        oldest.abort()
        return host
