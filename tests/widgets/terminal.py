"""A real program in a real pseudo-terminal, and enough of a terminal to read its screen."""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from rich.cells import cell_len

SEQUENCE = re.compile(
    r"\x1b(?:\[([0-?]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|[ -/]*[0-OQ-Z\\^-~])"
)
"""Control sequences; group 1 and 2 are the parameters and the end of those that begin with ``ESC [``."""
UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]P][^\x07\x1b]*\x1b?|[ -/]*)?$")

FRAME = b"\x1b[?2026l"
"""The end of a synchronized update, as Textual writes one around each picture."""


class Screen:
    """Cells of text. Colours and modes are read over; places, erasing and text are followed."""

    def __init__(self, columns: int, rows: int) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self._cells)

    def feed(self, data: bytes) -> None:
        """Take in what the program wrote; a sequence that is cut in two waits for its rest."""
        text = self._held + self._decoder.decode(data)
        self._held = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
                continue
            found = SEQUENCE.match(text, at)
            if found is None:
                if UNFINISHED.match(text, at):
                    self._held = text[at:]
                    return
                at += 1
                continue
            self._obey(found[1] or "", found[2] or "")
            at = found.end()

    def _put(self, char: str) -> None:
        if char == "\r":
            self._x = 0
        elif char == "\n":
            self._y = min(self.rows - 1, self._y + 1)
        elif char == "\b":
            self._x = max(0, self._x - 1)
        elif char >= " ":
            width = cell_len(char)
            if self._x < self.columns and width:
                self._cells[self._y][self._x] = char
                if width == 2 and self._x + 1 < self.columns:
                    self._cells[self._y][self._x + 1] = ""
            self._x += width

    def _obey(self, parameters: str, end: str) -> None:
        numbers = [int(number) if number.isdigit() else 0 for number in parameters.split(";")] or [0]
        first = max(1, numbers[0])
        if end in ("H", "f"):
            self._y = min(self.rows, first) - 1
            self._x = min(self.columns, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
        elif end == "A":
            self._y = max(0, self._y - first)
        elif end == "B":
            self._y = min(self.rows - 1, self._y + first)
        elif end == "C":
            self._x = min(self.columns - 1, self._x + first)
        elif end == "D":
            self._x = max(0, self._x - first)
        elif end == "G":
            self._x = min(self.columns, first) - 1
        elif end == "J" and numbers[0] in (2, 3):
            self._cells = [[" "] * self.columns for _ in range(self.rows)]
        elif end == "K":
            self._cells[self._y][self._x :] = [" "] * (self.columns - self._x)


class Terminal:
    """Runs a program in a pseudo-terminal of its own session; the program is killed at the end, if it is still there."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 120,
        rows: int = 36,
        *,
        controlling: bool = False,
    ) -> None:
        """``controlling``: the terminal is the session's own, so that its end is told by a SIGHUP."""
        self.screen = Screen(columns, rows)
        self.received = self.frames = 0
        """Bytes that came, and pictures drawn: each is framed as one update."""
        self._master, slave = pty.openpty()
        self._set_size(columns, rows)
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=dict(environment),
            preexec_fn=_own_terminal if controlling else None,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.close()

    def close(self) -> None:
        """Be gone, as a window that is closed; the program is left to notice it."""
        if self._master >= 0:
            os.close(self._master)
        self._master = -1

    def type(self, text: str) -> None:
        """Press keys; ``\\r`` is Enter."""
        os.write(self._master, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Another size, as when a person pulls at the window."""
        self.screen.resize(columns, rows)
        self._set_size(columns, rows)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def until(self, holds: Callable[[str], bool] | str, patience: float = 30.0) -> str:
        """Read until the screen has a text, or is as ``holds`` wants it; returns the screen's text."""
        wanted = holds if callable(holds) else lambda text, words=holds: words in text
        deadline = time.monotonic() + patience
        while not wanted(self.screen.text):
            left = deadline - time.monotonic()
            assert left > 0, f"waited {patience:g} s in vain for {holds!r}; the screen:\n{self.screen.text}"
            if not self._read(min(left, 0.5)) and self.process.poll() is not None:
                raise AssertionError(
                    f"the program ended with {self.process.returncode}; the screen:\n{self.screen.text}"
                )
        return self.screen.text

    def quiet(self, seconds: float, patience: float = 30.0) -> bool:
        """Whether for so long not a byte comes, within the time one has for it."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not self._read(seconds):
                return True
        return False

    def read_for(self, seconds: float) -> None:
        """Take in what comes in that time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def end(self, patience: float = 30.0) -> int:
        """Read on until the program has ended; its exit status."""
        deadline = time.monotonic() + patience
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"the program does not end; the screen:\n{self.screen.text}"
            self._read(0.1)
        return self.process.returncode

    def _read(self, wait: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], wait)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux: nobody has the other side open any more
            return False
        self.received += len(data)
        self.frames += data.count(FRAME)
        self.screen.feed(data)
        return bool(data)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
