"""The words in the middle of the ring: how many keys, on how many nodes, how even; and the key that was looked up,
or what to type first."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from rich.cells import cell_len

from kvtui.commands.reachable import keys_words
from kvtui.core.balance import balance
from kvtui.core.ring_walk import Step
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.first_steps import first_steps, invitation
from kvtui.widgets.ring.found import found_lines, line_width, why_line
from kvtui.widgets.tints import Line
from kvtui.widgets.words import counted
from kvtui.widgets.wrapping import wrapped_text

CAN_BE_REACHED = " can be reached"


def centre_lines(
    picture: Picture, width: int, rows: int, reached: AbstractSet[str], steps: Sequence[Step]
) -> list[Line]:
    """At most ``rows`` lines of at most ``width`` cells, the most important first to stay. Of the replicas of a key that was
    looked up, those ``reached`` are named; ``steps`` are the virtual nodes met on the way there, if there is one."""
    snapshot = picture.snapshot
    if not snapshot.nodes:
        return chosen(invitation(width), width, rows)
    lines: list[tuple[int, Line]] = [
        *((0, line) for line in _keys(snapshot, width, rows)),
        (2, ((_copies(snapshot), "dim"),)),
        (4, ((f"balance {balance(snapshot):.2f}", "dim"),)),
    ]
    found = found_lines(picture, width, reached, steps)
    if found:
        lines += [(5, ((" ", "text"),)), *((1, line) for line in found)]
        why = why_line(picture, width - 4, steps)  # further down the ring is narrower
        lines += [(3, why)] if why else []
    else:
        steps_to_take = first_steps(snapshot, width)
        lines += [(5, ((" ", "text"),)), *((1, line) for line in steps_to_take)] if steps_to_take else []
    return chosen(lines, width, rows)


def chosen(lines: Sequence[tuple[int, Line]], width: int, rows: int) -> list[Line]:
    """Those of ``lines`` that fit, in their order; the larger their number, the sooner they go."""
    fitting = [line for line in lines if line_width(line[1]) <= width]
    while len(fitting) > rows:
        last = max(range(len(fitting)), key=lambda place: (fitting[place][0], place))
        del fitting[last]
    return [line for _, line in fitting]


def _keys(snapshot: ClusterSnapshot, width: int, rows: int) -> list[Line]:
    """How many keys there are; where some can't be reached, how many can, on as many lines as it takes. All of it or nothing: a
    part would be another number."""
    if not snapshot.unavailable and not snapshot.lost:
        return [((counted(snapshot.keys, "key"), "bold"),)]
    words = keys_words(snapshot)
    number = words.removesuffix(CAN_BE_REACHED)
    amount, noun = number.rsplit(" ", 1)
    reachable, of, known = amount.partition(" of ")
    ways = (
        [words],
        [number, CAN_BE_REACHED.strip()],
        [amount, noun + CAN_BE_REACHED],
        [reachable, f"{of.strip()} {known} {noun}".strip(), CAN_BE_REACHED.strip()],
    )
    fits = (way for way in (*ways, wrapped_text(words, width)) if len(way) <= rows)
    seen = next((way for way in fits if all(cell_len(text) <= width for text in way)), ())
    return [((text, "bad bold"),) for text in seen]


def _copies(snapshot: ClusterSnapshot) -> str:
    nodes = counted(snapshot.copies_each, "node")
    if snapshot.unavailable or snapshot.lost:
        return f"not all on {nodes}"
    return f"not all on {nodes}" if snapshot.under_replicated else f"on {nodes} each"
