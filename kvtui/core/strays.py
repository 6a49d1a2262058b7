"""What a node holds of slots that are none of its own: a coordinator beside this one gave it that, unknown to this log."""

from collections.abc import Iterable
from itertools import islice

from kvtui.core.catch_up import ask
from kvtui.core.link import Link
from kvtui.core.placement import Placement
from kvtui.core.protocol import BATCH_ENTRIES, Counts
from kvtui.core.records import Runs
from kvtui.core.topology import Topology


def none_of_its_own(topology: Topology, node: str) -> Runs:
    """The runs of slots of which a node is to hold nothing, and is not known to hold anything."""

    def foreign(place: Placement) -> bool:
        return node not in place.replicas + place.receiving + place.garbage

    return topology.runs(foreign)


async def strays(topology: Topology, node: str, link: Link) -> Runs:
    """Those of them in which it holds something all the same. Raises StepFailed, LinkLost, LinkFull."""
    found: Runs = []
    runs = iter(none_of_its_own(topology, node))
    while some := list(islice(runs, BATCH_ENTRIES)):
        live = await ask(node, link, Counts(ranges=some))
        dead = await ask(node, link, Counts(ranges=some, tombstones=True))
        found += _filled(some, live.counts or [], dead.counts or [])
    return found


def _filled(runs: Runs, live: Iterable[int], dead: Iterable[int]) -> Runs:
    return [run for run, *counts in zip(runs, live, dead, strict=True) if any(counts)]
