"""The wire: every message between a coordinator and a node, and every limit on them.

JSON, one object a line, UTF-8, over one connection a node, pipelined. A request may carry an ``id``, which its reply repeats;
replies come in the order of their requests either way. Only a connection's first object, when it carries no
``id`` and is no ``hello``, may lack its newline: that connection then works as the original's did, one request, one
reply without a newline, and the end.

Keys and values are bytes. On the wire they are text, or ``{"b64": ...}`` when they are not UTF-8 (``Blob``).
Slots are counted by the number that the cluster's ``hello`` names (16,384 outside any cluster).
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

import msgspec

from kvtui.core.version import NEVER, Version

PROTOCOL: Final = 1
"""Raised when a message changes its meaning, or one side can't do without a new one: both ends must have the same. ``Hello`` and
``Facts`` say it, and nothing else of a connection need be understood before. Fields that are not known are passed over."""
FIRST_PROTOCOL: Final = 1
"""What who says none speaks."""

KEY_BYTES: Final = 64 * 1024
"""Longest key."""
VALUE_BYTES: Final = 16 * 1024 * 1024
"""Longest value."""
INLINE_BYTES: Final = 64 * 1024
"""Longest value that a coordinator sends within its request; a longer one goes ahead in pieces of this size."""
FRAME_BYTES: Final = 4 * 1024 * 1024
"""Longest line. A batch stays below it even when JSON escapes every byte of it."""
BATCH_BYTES: Final = 256 * 1024
"""Keys and values, before encoding, of one batch or of one reply's entries; a single larger entry goes alone."""
BATCH_ENTRIES: Final = 4096
"""Most entries of one batch, page or list of keys."""
UPLOADS: Final = 4
"""Most values that one connection may have under way in pieces."""
UPLOAD_BYTES: Final = 128 * 1024 * 1024
"""Most bytes that a node holds of values under way in pieces, each counted with its whole length from its first piece on."""
UPLOAD_SECONDS: Final = 10.0
"""A value under way to which no piece is added for this long is forgotten."""
CONNECTIONS: Final = 512
"""Most connections that a node serves at once."""
WRITE_BUFFER_BYTES: Final = 8 * 1024 * 1024
"""Replies that may wait for a slow reader; above it the node reads no more from that connection."""
SLOW_READER_SECONDS: Final = 10.0
"""A connection whose replies stay above the limit for this long is closed."""
HALF_REQUEST_SECONDS: Final = 10.0
"""A request that has begun must be whole by then, or its connection is closed."""
PROOF_SECONDS: Final = 3.0
"""A connection to a node that has a secret must have proved that it knows it by then, or it is closed."""
PROOF_BYTES: Final = 1024
"""Most bytes that such a connection may send before."""
UNPROVED: Final = 128
"""Most such connections at once; they count apart from ``CONNECTIONS``."""
SILENT_SECONDS: Final = 300.0
"""A connection that never said ``hello`` and sends nothing for this long is closed."""
IN_FLIGHT: Final = 65_536
"""Most requests that a coordinator has unanswered at one node; more are refused at once."""
NOTE_BYTES: Final = 3 * 1024 * 1024
"""Longest note that a coordinator leaves on a node."""
SLOTS_MOST: Final = 16_384
"""Most slots of a ring."""


class B64(msgspec.Struct, frozen=True):
    """Bytes that are not UTF-8."""

    b64: str


Blob = str | B64
"""Bytes on the wire."""


def to_blob(data: bytes) -> Blob:
    """``data`` as text where it is UTF-8, else in base64."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return B64(b64encode(data).decode())


def from_blob(blob: Blob) -> bytes:
    """The bytes of ``blob``. Raises ValueError for bad base64 or for text that has no UTF-8 (a lone surrogate)."""
    if isinstance(blob, str):
        return blob.encode()
    try:
        return b64decode(blob.b64, validate=True)
    except Base64Error as error:
        raise ValueError(f"bad base64: {error}") from None


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One key's newest state. ``size`` is the value's length in bytes, -1 for a tombstone.

    ``value`` is None for a tombstone, where values weren't asked for, and where the value is too long to come along:
    then it is read with ``fetch``, or was sent ahead with ``piece`` as ``upload``.
    """

    key: Blob
    version: Version
    size: int
    value: Blob | None = None
    upload: str = ""


