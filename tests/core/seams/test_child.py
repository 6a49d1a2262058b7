"""A child process in programs of all kinds: on any loop, in any thread, and where the program takes its exit status itself."""

import asyncio
import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvloop

from kvtui.core.seams.child import Child
from kvtui.core.seams.child_output import LINE_BYTES
from kvtui.core.seams.node_command import Command
from kvtui.core.seams.process_handle import Exit, NumberedProcess, ProcessHandle, handle_of

LIMIT_SECONDS = 30
UNTIL_THE_PIPE_ENDS = "echo begun; read line"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
HANDLES: dict[str, Callable[[int], ProcessHandle]] = {"descriptor": handle_of, "number": NumberedProcess}

Story = Callable[[Callable[[str], Child]], Awaitable[None]]


def told(story: Story, loop: str = "asyncio", handle: str = "descriptor") -> None:
    """Tell a story of shells, which end with it."""
    children: list[Child] = []

    def started(script: str) -> Child:
        children.append(Child(Command(["/bin/sh", "-c", script], None, os.environ), HANDLES[handle]))
        return children[-1]

    async def bounded() -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            try:
                await story(started)
            finally:
                for child in children:
                    child.signal(signal.SIGKILL)
                    await child.wait()
                    child.let_go()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(bounded())


def descriptors() -> set[str]:
    return set(os.listdir("/dev/fd"))


