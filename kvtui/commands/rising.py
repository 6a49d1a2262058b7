"""How many copies keys have, and what a change of that number comes to, in words."""

from __future__ import annotations

from kvtui.commands.context import Line
from kvtui.commands.wording import counted
from kvtui.core.events import Level
from kvtui.core.naming import named
from kvtui.core.settled import settled
from kvtui.core.snapshot import ClusterSnapshot


def to_come(there: int, picture: ClusterSnapshot) -> str:
    """What is to be said of copies that a key does not have yet; empty where it has all that are wanted and possible. ``there``:
    replicas that it has."""
    missing = picture.copies_each - there
    if missing <= 0 or not there:
        return ""
    many = (
        f"{missing} more copies follow" if missing > 1 else f"{'a second' if there == 1 else 'one more'} copy follows"
    )
    if not picture.moves_waiting:
        return f"{many} in the background"
    back = f"once {named(picture.moves_wait_for)} can be reached"
    return f"{many} {back}" if picture.moves_waiting >= _left(picture) else f"{many} in the background, or {back}"


def number_set(wanted: int, before: ClusterSnapshot, after: ClusterSnapshot) -> list[Line]:
    """What follows from ``setreplica``: what moves meanwhile, that nothing does, or that nodes are missing. Nothing where all is
    done at once."""
    lines = []
    left = _left(after)
    if wanted == before.replication and before.nodes:
        same = f"Nothing changes: every key is to have {counted(wanted, 'copy', 'copies')} already"
        if left:
            same += f"; {_slots(left, after)} still move {_when(after)}"
        elif not settled(after):
            same += f"; now: {after.guarantee}"
        lines.append(Line(same))
    elif left and after.copies_each > before.copies_each:
        lines.append(Line(f"{_slots(left, after)} get {_more(before, after)} {_when(after)}"))
    elif after.copies_each < before.copies_each and not settled(after):
        lines.append(Line(f"{_slots(after.slots, after)} give up copies in the background; reads and writes go on"))
    elif left:
        lines += slots_move(after)
    nodes = len(after.nodes)
    if nodes < wanted:
        copies = f"Every key has {counted(nodes, 'copy', 'copies')}" if nodes else "There are no nodes yet"
        if nodes and not settled(after):
            copies = f"Every key will have {counted(nodes, 'copy', 'copies')}"
        lines.append(Line(f"{copies}; add nodes to reach {wanted}", Level.WARNING))
    return lines


def _more(before: ClusterSnapshot, after: ClusterSnapshot) -> str:
    more = after.copies_each - before.copies_each
    if more > 1:
        return f"{more} more copies each"
    return "a second copy" if after.copies_each == 2 else "one more copy"


def _slots(number: int, picture: ClusterSnapshot) -> str:
    """``5,461 slots (about 6,667 keys)``."""
    keys = round(picture.keys * number / picture.slots)
    if not keys:
        return counted(number, "slot")
    return f"{counted(number, 'slot')} ({'' if number == picture.slots else 'about '}{counted(keys, 'key')})"


def slots_move(picture: ClusterSnapshot) -> list[Line]:
    """What is moving now, where anything is."""
    left = _left(picture)
    return [Line(f"{_slots(left, picture)} move {_when(picture)}")] if left else []


def _left(picture: ClusterSnapshot) -> int:
    return 0 if picture.moving is None else picture.moving.total - picture.moving.done


def _when(picture: ClusterSnapshot) -> str:
    """What moves do to those who read and write, and for whom they wait."""
    when = "in the background"
    if picture.moves_waiting:
        back = f"once {named(picture.moves_wait_for)} can be reached"
        when = back if picture.moves_waiting >= _left(picture) else f"{when}, {picture.moves_waiting:,} of them {back}"
    return f"{when}; reads and writes go on"
