"""To whom a node belongs: what it persists of itself, and which hello it accepts."""

from dataclasses import dataclass
from typing import Final

import msgspec

from kvtui.core.formats import Reader, Stored
from kvtui.core.protocol import (
    BAD_REQUEST,
    FENCED,
    FOREIGN,
    OTHER_PROTOCOL,
    SLOTS_MOST,
    SUPERSEDED,
    Hello,
    Left,
    other_protocol,
)
from kvtui.core.version import Version
from kvtui.node.record import SEQ_MOST

WIPE: Final = "wipe"
"""In ``Hello.data``: a node that joins deletes the keys of its own."""
KEEP: Final = "keep"
"""In ``Hello.data``: it keeps them, under the versions that it gave them."""
FORMAT: Final = 1
"""Raised when the layout of a data directory changes: its entries, its sums, or what it says of itself."""


class LeftBehind(Left, frozen=True, forbid_unknown_fields=True):
    """As ``Left`` is stored: what a newer kvtui may have added to it is not dropped in silence."""


class Membership(Stored, frozen=True, kw_only=True):
    """What a data directory says of itself. ``cluster`` is empty for a standalone node; ``left`` is the last one that let it go."""

    format: int = FORMAT
    data_id: str
    cluster: str = ""
    coordinator: str = ""
    epoch: int = 0
    slots: int = SLOTS_MOST
    left: LeftBehind | None = None


encode_membership: Final = msgspec.json.Encoder().encode
read_membership: Final = Reader(Membership, FORMAT).read
"""What ``encode_membership`` wrote. Raises WrittenByNewer, and msgspec.DecodeError for what is no JSON."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A session of the coordinator that a node obeys; requests under an older one are refused."""

    cluster: str
    coordinator: str
    epoch: int
    session: int


class Refused(Exception):
    """A request that the node declines: ``code`` for programs, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def admit(own: Membership, hello: Hello, last: Authority | None, held: int) -> Membership:
    """The membership under which ``hello`` is accepted: ``own``, or one that must be persisted before the answer.

    ``last`` is the newest session so far, ``held`` the live and damaged entries of the node. Raises Refused.
    """
    strange = other_protocol(hello.protocol, "this node")
    if strange:
        raise Refused(OTHER_PROTOCOL, f"the coordinator {strange}")
    _check_fields(hello)
    if not own.cluster:
        return _enter(own, hello, held)
    if hello.cluster != own.cluster:
        raise Refused(FOREIGN, f"this node belongs to cluster {own.cluster}, not to {hello.cluster}")
    if hello.slots != own.slots:
        raise Refused(BAD_REQUEST, f"this node's cluster has {own.slots} slots, not {hello.slots}")
    if hello.epoch < own.epoch or (hello.epoch == own.epoch and hello.coordinator != own.coordinator):
        raise Refused(FENCED, f"this node has granted epoch {own.epoch} to coordinator {own.coordinator}")
    if hello.epoch == own.epoch:
        if last is not None and hello.session <= last.session:
            raise Refused(SUPERSEDED, f"session {hello.session} is not above the last one, {last.session}")
        return own
    return msgspec.structs.replace(own, coordinator=hello.coordinator, epoch=hello.epoch)


def refuse_superseded(authority: Authority, current: Authority | None) -> Refused:
    """Why requests under ``authority`` are refused when ``current`` is obeyed."""
    if current is None:
        return Refused(FOREIGN, f"this node has left cluster {authority.cluster}")
    if current.cluster != authority.cluster:
        return Refused(FOREIGN, f"this node belongs to cluster {current.cluster} now")
    if current.epoch > authority.epoch:
        return Refused(FENCED, f"this node has granted epoch {current.epoch} to coordinator {current.coordinator}")
    return Refused(SUPERSEDED, f"session {authority.session} was replaced by session {current.session}")


def _enter(own: Membership, hello: Hello, held: int) -> Membership:
    if not hello.join:
        raise Refused(FOREIGN, f"this node belongs to no cluster, so not to {hello.cluster} either")
    if held and hello.data not in (WIPE, KEEP):
        keys = "1 key" if held == 1 else f"{held:,} keys"
        raise Refused(FOREIGN, f"this node holds {keys} of its own; only an empty one can join cluster {hello.cluster}")
    return Membership(
        data_id=own.data_id,
        cluster=hello.cluster,
        coordinator=hello.coordinator,
        epoch=hello.epoch,
        slots=hello.slots,
        left=own.left,
    )


def released(own: Membership, data_id: str, noted: Version) -> Membership:
    """The membership of a node that was let go by a coordinator whose log had got so far. ``data_id`` is its new one."""
    left = LeftBehind(own.cluster, own.data_id, own.coordinator, noted) if own.cluster else own.left
    return Membership(data_id=data_id, left=left)


def _check_fields(hello: Hello) -> None:
    if not hello.coordinator:
        raise Refused(BAD_REQUEST, "a hello for a cluster must name its coordinator")
    if not 1 <= hello.epoch <= SEQ_MOST:
        raise Refused(BAD_REQUEST, f"epoch {hello.epoch} is not between 1 and 2^63 - 1")
    if not 1 <= hello.session <= SEQ_MOST:
        raise Refused(BAD_REQUEST, f"session {hello.session} is not between 1 and 2^63 - 1")
    if not 1 <= hello.slots <= SLOTS_MOST or hello.slots & (hello.slots - 1):
        raise Refused(
            BAD_REQUEST, f"the number of slots must be a power of two up to {SLOTS_MOST:,}, not {hello.slots}"
        )
