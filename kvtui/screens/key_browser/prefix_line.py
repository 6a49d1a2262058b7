"""The line that takes the prefix."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class PrefixLine(Input):
    """One line; the cursor does not blink: idle is still."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "submit", "Keys", key_display="↓", tooltip="go to the keys")
    ]

    def __init__(self, value: str, *, id: str | None = None) -> None:
        super().__init__(value, placeholder="what the keys begin with", id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False
