"""The ring: a circle of coloured arcs, the keys inside it, the nodes' names around it."""

import os
import sys
import time
from collections.abc import Callable

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from kvtui.widgets.choosing import clicked
from kvtui.widgets.panel import Panel
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import Glyphs, glyphs_for
from kvtui.widgets.ring.motion import FRAME_SECONDS, REST, Events, Motion, motion_for
from kvtui.widgets.ring.view import View


class Ring(Panel):
    """Draws the picture as a circle. ``view`` None shows the view that fits.

    While something moves, a frame follows the last one after ``FRAME_SECONDS``, whatever else changes meanwhile; at rest no timer
    runs.
    """

    view: reactive[View | None] = reactive(None, repaint=False, init=False)

    class ViewShown(Message):
        """Another view is on the screen now, chosen by a person or by what fits."""

        def __init__(self, view: View, focused: str) -> None:
            self.view = view
            self.focused = focused
            super().__init__()

    def __init__(
        self,
        *,
        id: str | None = None,
        glyphs: Glyphs | None = None,
        motion: Motion | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``glyphs`` and ``motion`` None are what the environment says; ``clock`` gives seconds that never go back."""
        super().__init__(id=id)
        self._glyphs = glyphs or glyphs_for(os.environ, sys.stdout.encoding or "utf-8")
        self._motion = motion or motion_for(os.environ)
        self._clock = clock
        self._events = Events()
        self._next_frame: Timer | None = None
        self._drawing: Drawing | None = None
        self._shown_view = View.ARCS, ""

    def watch_view(self) -> None:
        if self.is_mounted:
            self.show()

    def watch_picture(self) -> None:
        self._events = self._events.noticed(self.picture, self._clock())
        if self._next_frame is None:
            super().watch_picture()

    def redraw(self) -> None:
        self._drawing = None
        super().redraw()

    def show(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        if self._drawing is None:
            self._drawing = Drawing(Settings(width, height, self.tints, self._glyphs))
        moment = self._events.moment(self._clock()) if self._motion is Motion.FULL else REST
        for y in self._drawing.draw(self.picture, self.view, moment):
            self.refresh(Region(0, y, width, 1))
        if not self._drawing.rests and self._next_frame is None:
            self._next_frame = self.set_timer(FRAME_SECONDS, self._go_on, name="next frame")
        shown = self._drawing.view, self._drawing.focused
        if shown != self._shown_view:
            self._shown_view = shown
            self.post_message(self.ViewShown(*shown))

    def _go_on(self) -> None:
        self._next_frame = None
        self.show()

    def switch_view(self) -> None:
        """Go on to the next view, from the one that is shown."""
        self.view = (self._drawing.view if self._drawing else View.ARCS).next

    def on_click(self, event: events.Click) -> None:
        """A click on an arc or a name is one on its node; beside them it means nothing."""
        offset = event.get_content_offset(self)
        node = self._drawing.node_at(offset.x, offset.y) if offset is not None and self._drawing is not None else ""
        if node:
            self.post_message(clicked(self.picture, node))

    def render_line(self, y: int) -> Strip:
        """One row of the drawing."""
        if self._drawing is None or y >= len(self._drawing.strips):
            return Strip.blank(self.size.width, self.tints.style("text"))
        return self._drawing.strips[y]
