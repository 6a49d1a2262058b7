"""What goes over the control socket, and every limit on it.

JSON, one message a line, over one connection an attached process, pipelined. Requests carry an id of the asker's, which every
answer repeats; answers come in any order. Bytes are base64. The first line of either side (``Hello``, ``Welcome``) stays readable
to every version; the rest is for one version alone. A message too long for a line goes in pieces (``Piece``), one such message
after the other; short messages pass between its pieces.
"""

from typing import Final

import msgspec

from kvtui.core.cluster import Read, Written
from kvtui.core.snapshot import ClusterSnapshot, RangeView

PROTOCOL: Final = 3
"""Raised when a message changes its meaning: both ends must have the same."""

PIECE_BYTES: Final = 256 * 1024
"""A message with more than that in it goes in pieces of so many bytes."""
FRAME_BYTES: Final = 1024 * 1024
"""Longest line."""
MESSAGE_BYTES: Final = 24 * 1024 * 1024
"""Longest message in pieces: the largest key and value in base64."""
ANSWER_BYTES: Final = 4 * 1024 * 1024
"""Keys and values of one batch, of one answer to a batch, or of one page; a single larger entry goes alone."""
BATCH_ENTRIES: Final = 16_384
"""Most keys of one batch."""
ATTACHED: Final = 64
"""Most connections that one holder serves at once."""
IN_FLIGHT: Final = 4096
"""Most requests that one attached process has unanswered: it waits before it sends more."""
STREAMS: Final = 64
"""Most scans and listenings that one attached process has under way."""
IN_FLIGHT_BYTES: Final = 64 * 1024 * 1024
"""Keys and values of unanswered requests; above it the holder reads no more from that connection."""
WAITING_BYTES: Final = 64 * 1024 * 1024
"""What may wait to be sent. Above it an attached process waits, and a holder reads no more from that connection."""
SLOW_READER_SECONDS: Final = 10.0
"""A connection whose answers stay above ``WAITING_BYTES`` and that reads nothing of them for this long is closed."""
PAGES: Final = 4
"""Parts of a scan that are sent ahead of the reader."""
EVENTS: Final = 64
"""Events that are sent ahead of the listener."""
HELLO_SECONDS: Final = 5.0
"""Both first lines must be there by then."""
PICTURE_SECONDS: Final = 0.1
"""Least time between two pictures; of those with more than ``PIECE_BYTES`` in them it is longer, by as much."""
QUIET_SECONDS: Final = 2.0
"""A holder that owes an answer and sent nothing for so long is asked whether it is there."""
HUSH_SECONDS: Final = 4.5
"""One that sent nothing for so long is waited for no longer by operations on keys, which end within five seconds."""
SILENT_SECONDS: Final = 10.0
"""One that sent nothing for so long is given up."""


FINISH_SECONDS: Final = 6.0
"""A holder that ends answers what it has begun, for so long at most: longer than any operation on a key may take."""
PARTING_SECONDS: Final = 1.0
"""Then those attached have so long to hear its last word, and close."""


class Hello(msgspec.Struct, frozen=True, tag="attach", tag_field="kvtui"):
    """First line of who attaches."""

    protocol: int
    who: str
    """For people."""


class Welcome(msgspec.Struct, frozen=True, tag="holder", tag_field="kvtui"):
    """First line of the holder. With a ``refusal`` it is the last one as well."""

    protocol: int
    who: str
    refusal: str = ""


class _Message(msgspec.Struct, array_like=True, gc=False):
    pass


class Put(_Message, tag="put"):
    """Answer: ``Wrote``."""

    id: int
    key: bytes
    value: bytes


class Get(_Message, tag="get"):
    """Answer: ``Found``."""

    id: int
    key: bytes


class Delete(_Message, tag="del"):
    """Answer: ``Wrote``."""

    id: int
    key: bytes


class Ask(_Message, tag="ask"):
    """Any other request, by its name in ``kvtui.control.calls``. Answer: ``Answer``, or ``Refused``."""

    id: int
    call: str
    arguments: msgspec.Raw


class Scan(_Message, tag="scan"):
    """Answers: ``Part``\\ s, each a list of items, and ``Passed``; then ``Ended``, or ``Refused``."""

    id: int
    prefix: bytes
    values: bool


class Listen(_Message, tag="listen"):
    """Answers: ``Part``\\ s, each an event."""

    id: int


class Look(_Message, tag="look"):
    """Answer: a ``Picture``, once there is another than the last one sent."""


class More(_Message, tag="more"):
    """So many more parts of that scan or listening are welcome."""

    id: int
    parts: int


class Cancel(_Message, tag="cancel"):
    """Nobody waits for that answer any more: what is under way is cancelled, and nothing is answered."""

    id: int


class Ping(_Message, tag="ping"):
    """Answer: ``Pong``."""


class Piece(_Message, tag="piece"):
    """A part of a message that is too long for a line; ``last`` ends it."""

    data: bytes
    last: bool


class Wrote(_Message, tag="wrote"):
    """How a put or delete ended."""

    id: int
    written: Written


class Found(_Message, tag="found"):
    """How a get ended."""

    id: int
    read: Read


class Answer(_Message, tag="answer"):
    """What a call returned."""

    id: int
    value: msgspec.Raw


class Refused(_Message, tag="refused"):
    """The text of a ClusterError; ``argument``: of an ArgumentError."""

    id: int
    text: str
    argument: bool = False


class NotBegun(_Message, tag="notbegun"):
    """The holder is ending: that request was not begun, and never will be."""

    id: int


class Part(_Message, tag="part"):
    """The next of a scan or listening."""

    id: int
    value: msgspec.Raw


class Passed(_Message, tag="passed"):
    """How far round the ring (0..1) a scan has come."""

    id: int
    fraction: float


class Ended(_Message, tag="ended"):
    """A scan is at its end."""

    id: int


class Picture(_Message, tag="picture"):
    """The cluster as it is, without its ranges; those come where they are others than in the last picture."""

    snapshot: ClusterSnapshot
    ranges: tuple[RangeView, ...] | None


class Pong(_Message, tag="pong"):
    """The holder is there."""


class Farewell(_Message, tag="farewell"):
    """The connection ends. ``reason`` is empty where the holder ends as a whole."""

    reason: str
    begun: tuple[int, ...] | None = None
    """Requests that were begun, and whose end is not known. All others that are not answered were not begun, and never will be.
    None: that can't be said of any of them."""


Request = Put | Get | Delete | Ask | Scan | Listen | Look | More | Cancel | Ping | Piece
"""What an attached process sends."""
Reply = Wrote | Found | Answer | Refused | NotBegun | Part | Passed | Ended | Picture | Pong | Farewell | Piece
"""What the holder sends."""

encode = msgspec.json.Encoder().encode
encode_into = msgspec.json.Encoder().encode_into
encode_lines = msgspec.json.Encoder().encode_lines
decode_hello = msgspec.json.Decoder(Hello).decode
decode_welcome = msgspec.json.Decoder(Welcome).decode
requests = msgspec.json.Decoder(Request)
replies = msgspec.json.Decoder(Reply)


class Misfit(Exception):
    """The other side does not keep to the protocol; the text says how, for people."""
