"""Keeps what the inspector shows of a key true: its replicas are asked again when what they told may no longer hold."""

import asyncio
from bisect import bisect_right
from typing import Final

from kvtui.commands.inspection import replicas_of
from kvtui.core.cluster import Cluster, ClusterError, Heard, Location
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.screens.dashboard import Dashboard
from kvtui.widgets.picture import Picture, Subject

AGAIN_SECONDS: Final = 0.4
"""Least time between two times that they are asked."""


class KeyWatch:
    """Looks at every picture; asks while ``run`` runs, and then only what changed."""

    def __init__(self, cluster: Cluster, dashboard: Dashboard) -> None:
        self._cluster = cluster
        self._dashboard = dashboard
        self._located: Location | None = None
        self._seen: object = None
        """What the cluster was like when the replicas were asked last."""
        self._wanted = asyncio.Event()

    def look(self, picture: Picture) -> None:
        """At the next picture."""
        if picture.located is None or picture.inspected is not Subject.KEY:
            return
        now = circumstances(picture.snapshot, picture.located)
        if picture.located is not self._located:
            self._located = picture.located
            # Who looked it up asked them just now, as a rule.
            self._seen = now if is_whole(picture.snapshot, picture.located) else None
        if now != self._seen:
            self._wanted.set()

    async def run(self) -> None:
        """Ask when it is wanted, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            picture = self._dashboard.picture
            if picture.located is None or picture.inspected is not Subject.KEY:
                continue
            self._seen = circumstances(picture.snapshot, picture.located)
            try:
                self._dashboard.show_held(await self._cluster.locate(picture.located.key))
            except ClusterError:
                pass  # It is asked again once the cluster looks different.
            await asyncio.sleep(AGAIN_SECONDS)
            self.look(self._dashboard.picture)


def circumstances(snapshot: ClusterSnapshot, location: Location) -> object:
    """All that decides what a key's replicas tell: who they are, which of them are clean, whether each can be reached, and how much
    it has written."""
    if not snapshot.ranges:
        return ()
    part = snapshot.ranges[bisect_right(snapshot.ranges, location.position, key=lambda known: known.start) - 1]
    replicas = replicas_of(part)
    nodes = {view.id: (view.state, view.data_id, view.counter) for view in snapshot.nodes if view.id in replicas}
    return replicas, part.clean, [nodes.get(node) for node in replicas]


def is_whole(snapshot: ClusterSnapshot, location: Location) -> bool:
    """Whether every replica that can be reached was asked for it."""
    known = {copy.node: copy for copy in location.replicas}
    if not snapshot.ranges:
        return True
    part = snapshot.ranges[bisect_right(snapshot.ranges, location.position, key=lambda known: known.start) - 1]
    down = {view.id for view in snapshot.nodes if view.state is NodeState.DOWN}
    return all(
        node in down or (node in known and known[node].heard is not Heard.NOT_ASKED) for node in replicas_of(part)
    )
