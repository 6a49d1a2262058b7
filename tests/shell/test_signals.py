"""A signal cancels what runs, not what closes."""

import os
import signal

import anyio
import pytest

from kvtui.last_resort import LastResort
from kvtui.shell.signals import Signals, heeded

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_the_work_and_closing_goes_on(number: signal.Signals) -> None:
    signals, closed = Signals(), False
    async with anyio.create_task_group() as tasks:
        await tasks.start(signals.watch)
        with signals.covered():
            try:
                with signals.covered():
                    os.kill(os.getpid(), number)
                    await anyio.sleep_forever()
            finally:
                await anyio.lowlevel.checkpoint()
                closed = True
        tasks.cancel_scope.cancel()
    assert closed
    assert signals.status == 128 + number


async def test_a_signal_is_heard_though_the_loop_does_not_get_on() -> None:
    """A dashboard that drew without a pause lived on until ``kill -9``."""
    armed: list[int] = []

    class Resort(LastResort):
        def arm(self, loop: object, status: int) -> None:
            armed.append(status)

    signals = Signals(Resort())
    async with anyio.create_task_group() as tasks:
        await tasks.start(signals.watch)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (signals.heard, armed[:1], signals.received) == (True, [143], None)
        tasks.cancel_scope.cancel()


async def test_ctrl_c_that_the_prompt_can_do_nothing_with_ends_the_program() -> None:
    signals = Signals()
    signals.ctrl_c = lambda: False
    async with anyio.create_task_group() as tasks:
        await tasks.start(signals.watch)
        with signals.covered():
            os.kill(os.getpid(), signal.SIGINT)
            await anyio.sleep_forever()
        tasks.cancel_scope.cancel()
    assert signals.status == 130


async def test_ctrl_c_at_a_prompt_is_the_prompts_own() -> None:
    signals = Signals()
    pressed = anyio.Event()

    def ctrl_c() -> bool:
        pressed.set()
        return True

    signals.ctrl_c = ctrl_c
    async with anyio.create_task_group() as tasks:
        await tasks.start(signals.watch)
        with signals.covered():
            os.kill(os.getpid(), signal.SIGINT)
            await pressed.wait()
        tasks.cancel_scope.cancel()
    assert signals.status is None


async def test_a_hangup_that_is_ignored_stays_so() -> None:
    """A ``nohup kvtui serve`` ended with the terminal in which it was started."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert heeded() == (signal.SIGINT, signal.SIGTERM)
        signals = Signals()
        async with anyio.create_task_group() as tasks:
            await tasks.start(signals.watch)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            tasks.cancel_scope.cancel()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heeded() == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
