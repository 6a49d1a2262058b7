"""The loop under virtual time: order from a seed alone, time that never waits, and ends that say why."""

import asyncio
import time
from pathlib import Path

import anyio
import pytest

from kvtui.core.seams.clock import LoopClock
from tests.simulation.loop import WALL_START, SimClock, Stuck, run_virtual
from tests.simulation.machine import Machine, MachineCrashed
from tests.simulation.other_processes import printed
from tests.simulation.seeds import seeded

ROOT = Path(__file__).parents[2]


async def schedule() -> list[str]:
    """The order in which tasks, timers, set members and an anyio task group's cancellations ran."""
    trace: list[str] = []

    async def worker(name: str) -> None:
        try:
            for step in range(3):
                trace.append(f"{name}{step}")
                await asyncio.sleep(0 if step else 0.01)
            await asyncio.sleep(60)
        finally:
            trace.append(f"{name} ends")

    async def scoped(name: str) -> None:
        with anyio.CancelScope():
            await worker(name)

    async with anyio.create_task_group() as group:
        for name in "abcdef":
            group.start_soon(scoped, name)
        await anyio.sleep(1)
        group.cancel_scope.cancel()
    waiters = {asyncio.get_running_loop().create_future() for _ in range(20)}
    for place, future in enumerate(waiters):
        trace.append(str(hash(future) * 100 + place))
    return trace


def test_a_seed_is_a_schedule() -> None:
    runs = [tuple(run_virtual(schedule, seed=seed)) for seed in range(50)]
    assert len(set(runs)) == 50
    assert runs == [tuple(run_virtual(schedule, seed=seed)) for seed in range(50)]


def test_the_schedule_does_not_depend_on_the_process() -> None:
    code = (
        "from tests.simulation.loop import run_virtual; from tests.simulation.test_loop import schedule;"
        "print([run_virtual(schedule, seed=seed) for seed in range(5)])"
    )
    assert printed(code) == {f"{[run_virtual(schedule, seed=seed) for seed in range(5)]}\n"}


@pytest.mark.parametrize("clock", [LoopClock(), SimClock()])
def test_a_thousand_seconds_pass_at_once(clock: LoopClock | SimClock) -> None:
    async def main() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []
        clock.call_later(250, lambda: seen.append(("timer", clock.monotonic())))
        clock.call_later(300, lambda: seen.append(("cancelled", 0))).cancel()
        await clock.sleep(1000)
        return [*seen, ("end", clock.monotonic())]

    before = time.perf_counter()
    assert run_virtual(main) == [("timer", 250), ("end", 1000)]
    assert time.perf_counter() - before < 1


def test_the_wall_clock_goes_along_with_virtual_time() -> None:
    async def main() -> tuple[float, float]:
        await asyncio.sleep(5)
        return SimClock().wall(), SimClock(skew=-100).wall()

    assert run_virtual(main) == (WALL_START + 5, WALL_START - 95)


@seeded(30)
def test_calls_of_one_object_keep_their_order(seed: int) -> None:
    async def main() -> tuple[list[int], list[int]]:
        loop = asyncio.get_running_loop()
        one: list[int] = []
        other: list[int] = []
        for number in range(20):
            loop.call_soon(one.append, number)
            loop.call_soon(other.append, number)
        await asyncio.sleep(1)
        return one, other

    assert run_virtual(main, seed=seed) == (list(range(20)), list(range(20)))


def test_a_deadlock_is_told_with_what_waits_where() -> None:
    async def wait_for_nothing() -> None:
        await asyncio.sleep(2)
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck, match=r"deadlock at 2\.0.*wait_for_nothing \(test_loop\.py:\d+\)"):
        run_virtual(wait_for_nothing)


def test_a_deadlock_names_the_machines_that_are_stopped() -> None:
    async def main() -> None:
        machine = Machine("n1")
        machine.pause()
        await machine.spawn(asyncio.sleep(1))

    with pytest.raises(Stuck, match="stopped: <n1 paused>"):
        run_virtual(main)


