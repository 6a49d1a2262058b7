"""Writing to a terminal that doesn't read."""

import io
import os
import select
import threading

import pytest

from kvtui.driver import ROWS_MOST, WAITING_CHARACTERS, PatientWriter, screen_size

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
