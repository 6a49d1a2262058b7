"""Textual's palette, which keys pressed twice, or before its list is drawn, do not end the app."""

from contextlib import suppress
from typing import Any, ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.widgets import OptionList

from kvtui.screens.steady import Steady


class Palette(Steady, CommandPalette):
    """As Textual's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page('up')", "Previous page", show=False),
        Binding("pagedown", "page('down')", "Next page", show=False),
    ]

    def action_page(self, way: Literal["up", "down"]) -> None:
        """Go through the list by pages; nothing while it is not drawn, and Textual knows no pages."""
        commands: Any = self.query_one(OptionList)
        with suppress(KeyError):
            if way == "up":
                commands.action_page_up()
            else:
                commands.action_page_down()
