"""Rebuilding a cluster's metadata log from its nodes, after its state directory was lost: ``kvtui recover``.

Every node keeps a note of who holds what (``kvtui.core.notes``); the newest one that is found is the table. A slot is trusted
only if everybody was found who, as far as that note knows, is or may have become a member of its clean set: one of
them has noted whatever came after. All other slots count as lost until a person accepts it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from kvtui.core.cluster import ClusterError
from kvtui.core.formats import WrittenByNewer
from kvtui.core.notes import NoteDamaged, read_note
from kvtui.core.placement import Placement, union
from kvtui.core.protocol import Facts
from kvtui.core.records import Member
from kvtui.core.topology import Topology, placed_anew
from kvtui.core.version import NEVER

HOME: Final = "rebuilt"
"""The home of a rebuilt log: no directory has it, so that the log's next opening is a cautious one."""


@dataclass(frozen=True, slots=True)
class Found:
    """A node that was found. ``name`` is that of its data directory here; empty for one that runs elsewhere."""

    host: str
    port: int
    facts: Facts
    note: str
    name: str = ""

    @property
    def address(self) -> str:
        return f"data directory {self.name}" if self.name else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The topology to write into a new log. ``lost`` slots have no copy that can be trusted."""

    topology: Topology
    present: tuple[str, ...]
    missing: tuple[str, ...]
    lost: int


def rebuild(found: Sequence[Found], without: Collection[str] = ()) -> Rebuilt:
    """The newest topology that the found nodes know of, going on without the members of those ids.

    Raises ClusterError where nodes belong to no cluster or to several, none has a note, or a member is needed.
    """
    noted = _newest(found)
    members, missing = _present(noted, found)
    strange = sorted(set(without) - set(noted.members))
    if strange:
        raise ClusterError(f"{strange[0]} is no node of this cluster; its nodes: {', '.join(noted.members)}")
    doubtful = {place for place in noted.distinct if _needed(place, noted).intersection(missing)}
    needed = {name for place in doubtful for name in _needed(place, noted) if name in missing} - set(without)
    if needed:
        raise ClusterError(_need(noted, needed, missing))
    places = [_swept(_untrusted(place) if place in doubtful else place, members) for place in noted.places]
    topology = replace(
        placed_anew(noted, places),
        members=members,
        openings=_openings(noted, found),
        # Above all that any node has granted or noted: what they noted is not newer than this log.
        epoch=1 + max(max(node.facts.epoch, node.facts.noted.epoch) for node in found),
        home=HOME,
        ends=(),
    )
    lost = sum(stop - start for start, stop in topology.lost)
    return Rebuilt(topology, tuple(name for name in members if name not in missing), tuple(missing), lost)


def _openings(noted: Topology, found: Sequence[Found]) -> tuple[tuple[int, str], ...]:
    """Whoever a node obeys is known from here on."""
    granted = {(node.facts.epoch, node.facts.coordinator) for node in found}
    return tuple(sorted({*noted.openings, *granted}))


def _newest(found: Sequence[Found]) -> Topology:
    if not found:
        raise ClusterError("no node was found; name their addresses, or give the --state that holds their data")
    lone = next((node for node in found if not node.facts.cluster), None)
    if lone is not None:
        raise ClusterError(f"{lone.address} belongs to no cluster; leave it out")
    clusters = {node.facts.cluster: node for node in found}
    if len(clusters) > 1:
        one, other = list(clusters.values())[:2]
        raise ClusterError(f"{one.address} and {other.address} belong to different clusters; rebuild one at a time")
    by_data: dict[str, Found] = {}
    for node in found:
        twin = by_data.setdefault(node.facts.data_id, node)
        if twin is not node:
            older = min(twin, node, key=lambda one: one.facts.counter)
            raise ClusterError(
                f"{twin.address} and {node.address} hold the same data: one is a copy of the other; leave out the older one,"
                f" {older.address}, and keep it"
            )
    if all(node.facts.noted == NEVER for node in found):
        raise ClusterError("none of the nodes has a note of who holds what; it can't be rebuilt from them")
    for node in sorted(found, key=lambda node: node.facts.noted, reverse=True):
        try:
            topology = read_note(node.note)
        except WrittenByNewer as error:
            raise ClusterError(f"the newest note, of {node.address}, was {error}: rebuild with that one") from None
        except NoteDamaged as error:
            raise ClusterError(f"the newest note, of {node.address}, is damaged: {error}") from None
        # A coordinator on an old copy of the log has a higher epoch, and knows less than what others have noted.
        if not any(topology.outdated_by(other.facts.noted) for other in found):
            return topology
    raise ClusterError("the nodes' notes contradict each other: they are of two logs that went on apart")


def _present(noted: Topology, found: Sequence[Found]) -> tuple[dict[str, Member], dict[str, str]]:
    """The members, where and as they were found; and those that were not, with the reason."""
    by_data = {node.facts.data_id: node for node in found}
    members: dict[str, Member] = {}
    missing: dict[str, str] = {}
    for name, member in noted.members.items():
        node = by_data.get(member.data_id)
        if node is None:
            missing[name] = f"{name} ({member.host}:{member.port}) was not found"
        elif node.facts.counter < member.counter:
            missing[name] = f"{name} ({node.address}) has lost data"
        else:
            member = msgspec.structs.replace(
                member, host=node.host, port=node.port, counter=node.facts.counter, started_here=bool(node.name)
            )
        members[name] = member
    return members, missing


def _needed(place: Placement, noted: Topology) -> frozenset[str]:
    """Who may have heard of what came after the note."""
    return frozenset(place.counted if place.replicas else noted.members)


def _need(noted: Topology, needed: set[str], missing: dict[str, str]) -> str:
    slots = sum(stop - start for start, stop, place in noted.stretches if needed.intersection(_needed(place, noted)))
    reasons = "; ".join(missing[name] for name in sorted(needed))
    flags = " ".join(f"--without {name}" for name in sorted(needed))
    return (
        f"{slots:,} slots may have their newest writes on nodes that are missing: {reasons}. Start them and name their"
        f" addresses, or go on with those slots lost: {flags}"
    )


def _swept(place: Placement, members: Collection[str]) -> Placement:
    """The note may be older than a move that was given up: whoever is no replica may hold something, and is cleared."""
    others = tuple(name for name in members if name not in place.replicas and name not in place.receiving)
    return place._replace(garbage=union(place.garbage, others))


def _untrusted(place: Placement) -> Placement:
    """Nobody is known to be clean; who was to receive the slot may hold a part of it."""
    return Placement(place.replicas, (), (), (), union(place.garbage, place.receiving))
