"""takeup: the coordinator goes on in this process, after the one that held it ended."""

from __future__ import annotations

from kvtui.commands.command import Command, Invocation
from kvtui.commands.context import Context, Line
from kvtui.core.cluster import ClusterError, Shared
from kvtui.core.events import Level


async def take_up(_invocation: Invocation, context: Context) -> bool:
    """``takeup``."""
    cluster = context.cluster
    if not isinstance(cluster, Shared):
        raise ClusterError("this cluster's coordinator can't be taken up")
    context.say(Line(await cluster.take_up(), Level.GOOD))
    return True


COMMANDS: tuple[Command, ...] = (
    Command(
        "takeup",
        (),
        "Hold the coordinator, after its process ended",
        "Several kvtui may be attached to the one that holds the coordinator. When that one ends, its nodes end with it. This opens"
        " the coordinator here, starts the nodes again, and lets others attach; if another kvtui was faster, this one attaches"
        " to it. kvtui attaches by itself to whoever takes it up.",
        take_up,
        capability=Shared,
        changes=False,
    ),
)
