"""What a change would do, over the dashboard: before and after, with the ring as it would be where there is room for it."""

import os
import sys
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from kvtui.core.plan import NodePlan, Plan
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.screens.sheet import Sheet
from kvtui.widgets.picture import Picture
from kvtui.widgets.planned import Planned
from kvtui.widgets.ring import Ring
from kvtui.widgets.ring.glyphs import glyphs_for


class PlanScreen(Sheet):
    """Draws one plan; ``r`` turns its ring to the present one and back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "turn", "Ring before and after")]

    def __init__(self, made: Plan, picture: Picture) -> None:
        after = picture.with_snapshot(as_planned(picture.snapshot, made))
        colours = {**picture.colours, **after.colours}
        self._before = replace(picture, located=None, selected="")
        self._after = replace(after, located=None, selected="", colours=colours)
        # While the app runs, sys.stdout is no terminal's.
        encoding = getattr(sys.__stdout__, "encoding", "") or "utf-8"
        self._ring = Ring(id="planned-ring", glyphs=glyphs_for(os.environ, encoding))
        self._ring.set_reactive(Ring.picture, self._after)
        super().__init__(f"Plan · {made.change}", Planned(made, self._after), "nothing is changed")

    def compose(self) -> ComposeResult:
        self._ring.border_title = "Ring afterwards"
        self._ring.border_subtitle = "r: as it is"
        with Horizontal(id="plan"):
            yield self._frame
            yield self._ring

    def action_turn(self) -> None:
        """The ring as it is, or as it would be."""
        afterwards = self._ring.picture is self._before
        self._ring.picture = self._after if afterwards else self._before
        self._ring.border_title = "Ring afterwards" if afterwards else "Ring as it is"
        self._ring.border_subtitle = "r: as it is" if afterwards else "r: afterwards"


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
