"""What happened, newest last: the cluster's events, the commands that were typed, and their answers."""

import time
from collections import deque
from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len, chop_cells
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from kvtui.core.events import Event, Level
from kvtui.widgets.panel import Panel, line_strip, plain
from kvtui.widgets.tints import Line
from kvtui.widgets.words import harmless

KEPT_ENTRIES = 2000
"""Entries remembered; older ones go."""
LONGEST_ENTRY = 2000
"""Characters shown of one entry: a value can have millions."""
LEVEL_WORDS = {Level.INFO: "text", Level.GOOD: "good", Level.WARNING: "warning", Level.BAD: "bad"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to read. ``time`` stands before it and ``text`` is indented when it wraps."""

    text: str
    words: str
    time: str = ""


class Activity(ScrollView, Panel, can_focus=False):
    """Entries wrapped to the panel's width; it stays at the end unless a person scrolled back."""

    BORDER_TITLE = "Activity"
    ALLOW_SELECT = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self._lines: list[Line] = []
        self._wrapped_to = 0
        self._begun = 0
        """Entries ever added, so that wrapping can go on where it stopped."""
        self._shown = 0
        self._due = False

    def on_mount(self) -> None:
        """Stay at the end from the start."""
        self.anchor()

    def add_event(self, event: Event) -> None:
        """An event of the cluster, with its time."""
        self._add(Entry(event.text, LEVEL_WORDS[event.level], time.strftime("%H:%M:%S", time.localtime(event.at))))

    def add_command(self, text: str) -> None:
        """A command as it was typed."""
        self._add(Entry("> " + text, "bold accent"))

    def add_answer(self, text: str, level: Level = Level.INFO) -> None:
        """A line of a command's answer."""
        self._add(Entry(text, LEVEL_WORDS[level]))

    def _add(self, entry: Entry) -> None:
        text = harmless(entry.text)
        if len(text) > LONGEST_ENTRY:
            text = f"{text[:LONGEST_ENTRY]}… ({len(text):,} characters)"
        self._entries.append(Entry(text, entry.words, entry.time))
        self._begun += 1
        if self.is_mounted and not self._due:  # a thousand lines at once are shown once
            self._due = True
            self.call_later(self.show)

    def show(self) -> None:
        """Wrap what is new, and stay at the end."""
        self._due = False
        width = self.scrollable_content_region.width
        new = min(self._begun - self._shown, len(self._entries))
        if not width or (not new and width == self._wrapped_to):
            return
        if width != self._wrapped_to or len(self._lines) > 2 * KEPT_ENTRIES:
            self._lines, self._wrapped_to, new = [], width, len(self._entries)
        for entry in islice(self._entries, len(self._entries) - new, None):
            self._lines += wrapped(entry, width)
        self._shown = self._begun
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def watch_picture(self) -> None:
        """Nothing here depends on the picture."""

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        at = y + self.scroll_offset.y
        line = self._lines[at] if at < len(self._lines) else ()
        return line_strip(line, self.size.width, self.tints, self.text_selection, at)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, and what follows it."""
        return selection.extract("\n".join(plain(line) for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def wrapped(entry: Entry, width: int) -> list[Line]:
    """An entry in lines of at most ``width`` cells, broken at spaces where there are any."""
    margin = len(entry.time) + 1 if entry.time and width >= 30 else 0
    parts = _broken(entry.text, max(8, width - margin))
    lines: list[Line] = []
    for place, part in enumerate(parts):
        if not margin:
            lines.append(((part, entry.words),))
        else:
            lines.append(((entry.time + " " if place == 0 else " " * margin, "dim"), (part, entry.words)))
    return lines


def _broken(text: str, width: int) -> list[str]:
    lines = []
    while cell_len(text) > width:
        head = chop_cells(text, width)[0]
        space = head.rfind(" ")
        if text[len(head) : len(head) + 1] == " ":
            space = len(head)
        if space > width // 3:
            head = head[:space]
        lines.append(head)
        text = text[len(head) :].lstrip(" ") if space > width // 3 else text[len(head) :]
    return [*lines, text]
