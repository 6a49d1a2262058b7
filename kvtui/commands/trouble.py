"""What is wrong with the whole ring, in lines of which there are none while nothing is: lost, not served, not written, waiting."""

from __future__ import annotations

from kvtui.commands.context import Line
from kvtui.commands.reachable import keys_words
from kvtui.commands.wording import counted
from kvtui.core.events import Level
from kvtui.core.guarantee import unserved, unwritten
from kvtui.core.naming import awaited
from kvtui.core.snapshot import ClusterSnapshot

NAMED_IN_FULL = 12
"""Nodes that are named where there is a line for it."""


def trouble_lines(picture: ClusterSnapshot, *, keys: bool = True) -> list[Line]:
    """The worst first, as sentences; ``keys``: with how many keys can be reached, where not all of them can."""
    lines = []
    if picture.lost:
        whose = "its" if picture.lost == 1 else "their"
        lines.append(
            Line(f"{counted(picture.lost, 'slot')} lost: no clean copy of {whose} keys is left", Level.BAD, asked=True)
        )
    if picture.unavailable:
        lines.append(Line(unserved(picture, NAMED_IN_FULL), Level.BAD, asked=True))
    if keys and (picture.unavailable or picture.lost):
        lines.append(Line(keys_words(picture), Level.BAD, asked=True))
    if picture.unwritable:
        lines.append(Line(unwritten(picture, NAMED_IN_FULL), Level.BAD, asked=True))
    if picture.moves_wait_for:
        lines.append(Line(moves_words(picture), Level.WARNING))
    if picture.moves_lost:
        lines.append(Line(lost_moves_words(picture), Level.WARNING))
    return lines


def lost_moves_words(picture: ClusterSnapshot) -> str:
    """Why moves of lost slots don't go on: ``120 slots are to move, and are lost: accept-loss lets them``."""
    one = picture.moves_lost == 1
    are, they = ("is", "it") if one else ("are", "them")
    return f"{counted(picture.moves_lost, 'slot')} {are} to move, and {are} lost: accept-loss lets {they}"


def moves_words(picture: ClusterSnapshot) -> str:
    """For whom moves wait: ``120 slots are to move, and wait for C``."""
    many = picture.moves_waiting != 1
    slots = counted(picture.moves_waiting, "slot")
    waiting = f"{'are' if many else 'is'} to move, and {'wait' if many else 'waits'} for"
    return f"{slots} {waiting} {awaited(picture.moves_wait_for, NAMED_IN_FULL)}"
