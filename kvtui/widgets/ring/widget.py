"""The ring: a circle of coloured arcs, the keys inside it, the nodes' names around it."""

import os
import sys

from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from kvtui.widgets.panel import Panel
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import Glyphs, glyphs_for
from kvtui.widgets.ring.view import View


class Ring(Panel):
    """Draws the picture as a circle. ``view`` None shows the view that fits."""

    view: reactive[View | None] = reactive(None, repaint=False, init=False)

    class ViewShown(Message):
        """Another view is on the screen now, chosen by a person or by what fits."""

        def __init__(self, view: View, focused: str) -> None:
            self.view = view
            self.focused = focused
            super().__init__()

    def __init__(self, *, id: str | None = None, glyphs: Glyphs | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs or glyphs_for(os.environ, sys.stdout.encoding or "utf-8")
        self._drawing: Drawing | None = None
        self._shown_view = View.ARCS, ""

    def watch_view(self) -> None:
        if self.is_mounted:
            self.show()

    def redraw(self) -> None:
        self._drawing = None
        super().redraw()

    def show(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        if self._drawing is None:
            self._drawing = Drawing(Settings(width, height, self.tints, self._glyphs))
        for y in self._drawing.draw(self.picture, self.view):
            self.refresh(Region(0, y, width, 1))
        shown = self._drawing.view, self._drawing.focused
        if shown != self._shown_view:
            self._shown_view = shown
            self.post_message(self.ViewShown(*shown))

    def switch_view(self) -> None:
        """Go on to the next view, from the one that is shown."""
        self.view = (self._drawing.view if self._drawing else View.ARCS).next

    def render_line(self, y: int) -> Strip:
        """One row of the drawing."""
        if self._drawing is None or y >= len(self._drawing.strips):
            return Strip.blank(self.size.width, self.tints.style("text"))
        return self._drawing.strips[y]
