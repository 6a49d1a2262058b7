"""What a change would do, over the dashboard: before and after, with the ring as it would be where there is room for it."""

import os
import sys
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from kvtui.core.plan import NodePlan, Plan
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.screens.sheet import Sheet
from kvtui.widgets.footer import Footer
from kvtui.widgets.picture import Picture
from kvtui.widgets.planned import Planned
from kvtui.widgets.ring import Ring
from kvtui.widgets.ring.glyphs import glyphs_for

BOTH_HEIGHT = 46
"""Rows from which on a sheet beside the ring has room for the numbers and the ring afterwards."""


class PlanScreen(Sheet):
    """Draws one plan; ``r`` shows the ring as it would be, and the numbers again, where they have no room side by side."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "turn", "Ring afterwards, or numbers")]

    def __init__(self, made: Plan, picture: Picture) -> None:
        after = picture.with_snapshot(as_planned(picture.snapshot, made))
        after = replace(after, located=None, selected="", colours={**picture.colours, **after.colours})
        # While the app runs, sys.stdout is no terminal's.
        encoding = getattr(sys.__stdout__, "encoding", "") or "utf-8"
        self._ring = Ring(id="planned-ring", glyphs=glyphs_for(os.environ, encoding))
        self._ring.set_reactive(Ring.picture, after)
        self._ring.border_title = "Ring afterwards"
        super().__init__(f"Plan · {made.change}", Planned(made, after), "nothing is changed")

    def compose(self) -> ComposeResult:
        with Container(id="plan"):
            yield self._frame
            yield self._ring
        yield Footer(palette=False, id="footer")

    def place(self) -> None:
        """Beside the ring or over all; with the ring afterwards below the numbers, where both have room."""
        super().place()
        both = self.app.size.height >= BOTH_HEIGHT
        self.set_class(both, "-both")
        self._ring.border_subtitle = "" if both else "r: numbers"

    def action_turn(self) -> None:
        """The ring as it would be, or the numbers."""
        self.toggle_class("-turned")


def as_planned(snapshot: ClusterSnapshot, made: Plan) -> ClusterSnapshot:
    """The picture of the cluster once the change is made and everything has moved."""
    nodes = tuple(_as_planned(snapshot.node(node.node), node, made) for node in made.nodes if node.slots.after)
    return replace(
        snapshot,
        nodes=nodes,
        ranges=made.ranges,
        copies_each=made.copies.after,
        copies=sum(node.keys for node in nodes),
        under_replicated=0,
        moving=None,
    )


def _as_planned(view: NodeView | None, node: NodePlan, made: Plan) -> NodeView:
    return replace(
        view or NodeView(node.node, "", 0, NodeState.UP),
        weight=node.weight,
        keys=node.keys.after,
        share=node.slots.after / made.slots,
        first_share=node.firsts.after / made.slots,
        behind=0,
        receiving=None,
        leaving=False,
    )
