"""What happened, newest last: the cluster's events, the commands that were typed, and their answers."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from kvtui.commands import ActivityFilter
from kvtui.core.events import Event, Level
from kvtui.notation import as_rest
from kvtui.widgets.activity_log import KEPT_ENTRIES, ActivityLog, Entry, Source, copied
from kvtui.widgets.keys import key_of
from kvtui.widgets.panel import Panel, line_strip, plain
from kvtui.widgets.reading import WAY_BACK, fullest, reading_ways
from kvtui.widgets.titles import titled
from kvtui.widgets.words import counted, short

COPIED_MOST = 48 * 1024
"""Characters that are copied at once: terminals take about 100,000 bytes in base64, and some of the characters are long."""
BORDER = 6
"""Cells of the frame that none of its words can have."""
ECHO_LEAST = 5
"""Lines from which on there is room for the command above the beginning of its answer."""
ASKED_CELLS = 30
"""Of a command whose answer comes late."""
LEVEL_WORDS = {Level.INFO: "text", Level.GOOD: "good", Level.WARNING: "warning", Level.BAD: "bad"}


@dataclass(frozen=True, eq=False)
class Asked:
    """A command that was typed, for its answer to be known as that."""

    text: str


class Activity(ScrollView, Panel, can_focus=True):
    """Entries wrapped to the panel's width; it stays at the end unless a person scrolled back, and then says what is new. An answer
    that is longer than the panel is read from its beginning: it says how much there is below."""

    now: Callable[[], float] = staticmethod(time.time)
    """Seconds since 1970."""
    ALLOW_SELECT = True
    FOCUS_ON_CLICK = False
    """The command bar keeps the keyboard."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("l", "level", "Level"),
        Binding("c,y", "copy", "Copy", key_display="c"),
    ]

    HELP = """\
# Activity
What happened, newest last. / filters by words, node:<id> and level:warning or level:bad, as the command filter does; l goes through
the levels; c copies what is shown. While it is scrolled back it stays there, and says how many are new below.
An answer that is longer than the panel is shown from its beginning, in the room of the whole column: Page Down goes on, Escape
gives the room back."""

    class FilterWanted(Message):
        """A person wants to type a filter; ``text`` is the present one."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Reading(Message):
        """A long answer is being read, with that many lines below what is seen; None: not any more."""

        def __init__(self, below: int | None) -> None:
            self.below = below
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.journal = ActivityLog()
        self._answered: int | None = None
        """The entry of the command that is being answered, as long as nobody scrolled since."""
        self._amid: deque[int] = deque(maxlen=KEPT_ENTRIES)
        """Entries since then that are no part of its answer."""
        self._way_back = False
        self._turning = False
        """The panel itself scrolls."""
        self._below: int | None = None
        """Lines of a long answer below what is seen; None where none is read."""
        self._unseen = 0
        """Entries that came below what is seen."""
        self._copied = ""
        self._due = False
        self._speaking: Asked | None = None
        """The command that was typed or answered last."""
        self._entitle()

    def on_mount(self) -> None:
        """Stay at the end from the start."""
        self.anchor()

    def add_event(self, event: Event) -> None:
        """An event of the cluster, with its time."""
        if self._answered is not None:
            self._amid.append(self.journal.added)
        self._add(
            Entry(event.text, LEVEL_WORDS[event.level], Source.HAPPENED, _hour(event.at), event.level, event.nodes)
        )

    def add_command(self, text: str) -> Asked:
        """A command as it was typed. Its answer is what a person wants to see from here on."""
        self.follow()
        self._answered = self.journal.added
        self._amid.clear()
        self._speaking = Asked(text)
        self._add(Entry(text, "bold accent", Source.TYPED, _hour(self.now())))
        return self._speaking

    def add_answer(self, text: str, level: Level = Level.INFO, asked: Asked | None = None) -> None:
        """A line of a command's answer, which stands below the command. One that comes after something else happened has its own
        time, and one that comes after another command was typed names its own besides."""
        other = asked is not None and asked is not self._speaking
        apart = other or (bool(self.journal.entries) and self.journal.entries[-1].source is Source.HAPPENED)
        if asked is not None and other:
            text, self._speaking = f"{short(asked.text, ASKED_CELLS)}: {text}", asked
            if self._answered is not None:
                self._amid.append(self.journal.added)
        at = _hour(self.now()) if apart else ""
        self._add(Entry(text, LEVEL_WORDS[level], Source.ANSWERED, at, level))

    def add_note(self, text: str, level: Level) -> None:
        """What is said by the dashboard itself, and answers no command."""
        self.add_event(Event(self.now(), level, text))

    @property
    def answer_cells(self) -> int:
        """Cells that a line of an answer has room for."""
        return max(1, self.scrollable_content_region.width - len(Source.ANSWERED))

    def show_only(self, wanted: ActivityFilter) -> None:
        """Show only what a filter admits, from its end on."""
        self.journal.show_only(wanted)
        self._unseen, self._copied = 0, ""
        self.anchor()
        self.show()

    def _add(self, entry: Entry) -> None:
        self.journal.add(entry)
        if self.is_mounted and not self._due:  # a thousand lines at once are shown once
            self._due = True
            self.call_later(self.show)

    def show(self) -> None:
        """Show what is new; stay at the end, or where a person scrolled to."""
        self._due = False
        width = self.scrollable_content_region.width
        if not width:
            return
        following = self._following
        change = self.journal.arrange(width)
        if following:
            self._unseen = 0
        elif change.came:
            self._unseen += change.came
        lines = len(self.journal.lines)
        if change.came or change.gone or change.anew:
            self._copied = ""
            self.virtual_size = Size(width, lines)
            if following and self._anchor_released:
                self.anchor()  # a page further at the end released it
            if change.gone and not following:
                self.scroll_to(y=max(0, self.scroll_offset.y - change.gone), animate=False, immediate=True)
            self.refresh()
        if self._answered is not None:
            self._turn_to_answer(self._answered, following or change.anew)
        self._tell_reading()
        self._entitle()

    def _turn_to_answer(self, number: int, following: bool) -> None:
        """Show the beginning of an answer that is longer than the panel, as long as nobody scrolled."""
        top, room = self.journal.lines_before(number), self.scrollable_content_region.height
        long = len(self.journal.lines) - top - self.journal.lines_of(self._amid) > room
        if long and (following or self.reading):
            if room < ECHO_LEAST:
                top += self.journal.lines_of([number])
            self._turning = True
            self.scroll_to(y=top, animate=False, immediate=True, force=True)
            self._turning = False
            self._below = 0

    @property
    def reading(self) -> bool:
        """Whether an answer is read that was longer than the panel."""
        return self._below is not None

    def follow(self) -> None:
        """Go to the end, and stay there."""
        self._answered = None
        if self.reading:
            self._below = None
            self.post_message(self.Reading(None))
        if self.is_mounted:
            self._unseen = 0
            self.anchor()
            self._entitle()

    def release_anchor(self) -> None:
        """Somebody scrolls."""
        super().release_anchor()
        if not self._turning:
            self._answered = None

    def _tell_reading(self) -> None:
        if self.reading:
            below = max(0, round(self.max_scroll_y - self.scroll_y))
            if below != self._below or not below:
                self._below = below
                self.post_message(self.Reading(below))

    @property
    def _following(self) -> bool:
        """Whether the end is in sight, as it was before what is new came."""
        return self.scroll_offset.y >= self.max_scroll_y or (self._anchored and not self._anchor_released)

    def _entitle(self) -> None:
        text = self.journal.filter.text
        self.border_title = titled("Activity", as_rest(text) if text else "")
        new = f"{self._unseen:,} new below" if self._unseen else ""
        if self.ways and not (new and not self.reading):
            new = fullest(self.ways, self.outer_size.width - BORDER)
        self.border_subtitle = titled(self._copied or new)

    @property
    def ways(self) -> tuple[str, ...]:
        """How to say what there is to read below, and the way back; the fullest first."""
        if self._below is not None:
            return reading_ways(self._below, key_of(self.screen, "scroll_down"))
        return WAY_BACK if self._way_back else ()

    @property
    def way_back(self) -> bool:
        """Whether Escape goes back from here to another panel."""
        return self._way_back

    @way_back.setter
    def way_back(self, way_back: bool) -> None:
        self._way_back = way_back
        self._entitle()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """At the end again: all has been seen, and what comes next is followed."""
        super().watch_scroll_y(old_value, new_value)
        if self._anchor_released:
            self._check_anchor()
        if self._unseen and new_value >= self.max_scroll_y:
            self._unseen = 0
            self._entitle()
        if self.reading:
            self._tell_reading()
            self._entitle()

    def watch_picture(self) -> None:
        """Nothing here depends on the picture."""

    def action_filter(self) -> None:
        """Type a filter, in the command bar."""
        self.post_message(self.FilterWanted(self.journal.filter.text))

    def action_level(self) -> None:
        """Only what is worse; after the worst, all again."""
        self.show_only(self.journal.filter.with_next_level())

    def action_copy(self) -> None:
        """Copy the shown entries, the newest of them where they are too many for a terminal's clipboard."""
        shown = self.journal.shown
        text, entries = copied(shown, COPIED_MOST)
        self.app.copy_to_clipboard(text)
        every = "" if entries == len(shown) else f" of {len(shown):,}"
        self._copied = f"{counted(entries, 'entry', 'entries')}{every} copied"
        self._entitle()

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        at = y + self.scroll_offset.y
        lines = self.journal.lines
        line = lines[at] if at < len(lines) else ()
        return line_strip(line, self.size.width, self.tints, self.text_selection, at)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, and what follows it."""
        return selection.extract("\n".join(plain(line) for line in self.journal.lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def _hour(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
