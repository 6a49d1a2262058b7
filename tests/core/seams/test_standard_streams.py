"""The end of a program, and who is waited for."""

import errno
import io
import os
import threading

import pytest

from kvtui.core.seams import standard_streams
from kvtui.core.seams.standard_streams import OutputLost, leave, output_lost, taken


class Pipe(io.StringIO):
    """An output whose reader stands still."""

    flushed = False

    def flush(self) -> None:
        self.flushed = True


class Stopped(Pipe):
    """A terminal after Ctrl+S."""

    def isatty(self) -> bool:
        return True


class Exited(Exception):
    """In place of the end of the process."""


@pytest.fixture(autouse=True)
def nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def exited(status: int) -> None:
        raise Exited(status)

    monkeypatch.setattr(standard_streams, "taken", lambda stream: False)
    monkeypatch.setattr("os._exit", exited)
    monkeypatch.setattr("threading.enumerate", lambda: [threading.main_thread()])


@pytest.mark.parametrize(
    ("stream", "status", "waited_for"),
    [(Pipe(), 0, True), (Pipe(), 1, True), (Pipe(), 143, False), (Stopped(), 0, False)],
)
def test_a_slow_reader_gets_all_unless_the_program_was_told_to_end(
    monkeypatch: pytest.MonkeyPatch, stream: Pipe, status: int, waited_for: bool
) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", Pipe())
    with pytest.raises(SystemExit if waited_for else Exited):
        leave("kvtui", status)
    assert stream.flushed is waited_for


def test_whether_somebody_takes_something() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with open(reading, "rb", buffering=0), open(writing, "wb", buffering=0) as pipe:
        assert taken(pipe, 0)
        os.write(writing, bytes(1 << 24))  # as much of it as there is room for
        assert not taken(pipe, 0)
    assert taken(io.StringIO(), 0)


def test_that_nobody_reads_is_not_complained_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert output_lost("kvtui", OutputLost(BrokenPipeError(errno.EPIPE, "Broken pipe"))) == 141
    assert capsys.readouterr() == ("", "")
