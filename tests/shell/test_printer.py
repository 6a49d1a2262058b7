"""What is said comes out, in order, and never at the cost of the loop."""

import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import StringIO

import anyio
import anyio.to_thread
import pytest

from kvtui.commands import CommandError, Level, Line
from kvtui.shell.printer import LOOK_SECONDS, WAITING_CHARACTERS, Printer, bar_text

pytestmark = pytest.mark.anyio


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@asynccontextmanager
async def writing(printer: Printer) -> AsyncIterator[None]:
    yield
    await printer.drained()


async def test_lines_come_out_in_order_and_failures_apart_in_a_script() -> None:
    out, err = StringIO(), StringIO()
    printer = Printer(out, err, person=False)
    async with writing(printer):
        printer.say(Line("one"))
        printer.say(Line("broken", Level.BAD))
        printer.say(Line("odd", Level.WARNING))
    assert out.getvalue() == "one\nodd\n"
    assert err.getvalue() == "broken\n"


async def test_bad_news_that_was_asked_for_is_an_answer_and_no_failure() -> None:
    """``kvtui -c stats | grep Distinct`` found nothing while a node was down."""
    out, err = StringIO(), StringIO()
    printer = Printer(out, err, person=False)
    async with writing(printer):
        printer.say(Line("3 slots lost", Level.BAD, asked=True))
    assert (out.getvalue(), err.getvalue()) == ("3 slots lost\n", "")


async def test_a_person_reads_everything_in_one_place() -> None:
    out, err = StringIO(), StringIO()
    printer = Printer(out, err, person=True)
    async with writing(printer):
        printer.say(Line("broken", Level.BAD))
    assert (out.getvalue(), err.getvalue()) == ("broken\n", "")


async def test_what_is_said_comes_out_while_the_command_still_runs() -> None:
    reading, writing_end = os.pipe()
    with os.fdopen(reading, "r") as reader, os.fdopen(writing_end, "w") as out:
        printer = Printer(out, StringIO(), person=False)
        async with writing(printer):
            for number in range(3):
                printer.say(Line(f"step {number}"))
                assert await anyio.to_thread.run_sync(reader.readline) == f"step {number}\n"


async def test_a_stopped_reader_does_not_stop_the_loop_until_the_limit() -> None:
    reading, writing_end = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing_end, "w") as out:
        printer = Printer(out, StringIO(), person=False)
        line = "x" * 999
        lines = WAITING_CHARACTERS // 1000  # far more than a pipe holds
        async with writing(printer):
            for _ in range(lines):
                printer.say(Line(line))
                await anyio.lowlevel.checkpoint()
            got = await anyio.to_thread.run_sync(read_exactly(reader.read, lines * 1000))
    assert got == (line.encode() + b"\n") * lines


async def test_beyond_the_limit_saying_waits_for_the_reader_until_the_program_is_to_end() -> None:
    """With a terminal that was stopped by Ctrl+S, a shell could not be ended."""
    reading, writing_end = os.pipe()
    ended = threading.Event()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing_end, "w") as out:
        printer = Printer(out, StringIO(), person=False, ended=ended.is_set)
        printer.say(Line("x" * (WAITING_CHARACTERS - 1)))
        said = threading.Thread(target=printer.say, args=(Line("and more"),))
        said.start()
        said.join(2 * LOOK_SECONDS)
        assert said.is_alive()
        ended.set()
        said.join()
        with anyio.fail_after(5):
            await printer.drained()
        reader.read(WAITING_CHARACTERS + len("and more\n"))


def read_exactly(read: Callable[[int], bytes], size: int) -> Callable[[], bytes]:
    return lambda: read(size)


async def test_a_terminal_gets_no_bytes_that_it_might_obey() -> None:
    out = Terminal()
    printer = Printer(out, StringIO(), person=True)
    with pytest.raises(CommandError, match="send it to a file or a pipe"):
        printer.raw(b"\x1b[2J")
    assert out.getvalue() == ""


async def test_a_reader_that_went_away_is_noticed() -> None:
    reading, writing_end = os.pipe()
    os.close(reading)
    out = os.fdopen(writing_end, "w")
    printer = Printer(out, StringIO(), person=False)
    async with writing(printer):
        printer.say(Line("anybody?"))
    assert printer.lost is not None
    assert printer.lost.reader_gone
    with pytest.raises(BrokenPipeError):
        out.close()


async def test_a_bar_is_drawn_for_a_terminal_only_and_gone_before_the_next_line() -> None:
    out, err = StringIO(), Terminal()
    printer = Printer(out, err, person=False)
    async with writing(printer):
        printer.progress("Loading a.csv: 1 entry", 1, 2)
        printer.progress("Loading a.csv: 1 entry", 1, 2)
        printer.progress("", 0, 0)
        printer.say(Line("Loaded"))
    bar = "Loading a.csv: 1 entry  ############------------  50 %"
    assert err.getvalue() == f"\r\x1b[K{bar}\r\x1b[K"
    assert out.getvalue() == "Loaded\n"
    silent = StringIO()
    printer = Printer(out, silent, person=False)
    async with writing(printer):
        printer.progress("Loading", 1, 2)
    assert silent.getvalue() == ""


def test_a_bar_fits_its_terminal() -> None:
    assert len(bar_text("Loading " + "long/" * 50, 1, 2, 80)) == 79
    assert bar_text("Saving", 5, 0, 80) == "Saving"
    assert bar_text("Saving", 9, 5, 80).endswith("100 %")
