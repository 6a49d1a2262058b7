"""The line that takes the prefix."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from kvtui.screens.key_browser.key_line import KeyLine


class PrefixLine(KeyLine):
    """Going on from it leads to the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "submit", "Keys", key_display="↓", tooltip="go to the keys")
    ]

    def __init__(self, prefix: str, *, id: str | None = None) -> None:
        super().__init__(prefix, "what the keys begin with", id=id)
