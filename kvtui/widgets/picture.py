"""What a screen shows at one moment: the one value that is handed down to every panel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kvtui.core.cluster import Location
from kvtui.core.ring_walk import range_at
from kvtui.core.snapshot import ClusterSnapshot, RangeView
from kvtui.widgets.node_colours import assign

NOTHING_YET = ClusterSnapshot(name="", epoch=0, policy="", slots=0, replication=1, copies_each=0, write_quorum=1)


class Subject(StrEnum):
    """What the inspector is about."""

    NOTHING = "nothing"
    NODE = "node"
    """The node in focus."""
    KEY = "key"
    """The key that was looked up last."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The cluster, and what the person at the screen chose to see of it."""

    snapshot: ClusterSnapshot = NOTHING_YET
    colours: Mapping[str, int] = field(default_factory=dict)
    """Each node's place in the list of node colours."""
    located: Location | None = None
    """The key that was looked up last."""
    held: Location | None = None
    """What its replicas hold, as they told since; None where they were not asked again."""
    selected: str = ""
    """The node in focus; empty for none."""
    inspected: Subject = Subject.NOTHING

    @property
    def known(self) -> Location | None:
        """The newest that is known of the key that was looked up."""
        return self.held if self.held is not None else self.located

    @property
    def holders(self) -> tuple[str, ...]:
        """The replicas of the key that was looked up, as they are now, first replica first."""
        part = self._range
        return part.replicas if part is not None else ()

    @property
    def clean_holders(self) -> tuple[str, ...]:
        """Those of them that hold every acknowledged write."""
        part = self._range
        return part.clean if part is not None else ()

    @property
    def newcomers(self) -> tuple[str, ...]:
        """The nodes that are being filled with it."""
        part = self._range
        return tuple(node for node in part.receiving if node not in part.replicas) if part is not None else ()

    @property
    def _range(self) -> RangeView | None:
        return None if self.located is None else range_at(self.snapshot, self.located.position)

    def with_snapshot(self, snapshot: ClusterSnapshot) -> "Picture":
        """The same view of a newer cluster. A node in focus that is gone is in focus no more."""
        ids = [node.id for node in snapshot.nodes]
        colours = self.colours if list(self.colours) == ids else assign(self.colours, ids)
        newer = replace(self, snapshot=snapshot, colours=colours)
        return newer if self.selected in colours else newer.with_node("")

    def with_node(self, node: str) -> "Picture":
        """The same with another node in focus, which is also inspected where one was; empty: none."""
        inspected = Subject.NOTHING if self.inspected is Subject.NODE and not node else self.inspected
        return replace(self, selected=node, inspected=inspected)
