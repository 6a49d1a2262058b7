"""Taking over the keys of a node that stood alone, before it joins: those that the cluster does not have become the cluster's."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from kvtui.core.cluster import ClusterError, Outcome, Read, WrittenMany
from kvtui.core.link import Link, LinkFull, LinkLost
from kvtui.core.protocol import ERROR, SLOTS_MOST, Blob, Entry, Hello, Scan, from_blob
from kvtui.core.remote_node import NotANode, Refused, say_hello
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.transport import Transport, Unreachable
from kvtui.core.value_transfer import UploadFailed, ValueMoved, fetch_value

PAGE: Final = 500
"""Keys that are taken over at once."""


class Keys(NamedTuple):
    """The cluster, as far as keys are taken over into it."""

    get_many: Callable[[Sequence[bytes]], Awaitable[list[Read]]]
    put_many: Callable[[Sequence[tuple[bytes, bytes]]], Awaitable[WrittenMany]]


class Imported(NamedTuple):
    """How many keys became the cluster's, and how many it had already."""

    imported: int
    kept: int


async def import_keys(transport: Transport, clock: Clock, host: str, port: int, keys: Keys) -> Imported:
    """Store every live key of the node at ``host:port`` in the cluster, page by page; the node is left as it is.

    Raises ClusterError where not all of them could be read or stored: what was stored until then stays.
    """
    link = Link(clock, lambda _link, _reason: None)
    total = Imported(0, 0)
    try:
        await transport.connect(host, port, lambda: link)
        await say_hello(link, Hello())
        cursor: Blob | None = None
        while True:
            reply = await link.ask(Scan(start=0, stop=SLOTS_MOST, limit=PAGE, after=cursor, whole=True))
            if reply.status == ERROR:
                raise ClusterError(f"the keys of the node at {host}:{port} can't all be read: {reply.msg}")
            page = await _store(link, reply.entries or [], keys)
            total = Imported(total.imported + page.imported, total.kept + page.kept)
            cursor = reply.cursor
            if cursor is None:
                return total
    except (Unreachable, NotANode, Refused, LinkLost, LinkFull, UploadFailed, ValueMoved) as error:
        raise ClusterError(f"the keys of the node at {host}:{port} can't all be read: {error}") from None
    finally:
        link.close("all is read")


async def _store(link: Link, entries: list[Entry], keys: Keys) -> Imported:
    live = [entry for entry in entries if entry.size >= 0]
    names = [from_blob(entry.key) for entry in live]
    reads = await keys.get_many(names)
    unread = next((read for read in reads if read.outcome is not Outcome.OK or read.stale), None)
    if unread is not None:
        # What a replica that is behind does not have, the cluster may have all the same.
        why = unread.text or "no clean replica of some of them can be asked now"
        raise ClusterError(f"it is not known which keys the cluster has already: {why}")
    items: list[tuple[bytes, bytes]] = []
    for name, entry, read in zip(names, live, reads, strict=True):
        if read.value is None:
            value = from_blob(entry.value) if entry.value is not None else None
            items.append(
                (name, value if value is not None else await fetch_value(link, name, entry.version, entry.size))
            )
    written = await keys.put_many(items)
    if written.ok != len(items):
        raise ClusterError(f"{len(items) - written.ok} keys could not be stored: {written.text}; the node keeps them")
    return Imported(len(items), len(live) - len(items))
