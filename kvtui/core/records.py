"""The metadata log's records: each is one durable change of the topology, written and synced before it acts.

Nodes keep records as well, in their notes (``kvtui.core.notes``): one format for both.
"""

from typing import Final

import msgspec

from kvtui.core.formats import Reader, Stored
from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.ring import RingRecord

FORMAT: Final = 2
"""Raised with each kind of record, field or value that an older kvtui does not know. ``Opened`` says it: all records that follow
are of a coordinator that writes this format."""

Runs = list[tuple[int, int]]
"""Half-open runs of slots."""


class Member(Stored, frozen=True, kw_only=True):
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


class Created(Stored, frozen=True, tag="created"):
    """The first record of every log."""

    cluster: str
    name: str
    ring: RingRecord
    format: int = FORMAT


class Opened(Stored, frozen=True, tag="opened"):
    """A coordinator took over with an epoch above every earlier one. ``home`` tells the place of its log from places of copies."""

    epoch: int
    coordinator: str
    home: str = ""
    before: tuple[tuple[int, str], ...] = ()
    """(epoch, coordinator) of earlier openings, in a log that is written anew."""
    ends: tuple[tuple[int, int], ...] = ()
    """How far the log had got at each opening since its members last obeyed all at once, oldest first; empty once they do."""
    format: int = FORMAT


class Joined(Stored, frozen=True, tag="joined"):
    """A node is a member from here on; it holds nothing yet."""

    member: Member


class Seen(Stored, frozen=True, tag="seen"):
    """A member's address, data id or state of leaving changed."""

    member: Member


class Counted(Stored, frozen=True, tag="counted"):
    """A node's write counter has got so far. Nothing else changed: no node needs to note it."""

    node: str
    counter: int


class Forgotten(Stored, frozen=True, tag="forgotten"):
    """A node is no member any more."""

    node: str


class Planned(Stored, frozen=True, tag="planned"):
    """The ring that placement works towards."""

    ring: RingRecord


class Placed(Stored, frozen=True, tag="placed"):
    """Slots are as ``place`` says: slots that hold nothing get their replicas at once, and a rewritten log tells its sum."""

    start: int
    stop: int
    place: Placement


class Dual(Stored, frozen=True, tag="dual"):
    """A move begins (DUAL): writes go to the newcomers of ``target`` as well, until CutOver. Replaces an unfinished move."""

    start: int
    stop: int
    target: tuple[str, ...]


class CutOver(Stored, frozen=True, tag="cutover"):
    """The newcomers verified: ``target`` serves the slots, who left them holds garbage (CLEANUP)."""

    start: int
    stop: int


class Cleaned(Stored, frozen=True, tag="cleaned"):
    """A node that left slots has removed their entries."""

    node: str
    start: int
    stop: int


class Behind(Stored, frozen=True, tag="behind"):
    """From here on writes of these slots are acknowledged without the node: it leaves their clean sets."""

    node: str
    runs: Runs


class Returning(Stored, frozen=True, tag="returning"):
    """The node is to be made equal in these slots, in which it is behind: it may count from some moment on. Whoever has noted that
    takes no older table for the newest."""

    node: str
    runs: Runs


class Recovered(Stored, frozen=True, tag="recovered"):
    """The node verified against the clean set and is a member of it again."""

    node: str
    start: int
    stop: int


class Wiped(Stored, frozen=True, tag="wiped"):
    """The node came back without its data, or with other data: it holds no clean copy of anything.

    ``empty``: it was seen to hold nothing at all. Earlier versions did not look and wrote no such field: they took it for granted,
    so that their logs are read as what they came to.
    """

    node: str
    data_id: str
    counter: int
    empty: bool = True


class Stray(Stored, frozen=True, tag="stray"):
    """A node was found to hold something of these slots without being a replica of them: it is garbage there."""

    node: str
    runs: Runs


class LossAccepted(Stored, frozen=True, tag="loss_accepted"):
    """A person gave up what slots without a clean copy held: their replicas in ``clean`` serve what is left.

    None: the slots begin anew, empty, and whatever a node still holds of them is garbage.
    """

    start: int
    stop: int
    clean: tuple[str, ...]


class Tuned(Stored, frozen=True, tag="tuned"):
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
    | Returning
    | Recovered
    | Wiped
    | Stray
    | LossAccepted
    | Tuned
)

encode_record: Final = msgspec.json.Encoder().encode
read_record: Final = Reader[Record](Record, FORMAT).read  # type: ignore[arg-type]
"""What ``encode_record`` wrote. Raises WrittenByNewer, and msgspec.DecodeError for what is no JSON."""
