"""Plans changes with what the cluster knows now. Changes nothing."""

from collections.abc import Sequence
from typing import Final

from kvtui.core.change import Change, SetPolicy, changed
from kvtui.core.copy_rate import CopyRate
from kvtui.core.ledger import Ledger
from kvtui.core.link import LinkFull, LinkLost
from kvtui.core.plan import Known, Plan, plan_of
from kvtui.core.protocol import ERROR, Scan, from_blob
from kvtui.core.refusals import refusal
from kvtui.core.seams.clock import Clock
from kvtui.core.tuning import policy_of

SAMPLED: Final = 200
"""Entries whose sizes stand for all."""


class Planning:
    """Answers ``Plans.plan``."""

    def __init__(self, ledger: Ledger, clock: Clock, rate: CopyRate) -> None:
        self._ledger = ledger
        self._clock = clock
        self._rate = rate

    async def plan(self, change: Change, density: Sequence[int]) -> Plan:
        """``density`` counts the distinct keys of equal parts of the ring."""
        entry_bytes = await self._entry_bytes()
        # From here on nothing waits: topology, states and ring are of one moment.
        topology, now = self._ledger.topology, self._clock.monotonic()
        states = {node.id: node.observed_state(now) for node in self._ledger.nodes.values()}
        known = Known(topology, states, density, entry_bytes, self._rate.at_most(topology.throttle))
        refused = refusal(topology, states, sum(density), change)
        ring = topology.planned
        if not refused:
            policy = policy_of(change.policy, change.vnodes) if isinstance(change, SetPolicy) else ring.policy
            ring = changed(ring, change, policy)
        return plan_of(known, change, ring, refused)

    async def _entry_bytes(self) -> float | None:
        """The mean size of the first entries in ring order, which is a random sample, on one node that can be asked."""
        for node in list(self._ledger.nodes.values()):
            request = Scan(start=0, stop=len(self._ledger.topology.places), limit=SAMPLED, values=False)
            try:
                reply = await node.ask(request)
            except (LinkLost, LinkFull):
                continue
            live = [entry for entry in reply.entries or [] if entry.size >= 0]
            if reply.status != ERROR and live:
                return sum(len(from_blob(entry.key)) + entry.size for entry in live) / len(live)
        return None
