"""Searching the lines typed before, backwards, as shells do with Ctrl+R."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Search:
    """A search under way: ``query`` is what was typed, ``at`` the line that it shows now, None while it shows none.

    ``lines`` are oldest first. A line that repeats the one that is shown is passed over.
    """

    lines: Sequence[str]
    query: str = ""
    at: int | None = None
    failed: bool = False
    """The last step found nothing; what was found before is still shown."""

    @property
    def found(self) -> str | None:
        """The line that the search shows."""
        return None if self.at is None else self.lines[self.at]

    @property
    def place(self) -> tuple[int, int]:
        """Where the query begins and ends in ``found``; (0, 0) where it isn't in it."""
        start = self.found.find(self.query) if self.found is not None and self.query else -1
        return (start, start + len(self.query)) if start >= 0 else (0, 0)

    def typed(self, text: str) -> Search:
        """More of the query: the line that is shown stays where it still fits, else the next older that does."""
        query = self.query + text
        newest = len(self.lines) - 1 if self.at is None else self.at
        return self._shows(query, self._older(query, newest, None))

    def shortened(self) -> Search:
        """The query without its last character, searched from the newest line on."""
        if not self.query:
            return replace(self, failed=False)
        query = self.query[:-1]
        return self._shows(query, self._older(query, len(self.lines) - 1, None)) if query else Search(self.lines)

    def older(self) -> Search:
        """The next older line that fits."""
        if not self.query:
            return self
        start = len(self.lines) - 1 if self.at is None else self.at - 1
        return self._shows(self.query, self._older(self.query, start, self.found))

    def newer(self) -> Search:
        """The next newer line that fits."""
        if self.at is None:
            return self
        later = range(self.at + 1, len(self.lines))
        at = next((at for at in later if self.query in self.lines[at] and self.lines[at] != self.found), None)
        return self._shows(self.query, at)

    def _older(self, query: str, start: int, but: str | None) -> int | None:
        fits = (at for at in range(start, -1, -1) if query in self.lines[at] and self.lines[at] != but)
        return next(fits, None)

    def _shows(self, query: str, at: int | None) -> Search:
        return replace(self, query=query, at=self.at if at is None else at, failed=at is None)
