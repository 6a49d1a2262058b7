"""A request and how it went, over the dashboard."""

from kvtui.commands.explain import short_key
from kvtui.core.explanation import Explanation
from kvtui.screens.sheet import Sheet
from kvtui.widgets.explained import Explained
from kvtui.widgets.picture import Picture


class ExplainScreen(Sheet):
    """Draws one request as it went; nothing of it changes any more."""

    def __init__(self, told: Explanation, picture: Picture) -> None:
        super().__init__(f"Explain · {told.purpose} {short_key(told)}", Explained(told, picture))
