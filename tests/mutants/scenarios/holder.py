"""Scenarios of the control socket: several kvtui on one simulated network, and its streams alone."""

import asyncio
from typing import Any, cast

import pytest

from kvtui.control import incoming as incoming_module
from kvtui.control import outgoing as outgoing_module
from kvtui.control import remote as remote_module
from kvtui.control.channel import Channel, NotBegun
from kvtui.control.incoming import Incoming
from kvtui.control.outgoing import Outgoing
from kvtui.control.remote import PartlyBegun, RemoteCluster, together
from kvtui.control.wire import PIECE_BYTES, PROTOCOL, Hello, Misfit, Piece, Put, encode, requests
from kvtui.core.cluster import ClusterError, Outcome, WrittenMany
from tests.control.lab import Desk, Lab
from tests.control.test_limits import stranger
from tests.control.test_streams import Pipe
from tests.mutants.scenarios.constants import lowered


async def _three(nodes: int = 1) -> tuple[Lab, Desk, Desk]:
    """A network, a holder, and one that is attached."""
    lab = Lab(nodes=nodes)
    return lab, await lab.desk("holder"), await lab.desk("guest")


async def a_write_that_a_killed_holder_had_begun() -> None:
    _, holder, guest = await _three()
    await holder.session.pause_node("n1")
    writing = asyncio.ensure_future(guest.session.put(b"k", b"v"))
    await asyncio.sleep(0.1)
    holder.kill()
    assert (await writing).outcome is Outcome.UNKNOWN
    await guest.leave()


def the_first_end_of_a_key_counts() -> None:
    first = WrittenMany(0, 1, 0, "", {b"k": Outcome.FAILED})
    later = WrittenMany(0, 0, 1, "", {b"k": Outcome.UNKNOWN})
    assert together(first, later).others == {b"k": Outcome.UNKNOWN}


class _Ending:
    """A channel whose holder ends after one batch."""

    def __init__(self) -> None:
        self.asked: list[list[bytes]] = []

    async def call(self, call: object, batch: list[bytes]) -> WrittenMany:
        self.asked.append(batch)
        if len(self.asked) > 1:
            raise NotBegun("the holder ends")
        return WrittenMany(len(batch))


async def batches_that_were_carried_out_are_asked_again() -> None:
    remote = RemoteCluster.__new__(RemoteCluster)
    remote._channel = cast(Channel, _Ending())
    with lowered(remote_module, BATCH_ENTRIES=2), pytest.raises(PartlyBegun) as partly:
        await remote.delete_many([b"a", b"b", b"c"])
    assert (partly.value.done.ok, list(partly.value.rest)) == (2, [b"c"])


async def a_defect_is_a_failure() -> None:
    _, holder, guest = await _three()

    async def put(key: bytes, value: bytes) -> None:
        raise RuntimeError("a defect")

    cast(Any, holder.session._behind).put = put
    assert (await guest.session.put(b"k", b"v")).outcome is Outcome.UNKNOWN
    await guest.leave()
    await holder.leave()


async def a_holder_does_not_finish_what_it_has_begun() -> None:
    lab, holder, guest = await _three()
    await holder.session.pause_node("n1")
    writing = asyncio.ensure_future(guest.session.put(b"k", b"v"))
    await asyncio.sleep(0.1)
    leaving = asyncio.ensure_future(holder.leave())
    await asyncio.sleep(0.5)
    lab.launcher.processes["n1"].machine.resume()
    assert (await writing).outcome is Outcome.OK
    await leaving
    await guest.leave()


async def a_holder_begins_what_comes_as_it_ends() -> None:
    _, holder, guest = await _three()
    await holder.session.pause_node("n1")
    begun = asyncio.ensure_future(guest.session.put(b"begun", b"v"))
    await asyncio.sleep(0.1)
    leaving = asyncio.ensure_future(holder.leave())
    await asyncio.sleep(0.1)
    late = await guest.session.put(b"late", b"v")
    assert late.outcome is Outcome.FAILED, late
    await leaving
    assert (await begun).outcome is Outcome.UNKNOWN
    await guest.leave()


def pieces_add_up_over_messages() -> None:
    with lowered(incoming_module, MESSAGE_BYTES=30, PIECE_BYTES=10):
        incoming = Incoming(requests)
        for number in range(3):
            whole = encode(Put(number, b"k", b"123456"))
            cut = [whole[at : at + 10] for at in range(0, len(whole), 10)]
            try:
                message = [incoming.add_piece(Piece(data, data is cut[-1])) for data in cut][-1]
            except Misfit as misfit:
                raise AssertionError(str(misfit)) from None
            assert message == Put(number, b"k", b"123456")


async def a_long_message_begins_where_the_last_one_ended() -> None:
    with lowered(outgoing_module, PIECE_BYTES=10):
        pipe = Pipe()
        out = Outgoing(pipe, print)
        sent = [Put(number, b"k", b"%d" % number * 12) for number in range(3)]
        for message in sent:
            out.send(message, 12)
        await out.sent()
        whole, came = b"", []
        for piece in cast(list[Piece], pipe.messages()):
            whole += piece.data
            if piece.last:
                came.append(requests.decode(whole))
                whole = b""
        assert came == sent


async def parts_of_a_scan_pass_its_end() -> None:
    _, holder, guest = await _three()
    await holder.session.put(b"long", b"v" * 3 * PIECE_BYTES)
    items = [item.key async for page in guest.session.scan() for item in page]
    assert items == [b"long"]
    await guest.leave()
    await holder.leave()


async def any_version_may_attach() -> None:
    lab = Lab(nodes=1)
    holder = await lab.desk("holder")
    other = await stranger(lab, greets=False)
    other.send(Hello(PROTOCOL + 1, "a later one"))
    await asyncio.sleep(1)
    assert other.welcome.refusal
    await holder.leave()


async def a_scan_begins_again_after_its_first_pages() -> None:
    lab, holder, guest = await _three()
    heir = await lab.desk("heir")
    for number in range(10):
        await holder.session.put(b"key %d" % number, b"v" * 3 * 1024 * 1024)
    keys: list[bytes] = []
    try:
        async for page in guest.session.scan():
            keys += [item.key for item in page]
            if holder.machine.alive:
                holder.kill()
                await asyncio.sleep(2.0)
                await heir.take_up()
    except ClusterError:
        pass
    assert len(keys) == len(set(keys)), "a key was given twice"
    assert len(keys) < 10
    await guest.leave()
    await heir.leave()


async def changes_leave_no_doubt() -> None:
    _, holder, guest = await _three(nodes=2)
    await holder.session.put_many([(b"%d" % number, b"v") for number in range(100)])
    await holder.session.set_throttle(1)
    removing = asyncio.ensure_future(guest.session.remove_node("n1"))
    await asyncio.sleep(0.5)
    holder.kill()
    with pytest.raises(ClusterError, match="not known"):
        await removing
    await guest.leave()
