"""A real pseudo-terminal with ``kvtui`` in it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parent.parent.parent
DEADLINE_SECONDS = 30.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x07")


class Terminal:
    """Runs ``python -m kvtui`` with the arguments; killed, with its session, when left."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self._descriptor = ours
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kvtui", *arguments],
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "dumb", **environment},
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(theirs)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._read = ""
        self._from = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._descriptor)

    @property
    def text(self) -> str:
        """Everything on the screen so far, without escapes."""
        return _ESCAPES.sub("", self._read).replace("\r\n", "\n").replace("\r", "")

    def until(self, expected: str) -> str:
        """Wait until ``expected`` appears after what was waited for before; what came up to it."""
        end = time.monotonic() + DEADLINE_SECONDS
        while (found := self.text.find(expected, self._from)) < 0:
            assert self._more(end), f"{expected!r} did not come; the screen shows {self.text!r}"
        before, self._from = self.text[self._from : found], found + len(expected)
        return before

    def types(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def ends(self) -> int:
        """Wait for the end of the program; its status."""
        end = time.monotonic() + DEADLINE_SECONDS
        while self._more(end):
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def modes(self) -> list[object]:
        """The terminal's settings."""
        return termios.tcgetattr(self._descriptor)

    def _more(self, end: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # the other side is closed
            return False
        self._read += self._decoder.decode(data)
        return bool(data)


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
