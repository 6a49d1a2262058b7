"""A panel that draws a run."""

from collections.abc import Mapping, Sequence

from textual.reactive import reactive

from kvtui.bench.view import BenchView
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line


class BenchPanel(LinesPanel):
    """What all panels of a bench share: the view that they draw."""

    view: reactive[BenchView | None] = reactive(None, repaint=False, init=False)
    """What to draw; handed down by the screen."""

    def watch_view(self) -> None:
        if self.is_mounted:
            self.show()

    @property
    def colours(self) -> Mapping[str, int]:
        """Each node's place in the list of node colours."""
        return self.picture.colours

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return self.drawn(self.view, width, height) if self.view is not None else ()

    def drawn(self, view: BenchView, width: int, height: int) -> Sequence[Line]:
        """The text of a view, in that many cells; none, unless a panel says more."""
        return ()
