"""The command compact: nodes give back the space of what was deleted, now."""

from __future__ import annotations

import anyio

from kvtui.commands.command import Argument, Command, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.sizes import size
from kvtui.core.cluster import ClusterError, Compaction, Compacts
from kvtui.core.events import Level
from kvtui.core.snapshot import NodeState

ASK_SECONDS = 0.1
"""How often a node is asked how far it is."""


async def compact(invocation: Invocation, context: Context) -> bool:
    """``compact``: one node after the other, so that the others serve undisturbed."""
    cluster = context.cluster
    picture = await cluster.refresh()
    if not isinstance(cluster, Compacts):
        raise ClusterError("this cluster's nodes can't be compacted")
    given = invocation.values.get("id")
    succeeded = True
    try:
        for view in picture.nodes:
            if given is None and view.state is NodeState.DOWN:
                context.say(Line(f"{view.id} is DOWN: left out", Level.WARNING))
            elif given in (None, view.id):
                succeeded &= await _compacted(view.id, cluster, context)
        if given is not None and picture.node(given) is None:
            await cluster.compact(given)  # says what nodes there are
    finally:
        context.progress("", 0, 0)
    return succeeded


async def _compacted(node: str, cluster: Compacts, context: Context) -> bool:
    try:
        found = await cluster.compact(node)
        while found.done < found.total:
            context.progress(f"Compacting {node}", found.done, found.total)
            await anyio.sleep(ASK_SECONDS)
            found = await cluster.compact(node, begin=False)
    except ClusterError as error:
        context.say(Line(f"Not compacted: {error}", Level.BAD))
        return False
    context.say(Line(compacted_words(found), Level.GOOD))
    return True


def compacted_words(found: Compaction) -> str:
    """``Compacted n1: 88 MiB before, 1 KiB now``."""
    if not found.before:
        return f"{found.node} keeps everything in memory: nothing is left to give back"
    return f"Compacted {found.node}: {size(found.before)} before, {size(found.now)} now"


COMMANDS: tuple[Command, ...] = (
    Command(
        "compact",
        (Argument("id", "the node; without it, all of them", Kind.NODE, optional=True),),
        "Give back the disk space of what was deleted",
        "Nodes do so by themselves once enough was deleted or overwritten, when few clients ask or it is a lot; this does it now."
        " Reads and writes go on, and nothing that is stored changes.",
        compact,
        capability=Compacts,
        changes=True,
    ),
)
