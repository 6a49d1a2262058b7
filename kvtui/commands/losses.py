"""accept-loss: a person decides to go on without what is lost."""

from __future__ import annotations

from kvtui.commands.command import Argument, Command, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.wording import counted
from kvtui.core.cluster import ClusterError, Losses
from kvtui.core.events import Level
from kvtui.core.guarantee import unserved


async def accept_loss(invocation: Invocation, context: Context) -> bool:
    """``accept-loss``: refused without ``--yes`` or a person's yes, since nothing brings the keys back."""
    cluster = context.cluster
    if not isinstance(cluster, Losses):
        raise ClusterError("this cluster can't tell what it lost")
    lost = (await cluster.refresh()).lost
    node = invocation.values.get("id")
    if (lost or node) and not invocation.yes:
        what = f"what only {node} holds" if node else f"the newest writes of {counted(lost, 'slot')}"
        raise ClusterError(
            f"accept-loss gives up {what} for good: start the nodes that hold it if you can, else say"
            f" accept-loss {f'{node} ' if node else ''}--yes"
        )
    accepted = await cluster.accept_loss(node)
    if accepted:
        slots = counted(accepted, "slot")
        again = f"{slots} {'is' if accepted == 1 else 'are'} served again, from what is left"
        told = Line(f"Loss accepted: {slots} served again from what is left", Level.WARNING)
        context.answer([told], [Line(again, Level.WARNING)])
    else:
        picture = cluster.snapshot()
        waiting = f": {unserved(picture)}" if picture.unavailable else ""
        context.say(Line(f"Nothing is lost{waiting}"))
    return True


COMMANDS: tuple[Command, ...] = (
    Command(
        "accept-loss",
        (Argument("id", "a node that is gone: what only it holds is given up too", Kind.NODE, optional=True),),
        "Go on without what is lost",
        "Slots without any clean copy refuse reads and writes, as their newest writes may be gone. This serves them again from"
        " what is left. If the nodes that hold them can still be started, start them instead.",
        accept_loss,
        destructive=True,
        question="Give up what is lost for good? Nodes that still hold it could be started instead.",
        capability=Losses,
        changes=True,
    ),
)
