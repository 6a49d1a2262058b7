"""Screens that take the terminal's size as it is now, never as it was, and that close once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete
from textual.events import Resize
from textual.message import Message

if TYPE_CHECKING:
    from textual.screen import Screen

    _Base = Screen[Any]
else:  # styles and bindings are those of the screen that it goes before
    _Base = object


class Steady(_Base):
    """Goes before a screen's class. A screen tells itself of each size that it is laid out for, later. Were it told of a size that
    the terminal has no more, it would be laid out for that one too, and tell itself again: two sizes in a row, as where a window
    manager places a window that was just opened, and it would draw for ever.
    """

    def check_message_enabled(self, message: Message) -> bool:
        """Not a size that is over."""
        if isinstance(message, Resize) and message.size != self.app.size:
            return False
        return super().check_message_enabled(message)

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, unless that was done: a key pressed twice would close what is below, and with the last screen the app."""
        if self not in self.app.screen_stack:
            return AwaitComplete()
        return super().dismiss(result)