class Listed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A key at exactly one version."""

    key: Blob
    version: Version


class _Request(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="op", gc=False):
    id: int | None = None


class Put(_Request, tag="put", kw_only=False):
    """Store a value; the highest version stays. Without ``version`` a standalone node gives one itself.

    ``upload`` names a value that was sent ahead in pieces.
    """

    key: Blob
    value: Blob = ""
    version: Version | None = None
    upload: str = ""


class Get(_Request, tag="get", kw_only=False):
    """Reply: ``value`` and ``version``; ``not_found`` carries a tombstone's version. Too long: ``size`` without ``value``."""

    key: Blob


class Del(_Request, tag="del", kw_only=False):
    """Store a tombstone. Reply: ``ok``, or ``not_found`` when no value was there; both mean that it is stored."""

    key: Blob
    version: Version | None = None


class Size(_Request, tag="size"):
    """Reply: ``keys``, the live keys of the node."""


class Dump(_Request, tag="dump"):
    """Reply: ``data``, every live key and value. An error when they don't fit into a frame: then ``scan``."""


class PutMany(_Request, tag="put_many"):
    """Values and tombstones of given versions, synced together. Each stays only above the stored version.

    A standalone node takes only version (0, 0) and gives one itself.
    """

    entries: list[Entry]


class PutRun(_Request, tag="put_run", kw_only=False):
    """Values, and tombstones (null), whose versions count on from ``first``, synced together: a batch as clients write it.

    Each stays only above the stored version. Reply: ``counts`` = [keys that had a value before].
    """

    first: Version
    keys: list[Blob]
    values: list[Blob | None]


class GetMany(_Request, tag="get_many", kw_only=False):
    """Reply: ``entries``, one a key in the order asked; version (0, 0) for a key that was never written.

    Values beyond the limit of a batch come as ``size`` alone. With ``some``, only so many of the first keys are answered
    that the node's other requests need not wait for long, one at least: of large values those are few.
    """

    keys: list[Blob]
    some: bool = False


class Scan(_Request, tag="scan"):
    """Entries of slots ``start``..``stop`` (half-open) in (token, key) order, after the key ``after``, tombstones included.

    Reply: ``entries`` and, unless that was all, ``cursor``: the ``after`` of the next page. A page may hold fewer entries than
    ``limit``, none even, and still have a cursor: it ends early at the limit of a batch, and when a long way brought nothing with
    ``prefix``. Damaged entries are left out (their slot's digest then agrees with no other node's), and each page names the keys
    under which those lie that it passed, as ``damaged``; with ``whole``, or where they are more than a list may hold, a page of
    slots that hold any is refused instead (``damaged``).
    """

    start: int
    stop: int
    after: Blob | None = None
    limit: int = 1000
    values: bool = True
    prefix: Blob = ""
    whole: bool = False


class Digests(_Request, tag="digests"):
    """Reply: ``digests`` of slots ``start``..``stop``, a 64-bit number a slot over every key and version in it.

    They stand for exactly the requests that came before this one on its connection.
    """

    start: int
    stop: int


class Counts(_Request, tag="counts"):
    """Reply: ``counts``, the live keys (or the ``tombstones``) in each half-open range of slots asked for."""

    ranges: list[tuple[int, int]]
    tombstones: bool = False


class Piece(_Request, tag="piece"):
    """A part of a value that a later ``put`` or ``put_many`` of this connection names as ``upload``; parts come in order.

    No part is longer than ``INLINE_BYTES``. The write that names the value uses it up, whatever its answer. A ``total`` of 0 gives
    it up: nothing more comes of it, and no write will name it.
    """

    upload: str
    offset: int
    total: int
    data: Blob


class Fetch(_Request, tag="fetch"):
    """A part of a stored value from ``offset``, at that version only. Reply: ``value``, ``size``; error ``changed``."""

    key: Blob
    version: Version
    offset: int


class Drop(_Request, tag="drop"):
    """Remove each entry that still has exactly the listed version, leaving nothing. Reply: ``counts`` = [dropped]."""

    entries: list[Listed]


