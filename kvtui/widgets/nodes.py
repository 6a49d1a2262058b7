"""The nodes: a bar each, of keys, bytes, operations or latency, in an order of choice; scrolling when there are many."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from kvtui.widgets.choosing import NodeChosen, NodeInspected, clicked
from kvtui.widgets.measures import Measure, Order
from kvtui.widgets.node_lines import NodeLine, NodeLines, hovered, row_count
from kvtui.widgets.panel import Panel, line_strip, plain
from kvtui.widgets.picture import Picture
from kvtui.widgets.titles import titled


class Nodes(ScrollView, Panel, can_focus=True):
    """Node lines, longer than the panel if need be. Clicks go round: a node in focus, all of it, none."""

    ALLOW_SELECT = True
    FOCUS_ON_CLICK = False
    """The command bar keeps the keyboard."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Node above", show=False),
        Binding("down,j", "choose(1)", "Node below", show=False),
        Binding("enter", "inspect", "Inspect"),
        Binding("s", "sort", "Sort"),
    ]

    HELP = """\
# Nodes
A bar a node: of the copies of keys that it holds, their bytes, its operations a second or its latency (F4). The thin mark is
where its quota is: a bar beyond it holds more than its share. Arrows choose a node, Enter shows all of it, s sorts. With the mouse:
a click puts a node in focus, a second one shows all of it, a third one closes that; over a node, all that bars can show stands
beside it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines = NodeLines(Picture().snapshot, {}, "", 0)
        self._drawn: dict[int, NodeLine] = {}
        """Rows as they were drawn last."""
        self._told = ""
        """What is said of the node under the mouse."""
        self.measure = Measure.COPIES
        self.order = Order.JOINED
        self._entitle()

    def next_measure(self) -> None:
        """Bars of the next measure."""
        self.measure = self.measure.next
        self._entitle()
        self.redraw()

    def next_order(self) -> None:
        """Sort by the next order."""
        self.order = self.order.next
        self._entitle()
        self.redraw()

    def _entitle(self) -> None:
        self.border_title = titled("Nodes", self.measure, self.order)

    def show(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        rows = len(self._lines)
        picture = self.picture
        self._lines = NodeLines(picture.snapshot, picture.colours, picture.selected, width, self.measure, self.order)
        if rows != len(self._lines) or self.virtual_size.height != len(self._lines):
            self.virtual_size = Size(width, len(self._lines))
            self._drawn.clear()
            self.refresh(layout=True)
            return
        top = self.scroll_offset.y
        for y in range(top, min(top + self.size.height, len(self._lines))):
            if self._drawn.get(y) != self._lines[y]:
                self.refresh(Region(0, y - top, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines; the style sheet says how many of them are seen."""
        return row_count(self.picture.snapshot)

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        at = y + self.scroll_offset.y
        if y == 0 and len(self._drawn) > 4 * max(1, self.size.height):
            self._drawn.clear()
        line = self._lines[at] if at < len(self._lines) else NodeLine("", ())
        self._drawn[at] = line
        return line_strip(line.line, self.size.width, self.tints, self.text_selection, at)

    def on_click(self, event: events.Click) -> None:
        """Tell which node was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None:
            self.post_message(clicked(self.picture, self._lines.node_at(offset.y + self.scroll_offset.y)))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Over a node's lines: all that its bar can show, and what its line had no room for."""
        offset = event.get_content_offset(self)
        at = self._lines.node_at(offset.y + self.scroll_offset.y) if offset is not None else ""
        node = self.picture.snapshot.node(at) if at else None
        told = hovered(node) if node is not None else ""
        if told != self._told:
            self._told = told
            self.tooltip = Content(told) if told else None

    def action_choose(self, step: int) -> None:
        """The next node above or below; the first or last where none is chosen."""
        ids = self._lines.ids
        if not ids:
            return
        if self.picture.selected in ids:
            at = max(0, min(len(ids) - 1, ids.index(self.picture.selected) + step))
        else:
            at = 0 if step > 0 else len(ids) - 1
        self.post_message(NodeChosen(ids[at]))
        row = self._lines.row_of(ids[at])
        if row is not None:
            self.scroll_to_region(Region(0, row, 1, 1), animate=False, force=True)

    def action_inspect(self) -> None:
        """All of the chosen node."""
        if self.picture.selected:
            self.post_message(NodeInspected(self.picture.selected))

    def action_sort(self) -> None:
        """The next order."""
        self.next_order()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, and what follows it."""
        return selection.extract("\n".join(plain(self._lines[row].line) for row in range(len(self._lines)))), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()
