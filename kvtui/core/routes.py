"""Which links an operation of a slot uses. Cached by placement, thrown away when a link or the topology changes."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from kvtui.core.link import Link
from kvtui.core.naming import any_of, named
from kvtui.core.placement import Placement
from kvtui.core.quorum import write_quorum
from kvtui.core.remote_node import NOT_STARTED, RemoteNode


class Hop(NamedTuple):
    """A node that can be reached now."""

    node: str
    link: Link


@dataclass(frozen=True)
class Route:
    """Who takes part in the operations of all slots with the same placement."""

    clean: tuple[Hop, ...]
    """Members of the clean set that can be reached, in preference order."""
    missing: tuple[str, ...]
    """Members of the clean set that can't."""
    followers: tuple[Hop, ...]
    """Nodes that get every write without counting."""
    behind: tuple[Hop, ...]
    """Those of ``followers`` that are replicas which may lack acknowledged writes."""
    least: int
    """Clean copies without which no write is acknowledged: max(1, W)."""
    because: str = ""
    """Why one of ``missing`` can't be started, which only a person can mend; empty where that is not so."""
    heard: bool = True
    """False: ``missing`` are nodes that may obey another coordinator; nothing is served before all of them are heard."""

    @property
    def waits_for(self) -> str:
        """Why nobody can answer, where that is for want of nodes, and for whom it waits."""
        if not self.heard:
            them = "it obeys" if len(self.missing) == 1 else "they obey"
            return f"it waits for {named(self.missing, len(self.missing))}, until {them} this kvtui and no other one"
        because = f" ({self.because})" if self.because else ""
        return f"no clean replica of it can be reached: it waits for {any_of(self.missing)}{because}"

    @cached_property
    def everyone(self) -> tuple[Hop, ...]:
        return self.clean + self.followers

    @cached_property
    def counting(self) -> frozenset[str]:
        """The nodes whose acknowledgement a write needs."""
        return frozenset(hop.node for hop in self.clean)


class Routes:
    """The routes of the present moment."""

    def __init__(self, nodes: dict[str, RemoteNode]) -> None:
        self._nodes = nodes
        self._known: dict[Placement, Route] = {}

    def of(self, place: Placement, quorum: int) -> Route:
        """The route of a placement, by the links that are open now and the wanted write quorum (0: the default)."""
        route = self._known.get(place)
        if route is None:
            missing = tuple(node for node in place.clean if not self._link(node))
            route = self._known[place] = Route(
                clean=self._hops(place.clean),
                missing=missing,
                followers=self._hops(place.followers),
                behind=self._hops(place.behind),
                least=max(1, write_quorum(len(place.replicas), quorum)),
                because=next((why for node in missing if (why := self._unstarted(node))), ""),
            )
        return route

    def closed(self, place: Placement, quorum: int, granted: Collection[str]) -> Route:
        """The route of a placement of which some nodes may obey another coordinator: nobody is clean until they don't."""
        missing = tuple(node for node in place.counted if node not in granted)
        behind = self._hops(place.clean + place.behind)
        return Route((), missing, (), behind, max(1, write_quorum(len(place.replicas), quorum)), heard=False)

    def forget(self) -> None:
        """A link, a placement or the wanted write quorum changed."""
        self._known.clear()

    def _link(self, node: str) -> Link | None:
        remote = self._nodes.get(node)
        return remote.link if remote else None

    def _unstarted(self, node: str) -> str:
        remote = self._nodes.get(node)
        return remote.ended if remote is not None and remote.ended.startswith(NOT_STARTED) else ""

    def _hops(self, nodes: tuple[str, ...]) -> tuple[Hop, ...]:
        return tuple(Hop(node, link) for node in nodes if (link := self._link(node)) is not None)
