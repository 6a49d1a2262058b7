"""From lines to requests, and to an error reply for each line that is none."""

from typing import Any, Final

import msgspec

from kvtui.core.malformed import MALFORMED, Fault, fault_of, what_is_wrong
from kvtui.core.protocol import BAD_REQUEST, ERROR, Reply, Request, decode_request

UNKNOWN_OP: Final = "unknown op"
"""As the original says it."""
BLANK: Final = b" \t\r\n"
"""White space as JSON has it."""
_TLS: Final = b"\x16\x03"
"""How a client that speaks TLS begins."""
_FIRST_WORDS: Final = ("hello", "challenge", "prove")
"""What only clients that end their lines say, though the newline may come later than the rest."""


class _Outline(msgspec.Struct):
    """What is looked for in a request that could not be decoded."""

    id: Any = None
    op: Any = None


_decode_outline = msgspec.json.Decoder(_Outline).decode


def read_requests(lines: bytes) -> list[Request | Reply]:
    """The requests of whole ``lines`` in order, an error reply in the place of each bad one; blank lines are nothing."""
    # Not msgspec's decode_lines: it takes several objects on one line, and one object on several lines.
    each = lines.split(b"\n")
    try:
        return list(map(decode_request, each[:-1] if lines.endswith(b"\n") else each))
    except MALFORMED:
        return [read_request(line) for line in each if line.strip(BLANK)]


def read_request(line: bytes) -> Request | Reply:
    """The request of one line, or the error reply that it gets."""
    try:
        request: Request = decode_request(line)
        return request
    except MALFORMED as error:
        outline = _outline(line)
        number = outline.id if outline is not None and type(outline.id) is int else None
        return Reply(status=ERROR, id=number, code=BAD_REQUEST, msg=_reason(error, line, outline))


def unframed(text: bytes) -> Request | Reply | None:
    """The request, or its error reply, if ``text`` is one whole JSON object that needs no newline.

    That is one without ``id``, and neither a hello nor a proof. A client that speaks TLS is not kept waiting either.
    """
    if text.startswith(_TLS):
        return Reply(status=ERROR, code=BAD_REQUEST, msg="this node speaks no TLS")
    if not text.rstrip().endswith(b"}"):
        return None
    outline = _outline(text)
    if outline is None or outline.id is not None or outline.op in _FIRST_WORDS:
        return None
    return read_request(text)


def _outline(text: bytes) -> _Outline | None:
    try:
        return _decode_outline(text)
    except MALFORMED:
        return None


def _reason(error: Exception, line: bytes, outline: _Outline | None) -> str:
    if fault_of(error, line) is not Fault.MISFIT:
        return f"the request is {what_is_wrong(error, line)}"
    # Not what the op was: it may be anything, of any length, and the rest of the line may be broken as well.
    if "$.op`" in str(error) or (outline is not None and outline.op is None):
        return UNKNOWN_OP
    return f"bad request: {error}"
