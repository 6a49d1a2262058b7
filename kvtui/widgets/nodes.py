"""The nodes: a line each, scrolling when there are many; a click puts a node in focus."""

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from kvtui.widgets.node_lines import NodeLine, node_lines
from kvtui.widgets.panel import Panel, line_strip, plain


class Nodes(ScrollView, Panel, can_focus=False):
    """Node lines, longer than the panel if need be."""

    BORDER_TITLE = "Nodes"
    ALLOW_SELECT = True

    class Chosen(Message):
        """A person clicked on a node."""

        def __init__(self, node: str) -> None:
            self.node = node
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[NodeLine] = []

    def show(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        old = self._lines
        snapshot = self.picture.snapshot
        self._lines = node_lines(snapshot, self.picture.colours, self.picture.selected, width)
        if len(old) != len(self._lines):
            self.virtual_size = Size(width, len(self._lines))
            self.refresh(layout=True)
            return
        top = self.scroll_offset.y
        for y, (was, now) in enumerate(zip(old, self._lines, strict=True)):
            if was != now and top <= y < top + self.size.height:
                self.refresh(Region(0, y - top, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines; the style sheet says how many of them are seen."""
        return len(node_lines(self.picture.snapshot, self.picture.colours, "", width))

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        at = y + self.scroll_offset.y
        line = self._lines[at].line if at < len(self._lines) else ()
        return line_strip(line, self.size.width, self.tints, self.text_selection, at)

    def on_click(self, event: events.Click) -> None:
        """Tell which node was clicked."""
        offset = event.get_content_offset(self)
        at = offset.y + self.scroll_offset.y if offset else -1
        if 0 <= at < len(self._lines) and self._lines[at].node:
            self.post_message(self.Chosen(self._lines[at].node))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, and what follows it."""
        return selection.extract("\n".join(plain(line.line) for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()
