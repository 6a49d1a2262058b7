"""Who is named beside the ring, where, and with which mark."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kvtui.commands.wording import harmless
from kvtui.core.snapshot import NodeState
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.labels import Label
from kvtui.widgets.ring.view import View
from kvtui.widgets.words import percent, short

LABEL_LONGEST = 10
"""Cells of a node's id beside the ring; longer ones are cut."""
LABELLED_LENGTH = 5.0
"""Cell widths that an arc needs for a label of its own, beside its node's first."""
SHARES_NAMED = 24
"""With more nodes than this a share's percentage is left out beside its name: the ring needs the room."""
CROWD = 3
"""Times as many labels as there are rows are tried; of more, some that are evenly spread."""


def labels(picture: Picture, view: View, arcs: Sequence[Arc], circle: Circle, reached: AbstractSet[str]) -> list[Label]:
    """Labels in the order in which they are placed: one a node at its longest arc, those in question first, then one at every
    other long arc, with the same sign; one of them says how many arcs the node has.

    ``reached`` are the replicas of the key that was looked up, as far as they are shown by now.
    """
    arcs = whole(arcs)
    longest = main_arcs(arcs)
    held = {node: place for place, node in enumerate(picture.holders) if node in reached}
    down = {node.id for node in picture.snapshot.nodes if node.state is NodeState.DOWN}
    shares = _shares(arcs) if names_shares(picture, view) else {}
    runs: Counter[str] = Counter()
    if picture.snapshot.moving is None:  # else their number is another one each time
        runs.update(arc.node for arc in arcs)
    asked: list[Label] = []
    first: list[Label] = []
    others: list[Label] = []
    for node, arc in longest.items():
        text = short(harmless(node), LABEL_LONGEST)
        if shares:
            text += f" {percent(shares.get(node, 0.0))}"
        in_question = node in held or node == picture.selected
        label = Label(_middle(arc), text, node, _mark(node, held, down), bold=in_question, more=_number(runs[node]))
        (asked if in_question or node in down else first).append(label)
    most = CROWD * circle.rows
    if len(first) > most:
        first.sort(key=lambda label: label.position)
        first = [first[place * len(first) // most] for place in range(most)]
    if view is not View.SHARE:
        enough = LABELLED_LENGTH / circle.circumference
        others = [
            Label(
                _middle(arc),
                short(harmless(arc.node), LABEL_LONGEST),
                arc.node,
                _mark(arc.node, {}, down),
                more=_number(runs[arc.node]),
            )
            for arc in arcs
            if arc.node and arc is not longest[arc.node] and arc.length >= enough and not arc.dimmed
        ]
    return asked + first + others[:most]


def main_arcs(arcs: Sequence[Arc]) -> dict[str, Arc]:
    """Of arcs in one piece, each node's longest: its name stands beside it, and lines to the node lead there."""
    longest: dict[str, Arc] = {}
    for arc in arcs:
        owner = arc.node or arc.gaining
        if owner and (owner not in longest or arc.length > longest[owner].length):
            longest[owner] = arc
    for arc in arcs:  # a newcomer that owns nothing yet still has its name where it will be
        if arc.gaining and arc.gaining not in longest:
            longest[arc.gaining] = arc
    return longest


def names_shares(picture: Picture, view: View) -> bool:
    """Whether names go with percentages."""
    return view is View.SHARE and len(picture.snapshot.nodes) <= SHARES_NAMED


def whole(arcs: Sequence[Arc]) -> list[Arc]:
    """Neighbours of one node in one piece, one that runs over the top as well (it ends above 1)."""
    whole: list[Arc] = []
    for arc in arcs:
        if whole and whole[-1].node == arc.node and (arc.node or whole[-1].gaining == arc.gaining):
            whole[-1] = replace(whole[-1], stop=arc.stop, gaining=whole[-1].gaining or arc.gaining)
        else:
            whole.append(arc)
    if len(whole) > 1 and whole[0].node == whole[-1].node and whole[0].node:
        whole[-1] = replace(whole[-1], stop=1.0 + whole.pop(0).stop)
    return whole


def _number(arcs: int) -> str:
    return f" ({arcs} arcs)" if arcs > 1 else ""


def _middle(arc: Arc) -> float:
    return (arc.start + arc.stop) / 2


def _mark(node: str, held: dict[str, int], down: AbstractSet[str]) -> str:
    if node in down:
        return "○"
    if node in held:
        return "◆" if held[node] == 0 else "◇"
    return "●"


def _shares(arcs: Sequence[Arc]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for arc in arcs:
        shares[arc.node] = shares.get(arc.node, 0.0) + arc.length
    return shares
