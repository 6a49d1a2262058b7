"""Lines of a pipe."""

import os
from collections.abc import Iterator

import anyio
import pytest

from kvtui.shell import piped
from kvtui.shell.piped import LineTooLong, PipedLines, each_line

pytestmark = pytest.mark.anyio


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            pass


async def everything(reading: int) -> list[str | None]:
    return [None if isinstance(line, LineTooLong) else line async for line in each_line(PipedLines(reading))]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"put a 1\nget a\n", ["put a 1", "get a"]),
        (b"put a 1\n\nget a", ["put a 1", "", "get a"]),
        ("put ü 🍏".encode(), ["put ü 🍏"]),
        (b"put a \xff", ["put a \udcff"]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 4096])
async def test_lines_come_whole_however_the_pipe_cuts_them(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, data: bytes, lines: list[str], chunk: int
) -> None:
    monkeypatch.setattr(piped, "CHUNK_BYTES", chunk)
    os.write(pipe[1], data)
    os.close(pipe[1])
    assert await everything(pipe[0]) == lines


async def test_a_line_above_the_limit_is_skipped_and_the_rest_goes_on(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piped, "LINE_BYTES", 10)
    monkeypatch.setattr(piped, "CHUNK_BYTES", 8)
    os.write(pipe[1], b"get a\n" + b"x" * 1000 + b"\nget b\n" + b"y" * 11)
    os.close(pipe[1])
    assert await everything(pipe[0]) == ["get a", None, "get b", None]


async def test_waiting_for_a_line_can_be_cancelled(pipe: tuple[int, int]) -> None:
    lines = PipedLines(pipe[0])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lines.next)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert tasks.cancel_scope.cancelled_caught
    os.write(pipe[1], b"\n")  # lets the thread that was left behind end
