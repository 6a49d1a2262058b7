"""Who holds the coordinator next: found by all who are attached, and held by programs that take it up by themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kvtui.control import session as session_module
from kvtui.control.greeting import attach
from kvtui.control.session import KEY_SECONDS
from kvtui.control.sockets import Door
from kvtui.control.succession import LOOK_MOST_SECONDS, PROGRAM, RETRY_MOST_SECONDS, TAKEN_UP_SECONDS
from kvtui.control.wire import HUSH_SECONDS, PROTOCOL, Farewell, Picture, Welcome, encode, encode_lines
from kvtui.core.cluster import Outcome
from kvtui.core.events import Level
from kvtui.core.opening import Settings
from kvtui.core.seams.transport import CannotListen, Unreachable
from kvtui.core.snapshot import ClusterSnapshot
from tests.control.lab import STATE, Desk, Lab
from tests.control.test_hand_over import Wire
from tests.control.test_session import ENDED, events_of, gone
from tests.simulation.harness import ORPHANS_SECONDS
from tests.simulation.loop import run_virtual

Story = Callable[[Lab, Desk, list[Desk]], Awaitable[None]]
ALL_AT_ONCE_SECONDS = 10.0


def told(story: Story, *, programs: int = 1, nodes: int = 2, replication: int = 2, seed: int = 0) -> None:
    """Run a story with a holder and so many programs attached to it that take the coordinator up by themselves. None is left."""

    async def main() -> None:
        lab = Lab(nodes=nodes, replication=replication)
        holder = await lab.desk("holder")
        attached = [await lab.desk(f"program{number}", manner=PROGRAM) for number in range(programs)]
        await story(lab, holder, attached)
        for desk in (*attached, holder):
            if desk.machine.alive and not desk.left:
                await desk.leave()
        await asyncio.sleep(ORPHANS_SECONDS)
        assert not any(process.alive for process in lab.launcher.processes.values())

    run_virtual(main, seed=seed)


def now() -> float:
    return asyncio.get_running_loop().time()


async def ends(desk: Desk, killed: bool) -> None:
    if killed:
        desk.kill()
    else:
        await desk.leave()


async def taken_up(desks: list[Desk], before: Desk) -> Desk:
    """Wait until all of them have another coordinator than that one's, and return who holds it."""
    async with asyncio.timeout(10):
        while any(f" {before.machine.name} " in desk.session.holder or not desk.session.served for desk in desks):
            await asyncio.sleep(0.01)
    (holds,) = (desk for desk in desks if not desk.session.holder)
    return holds


@pytest.mark.parametrize("killed", [False, True], ids=["in order", "kill -9"])
@pytest.mark.parametrize("seed", range(3))
def test_of_several_that_are_asked_nothing_one_takes_it_up_and_the_others_attach(killed: bool, seed: int) -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        await programs[0].session.put(b"apple", b"1")
        watching = [asyncio.ensure_future(gone(program)) for program in programs]
        await ends(holder, killed)
        left, before = programs, holder
        for _ in range(2):
            holds = await taken_up(left, before)
            told_there = [text for _, text in events_of(holds)]
            assert "the coordinator is here now: others can attach to this process" in told_there
            for program in left:
                assert program.session.holder in ("", f"kvtui {holds.machine.name} (process 8)")
                assert (await program.session.get(b"apple")).value == b"1"
            # And again, of those that are left.
            await ends(holds, killed)
            left, before = [program for program in left if program is not holds], holds
        await taken_up(left, before)
        said = {await each for each in watching}
        assert said == {f"{ENDED}: it is taken up here, unless another process is faster"}

    told(story, programs=4, seed=seed)


