"""The text of a value that is edited."""

from textual import events
from textual.widgets import TextArea

from kvtui.screens.key_browser.prompt_keys import actions_of, obey
from kvtui.widgets.scrubbed import SeenTextArea


class ValueArea(SeenTextArea):
    """The cursor does not blink: idle is still."""

    def __init__(self, text: str, *, id: str | None = None) -> None:
        super().__init__(text, id=id, show_line_numbers="\n" in text, compact=True)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        await obey(self, event, _ACTIONS)


_ACTIONS = actions_of(TextArea.BINDINGS)
