"""Which lines of the dashboard's activity are shown: words of their text, nodes, and how bad they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind
from kvtui.commands.context import Context
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.notation import brief

SEVERITY = {Level.INFO: 0, Level.GOOD: 0, Level.WARNING: 1, Level.BAD: 2}
NODE, LEVEL = "node:", "level:"
LEVELS = (Level.WARNING, Level.BAD)
"""Levels that a person can ask for: that one, and what is worse."""


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What every line that is shown must have: all of the ``words``, one of the ``nodes`` (if any), at least the ``level``."""

    words: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    level: Level = Level.INFO

    @classmethod
    def parse(cls, text: str) -> ActivityFilter:
        """``node:B level:warning some words``. Raises CommandError."""
        words: list[str] = []
        nodes: list[str] = []
        level = Level.INFO
        for word in text.split():
            if word.lower().startswith(LEVEL):
                wanted = word[len(LEVEL) :].lower()
                if wanted not in LEVELS:
                    raise CommandError(
                        f"there is no level {brief(wanted)}; use {' or '.join(LEVEL + at for at in LEVELS)}"
                    )
                level = Level(wanted)
            elif word.lower().startswith(NODE) and len(word) > len(NODE):
                nodes.append(word[len(NODE) :])
            else:
                words.append(word.casefold())
        return cls(tuple(words), tuple(nodes), level)

    @property
    def text(self) -> str:
        """What ``parse`` would make this filter from; empty: everything is shown."""
        level = [LEVEL + self.level] if SEVERITY[self.level] else []
        return " ".join([*(NODE + node for node in self.nodes), *level, *self.words])

    def admits(self, text: str, level: Level, nodes: Sequence[str] = ()) -> bool:
        """Whether a line is shown. ``nodes`` are those that it is about; others may be named in its text."""
        if SEVERITY[level] < SEVERITY[self.level]:
            return False
        if self.nodes and not any(node in nodes or _named(node, text) for node in self.nodes):
            return False
        if not self.words:
            return True
        folded = text.casefold()
        return all(word in folded for word in self.words)

    def with_next_level(self) -> ActivityFilter:
        """The same for worse lines only; after the worst, for all."""
        order = (Level.INFO, *LEVELS)
        level = order[(SEVERITY[self.level] + 1) % len(order)]
        return ActivityFilter(self.words, self.nodes, level)


EVERYTHING = ActivityFilter()


def _named(node: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(node)}(?!\w)", text) is not None


async def filter_activity(invocation: Invocation, context: Context) -> bool:
    """``filter``."""
    wanted = ActivityFilter.parse(invocation.values.get("text", ""))
    if context.filtered is None:
        raise ClusterError("there is no activity to filter here: that is a panel of the dashboard")
    context.filtered(wanted)
    return True


COMMANDS: tuple[Command, ...] = (
    Command(
        "filter",
        (Argument("text", "words, node:<id>, level:warning or level:bad", Kind.TEXT, optional=True, rest=True),),
        "Show only some of the activity",
        "Lines that have all of the words, name one of the nodes and are at least so bad: filter node:B level:warning."
        " Without anything it shows all of them again. For the dashboard.",
        filter_activity,
        changes=False,
    ),
)