def test_what_is_asked_meanwhile_waits_for_it_and_what_was_under_way_is_unknown() -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        for node in ("n1", "n2"):
            await holder.session.pause_node(node)
        begun = [asyncio.ensure_future(program.session.put(b"begun", b"1")) for program in programs]
        await asyncio.sleep(0.1)
        for node in ("n1", "n2"):
            lab.launcher.processes[node].machine.resume()
        holder.kill()
        assert {(await each).outcome for each in begun} == {Outcome.UNKNOWN}
        for number, program in enumerate(programs):
            key, far = b"%d" % number, program.session
            written, read, many, pages = await asyncio.gather(
                far.put(key, b"2"), far.get(b"nobody"), far.put_many([(b"m" + key, b"3")]), _keys(program)
            )
            assert (written.outcome, read.outcome, many.ok) == (Outcome.OK, Outcome.OK, 1), written.text
            assert isinstance(pages, list)

    told(story, programs=3)


async def _keys(desk: Desk) -> list[bytes]:
    return [item.key async for page in desk.session.scan() for item in page]


def test_an_operation_that_nobody_can_carry_out_has_failed_within_five_seconds_and_says_why() -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        lab.network.refuse("holder")
        lab.network.cut("program0", "holder")
        await gone(programs[0])
        began, far = now(), programs[0].session
        written, read, many = await asyncio.gather(far.put(b"k", b"v"), far.get(b"k"), far.put_many([(b"k", b"v")]))
        assert TAKEN_UP_SECONDS <= now() - began < KEY_SECONDS
        assert (written.outcome, read.outcome, many.failed) == (Outcome.FAILED, Outcome.FAILED, 1)
        for text in (written.text, read.text, many.text):
            assert text.startswith(
                f"{ENDED}; the state directory state is in use by kvtui holder (process 6), which can"
            )
        lab.network.refuse("holder", False)
        await programs[0].until(lambda snapshot: not snapshot.stopped)
        assert (await far.get(b"k")).value is None

    told(story)


def test_an_operation_that_the_next_holder_does_not_answer_has_ended_within_five_seconds_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = (
        HUSH_SECONDS  # less than five: what the next holder's silence alone would come to, after the first one's end
    )
    monkeypatch.setattr(session_module, "KEY_SECONDS", seconds)

    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        far = programs[0].session
        heir = await lab.desk("heir")
        await holder.leave()
        began = now()
        put, delete = asyncio.ensure_future(far.put(b"k", b"v")), asyncio.ensure_future(far.delete(b"k"))
        get = asyncio.ensure_future(far.get(b"k"))
        await heir.take_up()
        for node in ("n1", "n2"):
            await heir.session.pause_node(node)
        # Asked there by now, its nodes not answering; and then it hangs itself.
        await asyncio.sleep(1)
        heir.machine.pause()
        outcomes = [(await put).outcome, (await delete).outcome, (await get).outcome]
        assert now() - began <= seconds + 0.01
        assert outcomes == [Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.FAILED]
        heir.machine.resume()
        for node in ("n1", "n2"):
            await heir.session.resume_node(node)
        await programs[0].leave()
        await heir.leave()

    told(story)


