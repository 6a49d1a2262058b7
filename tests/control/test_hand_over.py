"""A holder that ends in order: what is under way is answered, what it did not begin is not carried out, and asked for elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kvtui.control import wire
from kvtui.control.channel import Channel, ConnectionEnded, NotBegun
from kvtui.control.succession import HAND_OVERS_SECONDS, HEIR_SECONDS, PATIENCE_SECONDS, SCRIPT
from kvtui.control.wire import FINISH_SECONDS, PARTING_SECONDS, PROTOCOL, Farewell, Put, Welcome, encode, encode_lines
from kvtui.core.cluster import ClusterError, Outcome
from tests.control.lab import Desk, Lab
from tests.control.test_limits import Stranger, stranger
from tests.simulation.harness import ORPHANS_SECONDS
from tests.simulation.loop import run_virtual

Story = Callable[[Lab, Desk], Awaitable[None]]
UNDONE = "it was not carried out"


def told(story: Story, *, nodes: int = 1) -> None:
    """Run a story with a holder."""

    async def main() -> None:
        lab = Lab(nodes=nodes)
        await story(lab, await lab.desk("holder"))

    run_virtual(main)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_what_is_under_way_is_answered_before_the_holder_leaves() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        guest = await lab.desk("guest")
        await holder.session.pause_node("n1")
        far = guest.session
        asked = asyncio.gather(far.put(b"k", b"v"), far.delete(b"l"), far.put_many([(b"m", b"v")]), far.get(b"n"))
        await asyncio.sleep(0.1)
        leaving = asyncio.ensure_future(holder.leave())
        await asyncio.sleep(0.5)
        lab.launcher.processes["n1"].machine.resume()
        put, deleted, many, got = await asked
        assert (put.outcome, deleted.outcome, got.outcome) == (Outcome.OK, Outcome.OK, Outcome.OK)
        assert (many.ok, dict(many.others)) == (1, {})
        await leaving
        await guest.leave()

    told(story)


def test_what_takes_too_long_is_cut_off_as_unknown() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        guest = await lab.desk("guest")
        await holder.session.put_many([(b"%d" % number, b"v") for number in range(100)])
        await holder.session.set_throttle(1)
        busy = asyncio.ensure_future(guest.session.remove_node("n1"))
        await asyncio.sleep(0.1)
        began = now()
        leaving = asyncio.ensure_future(holder.leave())
        with pytest.raises(ClusterError, match="ended; whether it was carried out is not known"):
            await busy
        assert FINISH_SECONDS <= now() - began < FINISH_SECONDS + PARTING_SECONDS
        await leaving
        await guest.leave()

    told(story, nodes=2)


def test_one_who_listens_or_only_watches_keeps_nobody_from_leaving() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        guest = await lab.desk("guest")
        events = aiter(guest.session.events())
        await anext(events)
        guest.session.snapshot()
        began = now()
        asyncio.get_running_loop().call_later(0.001, guest.session.snapshot)
        await holder.leave()
        assert now() - began < FINISH_SECONDS
        await guest.leave()

    told(story)


async def last_words(late: Stranger) -> list[wire.Reply]:
    async with asyncio.timeout(60):
        while not any(isinstance(reply, Farewell) for reply in late.replies):
            await asyncio.sleep(0.01)
    return late.replies


def test_what_comes_while_the_holder_is_leaving_is_told_that_it_was_not_begun() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        late = await stranger(lab)
        await holder.session.pause_node("n1")
        late.send(Put(1, b"begun", b"v"))
        await asyncio.sleep(0.1)
        leaving = asyncio.ensure_future(holder.leave())
        await asyncio.sleep(0.1)
        late.send(Put(2, b"late", b"v"), wire.Scan(3, b"", True), wire.Listen(4))
        await asyncio.sleep(0.2)
        assert [reply for reply in late.replies if isinstance(reply, wire.NotBegun)] == [
            wire.NotBegun(2),
            wire.NotBegun(3),
            wire.NotBegun(4),
        ]
        lab.launcher.processes["n1"].machine.resume()
        replies = await last_words(late)
        assert isinstance(replies[-2], wire.Wrote)
        assert replies[-2].written.outcome is Outcome.OK
        assert replies[-1] == Farewell("", ())
        late.transport.close()
        await leaving
        heir = await lab.desk("heir")
        assert (await heir.session.get(b"late")).value is None
        assert (await heir.session.get(b"begun")).value == b"v"
        await heir.leave()

    told(story)


def test_one_who_does_not_hear_the_last_words_is_not_waited_for_long() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        deaf = await stranger(lab)
        began = now()
        await holder.leave()
        assert PARTING_SECONDS <= now() - began < PARTING_SECONDS + FINISH_SECONDS
        assert isinstance(deaf.replies[-1], Farewell)

    told(story)


class Wire(asyncio.Transport):
    """What a channel writes goes nowhere."""

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def abort(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("last", "errors"),
    [
        (Farewell("", (2,)), [NotBegun, ConnectionEnded]),
        (Farewell("it talks too much", ()), [NotBegun, NotBegun]),
        (Farewell(""), [ConnectionEnded, ConnectionEnded]),
        (None, [ConnectionEnded, ConnectionEnded]),
    ],
)
def test_what_the_last_words_do_not_name_was_not_begun(last: Farewell | None, errors: list[type]) -> None:
    """The holder may never have read it: without these words all is unknown."""

    async def main() -> None:
        channel = Channel(Lab().clock, "me")
        channel.connection_made(Wire())
        channel.data_received(encode(Welcome(PROTOCOL, "kvtui")) + b"\n")
        channel.greeted.add_done_callback(lambda greeted: greeted.exception())
        asked: list[asyncio.Task[object]] = []
        for _ in range(2):
            asked.append(asyncio.ensure_future(channel.ask(lambda number: Put(number, b"k", b""), 0)))
            await asyncio.sleep(0.1)
        if last is None:
            channel.connection_lost(None)
        else:
            channel.data_received(encode_lines([last]))
        ends = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(end) for end in ends] == errors
        assert all((UNDONE in str(end)) is isinstance(end, NotBegun) for end in ends)

    run_virtual(main)


def test_a_script_goes_on_as_the_next_holder() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        script = await lab.desk("script", manner=SCRIPT)
        await holder.session.pause_node("n1")
        begun = asyncio.ensure_future(holder.session.put(b"a", b"1"))
        asked = asyncio.ensure_future(script.session.put(b"b", b"2"))
        await asyncio.sleep(0.1)
        leaving = asyncio.ensure_future(holder.leave())
        await asyncio.sleep(0.1)
        late = asyncio.gather(
            script.session.put(b"c", b"3"),
            script.session.put_many([(b"d", b"4"), (b"e", b"5")]),
            script.session.get_many([b"f"]),
            script.session.delete(b"g"),
            script.session.locate(b"h"),
        )
        await asyncio.sleep(0.1)
        lab.launcher.processes["n1"].machine.resume()
        assert (await begun).outcome is Outcome.OK
        assert (await asked).outcome is Outcome.OK
        put, many, read, deleted, located = await late
        assert (put.outcome, many.ok, read[0].outcome, deleted.outcome) == (Outcome.OK, 2, Outcome.OK, Outcome.OK)
        assert located.key == b"h"
        assert script.session.holder == ""
        await leaving
        for key, value in ((b"b", b"2"), (b"c", b"3"), (b"d", b"4"), (b"e", b"5")):
            assert (await script.session.get(key)).value == value
        assert sorted([item.key async for page in script.session.scan() for item in page]) == [
            b"a",
            b"b",
            b"c",
            b"d",
            b"e",
        ]
        await script.leave()

    told(story)


def test_of_many_scripts_each_has_its_put_acknowledged() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        async def one(number: int) -> None:
            script = await lab.desk(f"script{number}", manner=SCRIPT)
            written = await script.session.put(b"k%d" % number, b"v")
            assert written.outcome is Outcome.OK, written.text
            await script.leave()

        async def leaves() -> None:
            await asyncio.sleep(0.2)
            await holder.leave()

        await asyncio.gather(*(one(number) for number in range(12)), leaves())
        last = await lab.desk("last")
        assert len(lab.launcher.processes) == 1
        found = [item.key async for page in last.session.scan() for item in page]
        assert sorted(found) == sorted(b"k%d" % number for number in range(12))
        await last.leave()

    told(story)


def test_a_script_that_finds_nobody_says_so_after_a_while() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        script = await lab.desk("script", manner=SCRIPT)
        lab.network.refuse("holder")
        lab.network.cut("script", "holder")
        began = now()
        await asyncio.sleep(1)
        written = await script.session.put(b"k", b"v")
        assert written.outcome is Outcome.FAILED
        assert "in use by kvtui holder (process 6), which can't be attached to" in written.text
        assert "\n" not in written.text
        assert PATIENCE_SECONDS <= now() - began < HAND_OVERS_SECONDS
        await script.leave()

    told(story)


def test_a_shell_asks_the_next_holder_if_there_is_one_soon_and_fails_the_operation_if_not() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        guest, other = await lab.desk("guest"), await lab.desk("other")
        await holder.session.pause_node("n1")
        begun = asyncio.ensure_future(guest.session.put(b"a", b"1"))
        await asyncio.sleep(0.1)
        leaving = asyncio.ensure_future(holder.leave())
        await asyncio.sleep(0.1)
        late = asyncio.ensure_future(guest.session.put(b"b", b"2"))
        none = await asyncio.ensure_future(other.session.put(b"c", b"3"))
        assert none.outcome is Outcome.FAILED
        assert none.text == f"the coordinator in kvtui holder (process 6) is ending; {UNDONE}: takeup opens it here"
        assert (await late).outcome is Outcome.FAILED
        lab.launcher.processes["n1"].machine.resume()
        await begun
        await leaving
        await asyncio.sleep(0.1)
        assert (await guest.session.put(b"b", b"2")).text == (
            "the coordinator in kvtui holder (process 6) ended: takeup opens it here"
        )
        await other.take_up()
        await asyncio.sleep(6)
        assert (await guest.session.put(b"b", b"2")).outcome is Outcome.OK

        await other.session.pause_node("n1")
        begun = asyncio.ensure_future(guest.session.put(b"a", b"1"))
        await asyncio.sleep(0.1)
        leaving = asyncio.ensure_future(other.leave())
        await asyncio.sleep(0.1)
        late = asyncio.ensure_future(guest.session.put(b"b", b"4"))
        await asyncio.sleep(0.1)
        lab.launcher.processes["n1"].machine.resume()
        await leaving
        heir = await lab.desk("heir")
        assert (await late).outcome is Outcome.OK
        assert (await heir.session.get(b"b")).value == b"4"
        await guest.leave()
        await heir.leave()

    told(story)


def test_a_script_whose_holder_was_killed_amid_a_write_says_that_it_is_unknown_and_goes_on() -> None:
    async def story(lab: Lab, holder: Desk) -> None:
        script = await lab.desk("script", manner=SCRIPT)
        await holder.session.pause_node("n1")
        asked = asyncio.ensure_future(script.session.put(b"k", b"v"))
        await asyncio.sleep(0.1)
        holder.kill()
        assert (await asked).outcome is Outcome.UNKNOWN
        lab.launcher.processes["n1"].machine.resume()
        await asyncio.sleep(ORPHANS_SECONDS)
        assert (await script.session.put(b"k", b"v")).outcome is Outcome.OK
        assert script.session.holder == ""
        await script.leave()

    told(story)


def test_an_heir_is_waited_for_less_long_than_an_operation_may_take() -> None:
    assert HEIR_SECONDS < FINISH_SECONDS