class Purge(_Request, tag="purge"):
    """Remove each *tombstone* that still has exactly the listed version. Reply: ``counts`` = [purged]."""

    entries: list[Listed]


class Clear(_Request, tag="clear"):
    """Remove everything in slots ``start``..``stop``: the node is no replica of them any more."""

    start: int
    stop: int


class Note(_Request, tag="note"):
    """Keep ``text``, the coordinator's own record of who holds what, in place of an older one. Empty: read it back.

    ``noted`` is how far that record goes: the epoch of the coordinator's log, and the number of its newest record.
    Reply: ``note``, the text kept (empty where it would only be what was sent), and ``version``, how far it goes.
    """

    text: str = ""
    noted: Version = NEVER


class Compact(_Request, tag="compact"):
    """Give back the space of what was replaced or removed. ``begin``: all of the node's, from now on; else only say how it goes.

    Reply: ``counts`` = [pieces that are done, pieces in all, bytes of the node's files when it began, and now]; it is over when all
    are done. Error ``uncompacted``: it failed; what is stored is as it was.
    """

    begin: bool = False


class Challenge(_Request, tag="challenge"):
    """First words to a node that has a secret (``kvtui.core.authentication``). Reply: ``nonce``, the node's own.

    ``nonce`` is 32 fresh bytes in hexadecimal; ``place`` is where the coordinator believes to have reached the node. Errors:
    ``no_secret``, ``relayed``, ``unauthenticated``.
    """

    nonce: str
    place: str


class Prove(_Request, tag="prove"):
    """The coordinator's proof that it knows the secret, in hexadecimal. Reply: ``proof``, the node's own.

    Error: ``wrong_secret``. Until it is proved, a node that has a secret answers nothing else (``unauthenticated``).
    """

    proof: str


class Hello(_Request, tag="hello"):
    """Who speaks. Without ``cluster``: only asks for ``facts``.

    With it, the connection acts for that cluster's coordinator from here on. ``join`` lets a standalone, empty node enter the
    cluster; one that holds keys of its own enters only with ``data``: "wipe" deletes them, "keep" keeps them. The node
    refuses another protocol (``other_protocol``), a foreign cluster (``foreign``), an epoch granted to another coordinator or
    below the highest granted (``fenced``), and a ``session`` not above the last one (``superseded``); requests of earlier
    sessions that still arrive are refused from here on.
    """

    cluster: str = ""
    coordinator: str = ""
    epoch: int = 0
    session: int = 0
    slots: int = SLOTS_MOST
    join: bool = False
    data: str = ""
    protocol: int = FIRST_PROTOCOL


class Heartbeat(_Request, tag="heartbeat"):
    """Reply: ``facts``."""


class Leave(_Request, tag="leave"):
    """Forget everything stored; the node is standalone and empty afterwards, with a new data id.

    ``noted`` is how far the coordinator's log had got: the node remembers that, and whom it has left.
    """

    noted: Version = NEVER


Request = (
    Put
    | Get
    | Del
    | Size
    | Dump
    | PutMany
    | PutRun
    | GetMany
    | Scan
    | Digests
    | Counts
    | Piece
    | Fetch
    | Drop
    | Purge
    | Clear
    | Note
    | Compact
    | Challenge
    | Prove
    | Hello
    | Heartbeat
    | Leave
)
"""Everything a node understands."""


class Left(msgspec.Struct, frozen=True, gc=False):
    """What a node remembers of the cluster that it was let go from last: which, under which data id, by which coordinator, and how
    far the log of that one had got. An older copy of the log is known by it."""

    cluster: str
    data_id: str
    coordinator: str
    noted: Version


