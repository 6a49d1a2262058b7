"""The line a person types: prompt, editing, history and completion, with readline where there is one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import anyio.to_thread

from kvtui.commands import Candidate, History, Names, candidates
from kvtui.shell.listing import listed

try:
    import readline
except ImportError:  # built without it: lines are typed without editing
    readline = None  # type: ignore[assignment]
try:
    import termios
except ImportError:
    termios = None  # type: ignore[assignment]

PROMPT = "> "


class Editor:
    """Reads lines from a terminal. At most one ``read`` at a time; one that is cancelled leaves its thread behind."""

    def __init__(self, history: History, names: Callable[[], Names]) -> None:
        self._history = history
        self._names = names
        self._found: list[Candidate] = []
        self.reading = False
        """The prompt is on the screen, waiting."""
        self._edits = readline is not None and sys.stdin.isatty() and sys.stdout.isatty()
        if self._edits:
            self._prepare()

    async def read(self) -> str | None:
        """The next line; None at the end of the input (Ctrl-D)."""
        self.reading = True
        try:
            with suppress(EOFError, OSError):  # the terminal went: whoever watches it ends the program
                line = await anyio.to_thread.run_sync(self._input, abandon_on_cancel=True)
                self._history.add(line)
                return line
            return None
        finally:
            self.reading = False

    @property
    def begun(self) -> str:
        """What is typed so far, as far as it can be known."""
        return readline.get_line_buffer() if self._edits and self.reading else ""

    def _input(self) -> str:
        if not self._edits:
            return input(PROMPT)
        with _ctrl_c_is_a_key():
            return input(PROMPT)

    def _prepare(self) -> None:
        readline.clear_history()
        for line in self._history.lines:
            readline.add_history(line)
        readline.set_completer(self._complete)
        readline.set_completer_delims("")
        if "libedit" in (readline.__doc__ or ""):
            readline.parse_and_bind("bind ^I rl_complete")
        else:
            readline.parse_and_bind("tab: complete")
            readline.parse_and_bind("set show-all-if-ambiguous on")
            readline.set_completion_display_matches_hook(self._list)
            # Ctrl-C empties the line and accepts it: readline runs in a thread, which no signal interrupts.
            readline.parse_and_bind(r'"\C-c": "\C-e\C-u\C-m"')

    def _complete(self, text: str, state: int) -> str | None:
        if state == 0:
            self._found = candidates(text, self._names())
        return self._found[state].line if state < len(self._found) else None

    def _list(self, _begun: str, _lines: Sequence[str], _longest: int) -> None:
        """Several are possible: list them, and write the line begun again below."""
        rows = listed(self._found, shutil.get_terminal_size().columns)
        sys.stdout.write("\n" + "".join(row + "\n" for row in rows) + PROMPT + readline.get_line_buffer())
        sys.stdout.flush()


@contextmanager
def _ctrl_c_is_a_key() -> Iterator[None]:
    """While a line is edited, Ctrl-C is a key of the editor; it interrupts only what runs."""
    if termios is None or "libedit" in (readline.__doc__ or ""):
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    quiet = termios.tcgetattr(descriptor)
    quiet[6][termios.VINTR] = bytes([os.fpathconf(descriptor, "PC_VDISABLE") & 0xFF])
    termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


@contextmanager
def terminal_restored() -> Iterator[None]:
    """Leave the terminal as it was found, though an abandoned thread still edits a line."""
    if termios is None or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin.fileno())
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)
