"""All commands, in the order that help lists them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from kvtui.commands import (
    activity_filter,
    bench,
    check,
    compact,
    explain,
    faults,
    fill,
    guide,
    histories,
    inspection,
    keys,
    losses,
    nodes,
    plans,
    ring,
    takeup,
    transfer,
    tuning,
)
from kvtui.commands.command import Command

COMMANDS: tuple[Command, ...] = (
    *nodes.COMMANDS,
    *inspection.COMMANDS,
    *keys.COMMANDS,
    *explain.COMMANDS,
    *ring.COMMANDS,
    *tuning.COMMANDS,
    *compact.COMMANDS,
    *plans.COMMANDS,
    *transfer.COMMANDS,
    *fill.COMMANDS,
    *losses.COMMANDS,
    *takeup.COMMANDS,
    *faults.COMMANDS,
    *check.COMMANDS,
    *bench.COMMANDS,
    *histories.COMMANDS,
    *activity_filter.COMMANDS,
    *guide.commands(lambda: COMMANDS),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
assert len(_BY_NAME) == sum(1 + len(command.aliases) for command in COMMANDS), "two commands share a name"
NAMES: tuple[str, ...] = tuple(_BY_NAME)
"""Every name and alias."""


def find(name: str) -> Command | None:
    """The command of that name or alias, in capitals or not; None if there is none."""
    return _BY_NAME.get(name.lower())


def nearest(name: str) -> str | None:
    """The command that a mistyped name most likely means; None if none is near."""
    return nearest_of(name, NAMES)


def nearest_of(name: str, known: Sequence[str]) -> str | None:
    """Which of the ``known`` names a mistyped one most likely means; None if none is near."""
    matches = get_close_matches(name.lower()[:40], known, n=1, cutoff=0.6)
    if matches:
        return matches[0]
    return next((one for one in known if len(name) > 1 and one.startswith(name.lower())), None)
