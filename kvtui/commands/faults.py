"""Commands that do to nodes what life does: kill, pause, resume, slow, cut, heal, wipe."""

from __future__ import annotations

from kvtui.commands import plain
from kvtui.commands.command import Argument, Command, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.core.cluster import Cluster, ClusterError, Faults
from kvtui.core.events import Level


async def kill(invocation: Invocation, context: Context) -> bool:
    """``kill``."""
    node = invocation.values["id"]
    await _faults(context.cluster).kill_node(node)
    again = plain.brought_back(context.cluster.snapshot(), node, "with what it had on disk")
    context.answer([Line(f"Node killed: {node}; bring it back with: start {node}", Level.GOOD)], [again])
    return True


async def pause(invocation: Invocation, context: Context) -> bool:
    """``pause``."""
    node = invocation.values["id"]
    await _faults(context.cluster).pause_node(node)
    _done(context, f"Node paused: {node}; let it go on with: resume {node}", f"resume {node} lets it go on")
    return True


async def resume(invocation: Invocation, context: Context) -> bool:
    """``resume``."""
    node = invocation.values["id"]
    await _faults(context.cluster).resume_node(node)
    _done(context, f"Node resumed: {node}", f"{node} is asked again from now on")
    return True


async def slow(invocation: Invocation, context: Context) -> bool:
    """``slow``."""
    node, milliseconds = invocation.values["id"], int(invocation.values["ms"])
    await _faults(context.cluster).slow_node(node, milliseconds / 1000)
    delayed = f"slowed by {milliseconds} ms each way" if milliseconds else "no longer slowed"
    ends = f"slow {node} 0 ends that, and so does heal" if milliseconds else f"{node} answers as fast as it can"
    _done(context, f"Node {delayed}: {node}", ends)
    return True


async def cut(invocation: Invocation, context: Context) -> bool:
    """``cut``."""
    node = invocation.values["id"]
    await _faults(context.cluster).cut_node(node)
    _done(context, f"Node cut off: {node}; end the partition with: heal", "heal ends the partition")
    return True


async def heal(_invocation: Invocation, context: Context) -> bool:
    """``heal``."""
    hurt = [view.id for view in (await context.cluster.refresh()).nodes if view.fault]
    await _faults(context.cluster).heal()
    nothing = Line("Nothing to heal", Level.GOOD)
    healed = Line("All partitions, delays and pauses are over; who was killed waits for start", Level.GOOD)
    context.answer([Line(f"Healed: {' '.join(hurt)}", Level.GOOD) if hurt else nothing], [healed if hurt else nothing])
    return True


async def wipe(invocation: Invocation, context: Context) -> bool:
    """``wipe``."""
    node = invocation.values["id"]
    await _faults(context.cluster).wipe_node(node)
    _done(
        context, f"Node wiped: {node}; it begins anew, empty, with: start {node}", f"start {node} begins it anew, empty"
    )
    return True


def _done(context: Context, told: str, follows: str) -> None:
    """``follows``: what comes next, where the event tells what was done."""
    context.answer([Line(told, Level.GOOD)], [Line(follows, Level.GOOD)])


def _faults(cluster: Cluster) -> Faults:
    if not isinstance(cluster, Faults):
        raise ClusterError("this cluster's nodes can't be harmed from here")
    return cluster


_NODE = Argument("id", "a node that kvtui started", Kind.NODE)

COMMANDS: tuple[Command, ...] = (
    Command(
        "kill",
        (_NODE,),
        "Kill a node's process (kill -9)",
        "Its process dies at once, as in a crash. The node stays a member, DOWN; start brings it back with what it had on disk,"
        " which with --memory is nothing.",
        kill,
        capability=Faults,
        changes=True,
    ),
    Command(
        "pause",
        (_NODE,),
        "Pause a node's process (SIGSTOP)",
        "It keeps its connections and answers nothing, as a machine that hangs; after 1.5 seconds it counts as DOWN.",
        pause,
        capability=Faults,
        changes=True,
    ),
    Command(
        "resume",
        (_NODE,),
        "Let a paused node go on (SIGCONT)",
        "It answers again, and gets what it missed before it counts.",
        resume,
        capability=Faults,
        changes=True,
    ),
    Command(
        "slow",
        (_NODE, Argument("ms", "milliseconds each way; 0: no longer", Kind.NUMBER)),
        "Delay what goes to and from a node",
        "As a slow network does. A node that takes longer than 1.5 seconds to answer counts as DOWN.",
        slow,
        capability=Faults,
        changes=True,
    ),
    Command(
        "cut",
        (_NODE,),
        "Cut a node off (partition)",
        "Nothing comes through between kvtui and the node, either way, until heal.",
        cut,
        capability=Faults,
        changes=True,
    ),
    Command(
        "heal",
        (),
        "End all partitions, delays and pauses",
        "Killed nodes stay killed: start brings them back.",
        heal,
        capability=Faults,
        changes=True,
    ),
    Command(
        "wipe",
        (_NODE,),
        "Delete all that a node has stored",
        "Kills its process and deletes its data. Refused while it has the last clean copy of anything.",
        wipe,
        destructive=True,
        question="Delete all that node {id} has stored? The other replicas fill it again once it is started.",
        capability=Faults,
        changes=True,
    ),
)
