"""What a person at the prompt must hear though nobody asked: nodes that go and come back, loss, and copies that have
risen."""

from __future__ import annotations

from collections.abc import Callable

from kvtui.commands import Level, Line
from kvtui.commands.wording import counted
from kvtui.core.cluster import Cluster
from kvtui.core.guarantee import unserved, unwritten
from kvtui.core.settled import settled, settled_words
from kvtui.core.snapshot import ClusterSnapshot, NodeState


def notices(before: ClusterSnapshot, after: ClusterSnapshot) -> list[Line]:
    """The lines for what changed between two pictures; nothing for nodes that joined or left."""
    states = {view.id: view.state for view in before.nodes}
    lines: list[Line] = []
    if after.stopped and not before.stopped:
        lines.append(Line(after.stopped, Level.BAD))
    elif before.stopped and not after.stopped:
        lines.append(Line(f"There is a coordinator again, in {after.attached or 'this kvtui'}", Level.GOOD))
    if after.log_full and not before.log_full:
        lines.append(Line(after.log_full, Level.BAD))
    elif before.log_full and not after.log_full:
        lines.append(Line("The metadata log takes records again", Level.GOOD))
    for view in after.nodes:
        was = states.get(view.id, view.state)
        if view.state is NodeState.DOWN and was is not NodeState.DOWN:
            lines.append(Line(f"Node {view.id} is down", Level.WARNING))
        elif view.state is NodeState.UP and was is NodeState.DOWN:
            lines.append(Line(f"Node {view.id} is up again", Level.GOOD))
    if after.lost > before.lost:
        slots = counted(after.lost, "slot")
        lines.append(
            Line(f"{slots} lost: no clean copy is left; start the nodes that held them (help accept-loss)", Level.BAD)
        )
    elif before.lost and not after.lost:
        lines.append(Line("No slot is lost any more", Level.GOOD))
    lines += _unserved(before, after)
    if settled(after) and not settled(before) and after.copies and before.nodes:
        lines.append(Line(settled_words(after).capitalize(), Level.GOOD))
    return lines


def _unserved(before: ClusterSnapshot, after: ClusterSnapshot) -> list[Line]:
    """What can't be served, or not be written, any more, and that all can again."""
    if after.stopped:
        return []
    if after.unavailable > before.unavailable:
        return [Line(unserved(after), Level.BAD)]
    if before.unavailable and not after.unavailable:
        return [Line("No slot waits to be served any more", Level.GOOD)]
    return [Line(unwritten(after), Level.BAD)] if after.unwritable > before.unwritable else []


async def watch(cluster: Cluster, notify: Callable[[Line], None]) -> None:
    """Pass on notices as they arise. Never returns."""
    seen = cluster.snapshot()
    while True:
        new = await cluster.changed(seen)
        for line in notices(seen, new):
            notify(line)
        seen = new
