"""What to type next, in the middle of a ring that has just begun: until there are keys, and a second copy of them."""

import re

from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.tints import Line

LEAST_WIDTH = len("addnode A 5001")
"""Cells that the least of them needs."""
SENTENCE_WIDTH = 22
"""Cells from which on it is a sentence."""
BEGINNER = 2
"""Nodes of a ring that has just begun, at most."""
PORTS = range(5001, 5100)
"""Ports that a person chose; next to others there may be no free one."""


def invitation(width: int) -> list[tuple[int, Line]]:
    """What to type while there is no node, each line with how soon it goes where there is little room."""
    if width < SENTENCE_WIDTH:
        return [(1, (("to begin, type", "dim"),)), (0, _typed("addnode A 5001"))]
    return [
        (2, (("no nodes yet", "bold"),)),
        (4, ((" ", "text"),)),
        (1, (("type", "dim"),)),
        (0, _typed("addnode A 5001")),
        (3, (("to start the first one", "dim"),)),
        (5, (("(0 is any port)", "dim"),)),
    ]


def first_steps(snapshot: ClusterSnapshot, width: int) -> list[Line]:
    """What to type next in lines of at most ``width`` cells, the most useful first; nothing on a ring that is used."""
    typed: list[str] = []
    if len(snapshot.nodes) > BEGINNER and snapshot.keys:
        return []
    if not snapshot.keys and not snapshot.unavailable and not snapshot.lost:
        typed += ["put apple 123", "fill 1000"]
    if len(snapshot.nodes) == 1:
        typed.append(another_node(snapshot))
    elif len(snapshot.nodes) <= BEGINNER and snapshot.replication == 1:
        typed.append("setreplica 2")
    words = ("type ", "or ", "then ") if not snapshot.keys else ("next ",)
    spoken: list[Line] = [((word, "dim"), *_typed(command)) for word, command in zip(words, typed, strict=False)]
    if not spoken or all(len(word + command) <= width for word, command in zip(words, typed, strict=False)):
        return spoken
    return [(("to go on, type", "dim"),), *(_typed(command) for command in typed if len(command) <= width)]


def another_node(snapshot: ClusterSnapshot) -> str:
    """The command for one more node, called in the manner of those that there are."""
    ids = {node.id for node in snapshot.nodes}
    last = snapshot.nodes[-1]
    numbered = re.fullmatch(r"(.*?)([0-9]{1,6})", last.id)
    if numbered:
        stem, number = numbered[1], int(numbered[2])
    else:
        stem, number = "n", len(ids)
    if len(last.id) == 1 and last.id.upper() in "ABCDEFGHIJKLMNOPQRSTUVWXY" and last.id.isascii():
        name = chr(ord(last.id) + 1)
    else:
        name = f"{stem}{number + 1}"
    while name in ids:
        number += 1
        name = f"{stem}{number + 1}"
    port = max(node.port for node in snapshot.nodes) + 1
    return f"addnode {name} {port if port in PORTS else 0}"


def _typed(command: str) -> Line:
    return ((command, "accent bold"),)
