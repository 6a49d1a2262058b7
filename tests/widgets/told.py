"""Requests and plans made by hand, on the ring of ``frozen.healthy()``."""

from dataclasses import replace

from kvtui.core.change import AddNode, Change, changed
from kvtui.core.cluster import Outcome
from kvtui.core.explanation import Explanation, Holder, Role, Where
from kvtui.core.placement import Placement
from kvtui.core.plan import Known, Plan, plan_of
from kvtui.core.records import Joined, Placed, Planned
from kvtui.core.ring import Balanced, token_of
from kvtui.core.snapshot import NodeState
from kvtui.core.topology import Topology
from kvtui.core.trace import Doubt, Exchange, Purpose
from kvtui.core.version import Version
from tests.core.clusters import after, created, member
from tests.widgets import frozen

AT = Version(4, 1207)
OLDER = Version(4, 1190)


def where(*holders: Holder, needed: int = 2) -> Where:
    """Where ``apple`` is, in a range of 40 slots."""
    token = token_of(b"apple")
    slot = token >> 56
    return Where(b"apple", token, frozen.SLOTS, slot, slot - 25, slot + 15, holders, needed)


CLEAN = tuple(Holder(node, Role.CLEAN, NodeState.UP) for node in "ABC")
PUT = Explanation(
    purpose=Purpose.PUT,
    where=where(*CLEAN[:2], Holder("C", Role.BEHIND, NodeState.DOWN), Holder("D", Role.RECEIVING, NodeState.UP)),
    exchanges=(
        Exchange("A", Purpose.PUT, 0.0, 0.31, "ok", AT),
        Exchange("B", Purpose.PUT, 0.0, 0.44, "ok", AT),
        Exchange("D", Purpose.PUT, 0.0, None, "silent", AT, "not waited for"),
    ),
    outcome=Outcome.OK,
    version=AT,
    milliseconds=0.47,
    size=3,
)
REPAIRED = Explanation(
    purpose=Purpose.GET,
    where=where(*CLEAN),
    exchanges=(
        Exchange("", Purpose.WAIT, 0.0, 0.35, "ok"),
        Exchange("A", Purpose.GET, 0.36, 0.71, "ok", AT),
        Exchange("B", Purpose.GET, 0.36, 0.64, "ok", OLDER),
        Exchange("C", Purpose.GET, 0.36, 0.92, "error", None, "the entry is damaged: its checksum differs"),
        Exchange("B", Purpose.REPAIR, 0.95, 1.32, "ok", AT),
        Exchange("C", Purpose.REPAIR, 1.33, 1.66, "ok", AT),
    ),
    outcome=Outcome.OK,
    version=AT,
    milliseconds=1.71,
    size=3,
    doubts=(Doubt.UNKNOWN, Doubt.UNVERIFIED),
    answered="A",
)
UNKNOWN = replace(
    PUT,
    exchanges=(
        Exchange("A", Purpose.PUT, 0.0, 0.4, "ok", AT),
        Exchange("B", Purpose.PUT, 0.0, None, "silent", AT, "not answered yet"),
    ),
    outcome=Outcome.UNKNOWN,
    milliseconds=5003.1,
    text="it may or may not be stored: B did not answer within 5 s",
)


def topology(nodes: str = "ABC", replication: int = 2) -> Topology:
    """The ring of ``frozen.healthy()``, every replica clean."""
    ring = frozen.ring_of(nodes, replication)
    empty = created(frozen.SLOTS, replication)
    joined = after(empty, *(Joined(member(node)) for node in nodes), Planned(ring.to_record()))
    return after(joined, *(Placed(slot, slot + 1, Placement(on, on)) for slot, on in enumerate(ring.table)))


def plan(change: Change = AddNode("D"), down: str = "", nodes: str = "ABC") -> Plan:  # noqa: B008 - a frozen value
    """What a change of that ring would do, with ``down`` out of reach."""
    states = {node: NodeState.DOWN if node in down else NodeState.UP for node in nodes}
    known = Known(topology(nodes), states, frozen.density_of(10_332), 61.0, 24_000.0)
    return plan_of(known, change, changed(known.topology.planned, change, Balanced()))


def refused(change: Change, why: str) -> Plan:
    """A plan of that ring that can't be made."""
    whole = topology()
    return plan_of(Known(whole, {}), change, whole.planned, why)