def test_a_run_beyond_its_limit_ends() -> None:
    async def tick_for_ever() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(Stuck, match="not over after 30 virtual seconds"):
        run_virtual(tick_for_ever, limit=30)


def test_a_spin_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    monkeypatch.setattr("tests.simulation.loop.INSTANT_CALLS", 1000)
    with pytest.raises(Stuck, match="time stands still") as caught:
        run_virtual(spin)
    assert caught.value.__context__ is None


def test_an_error_in_a_callback_fails_the_run() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(1, lambda: 1 // 0)
        await asyncio.sleep(2)

    with pytest.raises(ExceptionGroup) as caught:
        run_virtual(main)
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)


def test_a_failure_names_its_seed_and_the_command_that_replays_it() -> None:
    async def main() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong") as caught:
        run_virtual(main, seed=17)
    assert caught.value.__notes__ == [
        "seed 17; replay: KVTUI_SEED=17 python -m pytest 'tests/simulation/test_loop.py"
        "::test_a_failure_names_its_seed_and_the_command_that_replays_it'"
    ]


def test_threads_and_sockets_are_refused() -> None:
    async def thread() -> None:
        await asyncio.to_thread(time.perf_counter)

    async def socket() -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    with pytest.raises(RuntimeError, match="no threads"):
        run_virtual(thread)
    with pytest.raises(RuntimeError, match="transport seam"):
        run_virtual(socket)


class Beats:
    """What a machine's task, timers and callbacks did, with the times."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.cleaned = False

    async def beat(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(1)
                loop.call_later(0.25, self.note)
        finally:
            self.cleaned = True

    def note(self) -> None:
        self.times.append(asyncio.get_running_loop().time())


def test_a_paused_machine_stands_still_and_goes_on() -> None:
    async def main() -> list[float]:
        beats, machine = Beats(), Machine("n1")
        machine.spawn(beats.beat())
        await asyncio.sleep(2.1)
        machine.pause()
        await asyncio.sleep(10)
        assert beats.times == [1.25]
        machine.resume()
        await asyncio.sleep(2)
        return beats.times

    assert run_virtual(main) == [1.25, 12.1, 12.35, 13.35]


def test_nothing_of_a_crashed_machine_runs_until_the_run_is_over() -> None:
    async def main() -> Beats:
        beats, machine = Beats(), Machine("n1")
        machine.spawn(beats.beat())
        await asyncio.sleep(2.1)
        machine.crash()
        machine.resume()
        await asyncio.sleep(10)
        assert (beats.times, beats.cleaned) == ([1.25], False)
        return beats

    assert run_virtual(main).cleaned


def test_a_crash_in_the_midst_of_a_call_unwinds_it_quietly() -> None:
    async def main() -> tuple[list[str], list[str]]:
        seen: list[str] = []
        machine = Machine("n1")
        machine.on_end(lambda orderly: seen.append(f"ended, orderly: {orderly}"))

        def write() -> None:
            machine.crash()
            raise MachineCrashed

        async def task() -> None:
            try:
                write()
            except Exception:
                seen.append("handled")
            seen.append("went on")

        machine.spawn(task())
        asyncio.get_running_loop().call_soon(write, context=machine.context())
        await asyncio.sleep(1)
        return seen, [machine.state]

    assert run_virtual(main) == (["ended, orderly: False"], ["crashed"])


def test_a_callback_that_enters_a_scope_fails_the_run() -> None:
    """As it fails in programs that have sniffio; so does starting a task, where a task begins with a scope."""

    def enter() -> None:
        with anyio.CancelScope():
            pass

    async def story() -> None:
        asyncio.get_running_loop().call_later(1, enter)
        await asyncio.sleep(2)

    with pytest.raises(BaseExceptionGroup):
        run_virtual(story)
