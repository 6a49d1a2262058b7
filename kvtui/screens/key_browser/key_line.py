"""A line that takes a key, in the notation: what is not plain text in double quotes."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from kvtui.screens.key_browser.prompt_keys import actions_of, obey
from kvtui.widgets.scrubbed import SeenInput


class KeyLine(SeenInput):
    """One line; the cursor does not blink: idle is still."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down,enter", "submit", show=False)]

    def __init__(self, value: str, placeholder: str, *, id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        await obey(self, event, _ACTIONS)


_ACTIONS = actions_of(Input.BINDINGS, KeyLine.BINDINGS)
