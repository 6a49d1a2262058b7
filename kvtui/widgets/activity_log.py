"""What the activity remembers and which lines of it are shown: filtered, wrapped to a width, bounded."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from kvtui.commands import EVERYTHING, ActivityFilter
from kvtui.commands.wording import harmless
from kvtui.core.events import Level
from kvtui.widgets.tints import Line
from kvtui.widgets.wrapping import wrapped_text

KEPT_ENTRIES = 2000
"""Entries remembered; older ones go."""
LONGEST_ENTRY = 2000
"""Characters shown of one entry: a value can have millions."""
LEAST_WITH_TIME = 30
"""Cells of a line that has room for a time."""
LEAST_TEXT = 8
"""Cells of text in each line, however narrow the panel is."""
HANG = 2
"""Cells by which an answer's further lines are indented more than its first."""


class Source(StrEnum):
    """Where an entry comes from; its value is the mark that stands before it."""

    HAPPENED = "· "
    """By itself."""
    TYPED = "> "
    """A person entered it."""
    ANSWERED = "  "
    """What came of that."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to read. Its time, if it has one, and its mark stand before it, and what does not fit goes on indented."""

    text: str
    words: str
    source: Source = Source.ANSWERED
    time: str = ""
    level: Level = Level.INFO
    nodes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """All of it on one line."""
        return f"{self.time} {self.source}{self.text}" if self.time else f"{self.source}{self.text}"


MARK_WORDS = {Source.HAPPENED: "dim", Source.TYPED: "bold accent", Source.ANSWERED: "dim"}


@dataclass(frozen=True, slots=True)
class Change:
    """What ``arrange`` changed: lines that went at the top, and entries that came at the end."""

    gone: int = 0
    came: int = 0
    anew: bool = False
    """All lines are others."""


class ActivityLog:
    """Entries are added at any time; ``arrange`` brings ``lines`` up to date."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self.lines: list[Line] = []
        """The shown lines, oldest first."""
        self.filter = EVERYTHING
        self._heights: deque[int] = deque()
        """Lines of each entry that ``lines`` were made from, 0 for one that isn't shown."""
        self._width = 0
        self._added = 0
        """Entries ever added."""
        self._arranged = 0
        """Of them, those that ``lines`` know of."""

    def add(self, entry: Entry) -> None:
        """One more, cut where it is too long and made harmless."""
        text = harmless(entry.text)
        if len(text) > LONGEST_ENTRY:
            text = f"{text[:LONGEST_ENTRY]}… ({len(text):,} characters)"
        self.entries.append(entry if text == entry.text else replace(entry, text=text))
        self._added += 1

    @property
    def added(self) -> int:
        """Entries ever added: the number that the next one has."""
        return self._added

    def lines_before(self, number: int) -> int:
        """Lines that stand above the entry of that number, as ``arrange`` left them."""
        oldest = self._arranged - len(self._heights)
        return sum(islice(self._heights, max(0, number - oldest)))

    def lines_of(self, numbers: Iterable[int]) -> int:
        """Lines that those entries take."""
        oldest = self._arranged - len(self._heights)
        return sum(self._heights[number - oldest] for number in numbers if oldest <= number < self._arranged)

    def show_only(self, wanted: ActivityFilter) -> None:
        """Another filter; ``arrange`` makes the lines anew."""
        self.filter = wanted
        self._width = 0

    @property
    def shown(self) -> list[Entry]:
        """Entries that the filter admits, oldest first."""
        return [entry for entry in self.entries if self._admits(entry)]

    def arrange(self, width: int) -> Change:
        """Bring the lines up to date, in ``width`` cells."""
        new = min(self._added - self._arranged, len(self.entries))
        anew = width != self._width or new == len(self.entries)
        if anew:
            self.lines, self._heights, self._width, before = [], deque(), width, new
            new = len(self.entries)
        gone = came = 0
        while len(self._heights) > len(self.entries) - new:
            gone += self._heights.popleft()
        del self.lines[:gone]
        for entry in islice(self.entries, len(self.entries) - new, None):
            lines = wrapped(entry, width) if self._admits(entry) else []
            self.lines += lines
            self._heights.append(len(lines))
            came += bool(lines)
        self._arranged = self._added
        return Change(anew=True, came=min(came, before)) if anew else Change(gone, came)

    def _admits(self, entry: Entry) -> bool:
        return self.filter.admits(entry.text, entry.level, entry.nodes)


def wrapped(entry: Entry, width: int) -> list[Line]:
    """An entry in lines of at most ``width`` cells, broken at spaces where there are any. What goes on below is indented: behind
    the mark, and by two cells more where that is blank."""
    margin = len(entry.time) + 1 if entry.time and width >= LEAST_WITH_TIME else 0
    before = margin + len(entry.source)
    own = len(entry.text) - len(entry.text.lstrip(" "))
    after = before + own + (HANG if entry.source is Source.ANSWERED else 0)
    after = min(after, max(0, width - LEAST_TEXT))
    parts = wrapped_text(entry.text, max(LEAST_TEXT, width - before), max(LEAST_TEXT, width - after))
    first: Line = ((f"{entry.time} " if margin else "", "dim"), (entry.source, MARK_WORDS[entry.source]))
    lines: list[Line] = [tuple(part for part in (*first, (parts[0], entry.words)) if part[0])]
    return [*lines, *(((" " * after, "dim"), (part, entry.words)) for part in parts[1:])]


def copied(entries: list[Entry], most: int) -> tuple[str, int]:
    """The newest entries as text of at most ``most`` characters, a line each, and how many they are."""
    texts: list[str] = []
    size = 0
    for entry in reversed(entries):
        size += len(entry.line) + 1
        if size > most:
            break
        texts.append(entry.line)
    return "\n".join(reversed(texts)), len(texts)