@contextmanager
def sigchld(handler: signal.Handlers | Callable[[int, object], None]) -> Iterator[None]:
    before = signal.signal(signal.SIGCHLD, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize("handle", HANDLES)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_child_is_heard_signalled_and_ends(loop: str, handle: str) -> None:
    async def story(started: Callable[[str], Child]) -> None:
        child, killed, status = (
            started(UNTIL_THE_PIPE_ENDS),
            started(UNTIL_THE_PIPE_ENDS),
            started("echo why >&2; exit 3"),
        )
        assert await child.output.line() == "begun"
        assert child.exit is None
        assert os.getsid(child.pid) == child.pid
        child.held.close()
        assert (await child.wait()).status in (0, 1)
        killed.signal(signal.SIGKILL)
        assert await killed.wait() == Exit(-signal.SIGKILL)
        assert (await status.output.line(), await status.wait(), status.said.heard) == ("", Exit(3), "why")
        status.signal(signal.SIGKILL)

    told(story, loop, handle)  # uvloop keeps some for the whole process
    before = descriptors()
    told(story, loop, handle)
    assert descriptors() == before


@pytest.mark.parametrize("handle", HANDLES)
@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_of_the_program_is_changed_and_its_own_handler_is_called(loop: str, handle: str) -> None:
    """Under uvloop SIGCHLD was libuv's, in the whole process."""
    called: list[int] = []

    def handler(number: int, frame: object) -> None:
        called.append(number)

    async def story(started: Callable[[str], Child]) -> None:
        threads = threading.active_count()
        child = started(UNTIL_THE_PIPE_ENDS)
        await child.output.line()
        assert threading.active_count() == threads
        assert signal.getsignal(signal.SIGCHLD) is handler
        child.held.close()
        await child.wait()

    with sigchld(handler):
        told(story, loop, handle)
        assert signal.getsignal(signal.SIGCHLD) is handler
    assert called


def ignored(child: Child) -> None:
    """The system takes it."""


def taken(child: Child) -> None:
    """As a thread does that waits for any child."""
    assert os.waitpid(child.pid, 0)[0] == child.pid


@pytest.mark.parametrize("handle", HANDLES)
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("reap", [ignored, taken])
def test_where_the_program_takes_the_exit_status_the_end_is_seen_and_not_made_up(
    loop: str, handle: str, reap: Callable[[Child], None]
) -> None:
    async def story(started: Callable[[str], Child]) -> None:
        child = started(UNTIL_THE_PIPE_ENDS)
        assert await child.output.line() == "begun"
        assert child.exit is None
        child.signal(signal.SIGKILL)
        reap(child)
        assert await child.wait() == Exit(None)
        assert child.exit == Exit(None)

    with sigchld(signal.SIG_IGN if reap is ignored else signal.SIG_DFL):
        told(story, loop, handle)


def test_a_process_that_got_the_number_of_one_that_ended_is_never_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []

    async def story(started: Callable[[str], Child]) -> None:
        child = started("exit 0")
        taken(child)
        child.signal(signal.SIGKILL)
        assert await child.wait() == Exit(None)

    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    for handle in HANDLES:
        told(story, handle=handle)
    assert sent == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process has a descriptor")
@pytest.mark.parametrize("missing", ["os.pidfd_open", "os.P_PIDFD", "signal.pidfd_send_signal"])
def test_a_python_that_was_built_on_an_older_system_knows_a_child_by_its_number(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in programs that cx_Freeze makes: each start was an AttributeError."""
    monkeypatch.delattr(missing)
    assert isinstance(handle_of(os.getpid()), NumberedProcess)


def test_in_a_thread_it_needs_no_child_watcher() -> None:
    async def story(started: Callable[[str], Child]) -> None:
        assert await started("exit 4").wait() == Exit(4)

    with ThreadPoolExecutor(1) as pool:
        for loop in LOOPS:
            pool.submit(told, story, loop).result(LIMIT_SECONDS)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_can_t_be_started_says_so_and_leaves_nothing(loop: str, tmp_path: Path) -> None:
    async def story(started: Callable[[str], Child]) -> None:
        for command, error in [
            (Command([str(tmp_path / "none")], None, {}), FileNotFoundError),
            (Command([str(tmp_path)], None, {}), PermissionError),
            (Command(["/bin/sh"], tmp_path / "none", {}), FileNotFoundError),
            (Command(["/bin/sh", "a\0b"], None, {}), ValueError),
        ]:
            before = descriptors()
            with pytest.raises(error):
                Child(command)
            assert descriptors() == before

    told(story, loop)


def test_an_interpreter_that_gives_up_is_heard_to_say_why_and_not_where_it_was() -> None:
    """Of a Python whose PYTHONHOME is another's there was ``<no Python frame>`` to read."""
    said = (
        "Fatal Python error: no codec\\nModuleNotFoundError: no encodings\\n\\nCurrent thread:\\n  <no Python frame>\\n"
    )

    async def story(started: Callable[[str], Child]) -> None:
        child = started(f"printf '{said}' >&2; exit 1")
        await child.wait()
        assert await child.said.line() == "Fatal Python error: no codec"

    told(story)


def test_one_that_closes_its_output_before_it_ends_runs_until_it_does() -> None:
    """Without a descriptor of the process the end of its output is where it is looked at, and no proof."""

    async def story(started: Callable[[str], Child]) -> None:
        child = started("exec 1>&-; read line; exit 5")
        assert await child.output.line() == ""
        assert child.exit is None
        child.held.close()
        assert await child.wait() == Exit(5)

    told(story, handle="number")


def test_what_a_child_left_running_on_its_output_holds_nobody_up() -> None:
    async def story(started: Callable[[str], Child]) -> None:
        child = started("yes & read begun; exit 6")
        assert await child.output.line() == "y"
        child.held.close()
        assert await child.wait() == Exit(6)

    told(story)


def test_a_first_line_without_end_is_cut() -> None:
    async def story(started: Callable[[str], Child]) -> None:
        child = started("exec cat /dev/zero")
        assert len(await child.output.line()) == LINE_BYTES

    told(story)


@pytest.mark.parametrize("loop", LOOPS)
def test_one_that_is_dropped_while_it_runs_ends_and_nothing_warns(loop: str) -> None:
    """Its loop was closed before it was let go."""
    ends: list[int] = []

    async def forgotten() -> None:
        child = Child(Command(["/bin/sh", "-c", UNTIL_THE_PIPE_ENDS], None, os.environ))
        ends.append(child.pid)
        await child.output.line()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(forgotten())
        gc.collect()
        os.waitpid(ends[0], 0)
    assert [str(warning.message) for warning in warned] == []
