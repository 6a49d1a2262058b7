"""What moves on the ring, and since when: events are noticed from one picture to the next, and each ends by itself.

Everything here is a value. The widget keeps ``Events``, and asks for the ``Moment`` of each frame.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from kvtui.core.cluster import Location
from kvtui.core.snapshot import NodeState
from kvtui.widgets.picture import Picture

FRAME_SECONDS = 0.1
"""Least time between two frames."""
TURN_SECONDS = 1.4
"""From a node's end, or its return, until its arcs rest."""


class Motion(Enum):
    """How much a person wants to see moving."""

    FULL = "full"
    REDUCED = "reduced"
    """Every event shows its end at once."""


def motion_for(environment: Mapping[str, str]) -> Motion:
    """What the environment asks for: ``KVTUI_MOTION=reduced`` (or ``full``), else ``TEXTUAL_ANIMATIONS=none``."""
    wanted = environment.get("KVTUI_MOTION", "").lower()
    if wanted in {motion.value for motion in Motion}:
        return Motion(wanted)
    return Motion.REDUCED if environment.get("TEXTUAL_ANIMATIONS", "").lower() == "none" else Motion.FULL


@dataclass(frozen=True, slots=True)
class Turn:
    """A node that went down, or came up, so many seconds ago."""

    down: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Moment:
    """How long ago events were, in seconds. What ended long ago, or never was, is at rest."""

    looked_up: float = math.inf
    turns: Mapping[str, Turn] = field(default_factory=dict)
    """By node, those that have not ended."""


REST = Moment()
"""Nothing moves."""


@dataclass(frozen=True, slots=True)
class Events:
    """What was noticed last, with the times of a monotonic clock. A node that was down from the start is no event."""

    located: Location | None = None
    located_at: float = -math.inf
    down: Mapping[str, bool] = field(default_factory=dict)
    """Whether a node is down, for those that there are."""
    turned: Mapping[str, float] = field(default_factory=dict)
    """When a node went down or came up."""

    def noticed(self, picture: Picture, now: float) -> "Events":
        """After another picture came at ``now``."""
        down = {node.id: node.state is NodeState.DOWN for node in picture.snapshot.nodes}
        turned = {node: at for node, at in self.turned.items() if node in down and now - at < TURN_SECONDS}
        turned |= {node: now for node, is_down in down.items() if self.down.get(node, is_down) != is_down}
        located_at = self.located_at if picture.located is self.located else now
        return Events(picture.located, located_at, down, turned)

    def moment(self, now: float) -> Moment:
        """How long ago that is at ``now``."""
        turns = {node: Turn(self.down[node], now - at) for node, at in self.turned.items() if now - at < TURN_SECONDS}
        return Moment(now - self.located_at, turns)
