"""The words in the middle of the ring: how many keys, on how many nodes, how even; and the key that was looked up."""

from collections.abc import Set as AbstractSet

from rich.cells import cell_len

from kvtui.commands.reachable import keys_words
from kvtui.commands.wording import harmless, shown
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.balance import balance
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line
from kvtui.widgets.words import counted, short
from kvtui.widgets.wrapping import wrapped_text

INVITATION_WIDTH = len("addnode A 5001")
"""Cells that the least invitation to a first node needs."""


CAN_BE_REACHED = " can be reached"


def centre_lines(picture: Picture, width: int, rows: int, reached: AbstractSet[str]) -> list[Line]:
    """At most ``rows`` lines of at most ``width`` cells, the most important first to stay. Of the replicas of a key that was
    looked up, those ``reached`` are named."""
    snapshot = picture.snapshot
    if not snapshot.nodes:
        lines = _invitation(width)
    else:
        keys = _keys(snapshot, width)
        lines = [*keys, ((_copies(snapshot), "dim"),), ((f"balance {balance(snapshot):.2f}", "dim"),)]
        located = _located(picture, width, reached)
        if located:
            spaced = [((" ", "text"),), *located]
            lines = lines + spaced if len(lines) + len(spaced) <= rows else keys + located
    return [line for line in lines if _width(line) <= width][:rows]


def _invitation(width: int) -> list[Line]:
    long: list[Line] = [
        (("no nodes yet", "bold"),),
        ((" ", "text"),),
        (("type", "dim"),),
        (("addnode A 5001", "accent bold"),),
        (("to start the first one", "dim"),),
    ]
    return long if width >= 22 else [(("to begin, type", "dim"),), (("addnode A 5001", "accent bold"),)]


def _keys(snapshot: ClusterSnapshot, width: int) -> list[Line]:
    """How many keys there are; where some can't be reached, how many can, on as many lines as it takes."""
    if not snapshot.unavailable:
        return [((counted(snapshot.keys, "key"), "bold"),)]
    words = keys_words(snapshot)
    number = words.removesuffix(CAN_BE_REACHED)
    amount, noun = number.rsplit(" ", 1)
    ways = ([words], [number, CAN_BE_REACHED.strip()], [amount, noun + CAN_BE_REACHED])
    fits = next((way for way in ways if all(cell_len(text) <= width for text in way)), wrapped_text(words, width))
    return [((text, "bad bold"),) for text in fits]


def _copies(snapshot: ClusterSnapshot) -> str:
    nodes = counted(snapshot.copies_each, "node")
    if snapshot.unavailable or snapshot.lost:
        return f"not all on {nodes}"
    return f"not all on {nodes}" if snapshot.under_replicated else f"on {nodes} each"


def _located(picture: Picture, width: int, reached: AbstractSet[str]) -> list[Line]:
    located = picture.located
    if located is None:
        return []
    token = f"0x{located.token:016x}"
    key = shown(located.key)
    if width >= 18:
        room = width - len(" → 0x0000…")
        first: Line = ((short(key, room), "bold"), (" → ", "dim"), (token[:6] + "…", "text"))
    else:
        first = ((short(key, width), "bold"),)
    where: list[tuple[str, str]] = []
    for place, node in enumerate(picture.holders):
        if place:
            where.append((" ", "text"))
        name = ("◆ " if place == 0 else "◇ ") + short(harmless(node), 8)
        if node in reached:
            where.append((name, f"bold node:{picture.colours.get(node, 0)}"))
        else:  # its room is kept, so that nothing jumps
            where.append((" " * cell_len(name), "text"))
    while where and _width(tuple(where)) > width:
        del where[-2:]
    return [first, tuple(where)] if where else [first]


def _width(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)
