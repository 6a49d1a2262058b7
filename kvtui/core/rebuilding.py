"""Rebuilding a cluster's metadata log from its nodes, after its state directory was lost: ``kvtui recover``.

Every node keeps a note of who holds what (``kvtui.core.notes``). Which of those that are found says who holds a slot is decided for
each slot by itself (``kvtui.core.testimony``): on one node may be the newest word of a coordinator that was superseded everywhere
else. A slot of which that can't be said counts as lost until a person accepts it. Members, the planned ring and settings come from
the newest note that decides anything.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Final

import msgspec

from kvtui.core.cluster import ClusterError
from kvtui.core.formats import WrittenByNewer
from kvtui.core.notes import NoteDamaged, read_note
from kvtui.core.placement import Placement, union
from kvtui.core.protocol import Facts
from kvtui.core.records import Member
from kvtui.core.testimony import Account, Finding, Opening, Testimony, Witness
from kvtui.core.topology import OPENINGS_KEPT, Topology, placed_anew
from kvtui.core.version import NEVER
from kvtui.notation import brief

HOME: Final = "rebuilt"
"""The home of a rebuilt log: no directory has it, so that the log's next opening is a cautious one."""


@dataclass(frozen=True, slots=True)
class Found:
    """A node that was found. ``name`` is that of its data directory here; empty for one that runs elsewhere. ``damaged``: it has a
    note, and can't read it."""

    host: str
    port: int
    facts: Facts
    note: str
    name: str = ""
    damaged: bool = False

    @property
    def address(self) -> str:
        return f"data directory {self.name}" if self.name else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The topology to write into a new log. ``lost`` slots have no copy that can be trusted; of ``disputed`` ones among them, which
    coordinator served them last can't be said."""

    topology: Topology
    present: tuple[str, ...]
    missing: tuple[str, ...]
    lost: int
    disputed: int = 0


def rebuild(found: Sequence[Found], without: Collection[str] = ()) -> Rebuilt:
    """What the found nodes know of, put together slot by slot, going on without the members of those ids.

    Raises ClusterError where nodes belong to no cluster or to several, none has a note, or a member is needed.
    """
    _check(found)
    accounts, witnesses, reasons = _heard(found)
    testimony = Testimony(accounts, witnesses)
    findings = [testimony.of(slot) for slot in range(len(accounts[0].topology.places))]
    known = {name for account in accounts for name in account.topology.members}
    strange = sorted(set(without) - known)
    if strange:
        raise ClusterError(f"{brief(strange[0])} is no node of this cluster; its nodes: {', '.join(sorted(known))}")
    if any(set(finding.missing).difference(without) for finding in findings):
        raise ClusterError(_need(findings, without, reasons))
    base = next((one for one in accounts if any(f.account is one and f.decides for f in findings)), accounts[0])
    lives = _Lives(accounts, witnesses)
    members = {
        data_id: msgspec.structs.replace(base.topology.members[name], data_id=data_id)
        for name, data_id in lives.of(base, base.topology.members).items()
    }
    placed = [_by_data(finding, slot, lives) for slot, finding in enumerate(findings)]
    for finding, place in zip(findings, placed, strict=True):
        _add_members(members, finding, place, accounts)
    members = _as_found(members, found, witnesses)
    names = {data_id: member.id for data_id, member in members.items()}
    topology = replace(
        placed_anew(base.topology, [_swept(_by_name(place, names), names.values()) for place in placed]),
        members={member.id: member for member in members.values()},
        openings=_openings(accounts, found),
        # Above all that any node has granted or noted: what they noted is not newer than this log.
        epoch=1 + max(max(node.facts.epoch, node.facts.noted.epoch) for node in found),
        home=HOME,
        ends=_ends(found),
    )
    return Rebuilt(
        topology,
        tuple(name for data_id, name in names.items() if data_id in witnesses),
        tuple(name for data_id, name in names.items() if data_id not in witnesses),
        lost=sum(stop - start for start, stop in topology.lost),
        disputed=sum(finding.disputed for finding in findings),
    )


