"""One request as a person can follow it: key, token, slot, replicas, what each answered, and why the end counts. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kvtui.core.cluster import Outcome, Read, ReplicaAnswer, Written
from kvtui.core.placement import Placement, without
from kvtui.core.quorum import write_quorum
from kvtui.core.ring import slot_of, token_of
from kvtui.core.snapshot import NodeState
from kvtui.core.topology import Topology
from kvtui.core.trace import SILENT, UNASKED, Doubt, Exchange, Purpose
from kvtui.core.version import NEVER, Version


class Role(StrEnum):
    """What a node is to a slot."""

    CLEAN = "clean"
    """It holds every acknowledged write: its answer counts."""
    BEHIND = "behind"
    """It may lack acknowledged writes: it gets every write, and counts for none."""
    RECEIVING = "receiving"
    """It is being filled, and will be a replica."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One node of the preference list, or one that will be."""

    node: str
    role: Role
    state: NodeState


@dataclass(frozen=True, slots=True)
class Where:
    """Where a key is, as the request found it."""

    key: bytes
    token: int
    slots: int
    """Slots of the whole ring."""
    slot: int
    start: int
    stop: int
    """The slots ``start`` up to but without ``stop`` have the same replicas: the key's range."""
    holders: tuple[Holder, ...]
    """The preference list, first replica first; then who is being filled."""
    needed: int
    """Clean copies without which no write is acknowledged (W)."""

    @property
    def position(self) -> float:
        """The token's place on the ring, 0..1."""
        return self.token / 2**64

    @property
    def clean(self) -> tuple[str, ...]:
        """The clean set (S)."""
        return tuple(holder.node for holder in self.holders if holder.role is Role.CLEAN)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A request, carried out. It holds no value, only its size."""

    purpose: Purpose
    where: Where
    exchanges: tuple[Exchange, ...]
    """Who was asked, in the order in which it began."""
    outcome: Outcome
    version: Version
    milliseconds: float
    size: int | None
    """Bytes of the value that was stored or read; None for none."""
    doubts: tuple[Doubt, ...] = ()
    """Why a get asked all of the clean set, if it did."""
    answered: str = ""
    """The node whose answer a get gave."""
    left: tuple[str, ...] = ()
    """Nodes that a write recorded as behind before it went on without them."""
    existed: bool = True
    """For a delete: whether a value was there."""
    stale: bool = False
    text: str = ""
    """Why it isn't OK."""

    @property
    def stored(self) -> tuple[str, ...]:
        """Clean replicas that answered that they have what was written."""
        told = {exchange.node for exchange in self.exchanges if exchange.status not in (SILENT, "error")}
        return tuple(node for node in self.where.clean if node in told)

    @property
    def repaired(self) -> tuple[str, ...]:
        """Replicas that got the version that was read, since theirs was older."""
        return tuple(exchange.node for exchange in self.exchanges if exchange.purpose is Purpose.REPAIR)


def where(topology: Topology, states: Mapping[str, NodeState], key: bytes) -> Where:
    """Where a key is at this moment; a node without a state is DOWN."""
    token, slots = token_of(key), len(topology.places)
    slot = slot_of(token, slots)
    place = topology.places[slot]
    start, stop = next(((low, high) for low, high, _ in topology.stretches if low <= slot < high), (slot, slot + 1))
    holders = tuple(
        Holder(node, _role(place, node), states.get(node, NodeState.DOWN)) for node in place.replicas + place.receiving
    )
    needed = max(1, write_quorum(len(place.replicas), topology.quorum))
    return Where(key, token, slots, slot, start, stop, holders, needed)


def explained_write(
    purpose: Purpose,
    before: Where,
    after: tuple[str, ...],
    written: Written,
    size: int | None,
    milliseconds: float,
) -> Explanation:
    """A put or delete that ended so; ``before`` is where it found the key, ``after`` the clean set that it left."""
    told = {answer.node: answer for answer in written.replicas + written.receiving}
    exchanges = [
        _exchange(purpose, told[holder.node], written.version, holder)
        for holder in before.holders
        if holder.node in told and told[holder.node].status != UNASKED and holder.state is not NodeState.DOWN
    ]
    return Explanation(
        purpose=purpose,
        where=before,
        exchanges=tuple(exchanges),
        outcome=written.outcome,
        version=written.version,
        milliseconds=milliseconds,
        size=size,
        left=without(before.clean, after),
        existed=written.existed,
        text=written.text,
    )


