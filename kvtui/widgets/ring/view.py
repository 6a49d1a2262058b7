"""The three ways to look at the ring, and which of them a size can show."""

from enum import StrEnum

from kvtui.widgets.ring.circle import Circle

ARC_LENGTH = 3.0
"""Cell widths round the circle that an arc needs, on average, to be told from its neighbours."""


class View(StrEnum):
    """What the arcs stand for."""

    ARCS = "arcs"
    """Every range, in the colour of its first replica."""
    FOCUS = "focus"
    """The selected node's ranges bright, all others dimmed."""
    SHARE = "share"
    """One arc a node, as long as its share of the ring."""

    @property
    def next(self) -> "View":
        """The one that follows when a person switches."""
        views = list(View)
        return views[(views.index(self) + 1) % len(views)]


def fitting(circle: Circle, arcs: int, selected: str) -> View:
    """The view that shows most without turning to mud: focus on a selected node, else arcs while they fit, else shares."""
    if selected:
        return View.FOCUS
    return View.ARCS if arcs <= most_arcs(circle) else View.SHARE


def most_arcs(circle: Circle) -> int:
    """How many arcs can be told from one another."""
    return int(circle.circumference / ARC_LENGTH)
