"""The metadata log's records: each is one durable change of the topology, written and synced before it acts."""

from typing import Final

import msgspec

from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.ring import RingRecord

Runs = list[tuple[int, int]]
"""Half-open runs of slots."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the cluster. ``data_id`` and ``counter`` are its data's life and write counter when last recorded."""

    id: str
    host: str
    port: int
    data_id: str = ""
    counter: int = 0
    started_here: bool = False
    leaving: bool = False
    replaced: int = 0
    """Its weight, once it was away for so long that it was replaced; 0: it was not."""


class Created(msgspec.Struct, tag="created", frozen=True):
    """The first record of every log."""

    cluster: str
    name: str
    ring: RingRecord


class Opened(msgspec.Struct, tag="opened", frozen=True):
    """A coordinator took over with an epoch above every earlier one. ``home`` tells the place of its log from places of copies."""

    epoch: int
    coordinator: str
    home: str = ""
    before: tuple[tuple[int, str], ...] = ()
    """(epoch, coordinator) of earlier openings, in a log that is written anew."""
    ends: tuple[tuple[int, int], ...] = ()
    """How far the log had got at each opening since its members last obeyed all at once, oldest first; empty once they do."""


class Joined(msgspec.Struct, tag="joined", frozen=True):
    """A node is a member from here on; it holds nothing yet."""

    member: Member


class Seen(msgspec.Struct, tag="seen", frozen=True):
    """A member's address, data id or state of leaving changed."""

    member: Member


class Counted(msgspec.Struct, tag="counted", frozen=True):
    """A node's write counter has got so far. Nothing else changed: no node needs to note it."""

    node: str
    counter: int


class Forgotten(msgspec.Struct, tag="forgotten", frozen=True):
    """A node is no member any more."""

    node: str


class Planned(msgspec.Struct, tag="planned", frozen=True):
    """The ring that placement works towards."""

    ring: RingRecord


class Placed(msgspec.Struct, tag="placed", frozen=True):
    """Slots are as ``place`` says: slots that hold nothing get their replicas at once, and a rewritten log tells its sum."""

    start: int
    stop: int
    place: Placement


class Dual(msgspec.Struct, tag="dual", frozen=True):
    """A move begins (DUAL): writes go to the newcomers of ``target`` as well, until CutOver. Replaces an unfinished move."""

    start: int
    stop: int
    target: tuple[str, ...]


class CutOver(msgspec.Struct, tag="cutover", frozen=True):
    """The newcomers verified: ``target`` serves the slots, who left them holds garbage (CLEANUP)."""

    start: int
    stop: int


class Cleaned(msgspec.Struct, tag="cleaned", frozen=True):
    """A node that left slots has removed their entries."""

    node: str
    start: int
    stop: int


class Behind(msgspec.Struct, tag="behind", frozen=True):
    """From here on writes of these slots are acknowledged without the node: it leaves their clean sets."""

    node: str
    runs: Runs


class Recovered(msgspec.Struct, tag="recovered", frozen=True):
    """The node verified against the clean set and is a member of it again."""

    node: str
    start: int
    stop: int


class Wiped(msgspec.Struct, tag="wiped", frozen=True):
    """The node came back without its data: it holds no clean copy of anything."""

    node: str
    data_id: str
    counter: int


class LossAccepted(msgspec.Struct, tag="loss_accepted", frozen=True):
    """A person gave up what slots without a clean copy held: their replicas in ``clean`` serve what is left.

    None: the slots begin anew, empty, and whatever a node still holds of them is garbage.
    """

    start: int
    stop: int
    clean: tuple[str, ...]


class Tuned(msgspec.Struct, tag="tuned", frozen=True):
    """The wanted write quorum (0: the default for the number of replicas), the mode of reads, and how many keys a second may be
    copied between nodes (0: any number)."""

    quorum: int
    reads: ReadMode
    throttle: int = 0


Record = (
    Created
    | Opened
    | Joined
    | Seen
    | Counted
    | Forgotten
    | Planned
    | Placed
    | Dual
    | CutOver
    | Cleaned
    | Behind
    | Recovered
    | Wiped
    | LossAccepted
    | Tuned
)

encode_record: Final = msgspec.json.Encoder().encode
decode_record: Final = msgspec.json.Decoder(Record).decode
"""Raises msgspec.DecodeError."""