class Facts(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, gc=False):
    """A node's account of itself, in ``hello`` and ``heartbeat``.

    ``cluster`` is empty for a standalone node; ``epoch`` is the highest granted, to ``coordinator``. ``data_id`` names the
    data directory's life: a new one means that earlier data is gone. ``counter`` counts the synced batches of that life, those that
    the node writes for itself left out.
    ``bytes`` is the length of the live keys and their values together; an older node leaves it out, and 0 is read.
    ``damaged`` counts entries that failed their checksum and are not served; ``damage_found`` how often one was found since the
    node's start, and never falls while it runs. ``noted`` is how far the newest note goes.
    ``left`` is what the node was before it was let go, whatever it has joined since. ``uncompacted`` is why the node can't give
    back the space of what was removed; empty where nothing is wrong.
    """

    product: str = "kvtui"
    protocol: int = FIRST_PROTOCOL
    cluster: str = ""
    coordinator: str = ""
    epoch: int = 0
    session: int = 0
    data_id: str = ""
    counter: int = 0
    keys: int = 0
    bytes: int = 0
    tombstones: int = 0
    damaged: int = 0
    damage_found: int = 0
    durable: bool = False
    noted: Version = NEVER
    left: Left | None = None
    uncompacted: str = ""

    @property
    def empty(self) -> bool:
        """Whether the node holds no entry at all, be it a value, a tombstone or a damaged one."""
        return not (self.keys or self.tombstones or self.damaged)


OK: Final = "ok"
NOT_FOUND: Final = "not_found"
ERROR: Final = "error"

BAD_REQUEST: Final = "bad_request"
"""Not JSON, no such op, a field of the wrong type or out of its range."""
TOO_LARGE: Final = "too_large"
"""A key, value, batch, frame or list above its limit."""
FOREIGN: Final = "foreign"
"""The node belongs to another cluster, or the request needs a cluster and the node has none, or holds data."""
OTHER_PROTOCOL: Final = "other_protocol"
"""The coordinator is of another kvtui, which gives messages another meaning."""
FENCED: Final = "fenced"
"""The node has granted a higher epoch, or this one to another coordinator."""
SUPERSEDED: Final = "superseded"
"""The request belongs to a session that a newer one replaced."""
FULL: Final = "full"
"""No space at the node; nothing of the request was stored."""
CHANGED: Final = "changed"
"""The key is no longer at the version asked for."""
DAMAGED: Final = "damaged"
"""The stored entry, or the note, failed its checksum."""
UNCOMPACTED: Final = "uncompacted"
"""The node could not give back space."""
BUSY: Final = "busy"
"""A limit on connections or uploads is reached; try again later."""
UNAUTHENTICATED: Final = "unauthenticated"
"""The node has a secret, and first of all wants proof that it is known."""
WRONG_SECRET: Final = "wrong_secret"
"""The proof was made with another secret, or for another exchange."""
RELAYED: Final = "relayed"
"""The node was not reached at the place that the coordinator meant: something between them passes the bytes on."""
NO_SECRET: Final = "no_secret"
"""The node asks for no proof: it has no secret, or it was proved on this connection before."""


def other_protocol(theirs: int, here: str) -> str:
    """Why two sides can't talk, to go on after the name of the other one; ``here`` names this one. Empty when they can."""
    if theirs == PROTOCOL:
        return ""
    kvtui = "a newer" if theirs > PROTOCOL else "an older"
    return f"is of {kvtui} kvtui (protocol {theirs}; {here} speaks {PROTOCOL}): use the same kvtui for both"


class Reply(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, gc=False):
    """The answer to any request: ``status`` ok, not_found or error, and the fields that the request's docstring names.

    An error has a ``code`` for programs and a ``msg`` for people. ``counter`` is the node's write counter once
    the write is synced.
    """

    status: str
    id: int | None = None
    code: str = ""
    msg: str = ""
    value: Blob | None = None
    version: Version | None = None
    size: int | None = None
    counter: int | None = None
    keys: int | None = None
    data: dict[str, Blob] | None = None
    entries: list[Entry] | None = None
    cursor: Blob | None = None
    damaged: list[Blob] | None = None
    digests: list[int] | None = None
    counts: list[int] | None = None
    note: str | None = None
    nonce: str = ""
    proof: str = ""
    facts: Facts | None = None


encode = msgspec.json.Encoder().encode
"""A message as JSON, without a newline."""
encode_lines = msgspec.json.Encoder().encode_lines
"""Several messages as JSON, each with its newline."""
decode_request = msgspec.json.Decoder(Request).decode
"""One request. Raises what ``malformed.MALFORMED`` names."""
decode_reply = msgspec.json.Decoder(Reply).decode
"""One reply. Raises as ``decode_request`` does."""
