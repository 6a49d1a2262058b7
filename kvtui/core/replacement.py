"""Down is not removed: but a node that stays away past a grace period is replaced, and may come back, empty.

Replaced, it is no part of the plan any more: its slots are copied from the clean replicas that are left to other nodes. It stays a
member, and what it holds is garbage there until it comes back, is emptied, and is planned in again.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.records import Planned, Seen
from kvtui.core.seams.clock import Clock
from kvtui.core.topology import Topology

LOOK_SECONDS: Final = 1.0
"""How often it is looked who is away."""


def overdue(topology: Topology, usable: Collection[str], away: Mapping[str, float], grace: float) -> str | None:
    """The next member to replace; ``away`` says for how many seconds each can't be reached. None: nobody, or it would not help.

    It helps only if as many others are left as there are to be copies. And where half of the members or more can't be reached it
    is rather this coordinator that is cut off.
    """
    planned = [member.id for member in topology.members.values() if member.id in topology.planned.weights]
    left = [name for name in planned if name in usable]
    if len(left) < topology.planned.replication or len(left) * 2 <= len(planned):
        return None
    return next((name for name in planned if name not in usable and away.get(name, 0.0) >= grace), None)


class Replacement:
    """Watches who is away, for as long as ``run`` runs."""

    def __init__(self, ledger: Ledger, clock: Clock, happenings: Happenings, grace: float) -> None:
        """``grace`` is in seconds; 0: nobody is ever replaced."""
        self._ledger = ledger
        self._clock = clock
        self._happenings = happenings
        self._grace = grace
        self._gone: dict[str, tuple[int, float]] = {}
        """Of who is away: how often it was lost by then, and since when that is known."""

    async def run(self) -> None:
        """Replace who is overdue and take back who returned, for ever."""
        while not self._ledger.stopped:
            self.look()
            await self._clock.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Once."""
        now = self._clock.monotonic()
        usable = {node.id for node in self._ledger.nodes.values() if node.usable}
        names = self._ledger.topology.members
        self._gone = {name: self._gone_since(name, now) for name in names if name not in usable}
        for name in usable:
            if name in names and names[name].replaced:
                self._take_back(name)
        if self._grace and not self._ledger.cautious:
            away = {name: now - since for name, (_, since) in self._gone.items()}
            late = overdue(self._ledger.topology, usable, away, self._grace)
            if late is not None:
                self._replace(late)

    def _gone_since(self, name: str, now: float) -> tuple[int, float]:
        """One that was back between two looks, however shortly, is away anew."""
        node = self._ledger.nodes.get(name)
        losses = 0 if node is None else node.losses
        known = self._gone.get(name)
        return known if known is not None and known[0] == losses else (losses, now)

    def _replace(self, name: str) -> None:
        topology = self._ledger.topology
        weight = topology.planned.weights[name]
        member = msgspec.structs.replace(topology.members[name], replaced=weight)
        if self._ledger.record(Seen(member), Planned(topology.planned.leave(name).to_record())):
            text = f"{name} has been away for {self._grace:g} s: its slots are copied to the other nodes"
            self._happenings.emit(Level.WARNING, text, name)

    def _take_back(self, name: str) -> None:
        topology = self._ledger.topology
        member = topology.members[name]
        if member.leaving:
            return
        back = msgspec.structs.replace(member, replaced=0)
        if self._ledger.record(Seen(back), Planned(topology.planned.join(name, member.replaced).to_record())):
            self._happenings.emit(Level.GOOD, f"{name} is back after it was replaced, and gets its share again", name)
