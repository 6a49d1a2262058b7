"""The menu above the command bar: what Tab could complete."""

from collections.abc import Sequence

from textual import events
from textual.message import Message

from kvtui.widgets.choices import Choices
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line

ROWS_MOST = 10


class CompletionMenu(LinesPanel):
    """Lies over the panels, on top of the bar that it belongs to, and never takes the keyboard from it."""

    class Clicked(Message):
        """A person clicked on a candidate."""

        def __init__(self, at: int) -> None:
            self.at = at
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._choices: Choices | None = None
        self.display = False

    def offer(self, choices: Choices | None, column: int, above: int) -> None:
        """Show choices at a column of the bar, in no more than the ``above`` rows over it; None: nothing."""
        self._choices = choices
        self.display = choices is not None and above > 0
        if choices is None or above <= 0:
            return
        whole = self.app.size.width
        rows = min(ROWS_MOST, above, len(choices.candidates))
        width = choices.width(whole)
        self.styles.width, self.styles.height = width, rows
        self.styles.offset = (max(0, min(column, whole - width)), -rows)
        self.redraw()

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return self._choices.lines(width, height) if self._choices is not None else ()

    def on_click(self, event: events.Click) -> None:
        """Tell which candidate was clicked."""
        event.stop()
        rows = self._choices.rows(self.size.height) if self._choices is not None else range(0)
        if event.y < len(rows):
            self.post_message(self.Clicked(rows[event.y]))