def _check(found: Sequence[Found]) -> None:
    """Raise ClusterError unless they are different nodes of one cluster, at least one of which has a note."""
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
    if all(node.facts.noted == NEVER and not node.damaged for node in found):
        raise ClusterError("none of the nodes has a note of who holds what; it can't be rebuilt from them")


def _heard(found: Sequence[Found]) -> tuple[list[Account], dict[str, Witness], dict[str, str]]:
    """The newest account of each coordinator, newest first; the nodes that are whole, by the id of their data; why others are not.

    Raises ClusterError where no note can be read, or one is of a newer kvtui.
    """
    own: dict[str, Account | None] = {}
    reasons: dict[str, str] = {}
    for node in found:
        try:
            own[node.facts.data_id] = _account(node)
        except NoteDamaged as error:
            reasons[node.facts.data_id] = f"{node.address} has a damaged note ({error})"
    newest: dict[Opening, Account] = {}
    counters: dict[str, int] = {}
    for account in own.values():
        if account is None:
            continue
        if account.noted > newest.get(account.opening, account).noted or account.opening not in newest:
            newest[account.opening] = account
        for member in account.topology.members.values():
            counters[member.data_id] = max(member.counter, counters.get(member.data_id, 0))
    if not newest:
        raise ClusterError(f"{next(iter(reasons.values()))}, and no other node has one: it can't be rebuilt from them")
    for node in found:
        if node.facts.counter < counters.get(node.facts.data_id, 0):
            reasons[node.facts.data_id] = f"{node.address} has lost data"
    witnesses = {
        node.facts.data_id: Witness((node.facts.epoch, node.facts.coordinator), own[node.facts.data_id])
        for node in found
        if node.facts.data_id not in reasons
    }
    return sorted(newest.values(), key=lambda account: account.noted, reverse=True), witnesses, reasons


def _account(node: Found) -> Account | None:
    """What its own note says; None where it has none. Raises NoteDamaged, and ClusterError for what a newer kvtui wrote."""
    if node.damaged:
        raise NoteDamaged("it fails its checksum")
    if node.facts.noted == NEVER:
        return None
    try:
        return Account(read_note(node.note), node.facts.noted)
    except WrittenByNewer as error:
        raise ClusterError(f"the note of {node.address} was {error}: rebuild with that one") from None


def _need(findings: Sequence[Finding], without: Collection[str], reasons: Mapping[str, str]) -> str:
    """Which members must be found, or given up by name."""
    wanting = [finding for finding in findings if set(finding.missing).difference(without)]
    named: dict[str, str] = {}
    for finding in dict.fromkeys(wanting):
        for name in sorted(set(finding.missing).difference(without)):
            member = finding.account.topology.members[name]
            reason = reasons.get(member.data_id)
            named[name] = f"{name}: {reason}" if reason else f"{name} ({member.host}:{member.port}) was not found"
    flags = " ".join(f"--without {name}" for name in sorted(named))
    return (
        f"{len(wanting):,} slots may have their newest writes on nodes that are missing:"
        f" {'; '.join(named[name] for name in sorted(named))}. Start them and name their addresses, or go on with those slots"
        f" lost: {flags}"
    )


class _Lives:
    """What the data of a node is: of one that was not found as a note has it, whatever a node of its name has been found to have
    since, if any has. It was wiped then."""

    def __init__(self, accounts: Sequence[Account], witnesses: Collection[str]) -> None:
        self.found = witnesses
        self._since = {
            member.id: member.data_id
            for account in reversed(accounts)
            for member in account.topology.members.values()
            if member.data_id in witnesses
        }

    def of(self, account: Account, nodes: Iterable[str]) -> dict[str, str]:
        """The ids of data, by the names that the account gives to the nodes."""
        ids = {node: account.topology.members[node].data_id for node in nodes if node in account.topology.members}
        return {node: own if own in self.found else self._since.get(node, own) for node, own in ids.items()}


