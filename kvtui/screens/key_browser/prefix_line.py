"""The line that takes the prefix."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from kvtui.screens.key_browser.key_line import KeyLine
from kvtui.widgets.words import in_words

ASKED = "what the keys begin with"


class PrefixLine(KeyLine):
    """Going on from it leads to the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "submit", "Keys", key_display="↓", tooltip="go to the keys")
    ]

    def __init__(self, prefix: str, *, id: str | None = None) -> None:
        super().__init__(prefix, ASKED, id=id)

    def on_resize(self) -> None:
        """What is asked for ends between words."""
        self.placeholder = in_words(ASKED, self.size.width - 1)
