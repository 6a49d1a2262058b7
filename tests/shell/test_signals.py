"""A signal cancels what runs, not what closes."""

import os
import signal

import anyio
import pytest

from kvtui.shell.signals import Signals

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


async def test_ctrl_c_at_a_prompt_is_the_prompts_own() -> None:
    signals = Signals()
    pressed = anyio.Event()
    signals.ctrl_c = pressed.set
    async with anyio.create_task_group() as tasks:
        await tasks.start(signals.watch)
        with signals.covered():
            os.kill(os.getpid(), signal.SIGINT)
            await pressed.wait()
        tasks.cancel_scope.cancel()
    assert signals.status is None
