"""Who holds the coordinator ends, dies, hangs, or comes back: what those attached say, and how they go on."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kvtui.control import channel
from kvtui.control.session import KEY_SECONDS
from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.events import Level
from kvtui.core.snapshot import NodeState
from tests.control.lab import Desk, Lab
from tests.simulation.harness import ORPHANS_SECONDS
from tests.simulation.loop import run_virtual

Story = Callable[[Lab, Desk, Desk], Awaitable[None]]
ENDED = "the coordinator in kvtui holder (process 6) ended"


def told(story: Story, *, nodes: int = 2) -> None:
    """Run a story with a holder and one that is attached to it. It leaves nobody running, or ends with the run."""

    async def main() -> None:
        lab = Lab(nodes=nodes)
        holder = await lab.desk("holder")
        guest = await lab.desk("guest")
        await story(lab, holder, guest)
        for desk in (guest, holder):
            if desk.machine.alive and not desk.left:
                await desk.leave()

    run_virtual(main)


def events_of(desk: Desk) -> list[tuple[Level, str]]:
    return [(event.level, event.text) for event in desk.session._happenings._past]


async def gone(guest: Desk) -> str:
    """Wait until the one attached knows that there is no coordinator; what it says."""
    return (await guest.until(lambda snapshot: bool(snapshot.stopped))).stopped


def test_who_opens_holds_and_who_comes_later_attaches_and_says_so() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        assert holder.session.holder == ""
        assert guest.session.holder == "kvtui holder (process 6)"
        assert holder.session.snapshot().attached == ""
        assert guest.session.snapshot().attached == "kvtui holder (process 6)"
        assert events_of(guest)[0] == (Level.INFO, "attached to kvtui holder (process 6), which holds the coordinator")

    told(story)


@pytest.mark.parametrize("killed", [False, True], ids=["in order", "kill -9"])
def test_when_the_holder_ends_those_attached_say_so_and_operations_fail_with_the_reason(killed: bool) -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        holder.kill() if killed else await holder.leave()
        assert await gone(guest) == f"{ENDED}: takeup opens it here"
        assert (Level.BAD, f"{ENDED}: takeup opens it here") in events_of(guest)
        far = guest.session
        written, deleted, read = await far.put(b"k", b"v"), await far.delete(b"k"), await far.get(b"k")
        assert {written.outcome, deleted.outcome, read.outcome} == {Outcome.FAILED}
        assert {written.text, deleted.text, read.text} == {f"{ENDED}: takeup opens it here"}
        many = await far.put_many([(b"k", b"v"), (b"l", b"v")])
        assert (many.ok, many.failed, many.text) == (0, 2, f"{ENDED}: takeup opens it here")
        assert dict(many.others) == {b"k": Outcome.FAILED, b"l": Outcome.FAILED}
        assert [one.text for one in await far.get_many([b"k"])] == [f"{ENDED}: takeup opens it here"]
        with pytest.raises(ClusterError, match=r"holder \(process 6\) ended"):
            await far.refresh()
        with pytest.raises(ClusterError, match="ended"):
            async for _page in far.scan():
                pass

    told(story)


def test_a_write_that_was_under_way_is_unknown_and_a_read_failed() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        for node in ("n1", "n2"):
            await holder.session.pause_node(node)
        far = guest.session
        asked = asyncio.gather(far.put(b"k", b"v"), far.delete(b"l"), far.put_many([(b"m", b"v")]), far.get(b"k"))
        moving = asyncio.ensure_future(far.remove_node("n1"))
        scanning = asyncio.ensure_future(anext(far.scan()))
        await asyncio.sleep(0.1)
        holder.kill()
        put, deleted, many, got = await asked
        assert (put.outcome, deleted.outcome, got.outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.FAILED)
        assert (many.unknown, dict(many.others)) == (1, {b"m": Outcome.UNKNOWN})
        assert {put.text, deleted.text, got.text} == {ENDED}
        with pytest.raises(ClusterError, match="ended; whether it was carried out is not known"):
            await moving
        with pytest.raises(ClusterError, match="ended"):
            await scanning

    told(story)


def test_the_coordinator_is_taken_up_with_all_that_was_acknowledged() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        await guest.session.put(b"apple", b"1")
        await holder.leave()
        await gone(guest)
        assert await guest.take_up() == "The coordinator is here now: others can attach to this kvtui"
        assert guest.session.holder == ""
        snapshot = await guest.until(lambda snapshot: all(view.state is NodeState.UP for view in snapshot.nodes))
        assert (snapshot.stopped, snapshot.attached, snapshot.epoch, len(snapshot.nodes)) == ("", "", 2, 2)
        assert (await guest.session.get(b"apple")).value == b"1"
        later = await lab.desk("later")
        assert later.session.holder == "kvtui guest (process 5)"
        await later.leave()

    told(story)


def test_the_coordinator_of_a_killed_holder_is_taken_up_once_its_nodes_let_go() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        await guest.session.put(b"apple", b"1")
        holder.kill()
        await gone(guest)
        await asyncio.sleep(ORPHANS_SECONDS)
        await guest.take_up()
        assert (await guest.session.get(b"apple")).value == b"1"

    told(story)


def test_of_two_that_take_it_up_one_holds_and_the_other_attaches() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        other = await lab.desk("other")
        await holder.leave()
        await gone(guest)
        await gone(other)
        said = await asyncio.gather(guest.take_up(), other.take_up())
        (heir,) = [desk for desk in (guest, other) if not desk.session.holder]
        (follower,) = [desk for desk in (guest, other) if desk is not heir]
        assert follower.session.holder == f"kvtui {heir.machine.name} (process 5)"
        assert sorted(said) == [
            f"Attached to {follower.session.holder}, which took it up",
            "The coordinator is here now: others can attach to this kvtui",
        ]
        assert (await other.session.put(b"k", b"v")).outcome is Outcome.OK
        assert (await guest.session.get(b"k")).value == b"v"
        await follower.leave()
        await heir.leave()

    told(story)


def test_who_waits_attaches_by_itself_to_who_took_it_up() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        holder.kill()
        await gone(guest)
        await asyncio.sleep(ORPHANS_SECONDS)
        heir = await lab.desk("heir")
        snapshot = await guest.until(lambda snapshot: not snapshot.stopped)
        assert snapshot.attached == "kvtui heir (process 4)"
        assert (Level.INFO, "attached to kvtui heir (process 4), which holds the coordinator") in events_of(guest)
        assert (await guest.session.put(b"k", b"v")).outcome is Outcome.OK
        await guest.leave()
        await heir.leave()

    told(story)


def test_there_is_nothing_to_take_up_while_somebody_serves() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        with pytest.raises(ClusterError, match="holds the coordinator itself"):
            await holder.take_up()
        with pytest.raises(ClusterError, match=r"kvtui holder \(process 6\) serves"):
            await guest.take_up()

    told(story)


def test_a_connection_that_breaks_is_made_again_and_no_event_is_told_twice() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        await holder.session.kill_node("n1")
        await guest.until(lambda snapshot: snapshot.nodes[0].state is NodeState.DOWN)
        await asyncio.sleep(1)
        lab.network.cut("guest", "holder")
        await gone(guest)
        await guest.until(lambda snapshot: not snapshot.stopped)
        await asyncio.sleep(1)
        texts = [text for _, text in events_of(guest) if "n1" in text]
        assert texts
        assert len(texts) == len(set(texts))

    told(story)


def test_who_asks_nothing_and_only_listens_notices_a_holder_that_hangs() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        await asyncio.sleep(1)
        holder.machine.pause()
        await asyncio.sleep(15)
        assert "has been silent for 10 s" in guest.session.snapshot().stopped
        holder.machine.resume()
        await guest.until(lambda snapshot: not snapshot.stopped)

    told(story)


def test_a_holder_that_hangs_is_given_up_and_found_again() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        asking = asyncio.ensure_future(guest.session.put(b"k", b"v"))
        holder.machine.pause()
        async with asyncio.timeout(15):
            written = await asking
        assert written.outcome is Outcome.UNKNOWN
        assert written.text == "the coordinator in kvtui holder (process 6) has been silent for 4.5 s"
        await gone(guest)
        with pytest.raises(ClusterError, match=r"in use by kvtui holder \(process 6\), which can't be attached to"):
            await guest.take_up()
        holder.machine.resume()
        await guest.until(lambda snapshot: not snapshot.stopped)
        assert (await guest.session.get(b"k")).outcome is Outcome.OK

    told(story)


@pytest.mark.parametrize("idle", [0.0, 0.7, 1.9, 2.1, 3.3])
def test_operations_on_keys_at_a_holder_that_hangs_end_within_five_seconds(
    idle: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "IN_FLIGHT", 20)

    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        far, now = guest.session, asyncio.get_running_loop().time
        await far.put(b"k", b"v")
        await asyncio.sleep(idle)
        holder.machine.pause()
        changing = asyncio.ensure_future(far.rebalance())
        await asyncio.sleep(0.01)
        began = now()
        first = asyncio.gather(far.get(b"k"), far.put_many([(b"m", b"v")]), far.get_many([b"k"]))
        await asyncio.sleep(0.01)
        # More than may be under way at once: the others wait for room.
        many = [asyncio.ensure_future(far.put(b"k%d" % number, b"v")) for number in range(30)]
        read, batch, reads = await first
        assert (read.outcome, batch.unknown, reads[0].outcome) == (Outcome.FAILED, 1, Outcome.FAILED)
        written = [await each for each in many]
        assert now() - began <= KEY_SECONDS + 0.02
        assert {each.outcome for each in written} == {Outcome.UNKNOWN, Outcome.FAILED}
        late = await far.put(b"late", b"v")
        assert (late.outcome, late.text) == (
            Outcome.FAILED,
            "the coordinator in kvtui holder (process 6) has been silent for 4.5 s; it was not carried out: ask again",
        )
        with pytest.raises(ClusterError, match="silent for 10 s; whether it was carried out is not known"):
            await changing
        holder.machine.resume()
        await guest.until(lambda snapshot: not snapshot.stopped)
        assert (await far.get(b"late")).value is None

    told(story)


def test_a_holder_that_is_back_before_it_is_given_up_goes_on() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        far = guest.session
        holder.machine.pause()
        assert (await far.put(b"k", b"v")).outcome is Outcome.UNKNOWN
        holder.machine.resume()
        await asyncio.sleep(0.1)
        assert (await far.get(b"k")).value == b"v"
        assert not guest.session.snapshot().stopped

    told(story)


def test_a_holder_that_has_nothing_to_say_for_long_is_not_given_up() -> None:
    async def story(_: Lab, holder: Desk, guest: Desk) -> None:
        await holder.session.pause_node("n1")
        await asyncio.sleep(5)
        waiting = asyncio.ensure_future(guest.session.rebalance())
        await asyncio.sleep(60)
        assert not any("coordinator in" in text for _, text in events_of(guest))
        waiting.cancel()
        await holder.session.resume_node("n1")

    told(story)


def test_a_directory_that_is_held_without_a_socket_is_refused_in_one_line() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        lab.network.refuse("holder")
        with pytest.raises(ClusterError) as refused:
            await lab.desk("later")
        assert "in use by kvtui holder (process 6), which can't be attached to" in str(refused.value)
        assert "\n" not in str(refused.value)

    told(story)


def test_who_will_not_attach_is_refused_at_once() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(ClusterError, match=r"in use by kvtui holder \(process 6\)$"):
            await lab.desk("serve", attaching=False)
        assert asyncio.get_running_loop().time() - began < 1

    told(story)


def test_who_begins_while_the_holder_is_opening_or_ending_waits_for_it() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        await guest.leave()
        ending = asyncio.ensure_future(holder.leave())
        heir = await lab.desk("heir")
        await ending
        assert heir.session.holder == ""
        await heir.leave()
        one, other = await asyncio.gather(lab.desk("one"), lab.desk("other"))
        holds, attached = (other, one) if one.session.holder else (one, other)
        assert holds.session.holder == ""
        assert attached.session.holder.startswith(f"kvtui {holds.machine.name} ")
        await attached.leave()
        await holds.leave()

    told(story)


def test_one_that_leaves_changes_nothing_for_the_others() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        other = await lab.desk("other")
        await guest.leave()
        assert (await other.session.put(b"k", b"v")).outcome is Outcome.OK
        assert (await holder.session.get(b"k")).value == b"v"
        await other.leave()

    told(story)


def test_a_use_that_is_cancelled_closes_in_order_too() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        await guest.session.put(b"k", b"v")
        busy = asyncio.ensure_future(guest.session.rebalance())
        holder.cancel()
        with pytest.raises(ClusterError, match="ended"):
            await busy
        assert (await gone(guest)).startswith(ENDED)
        await guest.take_up()
        assert (await guest.session.get(b"k")).value == b"v"

    told(story)


def test_options_that_do_nothing_are_told_once() -> None:
    async def story(lab: Lab, holder: Desk, guest: Desk) -> None:
        other = await lab.desk("other", unheeded=("--nodes", "--grace"))
        line = "attached to kvtui holder (process 6), which holds the coordinator; no effect have: --nodes, --grace"
        assert events_of(other)[0] == (Level.INFO, line)
        assert other.session.attached_line == line
        lab.network.cut("other", "holder")
        await gone(other)
        await other.until(lambda snapshot: not snapshot.stopped)
        assert other.session.attached_line == "attached to kvtui holder (process 6), which holds the coordinator"
        await other.leave()

    told(story)
