"""The inspector: all that is known of the node in focus, or of the key that was looked up, as it changes."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from kvtui.commands import Fact, key_facts, node_facts
from kvtui.commands.wording import harmless, shown
from kvtui.core.events import Level
from kvtui.widgets.panel import Panel, line_strip, plain
from kvtui.widgets.picture import Picture, Subject
from kvtui.widgets.tints import Line
from kvtui.widgets.titles import titled
from kvtui.widgets.words import short
from kvtui.widgets.wrapping import wrapped_text

NAME = 11
"""Cells of the names of facts; less where the panel is narrow."""
LEVEL_WORDS = {Level.INFO: "text", Level.GOOD: "good", Level.WARNING: "warning", Level.BAD: "bad"}


class Inspector(ScrollView, Panel, can_focus=True):
    """Shows what the picture says is inspected."""

    ALLOW_SELECT = True
    FOCUS_ON_CLICK = False
    """The command bar keeps the keyboard."""
    BORDER_SUBTITLE = "Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "Close")]
    HELP = """\
# Inspector
All that is known of the node in focus, or of the key that was looked up with where: what it holds, what it may lack, its ranges or
replicas. It follows the cluster until Esc closes it. What needs attention is in colour."""

    class Closed(Message):
        """A person has seen enough."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._about: tuple[Subject, object] = (Subject.NOTHING, "")

    def show(self) -> None:
        picture = self.picture
        width = self.scrollable_content_region.width
        self.border_title = titled(inspected_title(picture))
        key = picture.located.key if picture.located is not None else b""
        about = (picture.inspected, picture.selected if picture.inspected is Subject.NODE else key)
        if about != self._about:
            self._about = about
            self.scroll_to(y=0, animate=False, immediate=True)
        if not width:
            return
        old, self._lines = self._lines, inspector_lines(picture, width)
        if len(old) != len(self._lines) or self.virtual_size.height != len(self._lines):
            self.virtual_size = Size(width, len(self._lines))
            self.refresh(layout=True)
            return
        top = self.scroll_offset.y
        for y, (was, now) in enumerate(zip(old, self._lines, strict=True)):
            if was != now and top <= y < top + self.size.height:
                self.refresh(Region(0, y - top, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines; the style sheet says how many of them are seen."""
        return len(inspector_lines(self.picture, width))

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        at = y + self.scroll_offset.y
        line = self._lines[at] if at < len(self._lines) else ()
        return line_strip(line, self.size.width, self.tints, self.text_selection, at)

    def on_click(self, event: events.Click) -> None:
        """A click on the frame's lower edge, where it says how to close it, closes it."""
        if event.y == self.outer_size.height - 1:
            self.action_close()

    def action_close(self) -> None:
        """Close it."""
        self.post_message(self.Closed())

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, and what follows it."""
        return selection.extract("\n".join(plain(line) for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def inspected_title(picture: Picture) -> str:
    """What is inspected, in a few words."""
    if picture.inspected is Subject.NODE:
        return f"Node {harmless(picture.selected)}"
    if picture.inspected is Subject.KEY and picture.located is not None:
        return f"Key {short(shown(picture.located.key), 30)}"
    return "Inspector"


def inspector_lines(picture: Picture, width: int) -> list[Line]:
    """What is inspected, in ``width`` cells."""
    if picture.inspected is Subject.NODE:
        view = picture.snapshot.node(picture.selected)
        return [] if view is None else fact_lines(node_facts(picture.snapshot, view), width)
    if picture.inspected is Subject.KEY and picture.known is not None:
        return fact_lines(key_facts(picture.snapshot, picture.known), width)
    return []


def fact_lines(facts: Sequence[Fact], width: int) -> list[Line]:
    """Facts in two columns, wrapped; below each other where there is no room for two."""
    margin = NAME if width >= 3 * NAME else 2
    lines: list[Line] = []
    for fact in facts:
        if margin < NAME and fact.name:
            lines.append(((fact.name, "dim"),))
        for place, text in enumerate(wrapped_text(harmless(fact.text), max(8, width - margin))):
            name = fact.name if place == 0 and margin == NAME else ""
            lines.append(((f"{name:<{margin}}", "dim"), (text, LEVEL_WORDS[fact.level])))
    return lines
