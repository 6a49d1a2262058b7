"""Several candidates, and the one that is chosen now: what a menu shows, as a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len, set_cell_size

from kvtui.commands import Candidate
from kvtui.commands.wording import harmless
from kvtui.widgets.tints import Line
from kvtui.widgets.words import in_words, short

WORD_MOST = 40
"""Cells that a candidate has, at most, beside its help."""


@dataclass(frozen=True, slots=True)
class Choices:
    """At least one candidate."""

    candidates: Sequence[Candidate]
    at: int = 0

    @property
    def chosen(self) -> Candidate:
        """The one that would be taken now."""
        return self.candidates[self.at]

    def moved(self, step: int) -> Choices:
        """The next (1) or the one before (-1), round and round."""
        return replace(self, at=(self.at + step) % len(self.candidates))

    def narrowed(self, candidates: Sequence[Candidate]) -> Choices | None:
        """The same among other candidates, on the same one if it is still there; None without any."""
        if not candidates:
            return None
        words = [candidate.word for candidate in candidates]
        return Choices(candidates, words.index(self.chosen.word) if self.chosen.word in words else 0)

    def rows(self, height: int) -> range:
        """The candidates that ``height`` rows show, the chosen one among them; where not all fit, a row tells their number."""
        count = len(self.candidates)
        if count <= height:
            return range(count)
        shown = max(1, height - 1)
        start = min(max(0, self.at - shown // 2), count - shown)
        return range(start, start + shown)

    def width(self, most: int) -> int:
        """Cells that the widest row would like, ``most`` at most."""
        words = self._word_width(most)
        helps = max(cell_len(candidate.help) for candidate in self.candidates)
        return max(4, min(most, words + 2 + (helps + 2 if helps else 0)))

    def lines(self, width: int, height: int) -> list[Line]:
        """The rows as they are drawn."""
        words = self._word_width(width)
        rows = self.rows(height)
        lines = [self._line(at, words, width) for at in rows]
        if len(rows) < len(self.candidates):
            lines.append(((f" {self.at + 1} of {len(self.candidates)}", "dim"),))
        return lines

    def _word_width(self, most: int) -> int:
        longest = max(cell_len(harmless(candidate.word)) for candidate in self.candidates)
        return min(longest, WORD_MOST, max(1, most - 2))

    def _line(self, at: int, words: int, width: int) -> Line:
        candidate, chosen = self.candidates[at], at == self.at
        word = set_cell_size(f" {short(harmless(candidate.word), words)}", words + 2)
        rest = max(0, width - words - 2)
        told = set_cell_size(in_words(candidate.help, rest - 1), rest)
        return (word, "accent bold reverse" if chosen else "accent bold"), (told, "accent reverse" if chosen else "dim")