def explained_read(
    before: Where, exchanges: Sequence[Exchange], doubts: Sequence[Doubt], read: Read, milliseconds: float
) -> Explanation:
    """A get that ended so."""
    return Explanation(
        purpose=Purpose.GET,
        where=before,
        exchanges=tuple(exchanges),
        outcome=read.outcome,
        version=read.version,
        milliseconds=milliseconds,
        size=None if read.value is None else len(read.value),
        doubts=tuple(doubts),
        answered=read.node,
        stale=read.stale,
        text=read.text,
    )


def reasons(explanation: Explanation) -> list[str]:
    """Why the outcome is what it is, in sentences."""
    if explanation.stale:
        return [f"No clean replica could be asked: {explanation.answered} may lack newer writes, hence stale."]
    if explanation.outcome is not Outcome.OK:
        unknown = ["Some replica may hold it: the next get asks all of S."] if _is_unknown(explanation) else []
        return [_sentence(explanation.text, [holder.node for holder in explanation.where.holders]), *unknown]
    return _read_reasons(explanation) if explanation.purpose is Purpose.GET else _write_reasons(explanation)


def _write_reasons(explanation: Explanation) -> list[str]:
    clean = [node for node in explanation.where.clean if node not in explanation.left]
    copies = "clean replica (S) has" if len(clean) == 1 else "clean replicas (S) have"
    what = "the tombstone" if explanation.purpose is Purpose.DELETE else "it"
    said = [f"{len(explanation.stored)} of {len(clean)} {copies} {what}; a write needs {explanation.where.needed} (W)."]
    if explanation.left:
        missed = ", ".join(explanation.left)
        said.append(f"{missed} missed it, and was recorded as behind before it was acknowledged.")
    for holder in explanation.where.holders:
        if holder.role is Role.BEHIND and holder.state is NodeState.DOWN:
            said.append(
                f"{holder.node} is down: it was not asked. It is behind, and does not count until it is made equal."
            )
        elif holder.role is Role.BEHIND:
            said.append(f"{holder.node} is behind: it does not count until it is made equal.")
    return said


def _read_reasons(explanation: Explanation) -> list[str]:
    if not explanation.doubts:
        enough = f"{explanation.answered} has every acknowledged write (it is clean): one answer is enough."
        down = [holder.node for holder in explanation.where.holders if holder.state is NodeState.DOWN]
        return [enough, *(f"{node} is down: it was not asked." for node in down)]
    said = ["All clean replicas (S) were asked; the newest version is the answer."]
    if explanation.repaired:
        older = ", ".join(explanation.repaired)
        said.append(f"{older} had an older one: the newest was written back first.")
    return said


def _exchange(purpose: Purpose, answer: ReplicaAnswer, version: Version, holder: Holder) -> Exchange:
    if answer.status == SILENT and not answer.milliseconds:
        waited = answer.text if holder.role is Role.CLEAN else "not waited for"
        return Exchange(answer.node, purpose, 0.0, None, SILENT, version, waited)
    stored = None if answer.status in (SILENT, "error") else version
    return Exchange(answer.node, purpose, 0.0, answer.milliseconds, answer.status, stored, answer.text)


def _role(place: Placement, node: str) -> Role:
    if node in place.receiving:
        return Role.RECEIVING
    return Role.CLEAN if node in place.clean else Role.BEHIND


def _is_unknown(explanation: Explanation) -> bool:
    return explanation.outcome is Outcome.UNKNOWN and explanation.version != NEVER


def _sentence(text: str, names: Sequence[str]) -> str:
    """A sentence; what begins with a node's name begins as that is written."""
    text = text or "no reason was given"
    begin = text[:1] if text.startswith(tuple(names)) else text[:1].upper()
    return f"{begin}{text[1:]}{'' if text.endswith('.') else '.'}"