def _by_data(finding: Finding, slot: int, lives: _Lives) -> Placement:
    """Where the slot's entries are, by the ids of nodes' data. Where nothing is decided nobody is known to be clean; whoever may
    hold a part of it is a replica, so that ``accept-loss`` serves that too, and nobody is emptied of what may be the last copy.
    What one account calls garbage may be such a part."""

    def ids(account: Account, nodes: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(lives.of(account, nodes).values()))

    place = finding.account.topology.places[slot]
    if finding.decides:
        return Placement(*(ids(finding.account, nodes) for nodes in place))
    replicas = ids(finding.account, place.replicas + place.receiving)
    for account in finding.doubtful:
        other = account.topology.places[slot]
        held = ids(account, other.replicas + other.receiving)
        replicas = union(replicas, tuple(data_id for data_id in held if data_id in lives.found))
    return Placement(replicas)


def _add_members(members: dict[str, Member], finding: Finding, place: Placement, accounts: Sequence[Account]) -> None:
    """Whoever is known to be clean, and whoever may hold a part of what is lost, is a member, though the newest note that decides
    anything does not count it as one: a slot without any would look empty."""
    wanted = place.counted if finding.decides else place.replicas
    for data_id in wanted:
        if data_id not in members:
            one = next(
                m for a in (finding.account, *accounts) for m in a.topology.members.values() if m.data_id == data_id
            )
            taken = {member.id for member in members.values()}
            free = next(
                name for name in chain([one.id], (f"{one.id}-{number}" for number in count(2))) if name not in taken
            )
            members[data_id] = msgspec.structs.replace(one, id=free)


def _as_found(members: Mapping[str, Member], found: Sequence[Found], witnesses: Collection[str]) -> dict[str, Member]:
    """The members, where and as they were found."""
    there = {node.facts.data_id: node for node in found if node.facts.data_id in witnesses}
    return {
        data_id: member
        if data_id not in there
        else msgspec.structs.replace(
            member,
            host=there[data_id].host,
            port=there[data_id].port,
            counter=there[data_id].facts.counter,
            started_here=bool(there[data_id].name),
        )
        for data_id, member in members.items()
    }


def _by_name(place: Placement, names: Mapping[str, str]) -> Placement:
    """The placement in the names of the members. A move towards one that is none is not gone on with: its newcomers are swept."""
    named = Placement(*(tuple(names[data_id] for data_id in nodes if data_id in names) for nodes in place))
    if len(named.target) < len(place.target):
        return named._replace(receiving=(), target=())
    return named


def _swept(place: Placement, members: Iterable[str]) -> Placement:
    """The note may be older than a move that was given up: whoever is no replica may hold something, and is cleared."""
    others = tuple(name for name in members if name not in place.replicas and name not in place.receiving)
    return place._replace(garbage=union(place.garbage, others))


def _openings(accounts: Iterable[Account], found: Iterable[Found]) -> tuple[Opening, ...]:
    """Whoever a node obeys, or any note knows of, is known from here on."""
    granted = {(node.facts.epoch, node.facts.coordinator) for node in found}
    before = {opening for account in accounts for opening in (*account.topology.openings, account.opening)}
    return tuple(sorted(before | granted))[-OPENINGS_KEPT:]


def _ends(found: Iterable[Found]) -> tuple[tuple[int, int], ...]:
    """How far the nodes had noted each epoch when they were asked: one that notes more before it obeys the rebuilt log proves that
    another coordinator went on meanwhile."""
    ends: dict[int, int] = {}
    for node in found:
        if node.facts.noted != NEVER:
            ends[node.facts.noted.epoch] = max(node.facts.noted.seq, ends.get(node.facts.noted.epoch, 0))
    return tuple(sorted(ends.items()))
