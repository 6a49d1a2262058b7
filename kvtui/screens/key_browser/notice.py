"""One line that says how something ended."""

from textual.widgets import Static

from kvtui.commands.wording import harmless
from kvtui.core.events import Level


class Notice(Static):
    """Takes no room while there is nothing to say."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self.display = False

    def tell(self, text: str, level: Level = Level.INFO) -> None:
        """Say that; an empty text: nothing."""
        for known in Level:
            self.set_class(known is level, f"-{known}")
        self.update(harmless(text))
        self.display = bool(text)