def test_a_take_up_that_is_refused_is_told_once_and_tried_again_after_pauses_that_grow(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        far = programs[0].session
        await far.put(b"k", b"v")
        lab.refusal = "the state directory state belongs to somebody else"
        await holder.leave()
        await asyncio.sleep(5)
        began = now()
        for _ in range(1_000):
            written = await far.put(b"k", b"w")
            assert (written.outcome, written.text) == (Outcome.FAILED, f"{ENDED}; {lab.refusal}")
        assert now() - began < 0.1
        before = len(lab.openings)
        await asyncio.sleep(300)
        assert 5 <= len(lab.openings) - before <= 300 / RETRY_MOST_SECONDS + 5
        assert [record.message for record in caplog.records if lab.refusal in record.message] == [
            f"the coordinator can't be taken up here, and that is tried again: {lab.refusal}"
        ]
        lab.refusal = ""
        await asyncio.sleep(RETRY_MOST_SECONDS + 2)
        assert (await far.get(b"k")).value == b"v"

    told(story)


def test_who_takes_it_up_after_a_refusal_elsewhere_is_found_within_a_second() -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        lab.refusal = "the state directory state belongs to somebody else"
        await holder.leave()
        await asyncio.sleep(300)
        lab.refusal = ""
        heir = await lab.desk("heir")
        await asyncio.sleep(1)
        assert programs[0].session.holder == "kvtui heir (process 4)"
        await programs[0].leave()
        await heir.leave()

    told(story)


def test_whoever_is_attached_finds_the_next_holder_within_a_second_however_late_and_looks_gently() -> None:
    async def story(lab: Lab, holder: Desk, _: list[Desk]) -> None:
        guest = await lab.desk("guest")
        await holder.leave()
        await gone(guest)
        looked = len(guest.sockets.connects)
        await asyncio.sleep(600)
        assert 600 / LOOK_MOST_SECONDS - 5 <= len(guest.sockets.connects) - looked <= 600 / LOOK_MOST_SECONDS + 10
        assert (await guest.session.get(b"k")).text == f"{ENDED}: takeup opens it here"
        heir = await lab.desk("heir")
        await asyncio.sleep(1)
        assert (await guest.session.get(b"k")).outcome is Outcome.OK
        assert (Level.INFO, "attached to kvtui heir (process 4), which holds the coordinator") in events_of(guest)
        await guest.leave()
        await heir.leave()

    told(story, programs=0)


@pytest.mark.parametrize("seconds", [0.05, 0.15, 0.25, 0.35])
def test_who_leaves_amid_a_take_up_has_left_soon_and_leaves_no_process(seconds: float) -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        await holder.leave()
        await asyncio.sleep(seconds)
        began = now()
        await programs[0].leave()
        assert now() - began < 1

    told(story)


@pytest.mark.parametrize("seed", range(3))
def test_when_all_leave_at_once_they_do_not_take_it_up_one_after_the_other(seed: int) -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        await holder.leave()
        await taken_up(programs, holder)
        opened, began = len(lab.openings), now()
        await asyncio.gather(*(program.leave() for program in programs))
        assert len(lab.openings) == opened
        assert now() - began < ALL_AT_ONCE_SECONDS

    told(story, programs=8, seed=seed)


def test_a_cluster_that_is_gone_is_not_made_anew() -> None:
    async def story(lab: Lab, holder: Desk, programs: list[Desk]) -> None:
        await programs[0].session.put(b"k", b"v")
        holder.kill()
        for path in lab.disks.paths:
            lab.disks.wipe(path)
        await asyncio.sleep(5)
        read = await programs[0].session.get(b"k")
        assert (read.outcome, read.text) == (
            Outcome.FAILED,
            f"{ENDED}; the state directory state holds no cluster any more",
        )

    told(story)


class _Parting:
    """The socket of a holder that greets and says farewell in one breath."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self._said = (
            encode(Welcome(PROTOCOL, "kvtui")) + b"\n" + encode_lines([Picture(snapshot, ()), Farewell("", ())])
        )

    async def connect(self, state: Path, make: Callable[[], asyncio.Protocol]) -> None:
        protocol = make()
        protocol.connection_made(Wire())
        protocol.data_received(self._said)

    async def listen(self, state: Path, make: Callable[[], asyncio.Protocol]) -> Door:
        raise CannotListen("it does not listen")


def test_a_holder_that_leaves_as_it_greets_was_not_attached_to() -> None:
    """Who believed that it was waited for an end which had been told before."""

    async def story(lab: Lab, holder: Desk, _: list[Desk]) -> None:
        told_of: list[str] = []
        with pytest.raises(Unreachable, match="the coordinator in kvtui ended"):
            await attach(Settings(STATE), _Parting(holder.session.snapshot()), lab.clock, told_of.append)
        assert told_of == []

    told(story, programs=0)
