"""Writing to a terminal that doesn't read."""

import io
import os
import select
import threading

import anyio
import anyio.to_thread
import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.widget import Widget

from kvtui.driver import MESSAGES_AT_ONCE, ROWS_MOST, WAITING_CHARACTERS, PatientWriter, TerminalDriver, screen_size

PATIENCE = 10.0


def test_writing_never_waits_and_what_was_dropped_is_told_once_it_reads_again() -> None:
    reading, writing = os.pipe()
    caught_up = threading.Event()
    with open(writing, "w", encoding="ascii") as file, open(reading, "rb") as reader:
        writer = PatientWriter(file, caught_up.set)
        writer.start()
        for _ in range(100):
            writer.write("x" * (WAITING_CHARACTERS // 10))
        assert not caught_up.is_set()
        read = 0
        while not caught_up.is_set():
            if select.select([reader], [], [], 0.05)[0]:
                read += len(os.read(reader.fileno(), 1 << 20))
        assert read <= 2 * WAITING_CHARACTERS + (1 << 20)
        writer.write("the end")
        writer.stop()
        assert not writer.is_alive()
        assert reader.read1(1 << 20).endswith(b"the end")


def test_a_terminal_that_is_gone_is_written_to_in_silence() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    writer = PatientWriter(Gone(), lambda: None)
    writer.start()
    writer.write("x")
    writer.join(PATIENCE)
    assert not writer.is_alive()
    for _ in range(1000):
        writer.write("x" * WAITING_CHARACTERS)
    writer.stop()


def test_of_a_row_that_comes_again_only_what_changed_is_written() -> None:
    file = io.StringIO()
    writer = PatientWriter(file, lambda: None, lambda: (80, 24))
    writer.start()
    writer.write("\x1b[1;1Hkeys 12")
    writer.write("\x1b[1;1Hkeys 13")
    writer.stop()
    assert file.getvalue() == "\x1b[1;1Hkeys 12\x1b[1;8H\x1b[1;7H3\x1b[1;8H"


def test_a_defect_of_the_thread_that_writes_is_told() -> None:
    """A screen that nobody draws any more looks like one that is idle."""

    class Defect(io.StringIO):
        def write(self, text: str) -> int:
            raise TypeError

    failed: list[Exception] = []
    writer = PatientWriter(Defect(), lambda: None, failed=failed.append)
    writer.start()
    writer.write("x")
    writer.join(PATIENCE)
    assert [type(error) for error in failed] == [TypeError]


def test_the_size_is_what_the_system_says_whatever_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "132")
    monkeypatch.setenv("LINES", "99999999")
    for known, size in (((80, 24), (80, 24)), ((1, 1), (1, 1)), ((0, 0), (132, ROWS_MOST)), (None, (132, ROWS_MOST))):

        def told(_: int, known: tuple[int, int] | None = known) -> os.terminal_size:
            if known is None:
                raise OSError
            return os.terminal_size(known)

        monkeypatch.setattr("os.get_terminal_size", told)
        assert screen_size() == size


class Counting(TerminalDriver):
    """Counts what it passes on."""

    passed = 0

    def process_message(self, message: Message) -> None:
        self.passed += 1
        super().process_message(message)


class Typed(App[None]):
    """Notes of each key how many are passed on already that nobody has dealt with."""

    class Line(Widget, can_focus=True):
        async def on_key(self) -> None:
            await self.app.deal()  # type: ignore[attr-defined]

    def __init__(self) -> None:
        super().__init__()
        self.behind: list[int] = []
        self.driver: Counting | None = None

    def compose(self) -> ComposeResult:
        yield self.Line()

    async def deal(self) -> None:
        assert self.driver is not None
        await anyio.sleep(0)
        self.behind.append(self.driver.passed - len(self.behind))
        if len(self.behind) == 2 * MESSAGES_AT_ONCE + 1:
            self.driver.exit_event.set()


@pytest.mark.anyio
async def test_what_is_typed_in_a_flood_waits_before_the_app_and_is_dropped_when_the_screen_is_left() -> None:
    app = Typed()
    async with app.run_test() as pilot:
        driver = app.driver = Counting(app)
        keys = [events.Key("x", "x") for _ in range(5 * MESSAGES_AT_ONCE)]
        with anyio.fail_after(PATIENCE):
            await anyio.to_thread.run_sync(driver.pass_on, keys)
        await pilot.pause()
        assert max(app.behind) <= MESSAGES_AT_ONCE
        assert driver.passed == 3 * MESSAGES_AT_ONCE
