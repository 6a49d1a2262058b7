"""Large values travel in pieces, one at a time, so that small requests pass between them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.protocol import CHANGED, ERROR, INLINE_BYTES, Fetch, Piece, Reply, from_blob, to_blob
from kvtui.core.version import Version


class UploadFailed(Exception):
    """A node refused a piece; the text says why."""


class ValueMoved(Exception):
    """The key is not at the version any more whose value was being read."""


def _unheard() -> None:
    pass


def _unanswered(reply: Reply | None) -> None:
    pass


async def send_value(link: Link, upload: str, value: bytes, progressed: Callable[[], None] = _unheard) -> bool:
    """Send ``value`` ahead under the name ``upload``; ``progressed`` is told of each piece that was taken. False when the link was
    lost. Raises UploadFailed. Who is cancelled meanwhile leaves nothing of it there."""
    try:
        return await _send_pieces(link, upload, value, progressed)
    except asyncio.CancelledError:
        give_up(link, upload)
        raise


def give_up(link: Link, upload: str) -> None:
    """Tell a node that no write will name a value that was sent ahead: it keeps few at a time."""
    # With its link it is gone by itself.
    with suppress(LinkLost, LinkFull):
        link.send(Piece(upload=upload, offset=0, total=0, data=""), _unanswered)


async def _send_pieces(link: Link, upload: str, value: bytes, progressed: Callable[[], None]) -> bool:
    for offset in range(0, len(value), INLINE_BYTES):
        piece = to_blob(value[offset : offset + INLINE_BYTES])
        try:
            reply = await link.ask(Piece(upload=upload, offset=offset, total=len(value), data=piece))
        except LinkLost:
            return False
        except LinkFull as error:
            raise UploadFailed(str(error)) from None
        if reply.status == ERROR:
            raise UploadFailed(reply.msg)
        progressed()
    return True


async def fetch_value(
    link: Link, key: bytes, version: Version, size: int, progressed: Callable[[], None] = _unheard
) -> bytes:
    """Read a value of ``size`` bytes; ``progressed`` is told of each piece that came. Raises ValueMoved, LinkLost, LinkFull, and
    UploadFailed for any other refusal."""
    value = bytearray()
    while len(value) < size:
        reply = await link.ask(Fetch(key=to_blob(key), version=version, offset=len(value)))
        if reply.status == ERROR or reply.value is None:
            if reply.code == CHANGED:
                raise ValueMoved
            raise UploadFailed(reply.msg or "a piece of the value is missing")
        piece = from_blob(reply.value)
        if not piece:
            raise UploadFailed("a piece of the value is empty")
        value += piece
        progressed()
    return bytes(value)
