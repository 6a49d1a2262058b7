"""Input of a terminal becomes Textual's messages, one unit at a time: what its parser can't read is dropped, with no rest of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import monotonic

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from kvtui.terminal_input import Kind, TerminalInput, Unit

_log = logging.getLogger(__name__)


class TerminalMessages:
    """Bytes in, messages out. Never raises."""

    def __init__(self) -> None:
        self._input = TerminalInput(monotonic)
        self._parser = XTermParser()
        self._told = False

    def feed(self, data: bytes) -> list[Message]:
        """What these bytes, and those before, say."""
        return self._messages(self._input.feed(data))

    def tick(self) -> list[Message]:
        """What a pause says: that Esc was pressed alone."""
        return self._messages(self._input.tick())

    def _messages(self, units: Iterable[Unit]) -> list[Message]:
        messages: list[Message] = []
        for unit in units:
            try:
                messages += self._of(unit)
            except Exception as error:  # whatever the terminal sent: it must not end the dashboard
                if not self._told:
                    self._told = True
                    _log.error("input of the terminal that can't be read was dropped (%s)", type(error).__name__)
        return messages

    def _of(self, unit: Unit) -> list[Message]:
        if unit.kind is Kind.PASTE:
            return [events.Paste(unit.text)]
        # A parser of its own: it would take what comes next for the rest of a sequence that it doesn't know.
        parser = XTermParser()
        parser.last_x, parser.last_y = self._parser.last_x, self._parser.last_y
        if unit.kind is Kind.TEXT:
            return list(parser.feed(unit.text))
        if unit.kind is Kind.SEQUENCE:
            messages = list(parser.feed(unit.text))
            self._parser = parser
            return messages
        whole = "\x1b" if unit.kind is Kind.ESCAPE else f"\x1b{unit.text}"
        return list(parser.feed(whole)) or list(parser.feed(""))
